import { startListener } from '../../emulator';
import { run } from './cloudflareCalls';
import { closeAfterTest, emulator, lastTask, send, useEmulator } from './support';
import { GENERATION, submit, task } from './taskCalls';

useEmulator();

describe('the ledger', () => {
	it('records the downloads of an image, which exists once its task is done', async () => {
		emulator.rule({ route: 'task.submit', times: 1 }, { task: { seconds: 60 } });
		await submit({ prompt: 'slow' });
		const early = await fetch(lastTask().url);
		await submit({ prompt: 'a' });
		const { id, url } = lastTask();
		const image = await emulator.ledger.image(id);
		const bytes = Buffer.from(await (await fetch(url)).arrayBuffer());
		expect(early.status).toBe(404);
		expect(bytes.equals(image.bytes)).toBe(true);
		expect(lastTask().sha256).toBe(image.sha256);
		expect(emulator.ledger.downloads).toMatchObject([
			{ status: 404 },
			{ taskId: id, status: 200, bytes: bytes.length },
		]);
		expect((await fetch(url.replace('.jpeg', '.png'))).status).toBe(404);
	});

	it('sees every credential that reaches the images', async () => {
		await submit({ prompt: 'a' });
		const { url } = lastTask();
		const { taskKey, cloudflareToken } = emulator.keys;
		await fetch(url);
		expect(emulator.ledger.leaks).toEqual([]);
		await fetch(url, { headers: { authorization: `Bearer ${taskKey}` } });
		await fetch(url, { headers: { authorization: 'Bearer somebody-else' } });
		await fetch(url, { headers: { 'x-key': 'somebody-else' } });
		await fetch(`${url}?token=${cloudflareToken}`);
		await fetch(url, { headers: { referer: `https://a.example/?key=${taskKey}` } });
		expect(emulator.ledger.leaks.map(({ port, where, key }) => ({ port, where, key }))).toEqual([
			{ port: 'results', where: 'header authorization', key: 'taskKey' },
			{ port: 'results', where: 'header authorization', key: undefined },
			{ port: 'results', where: 'header x-key', key: undefined },
			{ port: 'results', where: 'url', key: 'cloudflareToken' },
			{ port: 'results', where: 'header referer', key: 'taskKey' },
		]);
	});

	it('sees a key in a body, in a URL, and at the wrong provider', async () => {
		const { taskKey, cloudflareToken } = emulator.keys;
		await submit({ prompt: `my key is ${taskKey}` });
		await task(`${GENERATION}/task/x?key=${taskKey}`);
		await submit({ prompt: 'a' }, cloudflareToken);
		expect(emulator.ledger.leaks.map(({ where, key }) => ({ where, key }))).toEqual([
			{ where: 'body', key: 'taskKey' },
			{ where: 'url', key: 'taskKey' },
			{ where: 'header authorization', key: 'cloudflareToken' },
		]);
	});

	it('records unknown routes, on both ports', async () => {
		const responses = [
			await send(`${emulator.urls.cloudflare}/zones`),
			await send(`${emulator.urls.task}/v9/nothing`, { method: 'POST' }),
			await send(`${emulator.urls.results}/other`),
			await send(`${emulator.urls.task}${GENERATION}`),
		];
		expect(responses.map(({ status }) => status)).toEqual([404, 404, 404, 404]);
		expect(responses[0]?.body.errors[0].code).toBe(7000);
		expect(emulator.ledger.unexpected.map(({ method, path }) => `${method} ${path}`)).toEqual([
			'GET /client/v4/zones',
			'POST /v9/nothing',
			'GET /other',
			`GET ${GENERATION}`,
		]);
	});

	it('records every request, and is JSON', async () => {
		await run({ prompt: 'a' });
		await fetch(lastTask().url);
		const data = JSON.parse(JSON.stringify(emulator.ledger));
		expect(
			data.requests.map(({ port, method, status }: Record<string, unknown>) => [
				port,
				method,
				status,
			]),
		).toEqual([
			['api', 'POST', 200],
			['results', 'GET', 200],
		]);
	});
});

test('a listener records every request that reaches it', async () => {
	const listener = await startListener();
	closeAfterTest(listener);
	await fetch(`${listener.url}/a`, { method: 'POST', headers: { 'x-key': 'k' }, body: 'b' });
	expect(new URL(listener.url).hostname).toBe('localhost');
	expect(listener.requests).toMatchObject([
		{ method: 'POST', path: '/a', headers: { 'x-key': 'k' }, body: 'b' },
	]);
});
