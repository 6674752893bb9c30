import type { INodeType } from 'n8n-workflow';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import { startEmulator, type Effect, type Emulator } from '../emulator';
import { startEngine, type Engine, type Run, type WorkflowJson } from '../support/engine';
import { noOp } from '../support/nodeTypes';
import { emulatorCredentials } from '../support/providers';
import { standIns } from '../support/standIns';

/** The example that asks the next provider when one fails: no provider is asked twice for the same prompt. */

const FILE = path.resolve(__dirname, '../workflows/fall-back.json');
const workflow = JSON.parse(readFileSync(FILE, 'utf8')) as WorkflowJson;

/** n8n's If with conditions that are to be true: the true branch first. */
const ifNode: INodeType = {
	description: {
		...noOp.description,
		outputs: ['main', 'main'],
		properties: [{ displayName: 'Conditions', name: 'conditions', type: 'json', default: '{}' }],
	},
	async execute() {
		const items = this.getInputData();
		const isTrue = items.map((_item, index) => {
			const { conditions } = this.getNodeParameter('conditions', index) as {
				conditions: Array<{ leftValue: unknown }>;
			};
			return conditions.every(({ leftValue }) => leftValue === true);
		});
		const branch = (wanted: boolean) =>
			items.flatMap(({ json, binary }, item) =>
				isTrue[item] === wanted ? [{ json, binary, pairedItem: { item } }] : [],
			);
		return [branch(true), branch(false)];
	},
};

let emulator: Emulator;
let engine: Engine;

beforeAll(async () => {
	emulator = await startEmulator({ seconds: 0.02, images: 'plain' });
	engine = await startEngine({
		credentials: emulatorCredentials(emulator),
		nodeTypes: { ...standIns, 'n8n-nodes-base.if': ifNode, 'n8n-nodes-base.noOp': noOp },
	});
});

afterEach(() => {
	const { unexpected, leaks } = emulator.ledger;
	expect({ unexpected, leaks }).toEqual({ unexpected: [], leaks: [] });
	emulator.reset();
});

afterAll(async () => {
	await engine.close();
	await emulator.close();
});

const NAMES = ['lighthouse', 'bakery', 'greenhouse'];

/** How often each provider was paid for, or asked for, the image of a prompt, refused requests apart. */
const submissionsOf = (route: string) => {
	const { submissions } = emulator.ledger;
	const prompts = submissions.filter((one) => one.route === route).map(({ prompt }) => prompt);
	return [...new Set(prompts)].map((prompt) => prompts.filter((one) => one === prompt).length);
};

const filesOf = (run: Run, node: string) =>
	run.items(node).map(({ binary }) => binary?.data?.fileName?.replace(/\.\w+$/, ''));

const kindsOf = (run: Run) => run.items('Not Made').map(({ json }) => json.kind);

/** Nobody is asked twice, whatever happens. */
function expectEachOnce(asked: { bfl: number; fal: number }): void {
	expect({ bfl: submissionsOf('bfl.submit'), fal: submissionsOf('fal.submit') }).toEqual({
		bfl: Array<number>(asked.bfl).fill(1),
		fal: Array<number>(asked.fal).fill(1),
	});
	const tasks = emulator.ledger.tasks.map(({ provider, prompt }) => `${provider}: ${prompt}`);
	expect(new Set(tasks).size).toBe(tasks.length);
}

test('as long as the first provider makes the images, the second is not asked', async () => {
	const run = await engine.run(workflow);

	expect(filesOf(run, 'Images')).toEqual(NAMES);
	expect(kindsOf(run)).toEqual([]);
	expectEachOnce({ bfl: 3, fal: 0 });
});

test.each<[what: string, effect: Effect]>([
	['is out of credits', { error: 'bfl.credits' }],
	['refuses the key', { error: 'bfl.key' }],
	['is closed', { status: 503, body: 'closed' }],
	['is closed after it has accepted', { status: 502, html: true, accepted: true }],
	['breaks the connection', { reset: 'beforeHeaders' }],
	['refuses the prompts', { task: { status: 'Request Moderated' } }],
])('when the first provider %s, the second makes the images', async (_what, effect) => {
	emulator.rule({ route: 'bfl.submit' }, effect);
	const run = await engine.run(workflow);

	expect(run.error).toBeUndefined();
	expect(filesOf(run, 'fal').sort()).toEqual([...NAMES].sort());
	expect(kindsOf(run)).toEqual([]);
	expectEachOnce({ bfl: 3, fal: 3 });
});

test('only what the first provider has not made is asked for again', async () => {
	emulator.rule({ route: 'bfl.submit', prompt: /bakery/ }, { error: 'bfl.credits' });
	const run = await engine.run(workflow);

	expect(filesOf(run, 'fal')).toEqual(['bakery']);
	expect(run.items('Black Forest Labs')).toHaveLength(2);
	expectEachOnce({ bfl: 3, fal: 1 });
});

test('a task that may still have an image is not made a second time elsewhere', async () => {
	emulator.rule({ route: 'bfl.result' }, { html: true, status: 404 });
	const run = await engine.run(workflow);

	expect(kindsOf(run)).toEqual(['notFound', 'notFound', 'notFound']);
	expect(run.items('Not Made').map(({ json }) => json.taskId)).toEqual(
		emulator.ledger.tasks.map(({ id }) => id),
	);
	expectEachOnce({ bfl: 3, fal: 0 });
});

test('what no provider makes is reported with the reason', async () => {
	emulator.rule({ route: 'bfl.submit' }, { error: 'bfl.credits' });
	emulator.rule({ route: 'fal.submit' }, { status: 503, body: 'closed' });
	const run = await engine.run(workflow);

	expect(run.items('Not Made').map(({ json }) => [json.name, json.provider])).toEqual(
		NAMES.map((name) => [name, 'fal']),
	);
	expectEachOnce({ bfl: 3, fal: 3 });
});
