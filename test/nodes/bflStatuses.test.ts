import type { Effect } from '../emulator';
import type { Run } from '../support/engine';
import { items, NODE, openLab, prompts, QUICK, type Lab, type NodeUnderTest } from '../support/lab';
import { placed } from '../support/placed';

/** What Black Forest Labs says about a task since autumn 2026. */

const CONTINUE = { onError: 'continueRegularOutput' } as const;

let lab: Lab;

beforeAll(async () => {
	lab = await openLab({ emulator: { images: 'plain' } });
});
afterEach(() => lab.emulator.reset());
afterAll(async () => await lab.close());

const generating = (options: object = {}, parameters: object = {}): NodeUnderTest => ({
	type: 'flux2Bfl',
	parameters: {
		prompt: '={{ $json.prompt }}',
		...placed('flux2Bfl', { width: 256, height: 256, ...QUICK, ...options }),
		...parameters,
	},
	settings: CONTINUE,
});

const withFault = (fault: Effect['task']) =>
	lab.emulator.rule({ route: 'bfl.submit' }, { task: fault });
const generate = async (options: object = {}, parameters: object = {}) =>
	await lab.run(generating(options, parameters), { items: prompts(1) });
const firstJson = (run: Run) => run.items(NODE)[0]!.json;
const firstTaskId = () => lab.emulator.ledger.tasks[0]!.id;
const polledStatuses = () => lab.emulator.ledger.polls.map(({ state }) => state);

describe('a task that is not pending any more, and not ready yet', () => {
	test('is waited for', async () => {
		withFault({ seconds: 0, polls: 4 });
		const run = await generate();

		expect(firstJson(run)).toMatchObject({ status: 'completed', taskId: firstTaskId() });
		expect(polledStatuses()).toEqual(['Pending', 'Reasoning', 'Reasoning', 'Generating', 'Ready']);
		expect(lab.emulator.ledger.submissions).toHaveLength(1);
	});

	test.each<[string, object]>([
		['Reasoning', {}],
		['Generating', { progress: expect.any(Number) }],
	])('is returned as pending by Task: Get without waiting (%s)', async (running, facts) => {
		withFault({ running, polls: 1 });
		await lab.run(generating({}, { resource: 'task', operation: 'submit', prompt: 'a pier' }));
		const parameters = { resource: 'task', operation: 'get', waitForCompletion: false };
		const taskId = firstTaskId();
		const run = await lab.run(generating({}, parameters), { items: items({ taskId }) });

		expect(firstJson(run)).toEqual({ provider: 'bfl', taskId, status: 'pending', ...facts });
	});
});

describe('the cost of an item', () => {
	test.each([
		[0, { amount: 0, currency: 'USD', credits: 0 }],
		[4.5, { amount: 0.045, currency: 'USD', credits: 4.5 }],
	])(
		'is the settled one of %d credits, and the megapixels are those of the submit',
		async (settledCost, cost) => {
			withFault({ settledCost });
			const run = await generate();

			expect(firstJson(run)).toMatchObject({ cost, megapixels: { input: 0, output: 0.06 } });
		},
	);

	test('is the quote of the submit where polls name none', async () => {
		withFault({ settledCost: null });
		const run = await generate();

		expect(firstJson(run).cost).toEqual({ amount: 0.03, currency: 'USD', credits: 3 });
	});

	test.each<[string, object, number]>([
		['moderated', { status: 'Content Moderated' }, 3],
		['moderated', { status: 'Request Moderated' }, 0],
		['unavailable', { fail: { message: 'out of memory' } }, 1.5],
	])('is in the error item of a task that has failed: %s %j', async (kind, fault, settledCost) => {
		withFault({ ...fault, settledCost });
		const run = await generate();

		const cost = { amount: settledCost / 100, currency: 'USD', credits: settledCost };
		expect(firstJson(run).error).toMatchObject({ kind, taskId: firstTaskId(), cost });
	});
});

describe('revisedPrompt', () => {
	test.each<[string, object]>([
		['flux-2-pro', {}],
		['flux-2-flex', {}],
		['flux-2-max', { disablePup: false }],
	])('tells which prompt %s has used with %j', async (model, options) => {
		const run = await generate(options, { model });

		const { prompt, revisedPrompt } = firstJson(run);
		expect([prompt, revisedPrompt]).toEqual(['item 1', 'item 1, in fine detail']);
	});

	test.each<[string, object]>([
		['flux-2-pro-preview', { disablePup: true }],
		['flux-2-flex', { promptUpsampling: false }],
		['flux-2-klein-4b', {}],
	])('is missing where %s has used the prompt itself with %j', async (model, options) => {
		const run = await generate(options, { model });

		expect(firstJson(run)).toMatchObject({ status: 'completed', prompt: 'item 1' });
		expect(firstJson(run)).not.toHaveProperty('revisedPrompt');
	});
});

describe('a failed task that is polled under an HTTP status outside 2xx', () => {
	test.each<[number, object, object]>([
		[
			503,
			{ fail: { message: 'out of memory' } },
			{ kind: 'unavailable', message: expect.stringContaining('out of memory') },
		],
		[
			422,
			{ status: 'Request Moderated' },
			{
				kind: 'moderated',
				message: expect.stringContaining('content filter refused this request'),
			},
		],
	])('of %d ends with its own status, at the first such poll', async (httpCode, fault, error) => {
		withFault({ ...fault, settledCost: 3, failureHttpStatus: httpCode as 422 });
		const run = await generate();

		const cost = { amount: 0.03, currency: 'USD', credits: 3 };
		const taskId = firstTaskId();
		expect(firstJson(run).error).toMatchObject({ ...error, httpCode, taskId, cost });
		const { polls } = lab.emulator.ledger;
		expect(polls.filter(({ status }) => status === httpCode)).toHaveLength(1);
	});

	test('is not confused with a proxy that is away: that is polled again', async () => {
		lab.emulator.rule(
			{ route: 'bfl.result', times: 1 },
			{ status: 503, body: { status: 'down' }, headers: { 'retry-after': '0.01' } },
		);
		const run = await generate();

		expect(firstJson(run)).toMatchObject({ status: 'completed' });
	});
});

describe('FLUX 3 Image, as a custom model with a custom body', () => {
	const flux3 = { model: 'custom', customModel: 'flux-3-image', size: 'automatic' };
	const generateFlux3 = async (body: object) => {
		const options = { customBody: JSON.stringify(body), ...QUICK };
		return await lab.run(generating({}, { ...flux3, options }), { items: prompts(1) });
	};

	test('arrives with what the custom body says, and without any default', async () => {
		const image = `${lab.emulator.urls.results}/references/a.png?width=512&height=256`;
		const images = Array<string>(10).fill(image);
		const body = { images, resolution: '768sq', aspect_ratio: 'auto', grounding: false };
		const run = await generateFlux3(body);

		expect(lab.emulator.ledger.submissions).toMatchObject([
			{ accepted: true, model: 'flux-3-image' },
		]);
		expect(lab.emulator.ledger.submissions[0]?.body).toEqual({ prompt: 'item 1', ...body });
		expect(firstJson(run)).toMatchObject({
			status: 'completed',
			model: 'flux-3-image',
			image: { width: 1088, height: 544, mimeType: 'image/png' },
			cost: { amount: 0.041, currency: 'USD', credits: 4.1 },
		});
	});

	test('has no cost where the API quotes none', async () => {
		const run = await generateFlux3({ resolution: '1.5k', aspect_ratio: '1:1' });

		expect(firstJson(run)).toMatchObject({ status: 'completed', image: { width: 1536 } });
		expect(firstJson(run)).not.toHaveProperty('cost');
	});

	test('says which field it does not know, and is not paid', async () => {
		const run = await generateFlux3({ seed: 7 });

		expect(firstJson(run).error).toMatchObject({
			kind: 'invalidInput',
			httpCode: 422,
			message:
				'Black Forest Labs did not accept this request: Seed: Extra inputs are not permitted (HTTP 422)',
		});
		expect(lab.emulator.ledger.tasks).toEqual([]);
	});
});
