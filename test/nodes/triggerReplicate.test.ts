import type { INodeExecutionData } from 'n8n-workflow';
import { startListener, type Effect, type Listener } from '../emulator';
import { sha256 } from '../emulator/images';
import type { WorkflowJson } from '../support/engine';
import { items, openLab, until, type Lab } from '../support/lab';
import { placed } from '../support/placed';
import { openWebhooks, type Webhooks } from '../support/webhooks';

/** The FLUX.2 Trigger, called by Replicate. */

const TRIGGER = 'FLUX.2 Trigger';
const MODEL = 'black-forest-labs/flux-2-pro';
/** As the emulator makes that of the account. */
const SECRET = `whsec_${Buffer.from('made-up webhook secret of fox').toString('base64')}`;

let lab: Lab;
let webhooks: Webhooks;
/** Somebody who has Replicate call them, and hands on what came. */
let stranger: Listener;

beforeAll(async () => {
	lab = await openLab({ emulator: { webhookUnitMs: 1, images: 'plain' } });
	webhooks = await openWebhooks(lab.engine);
	stranger = await startListener();
});
beforeEach(() => {
	lab.emulator.reset();
	lab.credentials.flux2WebhookApi = { secret: SECRET };
	webhooks.started.length = 0;
	stranger.requests.length = 0;
});
afterAll(async () => {
	await stranger.close();
	await webhooks.close();
	await lab.close();
});

let workflows = 0;
const credential = (name: string) => ({ [name]: { id: name, name } });
const FROM_ACCOUNT = { credentials: credential('flux2ReplicateApi') };
const FROM_CREDENTIAL = { credentials: credential('flux2WebhookApi') };

const triggered = (parameters: object = {}, settings: object = FROM_ACCOUNT): WorkflowJson => ({
	id: `replicate-triggered-${++workflows}`,
	nodes: [
		{
			name: TRIGGER,
			type: 'n8n-nodes-flux2.flux2Trigger',
			parameters: { provider: 'replicate', ...parameters },
			...settings,
		},
		{ name: 'After', type: 'n8n-nodes-base.noOp' },
	],
	connections: { [TRIGGER]: { main: [[{ node: 'After', type: 'main', index: 0 }]] } },
});
const withGivenSecret = () => triggered({ secretFrom: 'credential' }, FROM_CREDENTIAL);

const faultTask = (fault: Effect['task']) =>
	lab.emulator.rule({ route: 'replicate.submit' }, { task: fault });
const statuses = () => lab.emulator.ledger.deliveries.map(({ status }) => status);
const responded = async (count = 1) =>
	await until(() => statuses().length >= count && statuses().every(Boolean), 'the delivery');
const firstTask = () => lab.emulator.ledger.tasks[0]!;

const submit = async (webhookUrl: string) =>
	await lab.run(
		{
			type: 'flux2Replicate',
			parameters: {
				resource: 'task',
				operation: 'submit',
				prompt: 'announced',
				...placed('flux2Replicate', { width: 256, height: 256, webhookUrl }),
			},
		},
		{ items: items({}) },
	);

/** As any program submits. */
async function submitBare(webhook: string, more: object = {}, key?: string) {
	const { keys, urls } = lab.emulator;
	const response = await fetch(`${urls.replicate}/models/${MODEL}/predictions`, {
		method: 'POST',
		headers: {
			authorization: `Bearer ${key ?? keys.replicateKey}`,
			'content-type': 'application/json',
		},
		body: JSON.stringify({ input: { prompt: 'bare' }, webhook, ...more }),
	});
	expect(response.status).toBe(201);
}

interface Delivery {
	headers: Record<string, string>;
	body: string;
}

/** A delivery as Replicate has signed it, which has not reached the trigger. */
async function signedDelivery(key?: string): Promise<Delivery> {
	await submitBare(stranger.url, {}, key);
	await until(() => stranger.requests.length > 0, 'the delivery to somebody else');
	const [{ headers, body }] = stranger.requests as [(typeof stranger.requests)[0]];
	const signed = Object.entries(headers).filter(([name]) => name.startsWith('webhook-'));
	return { headers: Object.fromEntries(signed) as Record<string, string>, body };
}

async function post(url: string, { headers, body }: Delivery) {
	const response = await fetch(url, {
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
	test('starts the workflow with its image, by the secret that the API tells', async () => {
		const url = webhooks.publish(triggered({ models: [MODEL] }));
		await submit(url);
		await responded();

		const [item] = await emitted();
		const { id, sha256: made } = firstTask();
		expect(item?.json).toEqual({
			provider: 'replicate',
			model: MODEL,
			status: 'completed',
			taskId: id,
			prompt: 'announced',
			image: expect.objectContaining({ width: 256, url: firstTask().url }),
			timing: { completedAt: expect.any(String) },
		});
		expect(sha256(await lab.engine.binary(item!.binary!.data!))).toBe(made);
		expect(statuses()).toEqual([200]);
		expect(lab.emulator.ledger.deliveries[0]?.url).toBe(url);
		expect(lab.emulator.ledger.polls).toEqual([]);
	});

	test('starts it by the secret that is given, and asks Replicate nothing', async () => {
		await submit(webhooks.publish(withGivenSecret()));
		await responded();

		expect(await emitted()).toMatchObject([{ json: { status: 'completed' } }]);
		const asked = lab.emulator.ledger.requests.filter(({ path }) => path.includes('/webhooks/'));
		expect(asked).toEqual([]);
	});

	test.each([
		[
			{ fail: { code: 'E005', message: 'The input or output was flagged as sensitive.' } },
			{ kind: 'moderated', message: expect.stringContaining('flagged as sensitive') },
		],
		[
			{ fail: { code: 'E1001', message: 'Out of memory' } },
			{ kind: 'unavailable', message: expect.stringContaining('Out of memory') },
		],
	])('starts it with the failure %j', async (fault, facts) => {
		faultTask(fault);
		await submit(webhooks.publish(triggered()));
		await responded();

		expect((await emitted()).map(({ json }) => json)).toEqual([
			expect.objectContaining({ status: 'failed', taskId: firstTask().id, ...facts }),
		]);
	});

	test('starts nothing before its end, whatever else is announced', async () => {
		const events = ['start', 'completed'];
		await submitBare(webhooks.publish(triggered()), { webhook_events_filter: events });
		await responded(2);

		expect(statuses()).toEqual([200, 200]);
		expect(await emitted()).toMatchObject([{ json: { status: 'completed' } }]);
	});

	test('is passed over where it is not wanted', async () => {
		await submit(webhooks.publish(triggered({ outcomes: ['failed'] })));
		await submit(webhooks.publish(triggered({ models: ['black-forest-labs/flux-2-max'] })));
		await responded(2);

		expect(statuses()).toEqual([200, 200]);
		expect(webhooks.started).toEqual([]);
	});
});

describe.each([
	['of the account', () => triggered()],
	['that is given', withGivenSecret],
])('by the secret %s, a delivery is refused, and nothing is started', (_where, workflow) => {
	const signed = (changes: Record<string, string>) => (delivery: Delivery) => ({
		...delivery,
		headers: { ...delivery.headers, ...changes },
	});
	const secondsAgo = (seconds: number) => String(Math.floor(Date.now() / 1000) - seconds);

	test.each<[string, (delivery: Delivery) => Delivery, RegExp]>([
		['not signed', (one) => ({ ...one, headers: {} }), /The delivery lacks webhook-id, webhook-/],
		['changed on the way', (one) => ({ ...one, body: one.body.replace('bare', 'bear') }), /secret/],
		['of another ID', signed({ 'webhook-id': 'msg_other' }), /secret/],
		['dated back', signed({ 'webhook-timestamp': secondsAgo(2) }), /secret/],
		['recorded', signed({ 'webhook-timestamp': secondsAgo(400) }), /seconds ago/],
		['from the future', signed({ 'webhook-timestamp': secondsAgo(-400) }), /seconds ahead/],
		['signed with something else', signed({ 'webhook-signature': 'v1,AAAA' }), /secret/],
	])('%s', async (_what, change, reason) => {
		const delivery = change(await signedDelivery());
		const { status, text } = await post(webhooks.publish(workflow()), delivery);

		expect(status).toBe(401);
		expect(text).toMatch(reason);
		expect(text).toMatch(/Headers received: .*\bcontent-type\b/);
		expect(text).not.toContain(SECRET);
		expect(webhooks.started).toEqual([]);
	});

	test('signed for another account', async () => {
		const foreign = await signedDelivery(lab.emulator.keys.replicateKeyOfSomebodyElse);
		expect((await post(webhooks.publish(workflow()), foreign)).status).toBe(401);
		expect(webhooks.started).toEqual([]);
	});

	test('that is about no task', async () => {
		const { headers } = await signedDelivery();
		const response = await post(webhooks.publish(workflow()), { headers, body: '{}' });
		expect(response.status).toBe(401);
	});
});

describe('a delivery that nobody can judge now is asked for again', () => {
	test('while the credential cannot be used', async () => {
		const url = webhooks.publish(triggered({}, { credentials: {} }));
		expect((await post(url, await signedDelivery())).status).toBe(503);
		expect(webhooks.started).toEqual([]);
	});

	test('while the secret cannot be read', async () => {
		const { apiToken } = lab.credentials.flux2ReplicateApi!;
		// of this token no secret is known yet
		lab.credentials.flux2ReplicateApi!.apiToken = 'another-made-up-token';
		const { status, text } = await post(webhooks.publish(triggered()), await signedDelivery());
		lab.credentials.flux2ReplicateApi!.apiToken = apiToken!;

		expect(status).toBe(503);
		expect(text).not.toContain('another-made-up-token');
		expect(webhooks.started).toEqual([]);
	});
});

test('a delivery that comes again starts nothing', async () => {
	const url = webhooks.publish(triggered());
	const delivery = await signedDelivery();
	const responses = [await post(url, delivery), await post(url, delivery)];

	expect(responses.map(({ status }) => status)).toEqual([200, 200]);
	expect(responses[1]?.text).toContain('was processed before');
	expect(await emitted()).toHaveLength(1);
});

test('a delivery that was not accepted comes again', async () => {
	webhooks.failNext();
	await submit(webhooks.publish(triggered()));
	await until(() => webhooks.started.length === 1);

	expect(statuses()[0]).toBe(500);
	expect(await emitted()).toHaveLength(1);
});

test('the secret of the account is read once', async () => {
	const asked = () =>
		lab.emulator.ledger.requests.filter(({ path }) => path.includes('/webhooks/')).length;
	const url = webhooks.publish(triggered());
	for (let count = 0; count < 3; count++) {
		await post(url, { headers: {}, body: '{}' });
		await submit(url);
		await responded(count + 1);
	}

	expect(await emitted()).toHaveLength(3);
	expect(asked()).toBeLessThanOrEqual(1);
});
