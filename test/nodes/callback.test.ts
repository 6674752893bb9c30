import type { IDataObject, INode } from 'n8n-workflow';
import type { Effect } from '../emulator';
import { sha256 } from '../emulator/images';
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
import { openWebhooks, type Parked, type Webhooks } from '../support/webhooks';

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
function parking(options: object = {}, settings: Partial<INode> = {}): WorkflowJson {
	const parameters = {
		prompt: '={{ $json.prompt }}',
		completion: 'callback',
		options: { width: 256, height: 256, fileName: '={{ $json.prompt }}', ...options },
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

const job = (fault: Effect['task']) => lab.emulator.rule({ route: 'bfl.submit' }, { task: fault });
const statuses = () => lab.emulator.ledger.deliveries.map(({ status }) => status);
const answered = async (count: number) =>
	await until(() => statuses().length >= count && statuses().every(Boolean), `${count} answers`);
const firstJob = () => lab.emulator.ledger.tasks[0]!;
const errorOf = (run: Run) => run.items('Good')[0]?.json.error as IDataObject | undefined;

async function park(options: object = {}, settings: Partial<INode> = {}): Promise<Parked> {
	const parked = await webhooks.run(parking(options, settings), prompts(1));
	expect(parked.first.status).toBe('waiting');
	return parked;
}

async function expectOneImage(run: Run): Promise<void> {
	expect(run.status).toBe('success');
	const [item] = run.items('Good');
	expect(sha256(await lab.engine.binary(item!.binary!.data!))).toBe(firstJob().sha256);
	const { submissions, tasks: jobs, polls } = lab.emulator.ledger;
	expect([submissions.length, jobs.length, polls.length]).toEqual([1, 1, 0]);
}

const handle = () => ({
	provider: 'bfl',
	model: 'flux-2-pro',
	taskId: firstJob().id,
	submittedAt: expect.any(String),
});

describe('a parked execution', () => {
	test('goes on with the item of Generate when the service calls, and was never polled', async () => {
		const { resumed } = await park({ seed: 9 });
		const run = await resumed;

		const { id, url } = firstJob();
		expect(run.items(NODE)).toEqual([
			{
				json: {
					provider: 'bfl',
					model: 'flux-2-pro',
					status: 'completed',
					taskId: id,
					prompt: 'item 1',
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

	test('has told the service its own resume URL, with the token, and tells it to nobody else', async () => {
		const { id, first, resumed } = await park({ simplify: false });
		const { resumeToken } = first.raw.data;

		const url = `${webhooks.url}/webhook-waiting/${id}?signature=${resumeToken}`;
		expect(lab.emulator.ledger.submissions[0]?.body).toEqual({
			prompt: 'item 1',
			width: 256,
			height: 256,
			webhook_url: url,
		});
		const run = await resumed;
		for (const { runData } of [first, run])
			expect(JSON.stringify(runData)).not.toContain(resumeToken);
	});

	test('survives a call that came before it was parked: the service calls again', async () => {
		job({ webhook: 'early' });
		const { resumed } = await park();
		const run = await resumed;

		await answered(2);
		expect(statuses()).toEqual([409, 200]);
		await expectOneImage(run);
	});

	test('goes on once, however often the service calls', async () => {
		job({ webhook: 'twice' });
		const { resumed } = await park();
		const run = await resumed;
		await answered(2);

		expect(statuses()[0]).toBe(200);
		expect(statuses()[1]).toBe(409);
		await expectOneImage(run);
	});

	test('goes on waiting when the image cannot be fetched, and takes it with the next call', async () => {
		lab.emulator.rule(
			{ route: 'download', times: 4 },
			{ status: 503, headers: { 'retry-after': '0.01' } },
		);
		const { resumed } = await park();
		const run = await resumed;

		await answered(2);
		expect(statuses()).toEqual([503, 200]);
		await expectOneImage(run);
	});

	test('goes on with its handle when nobody calls, and Task: Get collects the image', async () => {
		job({ webhook: 'never' });
		const parked = await park();
		const run = await webhooks.resumeByTimer(parked);

		expect(run.status).toBe('success');
		expect(run.items('Good')).toEqual([{ json: handle(), pairedItem: { item: 0 } }]);
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
			json: { status: 'completed', taskId: firstJob().id },
		});
		expect(lab.emulator.ledger.submissions).toHaveLength(1);
	});

	test('waits for 5 minutes, within which an image can still be collected, or as long as Timeout says', async () => {
		job({ webhook: 'never' });
		const waited = async (options?: object) => {
			const { first } = await park(options);
			return (first.raw.waitTill!.getTime() - first.raw.startedAt.getTime()) / 1000;
		};
		expect(Math.abs((await waited()) - 300)).toBeLessThan(20);
		expect(Math.abs((await waited({ timeout: 3600 })) - 3600)).toBeLessThan(20);
	});

	test('whose node has a name that is hard to quote finds what it waits for', async () => {
		const json = JSON.parse(
			JSON.stringify(parking()).replaceAll(NODE, 'a }} \\\\ \\"b\\" \'c\''),
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
		job({ webhook: 'late' });
		const { id, first, resumed } = await park();
		const url = `${webhooks.url}/webhook-waiting/${id}?signature=${first.raw.data.resumeToken}`;

		expect((await fetch(url, { method: 'POST', body })).status).toBe(status);
		await expectOneImage(await resumed);
	});

	test('its own, which still runs', async () => {
		job({ webhook: 'late' });
		const { id, first, resumed } = await park();
		const url = `${webhooks.url}/webhook-waiting/${id}?signature=${first.raw.data.resumeToken}`;
		const body = JSON.stringify({ id: firstJob().id, status: 'Pending' });

		expect((await fetch(url, { method: 'POST', body })).status).toBe(200);
		await expectOneImage(await resumed);
	});
});

describe('a task that fails', () => {
	const moderated = {
		kind: 'moderated',
		message: expect.stringContaining('The task ended with the status "Content Moderated"'),
	};
	beforeEach(() => job({ status: 'Content Moderated' }));

	test('goes on as an item that says why: n8n cannot fail a node that it does not run', async () => {
		const { resumed } = await park();
		const run = await resumed;

		expect(run.items('Good')).toEqual([
			{ json: { ...handle(), status: 'failed', ...moderated }, pairedItem: { item: 0 } },
		]);
	});

	test.each([
		['continueRegularOutput', 'Good'],
		['continueErrorOutput', 'Bad'],
	] as const)('is an error item with %s', async (onError, output) => {
		const { resumed } = await park({}, { onError });
		const run = await resumed;

		const error = { ...moderated, provider: 'bfl', model: 'flux-2-pro', taskId: firstJob().id };
		expect(run.items(output)[0]?.json.error).toMatchObject(error);
	});
});

test('a young image that its host refuses is fetched when the service calls again', async () => {
	lab.emulator.rule({ route: 'download', times: 1 }, { image: 'expired' });
	const { resumed } = await park();

	await expectOneImage(await resumed);
	await answered(2);
	expect(statuses()).toEqual([503, 200]);
});

test('a status that nobody has documented keeps the execution waiting', async () => {
	job({ webhook: 'late' });
	const { id, first, resumed } = await park();
	const url = `${webhooks.url}/webhook-waiting/${id}?signature=${first.raw.data.resumeToken}`;
	const body = JSON.stringify({ id: firstJob().id, status: 'Warming up' });

	expect((await fetch(url, { method: 'POST', body })).status).toBe(200);
	await expectOneImage(await resumed);
});

describe('is refused before anything is paid', () => {
	const CONTINUE = { onError: 'continueRegularOutput' } as const;
	const nothingSent = () => expect(lab.emulator.ledger.requests).toEqual([]);

	test('for several items', async () => {
		const { first } = await webhooks.run(parking({}, CONTINUE), prompts(2));

		expect(errorOf(first)?.message).toContain('it takes one item at a time, and there are 2');
		nothingSent();
	});

	test('with a Notify URL of its own', async () => {
		const options = { webhookUrl: 'https://n8n.example/webhook/1' };
		const { first } = await webhooks.run(parking(options, CONTINUE), prompts(1));

		expect(errorOf(first)?.message).toBe(
			'Notify URL: with the completion Callback, n8n itself is called',
		);
		nothingSent();
	});

	test('when Black Forest Labs cannot reach this n8n', async () => {
		const own = lab.credentials.flux2BflApi!;
		lab.credentials.flux2BflApi = { ...own, region: 'global' };
		const { first } = await webhooks.run(parking({}, CONTINUE), prompts(1));
		lab.credentials.flux2BflApi = own;

		expect(errorOf(first)?.message).toBe(
			`Completion: Black Forest Labs cannot call ${webhooks.url}; set n8n's WEBHOOK_URL to its public https address, or choose Poll`,
		);
		nothingSent();
	});

	test("as an agent's tool", async () => {
		const parameters = { prompt: 'a', completion: 'callback' };
		const told: string[] = [];
		const run = await agents.run({ type: 'flux2Bfl', parameters }, async (call) => {
			told.push(await call().catch((error: Error) => error.message));
		});

		expect(told.join()).toContain("an agent's tool cannot be suspended; choose Poll");
		expect(run.status).not.toBe('waiting');
		nothingSent();
	});

	test('for a completion that does not exist', async () => {
		const parameters = { prompt: 'a', completion: 'hope' };
		const run = await lab.run(
			{ type: 'flux2Bfl', parameters, settings: CONTINUE },
			{ items: items({}) },
		);

		expect(run.items(NODE)[0]?.json.error).toMatchObject({
			message: 'Completion: must be one of poll, callback',
		});
		nothingSent();
	});
});

test('what an earlier run has submitted is polled, for the service would call that run', async () => {
	job({ webhook: 'never' });
	lab.emulator.rule(
		{ route: 'bfl.result', times: 4 },
		{ status: 503, headers: { 'retry-after': '0.01' } },
	);
	const options = { width: 256, height: 256, ...QUICK };
	const generate = (completion: string) =>
		({ type: 'flux2Bfl', parameters: { prompt: 'a', completion, options } }) as const;
	const failed = await lab.run(generate('poll'));
	expect(failed.status).toBe('error');
	const run = await lab.retry(failed, generate('callback'));

	expect(run.items(NODE)[0]?.json).toMatchObject({ status: 'completed', taskId: firstJob().id });
	expect(lab.emulator.ledger.submissions).toHaveLength(1);
});
