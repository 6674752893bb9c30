import { createHmac } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { startEmulator, type Effect, type Emulator } from '../../emulator';
import { until } from '../../support/lab';

const SECRET = 'a made-up webhook secret';

interface ReceivedDelivery {
	at: number;
	signature?: string | string[];
	secret?: string | string[];
	body: string;
}

let emulator: Emulator;
let url: string;
let close: () => Promise<void>;
/** The statuses of the next responses, in turn; 200 afterwards. */
let responses: number[] = [];
const received: ReceivedDelivery[] = [];

beforeAll(async () => {
	emulator = await startEmulator({ seconds: 0.02, webhookUnitMs: 4 });
	const server = createServer((request, response) => {
		const chunks: Buffer[] = [];
		request.on('data', (chunk: Buffer) => chunks.push(chunk));
		request.on('end', () => {
			const body = Buffer.concat(chunks).toString('utf8');
			const { 'x-bfl-signature': signature, 'x-webhook-secret': secret } = request.headers;
			received.push({ at: Date.now(), signature, secret, body });
			response.writeHead(responses.shift() ?? 200).end();
		});
	});
	await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
	url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`;
	close = async () => {
		server.closeAllConnections();
		await new Promise((closed) => server.close(closed));
	};
});

beforeEach(() => {
	emulator.reset();
	responses = [];
	received.length = 0;
});

afterAll(async () => {
	await emulator.close();
	await close();
});

async function submit(body: object = {}, { urls, keys } = emulator) {
	const response = await fetch(`${urls.bfl}/v1/flux-2-klein-4b`, {
		method: 'POST',
		headers: { 'x-key': keys.bflKey, 'content-type': 'application/json' },
		body: JSON.stringify({ prompt: 'a', webhook_url: url, webhook_secret: SECRET, ...body }),
	});
	return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

const withFault = (fault: Effect['task']) =>
	emulator.rule({ route: 'bfl.submit' }, { task: fault });
const bodies = () => received.map(({ body }) => JSON.parse(body) as Record<string, unknown>);
const untilAnswered = async (count: number) =>
	await until(() => emulator.ledger.deliveries.filter(({ status }) => status).length === count);

test('the end of a task is delivered, signed, with a URL that works', async () => {
	const { body } = await submit();
	await untilAnswered(1);

	const [{ body: text, signature }] = received as [ReceivedDelivery];
	expect(signature).toBe(`sha256=${createHmac('sha256', SECRET).update(text).digest('hex')}`);
	const [payload] = bodies();
	expect(payload).toEqual({
		id: body.id,
		status: 'Ready',
		result: expect.objectContaining({ prompt: 'a', seed: expect.any(Number) }),
		timestamp: expect.stringMatching(/^\d{4}-.*Z$/),
	});
	expect((await fetch((payload!.result as { sample: string }).sample)).status).toBe(200);
	expect(emulator.ledger.deliveries).toEqual([
		expect.objectContaining({ n: 1, taskId: body.id, url, attempt: 1, status: 200 }),
	]);
});

test('a webhook without a secret is not signed', async () => {
	await submit({ webhook_secret: null });
	await untilAnswered(1);
	expect(received[0]).toMatchObject({ signature: undefined, secret: undefined });
});

describe('the other document', () => {
	let other: Emulator;
	beforeAll(async () => {
		const options = { webhookProof: 'secret', webhookTimestamp: false } as const;
		other = await startEmulator({ seconds: 0.02, ...options });
	});
	afterAll(async () => await other.close());

	const deliver = async (fault: Effect['task'] = {}) => {
		other.reset();
		other.rule({ route: 'bfl.submit' }, { task: fault });
		const { body } = await submit({}, other);
		await until(() => received.length === 1);
		return { body, delivery: received[0]! };
	};

	test('delivers with the secret itself, and without a time', async () => {
		const { body, delivery } = await deliver();

		expect(delivery).toMatchObject({ secret: SECRET, signature: undefined });
		const result = expect.objectContaining({ prompt: 'a' });
		expect(bodies()).toEqual([{ id: body.id, status: 'Ready', result }]);
	});

	test('delivers with another secret where a rule demands a wrong one', async () => {
		const { delivery } = await deliver({ webhook: 'wrongSignature' });

		expect(delivery.secret).toEqual(expect.any(String));
		expect(delivery.secret).not.toBe(SECRET);
	});
});

test.each([
	[{ fail: { message: 'no luck' } }, { status: 'Error', message: 'no luck' }],
	[{ status: 'Content Moderated' }, { status: 'Content Moderated' }],
])('the end %j is posted too', async (fault, facts) => {
	withFault(fault);
	await submit();
	await untilAnswered(1);
	expect(bodies()).toEqual([expect.objectContaining(facts)]);
});

test('a webhook without a 2xx is delivered again after 1, 5 and 30 units, and then given up', async () => {
	responses = [500, 409, 302, 404];
	await submit();
	await untilAnswered(4);

	const times = received.map(({ at }) => at);
	const gaps = times.slice(1).map((at, index) => at - times[index]!);
	expect(gaps.map((gap, index) => gap >= [1, 5, 30][index]! * 4 - 1)).toEqual([true, true, true]);
	expect(emulator.ledger.deliveries.map(({ status }) => status)).toEqual([500, 409, 302, 404]);
});

test('a webhook with a 2xx is not delivered again', async () => {
	responses = [503, 204];
	await submit();
	await untilAnswered(2);
	await submit();
	await untilAnswered(3);
	expect(emulator.ledger.deliveries.map(({ attempt }) => attempt)).toEqual([1, 2, 1]);
});

test('an early webhook is delivered before the response to the submission, and its image is ready', async () => {
	withFault({ webhook: 'early', seconds: 100 });
	await submit();

	expect(emulator.ledger.deliveries).toEqual([expect.objectContaining({ status: 200 })]);
	const [payload] = bodies();
	expect((await fetch((payload!.result as { sample: string }).sample)).status).toBe(200);
});

test('a late webhook is delivered two units after the end', async () => {
	withFault({ webhook: 'late' });
	await submit();
	await untilAnswered(1);
	const { readyAt } = emulator.ledger.tasks[0]!;
	expect(received[0]!.at).toBeGreaterThanOrEqual(readyAt + 2 * 4 - 1);
});

test('a webhook is delivered twice where a rule demands it, although it got a 2xx', async () => {
	withFault({ webhook: 'twice' });
	await submit();
	await untilAnswered(2);
	expect(bodies()[0]?.id).toBe(bodies()[1]?.id);
});

test('a wrong signature is made with another secret', async () => {
	withFault({ webhook: 'wrongSignature' });
	await submit();
	await untilAnswered(1);
	const [{ body, signature }] = received as [ReceivedDelivery];
	expect(signature).toMatch(/^sha256=[0-9a-f]{64}$/);
	expect(signature).not.toContain(createHmac('sha256', SECRET).update(body).digest('hex'));
});

test('a webhook is never delivered where a rule demands it, nor after a reset', async () => {
	withFault({ webhook: 'never' });
	await submit();
	emulator.clearRules();
	responses = [500];
	await submit();
	await untilAnswered(1);
	emulator.reset();
	await submit();
	await untilAnswered(1);
	expect(received).toHaveLength(2);
});

test('other computers are never called, and a webhook without https is refused', async () => {
	await submit({ webhook_url: 'https://n8n.example/a' });
	await until(() => emulator.ledger.deliveries.length === 1);
	expect(emulator.ledger.deliveries[0]?.status).toBeUndefined();

	const { status, body } = await submit({ webhook_url: 'http://n8n.example/a' });
	expect({ status, body }).toEqual({
		status: 422,
		body: {
			detail: [
				{ loc: ['body', 'webhook_url'], msg: "URL scheme should be 'https'", type: 'url_scheme' },
			],
		},
	});
});
