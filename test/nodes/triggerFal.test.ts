import type { INodeExecutionData } from 'n8n-workflow';
import { startListener, type Effect, type Listener } from '../emulator';
import { sha256 } from '../emulator/images';
import type { WorkflowJson } from '../support/engine';
import { items, openLab, until, type Lab } from '../support/lab';
import { placed } from '../support/placed';
import { openWebhooks, type Webhooks } from '../support/webhooks';

/** The FLUX.2 Trigger, called by fal. */

const TRIGGER = 'FLUX.2 Trigger';
const MODEL = 'fal-ai/flux-2-pro';
const NOTHING = { amount: 0, currency: 'USD' };

let lab: Lab;
let webhooks: Webhooks;
/** Somebody who has fal call them, and hands on what came. */
let stranger: Listener;

beforeAll(async () => {
	lab = await openLab({ emulator: { webhookUnitMs: 1, images: 'plain' } });
	webhooks = await openWebhooks(lab.engine);
	stranger = await startListener();
});
beforeEach(() => {
	lab.emulator.reset();
	webhooks.started.length = 0;
	stranger.requests.length = 0;
});
afterAll(async () => {
	await stranger.close();
	await webhooks.close();
	await lab.close();
});

let workflows = 0;

const triggered = (parameters: object = {}, settings: object = {}): WorkflowJson => ({
	id: `fal-triggered-${++workflows}`,
	nodes: [
		{
			name: TRIGGER,
			type: 'n8n-nodes-flux2.flux2Trigger',
			parameters: { provider: 'fal', ...parameters },
			credentials: { flux2FalApi: { id: 'flux2FalApi', name: 'flux2FalApi' } },
			...settings,
		},
		{ name: 'After', type: 'n8n-nodes-base.noOp' },
	],
	connections: { [TRIGGER]: { main: [[{ node: 'After', type: 'main', index: 0 }]] } },
});

const faultTask = (fault: Effect['task']) =>
	lab.emulator.rule({ route: 'fal.submit' }, { task: fault });
const statuses = () => lab.emulator.ledger.deliveries.map(({ status }) => status);
const responded = async (count = 1) =>
	await until(() => statuses().length >= count && statuses().every(Boolean), 'the delivery');
const firstTask = () => lab.emulator.ledger.tasks[0]!;

/** As the node submits what another workflow collects. */
const submit = async (webhookUrl: string) =>
	await lab.run(
		{
			type: 'flux2Fal',
			parameters: {
				resource: 'task',
				operation: 'submit',
				prompt: 'announced',
				...placed('flux2Fal', { width: 512, height: 512, webhookUrl }),
			},
		},
		{ items: items({}) },
	);

/** As any program submits. */
async function submitBare(webhookUrl: string, body: object = {}, model = MODEL, key = falKey()) {
	const url = `${lab.emulator.urls.fal}/${model}?fal_webhook=${encodeURIComponent(webhookUrl)}`;
	const response = await fetch(url, {
		method: 'POST',
		headers: { authorization: `Key ${key}`, 'content-type': 'application/json' },
		body: JSON.stringify({ prompt: 'bare', image_size: 'square', ...body }),
	});
	expect(response.status).toBe(200);
}
const falKey = () => lab.emulator.keys.falKey;

interface Delivery {
	headers: Record<string, string>;
	body: string;
}

/** A delivery as fal has signed it, which has not reached the trigger. */
async function signedDelivery(key = falKey()): Promise<Delivery> {
	await submitBare(stranger.url, {}, MODEL, key);
	await until(() => stranger.requests.length > 0, 'the delivery to somebody else');
	const [{ headers, body }] = stranger.requests as [(typeof stranger.requests)[0]];
	const signed = Object.entries(headers).filter(([name]) => name.startsWith('x-fal-webhook-'));
	return { headers: Object.fromEntries(signed) as Record<string, string>, body };
}

async function post(url: string, { headers, body }: Delivery, query = `?model=${MODEL}`) {
	const response = await fetch(url + query, {
		method: 'POST',
		headers: { 'content-type': 'application/json', ...headers },
		body,
	});
	return { status: response.status, text: await response.text() };
}

async function emitted(): Promise<INodeExecutionData[]> {
	const runs = await Promise.all(webhooks.started);
	expect(runs.map(({ status }) => status)).toEqual(runs.map(() => 'success'));
	return runs.flatMap((run) => run.items('After'));
}

describe('what was submitted elsewhere', () => {
	test('starts the workflow with its image, which the account itself confirms', async () => {
		const url = webhooks.publish(triggered({ models: [MODEL] }));
		await submit(url);
		await responded();

		const [item] = await emitted();
		const { id, sha256: made } = firstTask();
		expect(item).toEqual({
			json: {
				provider: 'fal',
				model: MODEL,
				status: 'completed',
				taskId: id,
				seed: expect.any(Number),
				image: {
					width: 512,
					height: 512,
					mimeType: 'image/jpeg',
					fileSize: expect.any(Number),
					url: firstTask().url,
				},
				timing: { completedAt: expect.any(String) },
			},
			binary: { data: expect.anything() },
			pairedItem: { item: 0 },
		});
		expect(sha256(await lab.engine.binary(item!.binary!.data!))).toBe(made);
		expect(statuses()).toEqual([200]);
		const called = new URL(lab.emulator.ledger.deliveries[0]!.url);
		expect(called.href).toBe(`${url}?model=${encodeURIComponent(MODEL)}`);
	});

	test.each([
		[
			{ fail: { code: 'content_policy_violation', message: 'flagged' } },
			{ status: 'failed', kind: 'moderated', message: expect.stringContaining('flagged') },
		],
		[
			{ fail: { code: 'internal_server_error', message: 'out of steam' } },
			{ status: 'failed', kind: 'unavailable', message: expect.stringContaining('out of steam') },
		],
	])('starts it with the failure %j, which costs nothing', async (fault, facts) => {
		faultTask(fault);
		await submit(webhooks.publish(triggered()));
		await responded();

		expect((await emitted()).map(({ json }) => json)).toEqual([
			{ provider: 'fal', model: MODEL, taskId: firstTask().id, cost: NOTHING, ...facts },
		]);
	});

	test('starts it with the image that the delivery does not carry', async () => {
		faultTask({ payload: 'unserializable' });
		await submit(webhooks.publish(triggered()));
		await responded();

		expect(await emitted()).toMatchObject([
			{ json: { status: 'completed', taskId: firstTask().id }, binary: { data: {} } },
		]);
	});

	test('is an item for each image of one task', async () => {
		faultTask({ nsfw: [1] });
		const model = 'fal-ai/flux-2/klein/4b';
		const url = `${webhooks.publish(triggered())}?model=${model}`;
		await submitBare(url, { num_images: 3 }, model);
		await responded();

		expect((await emitted()).map(({ json }) => [json.status, json.kind])).toEqual([
			['completed', undefined],
			['failed', 'moderated'],
			['completed', undefined],
		]);
	});

	test('is passed over where it is not wanted', async () => {
		await submit(webhooks.publish(triggered({ outcomes: ['failed'] })));
		await submit(webhooks.publish(triggered({ models: ['fal-ai/flux-2-max'] })));
		await responded(2);

		expect(statuses()).toEqual([200, 200]);
		expect(webhooks.started).toEqual([]);
	});
});

describe('a delivery that is not genuine is refused, and nothing is started', () => {
	const signed = (changes: Partial<Record<string, string>>) => (delivery: Delivery) => ({
		...delivery,
		headers: { ...delivery.headers, ...changes } as Record<string, string>,
	});
	const without = (name: string) => (delivery: Delivery) => {
		const { [name]: _left, ...headers } = delivery.headers;
		return { ...delivery, headers };
	};
	const secondsAgo = (seconds: number) => String(Math.floor(Date.now() / 1000) - seconds);

	test.each<[string, (delivery: Delivery) => Delivery, RegExp]>([
		['not signed', (delivery) => ({ ...delivery, headers: {} }), /^.*The delivery lacks x-fal-/],
		['signed with something else', signed({ 'x-fal-webhook-signature': 'ab'.repeat(64) }), /keys/],
		['changed on the way', (one) => ({ ...one, body: one.body.replace('OK', 'ok') }), /keys/],
		[
			'about another image',
			(one) => ({ ...one, body: one.body.replace('/results/', '/references/') }),
			/keys/,
		],
		['of another account', signed({ 'x-fal-webhook-user-id': 'another' }), /keys/],
		['dated back', signed({ 'x-fal-webhook-timestamp': secondsAgo(2) }), /keys/],
		['recorded', signed({ 'x-fal-webhook-timestamp': secondsAgo(400) }), /seconds ago/],
		['without its time', without('x-fal-webhook-timestamp'), /lacks x-fal-webhook-timestamp/],
		['without its signature', without('x-fal-webhook-signature'), /lacks x-fal-webhook-signature/],
		['without its request', without('x-fal-webhook-request-id'), /lacks x-fal-webhook-request-id/],
		['without its account', without('x-fal-webhook-user-id'), /lacks x-fal-webhook-user-id/],
	])('%s', async (_what, change, reason) => {
		const delivery = change(await signedDelivery());
		const { status, text } = await post(webhooks.publish(triggered()), delivery);

		expect(status).toBe(401);
		expect(text).toMatch(reason);
		expect(text).toMatch(/Headers received: .*\bcontent-type\b/);
		expect(webhooks.started).toEqual([]);
		expect(lab.emulator.ledger.polls).toEqual([]);
	});

	test('signed by fal, about a task of another account', async () => {
		const foreign = await signedDelivery(lab.emulator.keys.falKeyOfSomebodyElse);
		const { status, text } = await post(webhooks.publish(triggered()), foreign);

		expect({ status, text }).toEqual({
			status: 401,
			text: expect.stringContaining('The account of the credential has no such task'),
		});
		expect(webhooks.started).toEqual([]);
	});

	test.each(['', '?model=', '?model=../fal-ai', '?model=fal-ai//x'])(
		'with an address that does not lead to the task: %p',
		async (query) => {
			const response = await post(webhooks.publish(triggered()), await signedDelivery(), query);

			expect(response.status).toBe(400);
			expect(response.text).toContain('?model=');
			expect(lab.emulator.ledger.polls).toEqual([]);
		},
	);

	test('where the trigger hears another provider', async () => {
		lab.credentials.flux2WebhookApi = { secret: 'made-up-webhook-secret-of-ours' };
		const secret = { flux2WebhookApi: { id: 'flux2WebhookApi', name: 'flux2WebhookApi' } };
		const url = webhooks.publish(triggered({ provider: 'bfl' }, { credentials: secret }));

		expect((await post(url, await signedDelivery())).status).toBe(401);
	});
});

describe('a delivery that nobody can judge now is asked for again', () => {
	test('while the task cannot be polled', async () => {
		const url = webhooks.publish(triggered());
		const delivery = await signedDelivery();
		lab.emulator.rule(
			{ route: 'fal.status' },
			{ status: 503, body: { detail: 'away' }, headers: { 'retry-after': '0.01' } },
		);
		expect((await post(url, delivery)).status).toBe(503);
		lab.emulator.clearRules();

		expect((await post(url, delivery)).status).toBe(200);
		expect(await emitted()).toHaveLength(1);
	});

	test('while the task says that it still runs', async () => {
		faultTask({ polls: 1, webhook: 'twice' });
		await submit(webhooks.publish(triggered()));
		await until(() => webhooks.started.length === 1);

		expect(statuses()[0]).toBe(503);
		expect(await emitted()).toMatchObject([{ json: { status: 'completed' } }]);
	});

	test('while the credential cannot be read', async () => {
		const url = webhooks.publish(triggered({}, { credentials: {} }));
		expect((await post(url, await signedDelivery())).status).toBe(503);
		expect(webhooks.started).toEqual([]);
	});
});

describe('a delivery that comes again', () => {
	test('starts nothing', async () => {
		const url = webhooks.publish(triggered());
		const delivery = await signedDelivery();
		const responses = [await post(url, delivery), await post(url, delivery)];

		expect(responses.map(({ status }) => status)).toEqual([200, 200]);
		expect(responses[1]?.text).toContain('was processed before');
		expect(await emitted()).toHaveLength(1);
	});

	test('is sent by fal until it is accepted', async () => {
		const url = webhooks.publish(triggered());
		webhooks.failNext();
		await submit(url);
		await until(() => webhooks.started.length === 1);

		expect(statuses()[0]).toBe(500);
		expect(await emitted()).toHaveLength(1);
	});
});
