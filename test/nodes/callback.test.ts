import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { IDataObject, INode } from 'n8n-workflow';
import type { Effect } from '../emulator';
import { drawReference, sha256 } from '../emulator/images';
import { agentsOf } from '../support/agent';
import type { Run, WorkflowJson } from '../support/engine';
import {
	items,
	NODE,
	openLab,
	prompts,
	QUICK,
	until,
	workflowWith,
	type Lab,
} from '../support/lab';
import { placed } from '../support/placed';
import { openWebhooks, type Suspended, type Webhooks } from '../support/webhooks';

let lab: Lab;
let webhooks: Webhooks;

const agents = agentsOf(() => lab);

beforeAll(async () => {
	lab = await openLab({ emulator: { webhookUnitMs: 20 }, nodeTypes: agents.nodeTypes });
	webhooks = await openWebhooks(lab.engine);
});
beforeEach(() => lab.emulator.reset());
afterAll(async () => {
	await webhooks.close();
	await lab.close();
});

/** The node with the completion Callback, and one more behind each of its outputs. */
function suspending(options: object = {}, settings: Partial<INode> = {}): WorkflowJson {
	const parameters = {
		prompt: '={{ $json.prompt }}',
		...placed('flux2Bfl', {
			completion: 'callback',
			width: 256,
			height: 256,
			fileName: '={{ $json.prompt }}',
			...options,
		}),
	};
	const json = workflowWith({ type: 'flux2Bfl', parameters, settings });
	const after = (name: string) => [{ node: name, type: 'main', index: 0 }];
	return {
		...json,
		nodes: [
			...json.nodes,
			{ name: 'Good', type: 'n8n-nodes-base.noOp' },
			{ name: 'Bad', type: 'n8n-nodes-base.noOp' },
		],
		connections: { ...json.connections, [NODE]: { main: [after('Good'), after('Bad')] } },
	};
}

const faultTask = (fault: Effect['task']) =>
	lab.emulator.rule({ route: 'bfl.submit' }, { task: fault });
const statuses = () => lab.emulator.ledger.deliveries.map(({ status }) => status);
const responded = async (count: number) =>
	await until(() => statuses().length >= count && statuses().every(Boolean), `${count} responses`);
const firstTask = () => lab.emulator.ledger.tasks[0]!;
const errorOf = (run: Run) => run.items('Good')[0]?.json.error as IDataObject | undefined;

async function suspend(options: object = {}, settings: Partial<INode> = {}): Promise<Suspended> {
	const suspended = await webhooks.run(suspending(options, settings), prompts(1));
	expect(suspended.first.status).toBe('waiting');
	return suspended;
}

/** n8n's own address of a stored file. */
const LINK = expect.stringMatching(/^http:\/\/127\.0\.0\.1\/rest\/binary-data\/signed\?token=\S+$/);
/** An image's host that responds when it is released. */
async function startHolding() {
	const image = await drawReference('held', 64, 64, 'png');
	let release = () => {};
	const released = new Promise<void>((resolve) => (release = resolve));
	let requests = 0;
	const server = createServer((_request, response) => {
		requests++;
		void released.then(() => response.setHeader('content-type', image.mimeType).end(image.bytes));
	});
	await once(server.listen(0, '127.0.0.1'), 'listening');
	return {
		url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
		sha256: sha256(image.bytes),
		release,
		get requests() {
			return requests;
		},
		async close() {
			server.closeAllConnections();
			await new Promise((closed) => server.close(closed));
		},
	};
}

/** What anybody can call who knows the address. */
const resumeUrl = ({ id, first }: Suspended) =>
	`${webhooks.url}/webhook-waiting/${id}?signature=${first.raw.data.resumeToken}`;

const call = async (suspended: Suspended, body: string, headers: Record<string, string> = {}) =>
	(await fetch(resumeUrl(suspended), { method: 'POST', body, headers })).status;

/** @param polls how often the task was asked whether the calls say the truth */
async function expectOneImage(run: Run, polls = 1): Promise<void> {
	expect(run.status).toBe('success');
	const [item] = run.items('Good');
	expect(sha256(await lab.engine.binary(item!.binary!.data!))).toBe(firstTask().sha256);
	const { submissions, tasks, polls: all } = lab.emulator.ledger;
	expect([submissions.length, tasks.length, all.length]).toEqual([1, 1, polls]);
}

const QUOTE = { amount: 0.03, currency: 'USD', credits: 3 };

const submittedTask = () => ({
	provider: 'bfl',
	model: 'flux-2-pro',
	taskId: firstTask().id,
	submittedAt: expect.any(String),
	cost: { amount: 0.03, currency: 'USD', credits: 3 },
});

describe('a suspended execution', () => {
	test('goes on with a link to its image, where one is asked for', async () => {
		const { resumed } = await suspend({ linkLifetime: '7 days' });
		const [item] = (await resumed).items(NODE);

		expect(item?.json.image).toMatchObject({ link: LINK });
	});

	test('goes on with the item of Generate when the provider calls, which one poll confirms', async () => {
		const { resumed } = await suspend({ seed: 9 });
		const run = await resumed;

		const { id, url } = firstTask();
		expect(run.items(NODE)).toEqual([
			{
				json: {
					provider: 'bfl',
					model: 'flux-2-pro',
					status: 'completed',
					taskId: id,
					prompt: 'item 1',
					revisedPrompt: 'item 1, in fine detail',
					seed: 9,
					image: {
						width: 256,
						height: 256,
						mimeType: 'image/jpeg',
						fileSize: expect.any(Number),
						url: expect.stringContaining(`${url}?`),
					},
					cost: { amount: 0.03, currency: 'USD', credits: 3 },
					megapixels: { input: 0, output: 0.06 },
					timing: {
						submittedAt: expect.any(String),
						completedAt: expect.any(String),
						seconds: expect.any(Number),
					},
				},
				binary: { data: expect.objectContaining({ fileName: 'item 1.jpg' }) },
				pairedItem: { item: 0 },
			},
		]);
		await expectOneImage(run);
	});

	test('gives the provider its resume URL and a secret of its own, and shows them to nobody else', async () => {
		const { id, first, resumed } = await suspend({ simplify: false });
		const { resumeToken } = first.raw.data;

		const url = `${webhooks.url}/webhook-waiting/${id}?signature=${resumeToken}`;
		const body = lab.emulator.ledger.submissions[0]?.body as { webhook_secret: string };
		expect(body).toEqual({
			prompt: 'item 1',
			width: 256,
			height: 256,
			webhook_url: url,
			webhook_secret: expect.stringMatching(/^[0-9a-f]{48}$/),
		});
		const run = await resumed;
		for (const { runData } of [first, run]) {
			expect(JSON.stringify(runData)).not.toContain(resumeToken);
			expect(JSON.stringify(runData)).not.toContain(body.webhook_secret);
		}
	});

	test('survives a call that came before it was suspended: the provider calls again', async () => {
		faultTask({ webhook: 'early' });
		const { resumed } = await suspend();
		const run = await resumed;

		await responded(2);
		expect(statuses()).toEqual([409, 200]);
		await expectOneImage(run);
	});

	test('goes on once, however often the provider calls', async () => {
		faultTask({ webhook: 'twice' });
		const { resumed } = await suspend();
		const run = await resumed;
		await responded(2);

		expect(statuses()[0]).toBe(200);
		expect(statuses()[1]).toBe(409);
		await expectOneImage(run);
	});

	test('goes on once when two calls come together: the image is fetched once, for the first', async () => {
		const host = await startHolding();
		faultTask({ webhook: 'never', seconds: 0 });
		const suspended = await suspend();
		const sample = `${host.url}/1.png`;
		lab.emulator.rule(
			{ route: 'bfl.result' },
			{ status: 200, body: { id: firstTask().id, status: 'Ready', result: { sample } } },
		);
		const say = async () =>
			await fetch(resumeUrl(suspended), {
				method: 'POST',
				body: JSON.stringify({ id: firstTask().id, status: 'Ready', result: { sample } }),
			});
		const first = say();
		await until(() => host.requests === 1);
		const second = await say();
		host.release();

		expect([second.status, await second.json()]).toEqual([
			409,
			{ message: 'The image is being fetched' },
		]);
		expect((await first).status).toBe(200);
		const [item] = (await suspended.resumed).items('Good');
		expect(sha256(await lab.engine.binary(item!.binary!.data!))).toBe(host.sha256);
		expect([host.requests, lab.emulator.ledger.polls.length]).toEqual([1, 1]);
		await host.close();
	});

	test('goes on waiting when the image cannot be fetched, and takes it at the next call', async () => {
		lab.emulator.rule(
			{ route: 'download', times: 4 },
			{ status: 503, headers: { 'retry-after': '0.01' } },
		);
		const { resumed } = await suspend();
		const run = await resumed;

		await responded(2);
		expect(statuses()).toEqual([503, 200]);
		await expectOneImage(run, 2);
	});

	test('goes on with its task when nobody calls, and Task: Get collects the image', async () => {
		faultTask({ webhook: 'never' });
		const suspended = await suspend();
		const run = await webhooks.resumeByTimer(suspended);

		expect(run.status).toBe('success');
		expect(run.items('Good')).toEqual([
			{ json: { ...submittedTask(), cost: QUOTE }, pairedItem: { item: 0 } },
		]);
		const parameters = {
			resource: 'task',
			operation: 'get',
			taskId: '={{ $json.taskId }}',
			pollUrl: "={{ $json.pollUrl ?? '' }}",
			waitForCompletion: true,
			options: QUICK,
		};
		const later = await lab.run({ type: 'flux2Bfl', parameters }, { items: run.items('Good') });
		expect(later.items(NODE)[0]).toMatchObject({
			json: { status: 'completed', taskId: firstTask().id },
		});
		expect(lab.emulator.ledger.submissions).toHaveLength(1);
	});

	test('waits for 5 minutes, within which an image can still be collected, or as long as Timeout says', async () => {
		faultTask({ webhook: 'never' });
		const waited = async (options?: object) => {
			const { first } = await suspend(options);
			return (first.raw.waitTill!.getTime() - first.raw.startedAt.getTime()) / 1000;
		};
		expect(Math.abs((await waited()) - 300)).toBeLessThan(100);
		expect(Math.abs((await waited({ timeout: 3600 })) - 3600)).toBeLessThan(100);
	});

	test('whose node has a name that is hard to quote finds what it waits for', async () => {
		const json = JSON.parse(
			JSON.stringify(suspending()).replaceAll(NODE, 'a }} \\\\ \\"b\\" \'c\''),
		) as WorkflowJson;
		const { resumed } = await webhooks.run(json, prompts(1));
		await expectOneImage(await resumed);
	});
});

describe('a call that is not about its task leaves it waiting', () => {
	test.each([
		['another task', JSON.stringify({ id: 'd5ba37dc-made-up', status: 'Ready' }), 404],
		['no JSON', 'Ready', 400],
		['no task', '{}', 400],
		['too large', JSON.stringify({ id: 'x'.repeat(1_000_000), status: 'Ready' }), 413],
	])('%s', async (_what, body, status) => {
		faultTask({ webhook: 'late' });
		const suspended = await suspend();

		expect(await call(suspended, body)).toBe(status);
		await expectOneImage(await suspended.resumed);
	});

	test('its own, while it runs', async () => {
		faultTask({ webhook: 'late' });
		const suspended = await suspend();

		const body = JSON.stringify({ id: firstTask().id, status: 'Pending' });
		expect(await call(suspended, body)).toBe(200);
		await expectOneImage(await suspended.resumed);
	});

	test('its own, with a status that no document explains, which the task is asked about', async () => {
		faultTask({ webhook: 'never', polls: 1 });
		const suspended = await suspend();
		const body = JSON.stringify({ id: firstTask().id, status: 'Warming up' });

		expect(await call(suspended, body)).toBe(200);
		expect(lab.emulator.ledger.polls).toHaveLength(1);
		await until(() => firstTask().readyAt < Date.now());
		expect(await call(suspended, body)).toBe(200);
		await expectOneImage(await suspended.resumed, 2);
	});
});

describe('what a call says is a hint', () => {
	const NOW = { 'retry-after': '0.01' };
	const forged = () => [
		JSON.stringify({
			id: firstTask().id,
			status: 'Ready',
			result: { sample: `${lab.emulator.urls.results}/references/a.png?width=64&height=64` },
		}),
		JSON.stringify({ id: firstTask().id, status: 'Error', message: 'made up' }),
	];
	const secret = () =>
		(lab.emulator.ledger.submissions[0]?.body as { webhook_secret: string }).webhook_secret;
	const cannotPoll = () =>
		lab.emulator.rule({ route: 'bfl.result' }, { status: 503, headers: NOW });

	test('that the task itself denies: the execution goes on waiting', async () => {
		faultTask({ seconds: 0.3 });
		const suspended = await suspend();

		const calls = forged().map(async (body) => await call(suspended, body));
		expect((await Promise.all(calls)).every((status) => [503, 409].includes(status))).toBe(true);
		expect(['Pending', 'Reasoning', 'Generating']).toContain(lab.emulator.ledger.polls[0]?.state);
		const run = await suspended.resumed;
		expect(run.items('Good')).toMatchObject([{ json: { taskId: firstTask().id } }]);
		const [item] = run.items('Good');
		expect(sha256(await lab.engine.binary(item!.binary!.data!))).toBe(firstTask().sha256);
	});

	test('that counts where the task cannot be polled and the call is signed with our secret', async () => {
		cannotPoll();
		const { resumed } = await suspend();

		// four attempts of the one poll
		await expectOneImage(await resumed, 4);
		await responded(1);
		expect(statuses()).toEqual([200]);
	});

	test('that counts there too with the secret itself in a header', async () => {
		cannotPoll();
		faultTask({ webhook: 'never' });
		const suspended = await suspend();
		const [, failed] = forged();

		expect(await call(suspended, failed!, { 'x-webhook-secret': secret() })).toBe(200);
		const run = await suspended.resumed;
		expect(run.items('Good')).toMatchObject([{ json: { status: 'failed', kind: 'unavailable' } }]);
	});

	test('that does not count there when it is signed with another secret, or not at all', async () => {
		cannotPoll();
		faultTask({ webhook: 'never' });
		const suspended = await suspend();

		for (const body of forged()) {
			const other = createHmac('sha256', `${secret()}x`).update(body).digest('hex');
			expect(await call(suspended, body)).toBe(503);
			expect(await call(suspended, body, { 'x-bfl-signature': `sha256=${other}` })).toBe(503);
			expect(await call(suspended, body, { 'x-webhook-secret': `${secret()}x` })).toBe(503);
		}
		const run = await webhooks.resumeByTimer(suspended);
		expect(run.items('Good')).toEqual([
			{ json: { ...submittedTask(), cost: QUOTE }, pairedItem: { item: 0 } },
		]);
	});
});

describe('a task that fails', () => {
	const moderated = {
		kind: 'moderated',
		message: "Black Forest Labs' content filter refused this request: Derivative Works Filter",
	};
	beforeEach(() => faultTask({ status: 'Content Moderated' }));

	test('goes on as an item that says why: n8n cannot fail a node that it does not run', async () => {
		const { resumed } = await suspend();
		const run = await resumed;

		expect(run.items('Good')).toEqual([
			{
				json: { ...submittedTask(), cost: undefined, status: 'failed', ...moderated },
				pairedItem: { item: 0 },
			},
		]);
	});

	test.each([
		['continueRegularOutput', 'Good'],
		['continueErrorOutput', 'Bad'],
	] as const)('is an error item with %s', async (onError, output) => {
		const { resumed } = await suspend({}, { onError });
		const run = await resumed;

		const error = { ...moderated, provider: 'bfl', model: 'flux-2-pro', taskId: firstTask().id };
		expect(run.items(output)[0]?.json.error).toMatchObject(error);
	});
});

test('a young image that its host refuses is fetched when the provider calls again', async () => {
	lab.emulator.rule({ route: 'download', times: 1 }, { image: 'expired' });
	const { resumed } = await suspend();

	await expectOneImage(await resumed, 2);
	await responded(2);
	expect(statuses()).toEqual([503, 200]);
});

describe('is refused before anything is paid', () => {
	const CONTINUE = { onError: 'continueRegularOutput' } as const;
	const nothingSent = () => expect(lab.emulator.ledger.requests).toEqual([]);

	test('for several items', async () => {
		const { first } = await webhooks.run(suspending({}, CONTINUE), prompts(2));

		expect(errorOf(first)?.message).toContain('it takes one item at a time, and there are 2');
		nothingSent();
	});

	test('with a Notify URL of its own', async () => {
		const options = { webhookUrl: 'https://n8n.example/webhook/1' };
		const { first } = await webhooks.run(suspending(options, CONTINUE), prompts(1));

		expect(errorOf(first)?.message).toBe('Notify URL: with Callback, n8n itself is called');
		nothingSent();
	});

	test('when Black Forest Labs cannot reach this n8n', async () => {
		const own = lab.credentials.flux2BflApi!;
		lab.credentials.flux2BflApi = { ...own, region: 'global' };
		const { first } = await webhooks.run(suspending({}, CONTINUE), prompts(1));
		lab.credentials.flux2BflApi = own;

		expect(errorOf(first)?.message).toBe(
			`How to Wait: Black Forest Labs cannot call ${webhooks.url}; set n8n's WEBHOOK_URL to its public https address, or choose Poll`,
		);
		nothingSent();
	});

	test("as an agent's tool", async () => {
		const parameters = { prompt: 'a', options: { completion: 'callback' } };
		const messages: string[] = [];
		const run = await agents.run({ type: 'flux2Bfl', parameters }, async (call) => {
			messages.push(await call().catch((error: Error) => error.message));
		});

		expect(messages.join()).toContain("an agent's tool cannot be suspended; choose Poll");
		expect(run.status).not.toBe('waiting');
		nothingSent();
	});

	test('for a way to wait that does not exist', async () => {
		const parameters = { prompt: 'a', options: { completion: 'hope' } };
		const run = await lab.run(
			{ type: 'flux2Bfl', parameters, settings: CONTINUE },
			{ items: items({}) },
		);

		expect(run.items(NODE)[0]?.json.error).toMatchObject({
			message: 'How to Wait: must be one of callback, poll',
		});
		nothingSent();
	});
});

test('what an earlier run has submitted is polled, because the provider would call that run', async () => {
	faultTask({ webhook: 'never' });
	// four attempts, and four after the task was asked for its image again
	lab.emulator.rule(
		{ route: 'download', times: 8 },
		{ status: 503, headers: { 'retry-after': '0.01' } },
	);
	const generate = (completion: string) => {
		const options = placed('flux2Bfl', { completion, width: 256, height: 256, ...QUICK });
		return { type: 'flux2Bfl', parameters: { prompt: 'a', ...options } } as const;
	};
	const failed = await lab.run(generate('poll'));
	expect(failed.status).toBe('error');
	const run = await lab.retry(failed, generate('callback'));

	expect(run.items(NODE)[0]?.json).toMatchObject({ status: 'completed', taskId: firstTask().id });
	expect(lab.emulator.ledger.submissions).toHaveLength(1);
});
