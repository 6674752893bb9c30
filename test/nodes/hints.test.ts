import type { INode } from 'n8n-workflow';
import { agentsOf } from '../support/agent';
import type { Run } from '../support/engine';
import {
	checkpointsOf,
	generating,
	NODE,
	openLab,
	prompts,
	QUICK,
	workflowWith,
	type Lab,
	type NodeUnderTest,
} from '../support/lab';
import { placed } from '../support/placed';
import { openWebhooks, type Webhooks } from '../support/webhooks';

/** What the editor shows above the output, and n8n in its traces, as n8n's own engine got it. */

const CONTINUE: Partial<INode> = { onError: 'continueRegularOutput' };
const REFUSAL = { status: 400, body: { error: 'The prompt was flagged' } };

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

const lastTask = ({ runData }: Run) => runData[NODE]!.at(-1)!;
const hintsOf = (run: Run) => lastTask(run).hints ?? [];
const messagesOf = (run: Run) => hintsOf(run).map(({ message }) => message);
const traceOf = (run: Run) => lastTask(run).metadata?.tracing;

const bfl = (settings: NodeUnderTest['settings'] = {}, options: object = {}): NodeUnderTest => ({
	type: 'flux2Bfl',
	parameters: {
		prompt: '={{ $json.prompt }}',
		...placed('flux2Bfl', { width: 256, height: 256, ...QUICK, ...options }),
	},
	settings,
});

/** The seconds of a run are its own. */
const SECONDS = String.raw`\d+\.\d s`;
const matching = (text: string) =>
	expect.stringMatching(
		new RegExp(`^${text.replace(/[.$()+]/g, '\\$&').replace('SECONDS', SECONDS)}$`),
	);

test('a run in which all went well tells its images, their cost and the slowest', async () => {
	const run = await lab.run(bfl(), { items: prompts(3) });

	expect(hintsOf(run)).toEqual([
		{
			message: matching('<b>3 images</b> · $0.09 · slowest SECONDS'),
			type: 'info',
			location: 'outputPane',
		},
	]);
	expect(traceOf(run)).toEqual({
		'llm.model.provider': 'bfl',
		'llm.model.id': 'flux-2-pro',
		'llm.cost.total': 0.09,
		'llm.cost.source': 'provider',
		'flux2.images': 3,
		'flux2.failures': 0,
		'flux2.seconds': expect.any(Number),
		'flux2.polls': lab.emulator.ledger.polls.length,
	});
});

test('a list with a failure tells it as a warning', async () => {
	lab.emulator.rule({ route: 'bfl.submit', prompt: 'item 2' }, REFUSAL);
	const run = await lab.run(bfl(CONTINUE), { items: prompts(4) });

	expect(hintsOf(run)).toEqual([
		expect.objectContaining({
			message: matching(
				'<b>3 images</b> · $0.09 · slowest SECONDS · <b>1 failed</b> (1 moderated)',
			),
			type: 'warning',
		}),
	]);
	expect(traceOf(run)).toMatchObject({ 'flux2.images': 3, 'flux2.failures': 1 });
});

test('a credential that cannot be used fails every item alike', async () => {
	const { flux2BflApi } = lab.credentials;
	lab.credentials.flux2BflApi = { ...flux2BflApi, region: 'custom', baseUrl: 'nowhere' };
	const run = await lab.run(bfl(CONTINUE), { items: prompts(2) });
	lab.credentials.flux2BflApi = flux2BflApi!;

	expect(messagesOf(run)).toEqual(['<b>2 failed</b> (2 wrong input)']);
});

test('an image whose price nobody reports has a hint of its own', async () => {
	const run = await lab.run(generating('queue'), { items: prompts(2) });

	expect(messagesOf(run)).toEqual([
		matching('<b>2 images</b> · slowest SECONDS'),
		"The price of <b>2 images</b> is not known here: look at the provider's own usage page.",
	]);
});

test('an image of another size than asked for, and a status that no document explains, are reported', async () => {
	lab.emulator.rule({ route: 'task.submit' }, { as: { width: 64, height: 32 } });
	const unclear = { status: 'warming <up>', output: [] };
	lab.emulator.rule(
		{ route: 'task.status', times: 1 },
		{
			mutate: ({ body, ...response }) => ({
				...response,
				body: { ...(body as object), ...unclear },
			}),
		},
	);
	const run = await lab.run(generating('task'), { items: prompts(1) });

	expect(messagesOf(run).slice(1)).toEqual([
		'<b>1 image</b> has another size than asked for: 64 × 32 instead of 256 × 256.',
		expect.stringContaining('"warming &lt;up&gt;", which no document explains'),
	]);
});

test('Retry of a failed execution passes on what is paid for, and counts only what is new', async () => {
	lab.emulator.rule({ route: 'bfl.submit', prompt: 'item 3', times: 1 }, { status: 400, body: {} });
	const failed = await lab.run(bfl({}, { maxConcurrent: 1 }), { items: prompts(4) });
	expect(hintsOf(failed)).toEqual([]);
	expect(failed.status).toBe('error');
	const run = await lab.retry(failed, bfl());

	expect(messagesOf(run)).toEqual([
		matching('<b>4 images</b> · 2 passed on free of charge · $0.06 · slowest SECONDS'),
	]);
	expect(traceOf(run)).toMatchObject({ 'llm.cost.total': 0.06, 'flux2.images': 4 });
});

test('Retry On Fail is the same execution: what its first try has paid counts', async () => {
	lab.emulator.rule({ route: 'bfl.submit', prompt: 'item 3', times: 1 }, { status: 400, body: {} });
	const settings = { retryOnFail: true, maxTries: 2, waitBetweenTries: 1 };
	const run = await lab.run(bfl(settings, { maxConcurrent: 1 }), { items: prompts(4) });

	expect(lab.emulator.ledger.tasks).toHaveLength(4);
	expect(messagesOf(run)).toEqual([matching('<b>4 images</b> · $0.12 · slowest SECONDS')]);
	expect(traceOf(run)).toMatchObject({ 'llm.cost.total': 0.12 });
});

test('a task that is collected is an image; one that was submitted is none yet', async () => {
	const submitting = { ...bfl().parameters, resource: 'task', operation: 'submit', options: {} };
	const submitted = await lab.run(
		{ type: 'flux2Bfl', parameters: submitting },
		{ items: prompts(2) },
	);
	expect(hintsOf(submitted)).toEqual([]);
	const getting = { resource: 'task', operation: 'get', options: QUICK };
	const run = await lab.run(
		{ type: 'flux2Bfl', parameters: getting },
		{ items: submitted.items(NODE).map(({ json }) => ({ json })) },
	);

	expect(messagesOf(run)).toEqual(['<b>2 images</b> · $0.06']);
});

test('an execution that waits for its callback tells nothing of an image that is not finished', async () => {
	const waiting = bfl({}, { completion: 'callback' });
	const { first, resumed } = await webhooks.run(workflowWith(waiting), prompts(1));
	expect(first.status).toBe('waiting');
	expect(hintsOf(first)).toEqual([]);
	expect((await resumed).status).toBe('success');
});

test("an agent's tool gets no hints", async () => {
	const run = await agents.run(bfl(), async (call) => void (await call()));

	const tasks = Object.values(run.runData).flat();
	expect(tasks.flatMap(({ hints = [] }) => hints)).toEqual([]);
});

test('a host without hints and metadata gets the same output', async () => {
	const { prototype } = lab.engine.n8n.core.ExecuteContext;
	const shared = Object.getPrototypeOf(prototype) as object;
	const hints = Object.getOwnPropertyDescriptor(prototype, 'addExecutionHints')!;
	const metadata = Object.getOwnPropertyDescriptor(shared, 'setMetadata')!;
	Object.defineProperty(prototype, 'addExecutionHints', { ...hints, value: undefined });
	Object.defineProperty(shared, 'setMetadata', { ...metadata, value: undefined });
	const run = await lab.run(bfl(), { items: prompts(2) });
	Object.defineProperty(prototype, 'addExecutionHints', hints);
	Object.defineProperty(shared, 'setMetadata', metadata);

	expect(run.items(NODE).map(({ json }) => json.status)).toEqual(['completed', 'completed']);
	expect([hintsOf(run), traceOf(run)]).toEqual([[], undefined]);
});

describe('a run that stops at a failure says what else it has requested', () => {
	const advice = (count: string, it: string) =>
		`${count} already requested. Executions → Retry passes ${it} on at no cost; Execute step makes ${it} anew. To go on after a failure: Settings → On Error.`;
	const descriptionOf = ({ error }: Run) => error?.description ?? '';
	const kept = (run: Run) =>
		Object.values(checkpointsOf(run))
			.flat()
			.flatMap(({ results }) => results)
			.filter(({ state }) => state !== 'failed').length;

	test('just what Retry then passes on', async () => {
		lab.emulator.rule(
			{ route: 'bfl.submit', prompt: 'item 6', times: 1 },
			{ status: 400, body: {} },
		);
		const run = await lab.run(bfl({}, { maxConcurrent: 1 }), { items: prompts(9) });

		expect(descriptionOf(run)).toContain(advice('5 other images of this run were', 'them'));
		expect(kept(run)).toBe(5);
		const { submissions } = lab.emulator.ledger;
		const before = submissions.length;
		await lab.retry(run, bfl());
		expect(submissions.slice(before).map(({ prompt }) => prompt)).toEqual([
			'item 6',
			'item 7',
			'item 8',
			'item 9',
		]);
	});

	test('one of them', async () => {
		lab.emulator.rule({ route: 'task.submit', prompt: 'item 2' }, REFUSAL);
		const run = await lab.run(generating('task', {}, { maxConcurrent: 1 }), { items: prompts(2) });
		expect(descriptionOf(run)).toContain(advice('1 other image of this run was', 'it'));
	});

	test('not its own task, which its own advice is about', async () => {
		lab.emulator.rule({ route: 'download', prompt: 'item 2' }, { image: 'expired' });
		const node = generating('task', {}, { maxConcurrent: 1 });
		const run = await lab.run(node, { items: prompts(2) });
		expect(kept(run)).toBe(2);
		expect(descriptionOf(run)).toContain(advice('1 other image of this run was', 'it'));
		const alone = await lab.run(node, { items: prompts(2).slice(1) });
		expect(descriptionOf(alone)).not.toContain('of this run');
	});

	test('nothing where nothing was requested', async () => {
		const run = await lab.run(bfl({}, { width: 100 }), { items: prompts(3) });
		expect(descriptionOf(run)).toBe(
			'Nothing was sent, so nothing was billed. Change what the message names, then run again.',
		);
	});
});
