import { readFileSync } from 'node:fs';
import path from 'node:path';
import { startEmulator, type Emulator } from '../emulator';
import { createDataTable, type DataTable } from '../support/dataTable';
import { startEngine, type Engine, type WorkflowJson } from '../support/engine';
import { emulatorCredentials } from '../support/providers';
import { standIns } from '../support/standIns';

/** The examples that keep every task in a table: nothing that was paid for is lost, whenever a worker is killed. */

const read = (slug: string): WorkflowJson => {
	const file = path.resolve(__dirname, `../workflows/${slug}.json`);
	const { credentials: _none, ...example } = JSON.parse(
		readFileSync(file, 'utf8'),
	) as WorkflowJson & {
		credentials?: object;
	};
	const nodes = example.nodes.map((node) =>
		node.type.endsWith('.flux2Bfl')
			? { ...node, credentials: { flux2BflApi: { id: 'flux2BflApi', name: 'flux2BflApi' } } }
			: node,
	);
	return { ...example, nodes };
};

const submitting = read('task-table');
const collecting = read('task-table-collect');

/** Longer than the collector leaves a row alone. */
const MINUTES = 4;

const table: DataTable = createDataTable();
let emulator: Emulator;
let engine: Engine;

beforeAll(async () => {
	emulator = await startEmulator({ seconds: 0, images: 'plain' });
	engine = await startEngine({
		credentials: emulatorCredentials(emulator),
		nodeTypes: { ...standIns, ...table.nodeTypes },
	});
});
beforeEach(() => {
	emulator.reset();
	Object.assign(table, { killAt: Infinity, calls: 0 });
	table.rows.length = 0;
});
afterEach(() => {
	const { unexpected, leaks } = emulator.ledger;
	expect({ unexpected, leaks }).toEqual({ unexpected: [], leaks: [] });
});
afterAll(async () => {
	await engine.close();
	await emulator.close();
});

const states = () => table.rows.map(({ state }) => state);
const paid = () => emulator.ledger.tasks.map(({ prompt }) => prompt);

/** The images that the second workflow has passed on, after some minutes. */
async function collect(): Promise<string[]> {
	Object.assign(table, { killAt: Infinity });
	table.age(MINUTES);
	const run = await engine.run(collecting);
	expect(run.error).toBeUndefined();
	return run.items('Images').map(({ json }) => json.taskId as string);
}

test('where nothing happens, every image is collected, and nothing is left over', async () => {
	const run = await engine.run(submitting);

	expect(run.error).toBeUndefined();
	expect(states()).toEqual(['collected', 'collected', 'collected']);
	expect(run.items('Images').map(({ json }) => json.taskId)).toEqual(
		emulator.ledger.tasks.map(({ id }) => id),
	);
	expect(await collect()).toEqual([]);
	expect(paid()).toHaveLength(3);
});

test('a task is written into the table before the next one is requested', async () => {
	let known = 0;
	await engine.run(submitting, {
		onNodeDone(name) {
			if (name !== 'Note Task') return;
			known++;
			expect(emulator.ledger.tasks).toHaveLength(known);
			expect(table.rows.map(({ taskId }) => taskId)).toEqual(
				emulator.ledger.tasks.map(({ id }) => id),
			);
		},
	});

	expect(known).toBe(3);
});

test('what is refused says why, and the others go on', async () => {
	emulator.rule({ route: 'bfl.submit', prompt: 'greenhouse' }, { status: 422 });
	await engine.run(submitting);

	expect(states()).toEqual(['collected', 'refused', 'collected']);
	expect(table.rows[1]?.message).toEqual(expect.stringContaining('422'));
});

test('what may have been paid for is reported, and never requested again', async () => {
	emulator.rule({ route: 'bfl.submit', prompt: 'greenhouse' }, { reset: 'beforeHeaders' });
	await engine.run(submitting);

	expect(states()).toEqual(['collected', 'unclear', 'collected']);
	expect(await collect()).toEqual([]);
	expect(paid().filter((prompt) => prompt.includes('greenhouse')).length).toBeLessThanOrEqual(1);
});

/** Table, then three times Note Prompt and Note Task, then Note Image for each of three. */
const CALLS = 1 + 3 * 2 + 3;

describe('a worker that is killed', () => {
	test.each(Array.from({ length: CALLS }, (_, index) => index + 1))(
		'at step %i with the table loses nothing that was paid for, and pays nothing twice',
		async (killAt) => {
			table.killAt = killAt;
			const killed = await engine.run(submitting);
			expect(killed.status).toBe('error');
			const left = await collect();

			expect(new Set(paid()).size).toBe(paid().length);
			const unclear = table.rows.filter(({ state }) => state === 'unclear');
			expect(unclear.length).toBeLessThanOrEqual(1);
			const known = table.rows.filter(({ state }) => state === 'collected');
			expect(known.length + unclear.length).toBe(table.rows.length);
			const lost = emulator.ledger.tasks.filter(
				({ id, prompt }) =>
					!known.some(({ taskId }) => taskId === id) &&
					!unclear.some((row) => row.prompt === prompt),
			);
			expect(lost).toEqual([]);
			expect(emulator.ledger.tasks.map(({ id }) => id)).toEqual(expect.arrayContaining(left));
			expect(await collect()).toEqual([]);
		},
	);

	test('in the moment of the request leaves a prompt that is reported once', async () => {
		// after Table and Note Prompt
		table.killAt = 3;
		await engine.run(submitting);
		expect(states()).toEqual(['submitting']);
		await collect();

		expect(table.rows).toEqual([
			expect.objectContaining({
				state: 'unclear',
				message: expect.stringMatching(/^It may have been paid for/),
			}),
		]);
		expect(paid()).toHaveLength(1);
	});

	test('does not disturb what has just begun', async () => {
		table.killAt = 3;
		await engine.run(submitting);
		Object.assign(table, { killAt: Infinity });
		await engine.run(collecting);

		expect(states()).toEqual(['submitting']);
	});
});

describe('what was left over', () => {
	beforeEach(async () => {
		// after all three tasks, before the first image is noted
		table.killAt = CALLS - 2;
		await engine.run(submitting);
		expect(states()).toEqual(['submitted', 'submitted', 'submitted']);
	});

	test('is collected', async () => {
		expect(await collect()).toEqual(emulator.ledger.tasks.map(({ id }) => id));
		expect(states()).toEqual(['collected', 'collected', 'collected']);
	});

	test('and cannot be asked for right now is left for later', async () => {
		emulator.rule({ route: 'bfl.result' }, { status: 503 });
		expect(await collect()).toEqual([]);
		expect(states()).toEqual(['submitted', 'submitted', 'submitted']);
	});
});
