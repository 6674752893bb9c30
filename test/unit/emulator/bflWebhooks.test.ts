import { createHmac } from 'node:crypto';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { startEmulator, type Effect, type Emulator } from '../../emulator';
import { until } from '../../support/lab';

const SECRET = 'a made-up webhook secret';

interface Heard {
	at: number;
	signature?: string | string[];
	body: string;
}

let emulator: Emulator;
let url: string;
let close: () => Promise<void>;
/** What the next calls are answered with, in turn; 200 afterwards. */
let answers: number[] = [];
const heard: Heard[] = [];

beforeAll(async () => {
	emulator = await startEmulator({ seconds: 0.02, webhookUnitMs: 4 });
	const server = createServer((request, response) => {
		const chunks: Buffer[] = [];
		request.on('data', (chunk: Buffer) => chunks.push(chunk));
		request.on('end', () => {
			const body = Buffer.concat(chunks).toString('utf8');
			heard.push({ at: Date.now(), signature: request.headers['x-bfl-signature'], body });
			response.writeHead(answers.shift() ?? 200).end();
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
	answers = [];
	heard.length = 0;
});

afterAll(async () => {
	await emulator.close();
	await close();
});

async function submit(body: object = {}) {
	const response = await fetch(`${emulator.urls.bfl}/v1/flux-2-klein-4b`, {
		method: 'POST',
		headers: { 'x-key': emulator.keys.bflKey, 'content-type': 'application/json' },
		body: JSON.stringify({ prompt: 'a', webhook_url: url, webhook_secret: SECRET, ...body }),
	});
	return { status: response.status, body: (await response.json()) as Record<string, unknown> };
}

const job = (fault: Effect['task']) => emulator.rule({ route: 'bfl.submit' }, { task: fault });
const bodies = () => heard.map(({ body }) => JSON.parse(body) as Record<string, unknown>);
const answered = async (count: number) =>
	await until(() => emulator.ledger.deliveries.filter(({ status }) => status).length === count);

test('a task that is done is posted, signed, with a URL that works', async () => {
	const { body } = await submit();
	await answered(1);

	const [{ body: text, signature }] = heard as [Heard];
	expect(signature).toBe(`sha256=${createHmac('sha256', SECRET).update(text).digest('hex')}`);
	const [told] = bodies();
	expect(told).toEqual({
		id: body.id,
		status: 'Ready',
		result: expect.objectContaining({ prompt: 'a', seed: expect.any(Number) }),
		timestamp: expect.stringMatching(/^\d{4}-.*Z$/),
	});
	expect((await fetch((told!.result as { sample: string }).sample)).status).toBe(200);
	expect(emulator.ledger.deliveries).toEqual([
		expect.objectContaining({ n: 1, taskId: body.id, url, attempt: 1, status: 200 }),
	]);
});

test('without a secret it is not signed', async () => {
	await submit({ webhook_secret: null });
	await answered(1);
	expect(heard[0]?.signature).toBeUndefined();
});

test.each([
	[{ fail: { message: 'no luck' } }, { status: 'Error', message: 'no luck' }],
	[{ status: 'Content Moderated' }, { status: 'Content Moderated' }],
])('the end %j is posted too', async (fault, facts) => {
	job(fault);
	await submit();
	await answered(1);
	expect(bodies()).toEqual([expect.objectContaining(facts)]);
});

test('what is not taken with a 2xx is posted again after 1, 5 and 30 units, and then given up', async () => {
	answers = [500, 409, 302, 404];
	await submit();
	await answered(4);

	const times = heard.map(({ at }) => at);
	const gaps = times.slice(1).map((at, index) => at - times[index]!);
	expect(gaps.map((gap, index) => gap >= [1, 5, 30][index]! * 4 - 1)).toEqual([true, true, true]);
	expect(emulator.ledger.deliveries.map(({ status }) => status)).toEqual([500, 409, 302, 404]);
});

test('what is taken is not posted again', async () => {
	answers = [503, 204];
	await submit();
	await answered(2);
	await submit();
	await answered(3);
	expect(emulator.ledger.deliveries.map(({ attempt }) => attempt)).toEqual([1, 2, 1]);
});

test('an early one is posted before the submission is answered, and its picture is there', async () => {
	job({ webhook: 'early', seconds: 100 });
	await submit();

	expect(emulator.ledger.deliveries).toEqual([expect.objectContaining({ status: 200 })]);
	const [told] = bodies();
	expect((await fetch((told!.result as { sample: string }).sample)).status).toBe(200);
});

test('a late one comes two units after the end', async () => {
	job({ webhook: 'late' });
	await submit();
	await answered(1);
	const { readyAt } = emulator.ledger.tasks[0]!;
	expect(heard[0]!.at).toBeGreaterThanOrEqual(readyAt + 2 * 4 - 1);
});

test('one that comes twice comes twice although it was taken', async () => {
	job({ webhook: 'twice' });
	await submit();
	await answered(2);
	expect(bodies()[0]?.id).toBe(bodies()[1]?.id);
});

test('one with a wrong signature is signed with another secret', async () => {
	job({ webhook: 'wrongSignature' });
	await submit();
	await answered(1);
	const [{ body, signature }] = heard as [Heard];
	expect(signature).toMatch(/^sha256=[0-9a-f]{64}$/);
	expect(signature).not.toContain(createHmac('sha256', SECRET).update(body).digest('hex'));
});

test('one that is never posted is not, and a reset forgets what was to be posted', async () => {
	job({ webhook: 'never' });
	await submit();
	emulator.clearRules();
	answers = [500];
	await submit();
	await answered(1);
	emulator.reset();
	await submit();
	await answered(1);
	expect(heard).toHaveLength(2);
});

test('other computers are never called, and one without https is refused', async () => {
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
