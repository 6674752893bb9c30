import { existsSync, rmSync } from 'node:fs';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { testCredential } from '../../support/credentialTest';
import { writeDummyPackage } from '../../support/dummyPackage';
import { type Engine, startEngine, type WorkflowJson } from '../../support/engine';

const requests: string[] = [];
let failures = 0;

function respond({ url, headers }: IncomingMessage, response: ServerResponse) {
	const key = String(headers['x-key']);
	requests.push(`${url} ${key}`);
	if (url === '/never') return;
	if (url === '/me') {
		response.writeHead({ wrong: 401, foreign: 403 }[key] ?? 200, {
			'content-type': 'application/json',
		});
		response.end(JSON.stringify({ user: { kind: key === 'bot' ? 'bot' : 'person' } }));
		return;
	}
	response.writeHead(failures-- > 0 ? 400 : 200).end(`hello ${key}`);
}

const server = createServer(respond);
const packageDir = writeDummyPackage();
let baseUrl: string;
let engine: Engine;

function fetching(path: string, settings: object = {}): WorkflowJson {
	return {
		nodes: [
			{ name: 'Start', type: 'n8n-nodes-base.manualTrigger' },
			{
				name: 'Fetch',
				type: 'n8n-nodes-dummy.fetch',
				parameters: { path },
				credentials: { dummyApi: { id: '1', name: 'Dummy' } },
				...settings,
			},
			{ name: 'End', type: 'n8n-nodes-base.noOp' },
		],
		connections: {
			Start: { main: [[{ node: 'Fetch', type: 'main', index: 0 }]] },
			Fetch: { main: [[{ node: 'End', type: 'main', index: 0 }]] },
		},
	};
}

async function start(binaryMode: 'filesystem' | 'memory') {
	const credentials = { dummyApi: { baseUrl } };
	engine = await startEngine({ packageDir, credentials, binaryMode });
}

beforeAll(async () => {
	await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
	baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
});

beforeEach(() => {
	requests.length = 0;
	failures = 0;
});

afterEach(async () => await engine.close());

afterAll(async () => {
	server.closeAllConnections();
	await new Promise((resolve) => server.close(resolve));
	rmSync(packageDir, { recursive: true });
});

test.each(['filesystem', 'memory'] as const)('runs a workflow with %s binaries', async (mode) => {
	await start(mode);
	const done: string[] = [];
	const run = await engine.run(fetching('/hello'), {
		items: [{ json: { item: 7 } }],
		onNodeDone: (name) => done.push(name),
	});

	expect(run.status).toBe('success');
	expect(done).toEqual(['Start', 'Fetch', 'End']);
	expect(requests).toEqual(['/hello default-key']);
	const [item] = run.items('End');
	expect(item?.json).toEqual({ item: 7, tries: 1 });
	const file = item?.binary?.answer;
	if (!file) throw new Error('no binary');
	expect(file.id === undefined).toBe(mode === 'memory');
	expect(String(await engine.binary(file))).toBe('hello default-key');
	const stored = await engine.store(Buffer.from('abc'), 'text/plain', 'abc.txt');
	expect(String(await engine.binary(stored))).toBe('abc');
});

test("honours the node's own retry settings", async () => {
	await start('memory');
	failures = 1;
	const run = await engine.run(
		fetching('/hello', { retryOnFail: true, maxTries: 2, waitBetweenTries: 1 }),
	);

	expect(run.status).toBe('success');
	expect(run.items('End')[0]?.json).toEqual({ tries: 2 });
});

test('continues a failed execution where it stopped, context and input kept', async () => {
	await start('memory');
	failures = 1;
	const failed = await engine.run(fetching('/hello'), { items: [{ json: { item: 7 } }] });
	expect(failed.status).toBe('error');
	expect(failed.error?.message).toContain('Bad request');

	const done: string[] = [];
	const onNodeDone = (name: string) => done.push(name);
	const retried = await engine.retry(failed, fetching('/hello'), { onNodeDone });
	expect(retried.status).toBe('success');
	expect(done).toEqual(['Fetch', 'End']);
	expect(retried.items('End')[0]?.json).toEqual({ item: 7, tries: 2 });
	expect(failed.status).toBe('error');
});

test('stops a running workflow', async () => {
	await start('memory');
	const { done, stop } = engine.start(fetching('/never'));
	while (requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
	stop();

	const run = await done;
	expect(run.status).toBe('canceled');
	expect(run.items('End')).toEqual([]);
});

test('gives up a workflow that never ends', async () => {
	await start('memory');
	await expect(engine.run(fetching('/never'), { limitMs: 200 })).rejects.toThrow(
		'The workflow was still running after 0.2 s',
	);
});

test('removes its folder on close and refuses a second engine before', async () => {
	await start('filesystem');
	await expect(startEngine({ packageDir })).rejects.toThrow('Close the other engine first');
	const home = process.env.N8N_USER_FOLDER ?? '';
	expect(existsSync(home)).toBe(true);
	await engine.close();
	expect(existsSync(home)).toBe(false);
});

test.each([
	['right', { status: 'OK', message: 'Connection successful!' }],
	['wrong', { status: 'Error', message: 'Unauthorized' }],
	['foreign', { status: 'Error', message: 'Wrong account' }],
	['bot', { status: 'Error', message: 'No bots' }],
])('tests a credential as its window does: %s', async (apiKey, result) => {
	await start('memory');

	expect(await testCredential(engine, 'dummyApi', { apiKey, baseUrl })).toEqual(result);
	expect(requests[0]).toBe(`/me ${apiKey}`);
});

test('names the reason when the server of a credential cannot be reached', async () => {
	await start('memory');

	expect(await testCredential(engine, 'dummyApi', { baseUrl: 'http://127.0.0.1:1' })).toEqual({
		status: 'Error',
		message: 'ECONNREFUSED',
	});
});
