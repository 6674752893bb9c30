import { createHmac } from 'node:crypto';
import { webhook } from '../../nodes/Flux2Bfl/provider';
import { sha256 } from '../emulator/images';
import type { Run, WorkflowJson } from '../support/engine';
import { NODE, openLab, prompts, until, workflowWith, type Lab } from '../support/lab';
import { placed } from '../support/placed';
import { openWebhooks, type Webhooks } from '../support/webhooks';

/** Calls of somebody who knows the resume URL and the task's ID: they must not choose the image. */

let lab: Lab;
let webhooks: Webhooks;

beforeAll(async () => {
	lab = await openLab({ emulator: { webhookUnitMs: 20, images: 'plain' } });
	webhooks = await openWebhooks(lab.engine);
});
afterEach(() => lab.emulator.reset());
afterAll(async () => {
	await webhooks.close();
	await lab.close();
});

const suspending = (options: object): WorkflowJson =>
	workflowWith({
		type: 'flux2Bfl',
		parameters: {
			prompt: '={{ $json.prompt }}',
			...placed('flux2Bfl', { completion: 'callback', width: 256, height: 256, ...options }),
		},
	});

type ToHeaders = (body: string) => Record<string, string>;

interface Suspended {
	/** Calls the resume URL; returns the status of the response. */
	call: (payload: object, toHeaders?: ToHeaders) => Promise<number>;
	resumed: Promise<Run>;
	/** Of this one request. */
	secret: string;
}

interface SentWebhook {
	webhook_secret: string;
}

/** An execution that nobody but the test calls, unless the task is delivered by `webhook`. */
async function suspend(
	fault: { webhook: 'never' | 'late'; seconds?: number; polls?: number },
	options: object = {},
): Promise<Suspended> {
	lab.emulator.rule({ route: 'bfl.submit' }, { task: fault });
	const { id, first, resumed } = await webhooks.run(suspending(options), prompts(1));
	expect(first.status).toBe('waiting');
	const { resumeToken } = first.raw.data;
	const url = `${webhooks.url}/webhook-waiting/${id}?signature=${resumeToken}`;
	const { webhook_secret: secret } = lab.emulator.ledger.submissions[0]!.body as SentWebhook;
	return {
		resumed,
		secret,
		call: async (payload, toHeaders) => {
			const body = JSON.stringify({ id: firstTask().id, ...payload });
			return (await fetch(url, { method: 'POST', body, headers: toHeaders?.(body) })).status;
		},
	};
}

const firstTask = () => lab.emulator.ledger.tasks[0]!;
const ended = async () => await until(() => firstTask().readyAt < Date.now());

/** An image that can be fetched, but is not that of the task. */
const foreignUrl = () => `${lab.emulator.urls.results}/references/forged.png?width=64&height=64`;
const forged = (sample = foreignUrl()) => ({ status: 'Ready', result: { sample } });
const fetchesOfForgedImage = () =>
	lab.emulator.ledger.requests.filter(({ path }) => path.startsWith('/references/'));

async function expectImageOfTask(run: Run): Promise<void> {
	const [item] = run.items(NODE);
	expect(sha256(await lab.engine.binary(item!.binary!.data!))).toBe(firstTask().sha256);
	expect(fetchesOfForgedImage()).toEqual([]);
}

const hmac =
	(secret: string): ToHeaders =>
	(body) => ({
		'x-bfl-signature': `sha256=${createHmac('sha256', secret).update(body).digest('hex')}`,
	});
const verbatim =
	(secret: string): ToHeaders =>
	() => ({ 'x-webhook-secret': secret });

describe('a forged call', () => {
	test.each([
		['with an image', () => forged()],
		['with a failure', () => ({ status: 'Error', message: 'no luck' })],
	])(
		'%s is put off while the task runs, and the true one brings its image',
		async (_what, payload) => {
			const { call, resumed } = await suspend({ webhook: 'late', polls: 1 });

			expect(await call(payload())).toBe(503);
			await expectImageOfTask(await resumed);
		},
	);

	test('for a task that is ready makes the execution go on with the image of its poll', async () => {
		const { call, resumed } = await suspend({ webhook: 'never' });
		await ended();

		expect(await call(forged())).toBe(200);
		await expectImageOfTask(await resumed);
	});

	test('does not choose the image either when it carries the secret: the poll counts', async () => {
		const { call, resumed, secret } = await suspend({ webhook: 'never' });
		await ended();

		expect(await call(forged(), hmac(secret))).toBe(200);
		await expectImageOfTask(await resumed);
	});
});

describe('where the task cannot be polled', () => {
	beforeEach(() =>
		lab.emulator.rule({ route: 'bfl.result' }, { status: 404, body: { detail: 'Not Found' } }),
	);

	test.each<[string, (secret: string) => ToHeaders]>([
		['unsigned', () => () => ({})],
		['signed with another secret', (secret) => hmac(`${secret}0`)],
		['with another secret', (secret) => verbatim(`${secret}0`)],
	])('a call with a foreign image is refused: %s', async (_what, headersOf) => {
		const { call, secret } = await suspend({ webhook: 'never' });

		expect(await call(forged(), headersOf(secret))).toBe(503);
		expect(await call({ status: 'Error', message: 'no luck' }, headersOf(secret))).toBe(503);
		expect(fetchesOfForgedImage()).toEqual([]);
	});

	test.each([
		['is signed with', hmac],
		['carries', verbatim],
	])('a call that %s the secret of the request counts', async (_how, headersOf) => {
		const { call, resumed, secret } = await suspend({ webhook: 'never' });

		expect(await call(forged(), headersOf(secret))).toBe(200);
		const [item] = (await resumed).items(NODE);
		expect(item?.json).toMatchObject({ status: 'completed', image: { url: foreignUrl() } });
		expect(item?.binary).toHaveProperty('data');
	});

	test("an image on a host of the provider's own counts without the secret", async () => {
		const { call, resumed } = await suspend({ webhook: 'never' }, { download: false });
		const url = 'https://delivery-eu4.bfl.ai/results/sample.jpeg?sig=1';

		expect(await call(forged('http://delivery-eu4.bfl.ai/results/sample.jpeg'))).toBe(503);
		expect(await call(forged(url))).toBe(200);
		const [item] = (await resumed).items(NODE);
		expect(item?.json).toMatchObject({ status: 'completed', image: { url } });
	});
});

test.each([
	['https://delivery-eu4.bfl.ai/a.jpeg', true],
	['https://delivery.us-east.bfl.ai/a.jpeg', true],
	['http://delivery-eu4.bfl.ai/a.jpeg', false],
	['https://delivery-eu4.bfl.ai.example/a.jpeg', false],
	['https://evilbfl.ai/a.jpeg', false],
	['https://bfl.ai@images.example/a.jpeg', false],
	['data:image/png;base64,AAAA', false],
	['delivery-eu4.bfl.ai/a.jpeg', false],
])("%s is on a host of the provider's own: %p", (url, isOwn) => {
	expect(webhook.ownsImageUrl!(url)).toBe(isOwn);
});
