import {
	emulator,
	expectNothingGenerated,
	lastTask,
	inspectImage,
	sample,
	send,
	startOther,
	useEmulator,
	withJson,
	type JsonResponse,
} from './support';
import { GENERATION, QUEUE, enqueue, poll, submit, task } from './taskCalls';

useEmulator();

describe('the task API', () => {
	const everything = {
		prompt: 'a',
		seed: 42,
		width: 1024,
		height: 768,
		safety_tolerance: '6',
		output_format: 'png',
	};

	it('accepts the wrapped and the flat body, and records which', async () => {
		const wrapped = {
			model: 'flux_2_pro',
			input: [{ params: everything }],
			moderation: false,
			metadata: { a: 1 },
		};
		const flat = { model: 'flux_2_pro', ...everything, moderation: true };
		const responses = [
			await task(GENERATION, withJson(wrapped, emulator.keys.taskKey)),
			await task(GENERATION, withJson(flat, emulator.keys.taskKey)),
		];
		expect(responses.map(({ status, body }) => ({ status, body }))).toEqual(
			emulator.ledger.tasks.map(({ id, acceptedAt }) => ({
				status: 200,
				body: {
					id,
					created_at: Math.floor(acceptedAt / 1000),
					model: 'flux_2_pro',
					status: 'pending',
					progress: 0,
				},
			})),
		);
		expect(emulator.ledger.submissions.map(({ bodyForm, body }) => ({ bodyForm, body }))).toEqual([
			{ bodyForm: 'wrapped', body: wrapped },
			{ bodyForm: 'flat', body: flat },
		]);
	});

	it('accepts eight references as base64, data URI or URL', async () => {
		const base64 = (await sample(64, 64)).toString('base64');
		const names = ['input_image', ...[2, 3, 4, 5, 6, 7, 8].map((n) => `input_image_${n}`)];
		const values = [base64, `data:image/png;base64,${base64}`, 'https://a.example/b.png'];
		const images = Object.fromEntries(names.map((name, index) => [name, values[index % 3]]));
		expect((await submit({ prompt: 'a', ...images })).status).toBe(200);
	});

	it.each([
		['a number as tolerance', { prompt: 'a', safety_tolerance: 2 }],
		['a tolerance of 7', { prompt: 'a', safety_tolerance: '7' }],
		['a width that is no multiple of 32', { prompt: 'a', width: 1000 }],
		['a width below 64', { prompt: 'a', width: 32 }],
		['a width as text', { prompt: 'a', width: '1024' }],
		['more than 4 MP', { prompt: 'a', width: 2080, height: 2080 }],
		['webp', { prompt: 'a', output_format: 'webp' }],
		['a seed that is not whole', { prompt: 'a', seed: 1.5 }],
		['an unknown parameter', { prompt: 'a', steps: 20 }],
		['a ninth reference', { prompt: 'a', input_image_9: 'https://a.example/b.png' }],
		['a reference that is no image', { prompt: 'a', input_image: 'AAAA' }],
		['a path as reference', { prompt: 'a', input_image: '/home/me/a.png' }],
		['an empty prompt', { prompt: '' }],
		['no prompt', { width: 64 }],
		['moderation among the parameters', { prompt: 'a', moderation: true }],
		['null', { prompt: 'a', seed: null }],
	])('refuses %s', async (_, params) => {
		const { status, body } = await submit(params);
		expect({ status, body }).toEqual({
			status: 400,
			body: { error: { message: expect.any(String) as string } },
		});
		expectNothingGenerated();
	});

	it.each([
		['an unknown model', { model: 'flux_9', input: [{ params: { prompt: 'a' } }] }],
		['no model', { input: [{ params: { prompt: 'a' } }] }],
		[
			'two inputs',
			{ model: 'flux_2_pro', input: [{ params: { prompt: 'a' } }, { params: { prompt: 'b' } }] },
		],
		[
			'something beside params',
			{ model: 'flux_2_pro', input: [{ params: { prompt: 'a' }, type: 'x' }] },
		],
		[
			'parameters in both places',
			{ model: 'flux_2_pro', seed: 1, input: [{ params: { prompt: 'a' } }] },
		],
		['moderation as text', { model: 'flux_2_pro', prompt: 'a', moderation: 'yes' }],
		['metadata as text', { model: 'flux_2_pro', prompt: 'a', metadata: 'x' }],
		['a list', []],
	])('refuses %s', async (_, body) => {
		expect((await task(GENERATION, withJson(body, emulator.keys.taskKey))).status).toBe(400);
		expectNothingGenerated();
	});

	it('goes from pending over in_progress to completed', async () => {
		emulator.rule({ route: 'task.submit' }, { task: { polls: 20 } });
		const { body: submitted } = await submit(everything);
		const seen: JsonResponse[] = [];
		do seen.push(await poll(submitted.id));
		while (seen.at(-1)?.body.status !== 'completed');
		const statuses = seen.map(({ body }) => body.status as string);
		expect([...new Set(statuses)]).toEqual(['pending', 'in_progress', 'completed']);
		const progress = seen.map(({ body }) => body.progress as number);
		expect(progress).toEqual([...progress].sort((a, b) => a - b));
		const { url, acceptedAt } = lastTask();
		expect(seen.at(-1)?.body).toEqual({
			id: submitted.id,
			created_at: Math.floor(acceptedAt / 1000),
			model: 'flux_2_pro',
			status: 'completed',
			progress: 1,
			output: [{ content: [{ type: 'image', url, jobId: submitted.id }] }],
			usage: { cost: '0.03', discount: 1, quantity: 1, unit_price: '0.03', extra_info: {} },
			metadata: {},
		});
		expect(await inspectImage(url)).toMatchObject({
			type: 'image/png',
			format: 'png',
			width: 1024,
			height: 768,
		});
		expect(emulator.ledger.polls.map(({ state }) => state)).toEqual(statuses);
	});

	it('completes at once, or ends with another status, where a rule demands it', async () => {
		emulator.rule({ route: 'task.submit', times: 1 }, { task: { immediate: true } });
		emulator.rule({ route: 'task.submit' }, { task: { status: 'SomethingNew' } });
		expect((await submit({ prompt: 'a' })).body).toMatchObject({
			status: 'completed',
			output: [{ content: [{ url: lastTask().url }] }],
		});
		const { body } = await submit({ prompt: 'a' });
		expect((await poll(body.id)).body).toMatchObject({ status: 'SomethingNew' });
	});

	it.each([
		['message', { error: { code: 7, message: 'moderated' } }],
		['error_message', { error: { code: 7, error_message: 'moderated' } }],
		['string', { error: 'moderated' }],
		['state', {}],
	] as const)('reports a failure in the form %s', async (style, expected) => {
		emulator.rule(
			{ route: 'task.submit' },
			{ task: { fail: { code: 7, message: 'moderated', style } } },
		);
		const { body: submitted } = await submit({ prompt: 'a' });
		const { body } = await poll(submitted.id);
		const { id: _id, created_at: _at, model: _model, ...rest } = body;
		expect(rest).toEqual({ status: 'failed', ...expected });
		expect(emulator.ledger.paidBy(emulator.keys.taskKey)).toEqual({ count: 0, amount: 0 });
		await expect(emulator.ledger.image(submitted.id)).rejects.toThrow('has no image');
	});

	it('generates another image than requested where a rule demands it', async () => {
		emulator.rule({ route: 'task.submit' }, { as: { format: 'webp', width: 320, height: 256 } });
		await submit(everything);
		expect(await inspectImage(lastTask().url)).toMatchObject({
			type: 'image/webp',
			format: 'webp',
			width: 320,
			height: 256,
		});
	});

	it('distinguishes keys', async () => {
		const { keys } = emulator;
		const responses = [
			await submit({ prompt: 'a' }, 'wrong'),
			await submit({ prompt: 'a' }, keys.taskKeyWithoutPermission),
			await submit({ prompt: 'a' }, keys.taskKeyWithoutCredits),
			await task(`${GENERATION}/task/nothing`, {}, 'wrong'),
			await task(`${GENERATION}/task/nothing`),
		];
		expect(responses.map(({ status, body }) => [status, body])).toEqual([
			[401, { error: { message: 'Invalid API key' } }],
			[403, { error: { message: 'Permission denied' } }],
			[
				403,
				{ status: { code: 402, message: 'Insufficient credits', error_code: 40201 }, data: null },
			],
			[401, { error: { message: 'Invalid API key' } }],
			[404, { error: { error_message: 'task not found' } }],
		]);
	});

	it('does not find a task that vanished, or that another key submitted', async () => {
		emulator.rule({ route: 'task.submit', times: 1 }, { task: { vanish: true } });
		const vanished = await submit({ prompt: 'a' });
		const foreign = await submit({ prompt: 'a' });
		expect((await poll(vanished.body.id)).status).toBe(404);
		expect(
			(await task(`${GENERATION}/task/${foreign.body.id}`, {}, emulator.keys.taskKeyWithoutCredits))
				.status,
		).toBe(404);
		expect(emulator.ledger.paidBy(emulator.keys.taskKey)).toEqual({ count: 2, amount: 0.06 });
	});

	it('refuses a key that has too many unfinished tasks', async () => {
		const small = await startOther({ seconds: 60, maxRunning: 1 });
		const post = () =>
			send(
				small.urls.task + GENERATION,
				withJson({ model: 'flux_2_pro', prompt: 'a' }, small.keys.taskKey),
			);
		expect((await post()).status).toBe(200);
		const refused = await post();
		expect([refused.status, refused.body, refused.headers.get('retry-after')]).toEqual([
			429,
			{ error: { code: 1002, message: 'rate limited' } },
			'1',
		]);
	});
});

describe('the queue', () => {
	it('moves one place further at each poll while it is queued, where a rule puts others ahead', async () => {
		emulator.rule({ route: 'queue.submit' }, { task: { queuePosition: 2, polls: 20 } });
		const { body } = await enqueue({ prompt: 'a red cube' });
		const polls = [];
		for (let n = 0; n < 5; n++)
			polls.push((await task(`${QUEUE}/requests/${body.request_id}/status`)).body);

		expect(body.queue_position).toBe(2);
		expect(polls.map(({ queue_position }) => queue_position)).toEqual([2, 1, 0, 0, undefined]);
		expect(polls.at(-1)?.status).toBe('IN_PROGRESS');
	});

	it('goes from QUEUED over IN_PROGRESS to COMPLETED, and responds with the result', async () => {
		emulator.rule({ route: 'queue.submit' }, { task: { polls: 20 } });
		const { status, body } = await enqueue({
			prompt: 'a',
			width: 256,
			height: 128,
			safety_tolerance: 5,
			output_format: 'webp',
		});
		const { id, url } = lastTask();
		const base = `${emulator.urls.task}${QUEUE}/requests/${id}`;
		expect({ status, body }).toEqual({
			status: 200,
			body: {
				request_id: id,
				response_url: `${base}/response`,
				status_url: `${base}/status`,
				cancel_url: `${base}/cancel`,
				queue_position: 0,
			},
		});
		const headers = { authorization: `Key ${emulator.keys.taskKey}` };
		expect((await send(body.response_url, { headers })).status).toBe(202);
		const statuses: string[] = [];
		do statuses.push((await send(body.status_url, { headers })).body.status);
		while (statuses.at(-1) !== 'COMPLETED');
		expect([...new Set(statuses)]).toEqual(['QUEUED', 'IN_PROGRESS', 'COMPLETED']);
		const response = await send(body.response_url, { headers });
		expect({ status: response.status, body: response.body }).toEqual({
			status: 200,
			body: {
				request_id: id,
				outputs: [
					{
						type: 'image',
						url,
						content_type: 'image/webp',
						file_name: `${id}.webp`,
						width: 256,
						height: 128,
					},
				],
				metadata: {},
			},
		});
		expect(await inspectImage(url)).toMatchObject({ format: 'webp', width: 256, height: 128 });
	});

	it('ends as COMPLETED with an error', async () => {
		emulator.rule(
			{ route: 'queue.submit', times: 1 },
			{ task: { fail: { code: 'M', message: 'moderated' } } },
		);
		emulator.rule(
			{ route: 'queue.submit' },
			{ task: { fail: { message: 'moderated', style: 'string' } } },
		);
		const polls = await Promise.all(
			[await enqueue({ prompt: 'a' }), await enqueue({ prompt: 'a' })].map(({ body }) =>
				task(new URL(body.status_url as string).pathname),
			),
		);
		expect(polls.map(({ body }) => body)).toMatchObject([
			{
				status: 'COMPLETED',
				error: { code: 'M', message: 'moderated' },
				error_type: 'provider_error',
				provider_error: { code: 'M' },
			},
			{ status: 'COMPLETED', error: 'moderated', error_type: 'provider_error' },
		]);
	});

	it('cancels a running task, and none that has ended', async () => {
		emulator.rule({ route: 'queue.submit', times: 1 }, { task: { seconds: 60 } });
		const [running, ended] = [
			(await enqueue({ prompt: 'a' })).body,
			(await enqueue({ prompt: 'a' })).body,
		];
		const cancel = (url: string) => task(new URL(url).pathname, { method: 'PUT' });
		expect(
			[await cancel(running.cancel_url), await cancel(ended.cancel_url)].map(({ status, body }) => [
				status,
				body.status,
			]),
		).toEqual([
			[202, 'CANCELLATION_REQUESTED'],
			[400, 'ALREADY_COMPLETED'],
		]);
		const { body } = await task(new URL(running.status_url as string).pathname);
		expect(body).toMatchObject({ status: 'COMPLETED', error: { code: 'CANCELLED' } });
		expect(emulator.ledger.cancels).toMatchObject([
			{ taskId: running.request_id, status: 202 },
			{ taskId: ended.request_id, status: 400 },
		]);
	});

	it.each([
		['a tolerance as text', { prompt: 'a', safety_tolerance: '2' }],
		['a tolerance of 6', { prompt: 'a', safety_tolerance: 6 }],
		['a model in the body', { prompt: 'a', model: 'flux_2_pro' }],
		['a wrapped body', { input: [{ params: { prompt: 'a' } }] }],
	])('refuses %s', async (_, body) => {
		const response = await enqueue(body);
		expect(response).toMatchObject({ status: 400, body: { error: { code: 'INVALID_PARAMETER' } } });
		expectNothingGenerated();
	});

	it('refuses keys, models and IDs with its own errors', async () => {
		const { keys } = emulator;
		expect(
			[
				await enqueue({ prompt: 'a' }, 'wrong'),
				await enqueue({ prompt: 'a' }, keys.taskKeyWithoutPermission),
				await enqueue({ prompt: 'a' }, keys.taskKeyWithoutCredits),
				await task('/model/v1/queue/flux_9', withJson({ prompt: 'a' }, keys.taskKey)),
				await task(`${QUEUE}/requests/nothing/status`),
			].map(({ status, body }) => [status, body.error?.code ?? body.detail]),
		).toEqual([
			[401, 'UNAUTHORIZED'],
			[403, 'FORBIDDEN'],
			[403, 'INSUFFICIENT_BALANCE'],
			[404, 'App not found: flux_9'],
			[404, 'NOT_FOUND'],
		]);
	});
});
