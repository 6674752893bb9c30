import Replicate, { validateWebhook } from 'replicate';
import type { Effect, Listener, ReceivedRequest } from '../../emulator';
import { startListener } from '../../emulator';
import { until } from '../../support/lab';
import { emulator, send, useEmulator, withJson } from './support';

/** Replicate's webhooks, checked by Replicate's own client. */

useEmulator({ seconds: 0, webhookUnitMs: 0.1 });

const MODEL = 'black-forest-labs/flux-2-pro';
let listener: Listener;

beforeAll(async () => (listener = await startListener()));
beforeEach(() => void (listener.requests.length = 0));
afterAll(() => listener.close());

const submit = async (more: object = {}) =>
	await send(
		`${emulator.urls.replicate}/models/${MODEL}/predictions`,
		withJson(
			{ input: { prompt: 'a' }, webhook: listener.url, ...more },
			emulator.keys.replicateKey,
		),
	);
const withFault = (task: Effect['task']) => emulator.rule({ route: 'replicate.submit' }, { task });
const received = async (count = 1) => {
	await until(() => listener.requests.length >= count);
	return listener.requests as [ReceivedRequest, ...ReceivedRequest[]];
};

async function isSigned({ headers, body }: ReceivedRequest, key?: string): Promise<boolean> {
	const auth = key ?? emulator.keys.replicateKey;
	const client = new Replicate({ auth, baseUrl: emulator.urls.replicate });
	const secret = (await client.webhooks.default.secret.get()).key;
	return await validateWebhook({
		id: String(headers['webhook-id']),
		timestamp: String(headers['webhook-timestamp']),
		signature: String(headers['webhook-signature']),
		body,
		secret,
	});
}

test('the prediction is delivered, signed with the secret that the API tells', async () => {
	const { body: submitted } = await submit();
	const [delivery] = await received();

	expect(await isSigned(delivery)).toBe(true);
	expect(await isSigned(delivery, emulator.keys.replicateKeyOfSomebodyElse)).toBe(false);
	expect(await isSigned({ ...delivery, body: `${delivery.body} ` })).toBe(false);
	expect(JSON.parse(delivery.body)).toMatchObject({
		id: submitted.id,
		model: MODEL,
		status: 'succeeded',
		output: expect.stringContaining('/results/'),
	});
});

test('the secret is told to whoever has a key', async () => {
	const url = `${emulator.urls.replicate}/webhooks/default/secret`;
	expect((await send(url)).status).toBe(401);
});

test.each([
	[
		['start', 'completed'],
		['starting', 'succeeded'],
	],
	[['start'], ['starting']],
	[['completed'], ['succeeded']],
	[undefined, ['succeeded']],
])('of the events %j these come: %j', async (events, statuses) => {
	await submit({ webhook_events_filter: events });
	const deliveries = await received(statuses.length);

	expect(deliveries.map(({ body }) => (JSON.parse(body) as { status: string }).status)).toEqual(
		statuses,
	);
});

test('the end is delivered again for a minute, under the same ID', async () => {
	withFault({ webhook: 'wrongSignature' });
	await submit();
	expect(await isSigned((await received())[0])).toBe(false);

	const closed = await startListener();
	await closed.close();
	emulator.clearRules();
	await submit({ webhook: closed.url });
	await until(() => emulator.ledger.deliveries.length === 1 + 7, 'seven attempts');
	expect(emulator.ledger.deliveries.slice(1).map(({ attempt }) => attempt)).toEqual([
		1, 2, 3, 4, 5, 6, 7,
	]);
});
