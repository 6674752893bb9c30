import { createHash, createPublicKey, verify } from 'node:crypto';
import type { Effect, Listener, ReceivedRequest } from '../../emulator';
import { startListener } from '../../emulator';
import { until } from '../../support/lab';
import { emulator, send, useEmulator, withJson } from './support';

/** fal's webhooks, as their page has them. */

useEmulator({ seconds: 0, webhookUnitMs: 0.1 });

let listener: Listener;

beforeAll(async () => (listener = await startListener()));
beforeEach(() => void (listener.requests.length = 0));
afterAll(() => listener.close());

const submit = async (body: object = {}, webhook = listener.url) =>
	await send(
		`${emulator.urls.fal}/fal-ai/flux-2-pro?fal_webhook=${encodeURIComponent(webhook)}`,
		withJson({ prompt: 'a', ...body }, '', { authorization: `Key ${emulator.keys.falKey}` }),
	);
const withFault = (task: Effect['task']) => emulator.rule({ route: 'fal.submit' }, { task });
const readKeys = async () => await send(`${emulator.urls.fal}/.well-known/jwks.json`);
const received = async (count = 1) => {
	await until(() => listener.requests.length >= count);
	return listener.requests as [ReceivedRequest, ...ReceivedRequest[]];
};

/** By the steps of the documents. */
async function isSigned({ headers, body }: ReceivedRequest): Promise<boolean> {
	const [id, user, timestamp, signature] = ['request-id', 'user-id', 'timestamp', 'signature'].map(
		(name) => String(headers[`x-fal-webhook-${name}`]),
	);
	expect(Math.abs(Date.now() / 1000 - Number(timestamp))).toBeLessThan(300);
	const hash = createHash('sha256').update(body).digest('hex');
	const message = Buffer.from(`${id}\n${user}\n${timestamp}\n${hash}`);
	const { keys } = (await readKeys()).body as { keys: Array<Record<string, string>> };
	return keys.some((key) =>
		verify(
			null,
			message,
			createPublicKey({ key, format: 'jwk' }),
			Buffer.from(signature ?? '', 'hex'),
		),
	);
}

test('the result is delivered, signed with one of the published keys', async () => {
	const { body: submitted } = await submit();
	const [delivery] = await received();

	expect(await isSigned(delivery)).toBe(true);
	expect(JSON.parse(delivery.body)).toEqual({
		request_id: submitted.request_id,
		gateway_request_id: submitted.request_id,
		status: 'OK',
		payload: {
			images: [expect.objectContaining({ url: expect.any(String) })],
			seed: expect.any(Number),
		},
	});
	expect(delivery.headers['x-fal-webhook-request-id']).toBe(submitted.request_id);
	await until(() => emulator.ledger.deliveries[0]?.status === 200);
	expect(emulator.ledger.deliveries).toHaveLength(1);
});

test('the keys are open to everybody, and a key that comes along is recorded', async () => {
	expect((await readKeys()).body).toEqual({
		keys: [
			{ kty: 'OKP', crv: 'Ed25519', x: expect.any(String) },
			{ kty: 'OKP', crv: 'Ed25519', x: expect.any(String) },
		],
	});
	expect(emulator.ledger.unexpected).toEqual([]);

	const { falKey } = emulator.keys;
	await send(`${emulator.urls.fal}/.well-known/jwks.json`, {
		headers: { authorization: `Key ${falKey}` },
	});
	expect(emulator.ledger.unexpected).toMatchObject([{ reason: 'a key, where everybody may look' }]);
});

test('a failure is delivered with its status in words', async () => {
	withFault({ fail: { code: 'content_policy_violation', message: 'flagged' } });
	await submit();
	const [delivery] = await received();

	expect(JSON.parse(delivery.body)).toMatchObject({
		status: 'ERROR',
		error: 'Invalid status code: 422',
		payload: { detail: [{ msg: 'flagged', type: 'content_policy_violation' }] },
	});
});

test('a result that is no JSON is left out', async () => {
	withFault({ payload: 'unserializable' });
	await submit();
	const [delivery] = await received();

	expect(JSON.parse(delivery.body)).toMatchObject({
		status: 'OK',
		payload: null,
		payload_error: expect.any(String),
	});
});

test('a wrong signature is wrong, and is delivered ten times more while nobody accepts it', async () => {
	withFault({ webhook: 'wrongSignature' });
	await submit();
	expect(await isSigned((await received())[0])).toBe(false);

	const closed = await startListener();
	await closed.close();
	emulator.clearRules();
	await submit({}, closed.url);
	await until(() => emulator.ledger.deliveries.length === 1 + 11, 'eleven attempts');
	expect(emulator.ledger.deliveries.map(({ attempt }) => attempt).slice(1)).toEqual([
		1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11,
	]);
});

test('an address that cannot be called is recorded, and not called', async () => {
	await submit({}, 'http://n8n.example/a');
	expect(emulator.ledger.unexpected).toMatchObject([
		{ reason: 'fal_webhook http://n8n.example/a' },
	]);
	expect(emulator.ledger.deliveries).toEqual([]);
});
