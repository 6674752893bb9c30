import { documentedErrors, type DocumentedError, type RouteName } from '../../emulator';
import { PRO, run, runForm } from './cloudflareCalls';
import {
	emulator,
	lastTask,
	send,
	startOther,
	useEmulator,
	withJson,
	type JsonResponse,
} from './support';
import { GENERATION, enqueue, poll, submit } from './taskCalls';

useEmulator();

describe('rules', () => {
	it('replace the response for as many calls as they name, after as many as they name', async () => {
		emulator.rule(
			{ route: 'task.submit', skip: 1, times: 2 },
			{ status: 503, body: { a: 1 }, headers: { 'retry-after': '7' } },
		);
		const responses: JsonResponse[] = [];
		for (let call = 0; call < 4; call++) responses.push(await submit({ prompt: 'a' }));
		expect(responses.map(({ status }) => status)).toEqual([200, 503, 503, 200]);
		expect([responses[1]?.body, responses[1]?.headers.get('retry-after')]).toEqual([{ a: 1 }, '7']);
		expect(
			emulator.ledger.submissions.map(({ accepted, status }) => ({ accepted, status })),
		).toEqual([
			{ accepted: true, status: 200 },
			{ accepted: false, status: 503 },
			{ accepted: false, status: 503 },
			{ accepted: true, status: 200 },
		]);
	});

	it('take turns with rules of the same kind, and join those of other kinds', async () => {
		emulator.rule({ route: 'task.submit' }, { task: { immediate: true } });
		emulator.rule({ route: 'task.submit', times: 1 }, { status: 500 });
		emulator.rule({ route: 'task.submit', times: 1 }, { status: 429 });
		const responses = [
			await submit({ prompt: 'a' }),
			await submit({ prompt: 'a' }),
			await submit({ prompt: 'a' }),
		];
		expect(responses.map(({ status, body }) => [status, body.status])).toEqual([
			[500, undefined],
			[429, undefined],
			[200, 'completed'],
		]);
	});

	it('about tasks wait until there is a task', async () => {
		emulator.rule({ route: 'task.submit', times: 1 }, { task: { immediate: true } });
		emulator.rule({ route: 'task.submit', times: 1 }, { status: 429 });
		expect((await submit({ prompt: 'a' })).status).toBe(429);
		expect((await submit({ prompt: 'a' })).body.status).toBe('completed');
	});

	it('match by prompt and key, for polls and downloads by the task’s', async () => {
		emulator.rule({ route: 'task.submit', prompt: /^BAD/ }, { status: 418 });
		emulator.rule({ route: 'task.status', prompt: 'cat' }, { status: 500 });
		emulator.rule({ route: 'download', prompt: 'dog' }, { status: 403 });
		emulator.rule({ route: 'task.submit', key: 'wrong' }, { status: 499 });
		const cat = (await submit({ prompt: 'a cat' })).body.id as string;
		const { url: catUrl } = lastTask();
		const dog = (await submit({ prompt: 'a dog' })).body.id as string;
		const { url: dogUrl } = lastTask();
		expect([
			(await submit({ prompt: 'BAD' })).status,
			(await submit({ prompt: 'not BAD' })).status,
			(await submit({ prompt: 'a' }, 'wrong')).status,
			(await poll(cat)).status,
			(await poll(dog)).status,
			(await fetch(catUrl)).status,
			(await fetch(dogUrl)).status,
		]).toEqual([418, 200, 499, 500, 200, 200, 403]);
	});

	it('respond with an HTML error page, and with cut JSON of the right length', async () => {
		emulator.rule({ route: 'task.submit', times: 1 }, { html: true });
		emulator.rule({ route: 'task.submit', times: 1 }, { truncateJson: true });
		const page = await submit({ prompt: 'a' });
		expect([page.status, page.headers.get('content-type'), page.body]).toEqual([
			502,
			'text/html',
			expect.stringContaining('<html>'),
		]);
		const init = withJson({ model: 'flux_2_pro', prompt: 'a' }, emulator.keys.taskKey);
		const cut = await fetch(emulator.urls.task + GENERATION, init);
		const text = await cut.text();
		expect([cut.status, cut.headers.get('content-length')]).toEqual([200, String(text.length)]);
		expect(() => JSON.parse(text) as unknown).toThrow(SyntaxError);
		expect(emulator.ledger.tasks).toHaveLength(1);
	});

	it.each([
		['beforeHeaders', undefined, 0],
		['beforeHeaders', true, 1],
		['midHeaders', undefined, 1],
		['midBody', undefined, 1],
		['midBody', false, 0],
	] as const)(
		'break the connection %s (accepted: %p): %i tasks are created',
		async (reset, accepted, taskCount) => {
			emulator.rule(
				{ route: 'task.submit', times: 1 },
				accepted === undefined ? { reset } : { reset, accepted },
			);
			await expect(submit({ prompt: 'a' })).rejects.toThrow();
			expect(emulator.ledger.paidBy(emulator.keys.taskKey).count).toBe(taskCount);
			expect(emulator.ledger.submissions).toMatchObject([{ accepted: taskCount === 1 }]);
			expect(emulator.ledger.submissions[0]).not.toHaveProperty('status', 200);
			expect((await submit({ prompt: 'a' })).status).toBe(200);
		},
	);

	it('accept a task and hide it behind an error', async () => {
		emulator.rule({ route: 'task.submit' }, { status: 500, accepted: true });
		expect((await submit({ prompt: 'a' })).status).toBe(500);
		expect(emulator.ledger.submissions).toMatchObject([
			{ accepted: true, status: 500, cost: 0.03 },
		]);
	});

	it('hang until the emulator is closed', async () => {
		const own = await startOther({});
		own.rule({ route: 'task.status' }, { hang: true });
		const seen = fetch(`${own.urls.task}${GENERATION}/task/x`);
		const outcome = expect(seen).rejects.toThrow();
		while (own.ledger.polls.length === 0) await new Promise(setImmediate);
		await own.close();
		await outcome;
	});

	it('let the emulator close while a synchronous call waits', async () => {
		const own = await startOther({ seconds: 600 });
		const url = `${own.urls.cloudflare}/accounts/${own.keys.accountId}/ai/run`;
		const outcome = expect(
			fetch(url, withJson({ model: PRO, input: { prompt: 'a' } }, own.keys.cloudflareToken)),
		).rejects.toThrow();
		while (own.ledger.tasks.length === 0) await new Promise(setImmediate);
		await own.close();
		await outcome;
	});

	it('delay a response, and send it in pieces', async () => {
		emulator.rule({ route: 'task.submit' }, { delayMs: 50 });
		emulator.rule({ route: 'download' }, { slowBytes: true });
		const began = Date.now();
		await submit({ prompt: 'a' });
		// Timers may fire a millisecond early.
		expect(Date.now() - began).toBeGreaterThanOrEqual(48);
		const pieces: number[] = [];
		const { body } = await fetch(lastTask().url);
		for await (const piece of body as unknown as AsyncIterable<Uint8Array>)
			pieces.push(piece.length);
		const { bytes } = await emulator.ledger.image(lastTask().id);
		expect(pieces.length).toBeGreaterThan(3);
		expect(pieces.reduce((sum, length) => sum + length, 0)).toBe(bytes.length);
	});

	it('spoil downloads', async () => {
		await submit({ prompt: 'a', output_format: 'png' });
		const { id, url } = lastTask();
		const { bytes } = await emulator.ledger.image(id);
		const kinds = ['truncated', 'html', 'empty', 'wrongContentType', 'expired'] as const;
		for (const kind of kinds) emulator.rule({ route: 'download', times: 1 }, { image: kind });
		const seen: unknown[] = [];
		for (const kind of kinds) {
			const response = await fetch(url);
			const length = (await response.arrayBuffer()).byteLength;
			seen.push([kind, response.status, response.headers.get('content-type'), length]);
		}
		expect(seen).toEqual([
			['truncated', 200, 'image/png', Math.floor(bytes.length / 2)],
			['html', 200, 'text/html', expect.any(Number)],
			['empty', 200, 'image/png', 0],
			['wrongContentType', 200, 'text/plain', bytes.length],
			['expired', 403, 'application/xml', expect.any(Number)],
		]);
	});

	it('redirect, and change responses within the process', async () => {
		emulator.rule({ route: 'download' }, { redirect: 'https://elsewhere.example/a' });
		emulator.rule(
			{ route: 'task.submit' },
			{ mutate: (response) => ({ ...response, body: { id: 'other' } }) },
		);
		expect((await submit({ prompt: 'a' })).body).toEqual({ id: 'other' });
		const response = await send(lastTask().url);
		expect([response.status, response.headers.get('location')]).toEqual([
			302,
			'https://elsewhere.example/a',
		]);
	});

	it('respond with every documented error', async () => {
		const bySubmit: [RouteName, () => Promise<JsonResponse>] = [
			'task.submit',
			() => submit({ prompt: 'a' }),
		];
		const call: Record<string, typeof bySubmit> = {
			cloudflare: ['cloudflare.run', () => run({ prompt: 'a' })],
			workersAi: ['cloudflare.workersAi', () => runForm([['prompt', 'a']])],
			queue: ['queue.submit', () => enqueue({ prompt: 'a' })],
		};
		for (const [name, expected] of Object.entries(documentedErrors)) {
			const [route, make] = call[name.split('.')[0] ?? ''] ?? bySubmit;
			emulator.rule({ route, times: 1 }, { error: name as DocumentedError });
			const { status, body } = await make();
			expect({ name, status, body }).toEqual({
				name,
				status: expected.status,
				body: expected.body,
			});
		}
		expect(emulator.ledger.tasks).toEqual([]);
	});

	it('throw where they would do nothing', () => {
		const add = (match: object, effect: object) => () => emulator.rule(match as never, effect);
		expect(add({ route: 'task.sumbit' }, { status: 500 })).toThrow(
			'no route is called task.sumbit',
		);
		expect(add({ route: 'task.submit', promt: 'a' }, { status: 500 })).toThrow('promt');
		expect(add({ route: 'task.submit' }, { stauts: 500 })).toThrow('stauts');
		expect(add({ route: 'task.submit' }, { error: 'task.nothing' })).toThrow('task.nothing');
		expect(add({ route: 'task.submit' }, {})).toThrow('a rule needs an effect');
		expect(add({ route: 'task.submit' }, { task: { poll: 1 } })).toThrow("'poll'");
		expect(add({ route: 'task.submit' }, { task: { fail: 'no' } })).toThrow('task.fail');
		expect(add({ route: 'cloudflare.run' }, { envelope: 'open' })).toThrow('effect.envelope');
	});

	it('are controlled over HTTP', async () => {
		const control = (path: string, init?: RequestInit) =>
			send(`${emulator.urls.task}/_emulator/${path}`, init);
		const rule = { route: 'task.submit', prompt: 'a', times: 5, effect: { status: 500 } };
		expect((await control('rules', withJson(rule, ''))).status).toBe(201);
		expect(
			(await control('rules', withJson({ route: 'nothing', effect: { status: 500 } }, ''))).status,
		).toBe(400);
		expect((await control('rules', withJson({ route: 'task.submit' }, ''))).status).toBe(400);
		expect((await submit({ prompt: 'a' })).status).toBe(500);
		await control('rules', { method: 'DELETE' });
		expect((await submit({ prompt: 'a' })).status).toBe(200);
		expect((await control('ledger')).body).toEqual(JSON.parse(JSON.stringify(emulator.ledger)));
		await control('reset', { method: 'POST' });
		const lists: unknown[][] = Object.values(emulator.ledger.toJSON());
		expect(lists.flat()).toEqual([]);
	});
});
