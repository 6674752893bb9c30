import type { IExecuteFunctions } from 'n8n-workflow';
import { Flux2Error } from '../../../nodes/shared/core/errors';
import {
	CheckpointStore,
	replaceResult,
	type Checkpoint,
} from '../../../nodes/shared/tasks/checkpoints';
import {
	failedResult,
	type ResubmitRule,
	type SavedResult,
} from '../../../nodes/shared/tasks/savedResults';

/** Which checkpoint a run of the node resumes, where it cannot be seen in n8n's engine. */

const STORE = 'flux2Checkpoints';
let nodeContext: Record<string, unknown>;
beforeEach(() => (nodeContext = {}));

interface RunFacts {
	executionId?: string;
	runIndex?: number;
	isToolCall?: boolean;
}

function storeOf({ executionId = '7', runIndex = 0, isToolCall = false }: RunFacts = {}) {
	const context = {
		getContext: () => nodeContext,
		getExecutionId: () => executionId,
		getWorkflowDataProxy: () => ({ $runIndex: runIndex }),
	};
	return new CheckpointStore(context as unknown as IExecuteFunctions, isToolCall);
}

const requestWith = (seed: number) => ({ operation: 'generate', seed });
const failure = (resubmit: ResubmitRule): SavedResult =>
	failedResult(new Flux2Error('unavailable', 'no'), resubmit);

const pending: SavedResult = { state: 'pending', task: { id: 'made-up' } };
const stored: SavedResult = { state: 'stored', item: { json: { taskId: 'made-up' } } };
const refused = failure('never');
const failed = failure('nextRun');
const maybeBilled = failure({ exceptExecution: '7' });

/** A run claims item 0 and leaves these results; what the next run finds when it claims its own. */
function resume(results: SavedResult[], next: RunFacts & { seed?: number } = {}): SavedResult[] {
	const first = storeOf({ isToolCall: next.isToolCall });
	first.claim(0, requestWith(1)).results = results;
	first.releaseAll();
	return storeOf(next).claim(0, requestWith(next.seed ?? 1)).results;
}

describe('the same request', () => {
	test.each<[string, SavedResult[]]>([
		['a task', [pending]],
		['a stored image', [stored]],
		['a refusal that is for ever', [refused]],
		['what may have been billed', [maybeBilled]],
		['a stored image beside one that failed', [stored, failed]],
	])('resumes %s in the same execution', (_what, results) => {
		expect(resume(results)).toEqual(results);
	});

	test.each<[string, SavedResult[]]>([
		['a failure that the provider itself has reported', [failed]],
		['failures only', [failed, failed]],
	])('forgets %s, so that the next run submits anew', (_what, results) => {
		expect(resume(results)).toEqual([]);
	});

	test('resumes a task in another execution, and submits anew there what may have been billed', () => {
		expect(resume([pending], { executionId: '8' })).toEqual([pending]);
		expect(resume([refused], { executionId: '8' })).toEqual([refused]);
		expect(resume([maybeBilled], { executionId: '8' })).toEqual([]);
	});

	test('at another item, run index or operation is another image', () => {
		const first = storeOf();
		first.claim(0, requestWith(1)).results = [pending];
		first.releaseAll();

		expect(storeOf().claim(1, requestWith(1)).results).toEqual([]);
		expect(storeOf({ runIndex: 1 }).claim(0, requestWith(1)).results).toEqual([]);
		expect(storeOf().claim(0, { ...requestWith(1), operation: 'submit' }).results).toEqual([]);
	});

	test("of an agent's tool is resumed at any run index: each retry has a new one", () => {
		expect(resume([pending], { isToolCall: true, runIndex: 5 })).toEqual([pending]);
	});

	test('claimed twice at once has two checkpoints, and each is resumed once', () => {
		const [one, two] = [storeOf({ isToolCall: true }), storeOf({ isToolCall: true })];
		const claims = [one, two].map((store) => store.claim(0, requestWith(1)));
		claims.forEach((checkpoint, index) => {
			checkpoint.results = [{ state: 'pending', task: { id: `task ${index}` } }];
		});
		expect(claims[0]).not.toBe(claims[1]);
		one.releaseAll();
		two.releaseAll();

		const next = storeOf({ isToolCall: true });
		const found = [0, 1, 2].map(() => next.claim(0, requestWith(1)).results);
		expect(found).toEqual([claims[0]!.results, claims[1]!.results, []]);
	});
});

describe('another request at the same place of the same execution', () => {
	test.each<[string, SavedResult[]]>([
		['a task', [pending]],
		['a stored image', [stored]],
		['a submit that may have been billed', [maybeBilled]],
	])('resumes %s: an expression has yielded another value', (_what, results) => {
		expect(resume(results, { seed: 2 })).toEqual(results);
	});

	test.each<[string, SavedResult[], RunFacts]>([
		['what was refused for the first values', [refused], {}],
		['what has failed', [failed], {}],
		["another execution's task", [pending], { executionId: '8' }],
		["another round's task", [pending], { runIndex: 1 }],
		['the task of another call of a tool', [pending], { isToolCall: true }],
	])('does not resume %s', (_what, results, next) => {
		expect(resume(results, { ...next, seed: 2 })).toEqual([]);
	});

	test('does not resume a task of an execution without an ID', () => {
		const first = storeOf({ executionId: '' });
		first.claim(0, requestWith(1)).results = [pending];
		first.releaseAll();
		expect(storeOf({ executionId: '' }).claim(0, requestWith(2)).results).toEqual([]);
	});

	test('has a checkpoint of its own where the execution has no ID', () => {
		const store = storeOf({ executionId: '' });
		expect(store.claim(0, requestWith(0))).not.toBe(store.claim(1, requestWith(1)));
	});
});

describe('the end of a run', () => {
	test('keeps what was paid for, and nothing of requests that were never accepted', () => {
		const store = storeOf();
		store.claim(0, requestWith(1)).results = [pending];
		store.claim(1, requestWith(2));
		store.releaseAll();

		const { places } = nodeContext[STORE] as { places: Record<string, unknown[]> };
		expect(Object.values(places).flat()).toHaveLength(1);
	});

	test('without an error item forgets everything that the run has claimed, and nothing else', () => {
		const earlier = storeOf({ runIndex: 3 });
		earlier.claim(0, requestWith(9)).results = [pending];
		earlier.releaseAll();
		const store = storeOf();
		store.claim(0, requestWith(1)).results = [stored];
		store.deleteAll();
		store.releaseAll();

		expect(storeOf().claim(0, requestWith(1)).results).toEqual([]);
		expect(storeOf({ runIndex: 3 }).claim(0, requestWith(9)).results).toEqual([pending]);
	});

	test('what is saved is plain JSON, as n8n keeps it', () => {
		const store = storeOf();
		Object.assign(store.claim(0, requestWith(1)), { results: [pending, maybeBilled] });
		store.releaseAll();
		nodeContext = JSON.parse(JSON.stringify(nodeContext)) as Record<string, unknown>;

		expect(storeOf().claim(0, requestWith(1)).results).toEqual([pending, maybeBilled]);
	});
});

describe('a store that this version has not written', () => {
	/** What is found of a store that this version has written, after a change. */
	function foundAfter(change: (store: Record<string, unknown>) => unknown): SavedResult[] {
		const first = storeOf();
		first.claim(0, requestWith(1)).results = [pending];
		first.releaseAll();
		const written = JSON.parse(JSON.stringify(nodeContext[STORE])) as Record<string, unknown>;
		nodeContext = { [STORE]: change(written), other: 'kept' };
		const { results } = storeOf().claim(0, requestWith(1));
		expect(nodeContext.other).toBe('kept');
		return results;
	}

	/** The same store with other results in each checkpoint. */
	const withResults =
		(results: unknown) =>
		({ version, places }: Record<string, unknown>) => ({
			version,
			places: Object.fromEntries(
				Object.entries(places as Record<string, Checkpoint[]>).map(([place, checkpoints]) => [
					place,
					checkpoints.map((checkpoint) => ({ ...checkpoint, results })),
				]),
			),
		});

	test('is read as it was written: the control of this test', () => {
		expect(foundAfter((store) => store)).toEqual([pending]);
		expect(foundAfter(withResults([stored]))).toEqual([stored]);
	});

	test.each<[string, (store: Record<string, unknown>) => unknown]>([
		['of the next version', (store) => ({ ...store, version: 2 })],
		['without a version', ({ places }) => ({ places })],
		['with a version as text', (store) => ({ ...store, version: '1' })],
		['without places', ({ version }) => ({ version })],
		['with a list of places', ({ version }) => ({ version, places: [] })],
		['with one checkpoint in place of a list', ({ version }) => ({ version, places: { a: {} } })],
		['that is text', (store) => JSON.stringify(store)],
		['that is null', () => null],
		['with results that are no list', withResults('pending')],
		['with a result of an unknown state', withResults([{ state: 'archived' }])],
		['with a task without an ID', withResults([{ state: 'pending', task: {} }])],
		['with a finished task without images', withResults([{ state: 'done', done: {} }])],
		['with a stored image without its item', withResults([{ state: 'stored' }])],
		[
			'with a failure without a rule',
			withResults([{ state: 'failed', error: { kind: 'auth', message: 'no' } }]),
		],
		[
			'with a failure under an unknown rule',
			withResults([
				{ state: 'failed', error: { kind: 'auth', message: 'no' }, resubmit: 'sometimes' },
			]),
		],
	])('%s is ignored', (_what, change) => {
		expect(foundAfter(change)).toEqual([]);
	});

	test('is replaced, so that this run is resumed', () => {
		nodeContext = { [STORE]: { version: 99 } };
		const first = storeOf();
		first.claim(0, requestWith(1)).results = [pending];
		first.releaseAll();
		expect(storeOf().claim(0, requestWith(1)).results).toEqual([pending]);
	});
});

describe('a lost task', () => {
	const lostIn = (executionId: string): SavedResult => ({ ...pending, lostIn: executionId });
	const checkpointWith = (...results: SavedResult[]): Checkpoint => ({ hash: '', results });

	test('is kept, in its own execution and in another', () => {
		expect(resume([lostIn('7')])).toEqual([lostIn('7')]);
		expect(resume([lostIn('7')], { executionId: '8' })).toEqual([lostIn('7')]);
	});

	const failedHere = failure({ exceptExecution: '8' });

	test.each<[string, Checkpoint, boolean]>([
		['its only result', checkpointWith(lostIn('7')), true],
		['all of its results', checkpointWith(lostIn('7'), lostIn('7')), true],
		['one of two', checkpointWith(lostIn('7'), pending), false],
		['one beside a stored image', checkpointWith(lostIn('7'), stored), false],
		['one beside what the provider has failed', checkpointWith(lostIn('7'), failed), true],
		['one beside what was uncertain there', checkpointWith(lostIn('7'), maybeBilled), true],
		['one beside what is uncertain here', checkpointWith(lostIn('7'), failedHere), false],
		['one beside a refusal', checkpointWith(lostIn('7'), refused), false],
		['not there: the provider has failed all', checkpointWith(failed, failed), false],
		['lost in this execution', checkpointWith(lostIn('8')), false],
		['none', checkpointWith(pending), false],
		['none of nothing', checkpointWith(), false],
	])(
		'makes its request lost for another execution when it is %s',
		(_what, checkpoint, expected) => {
			expect(storeOf({ executionId: '8' }).wasLost(checkpoint)).toBe(expected);
		},
	);

	test('is lost again when this execution has lost it too', () => {
		const store = storeOf({ executionId: '8' });
		expect(store.isLostAgain(checkpointWith(lostIn('8'), failed))).toBe(true);
		expect(store.isLostAgain(checkpointWith(lostIn('8'), stored))).toBe(false);
		expect(store.isLostAgain(checkpointWith(lostIn('8'), lostIn('7')))).toBe(false);
	});
});

test('a result makes room for others at its own place', () => {
	const checkpoint: Checkpoint = { hash: '', results: [stored, pending, failed] };
	replaceResult(checkpoint, pending, [refused, maybeBilled]);
	expect(checkpoint.results).toEqual([stored, refused, maybeBilled, failed]);
});

describe('what a retry passes on without paying again', () => {
	const done: SavedResult = {
		state: 'done',
		done: { status: 'done', readyAt: '', images: [], raw: 0 },
	};
	const lost: SavedResult = { ...pending, task: { id: 'lost' }, lostIn: '7' };
	const FAILED = { itemIndex: 0, taskId: 'own' };
	const own: SavedResult = { state: 'pending', task: { id: 'own' } };

	function countOf(...items: SavedResult[][]): number {
		const store = storeOf();
		items.forEach((results, index) => {
			store.claim(index, requestWith(index)).results = results;
		});
		return store.countKept(FAILED);
	}

	test.each<[string, SavedResult[][], number]>([
		['tasks, finished and stored images of other items', [[own], [pending], [done, stored]], 3],
		['other images of the item that failed', [[own, pending, stored]], 2],
		['no failures', [[own], [refused, failed], [maybeBilled]], 0],
		['no task that a retry may have to submit anew', [[own], [lost]], 0],
		['nothing that was not submitted', [[own], []], 0],
	])('are %s', (_what, items, expected) => {
		expect(countOf(...items)).toBe(expected);
	});

	test('is not the image without a task that failed itself', () => {
		const store = storeOf();
		store.claim(0, requestWith(0)).results = [done];
		store.claim(1, requestWith(1)).results = [done];
		expect(store.countKept({ itemIndex: 0 })).toBe(1);
	});
});
