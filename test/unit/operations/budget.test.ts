import type { IDataObject, IExecuteFunctions } from 'n8n-workflow';
import { AbortedError, Flux2Error } from '../../../nodes/shared/core/errors';
import { Budget, planSpending, type PlannedSubmit } from '../../../nodes/shared/operations/budget';

/** What one execution may spend: counted before a submit, corrected by what was charged. */

const exact = (usd?: number): PlannedSubmit => ({ usd, isExact: true });
const about = (usd?: number): PlannedSubmit => ({ usd, isExact: false });

/** A budget of an execution, with what n8n keeps for the node. */
function open(maxUsd: number | null = 1, nodeContext: IDataObject = {}, executionId = '7') {
	const context = { getContext: () => nodeContext } as unknown as IExecuteFunctions;
	const budget = new Budget(context, executionId);
	if (maxUsd !== null) budget.limit(maxUsd);
	return budget;
}

const planned = (submit: PlannedSubmit, count = 1, first = 0) =>
	Array.from({ length: count }, (_, index) => ({ itemIndex: first + index, ...submit }));

/** The message for each item that is refused. */
const refusalsOf = (refusals: Map<number, Flux2Error>) =>
	Object.fromEntries([...refusals].map(([item, { kind, message }]) => [item, [kind, message]]));

const messageOf = (work: () => void): string => {
	try {
		work();
		return '';
	} catch (error) {
		expect(error).toMatchObject({ kind: 'budget' });
		return (error as Flux2Error).message;
	}
};

describe('all submits of a run together', () => {
	test('pass up to the limit, sums of binary fractions included', () => {
		expect(open(0.3).check(planned(exact(0.1), 3)).size).toBe(0);
		expect(open().check([]).size).toBe(0);
	});

	test('are refused together, one by one or in groups of the same price', () => {
		const all = [...planned(exact(0.03), 30), ...planned(exact(0.07), 1, 30)];
		const message =
			'The images would cost $0.97, and Max Cost is $0.50: items 1 to 30 $0.03 each, item 31 $0.07. Nothing was submitted.';
		const refusals = refusalsOf(open(0.5).check(all));
		expect(Object.keys(refusals)).toHaveLength(31);
		expect(refusals[0]).toEqual(['budget', message]);
		expect(refusals[30]).toEqual(['budget', message]);
	});

	test('count the images of an item as one sum, and equal prices apart where others lie between', () => {
		const [first] = planned(exact(0.4));
		const all = [first!, first!, ...planned(exact(0.8), 1, 1), ...planned(exact(0.8), 1, 3)];
		expect(open().check(all).get(0)!.message).toContain(
			': items 1 to 2 $0.80 each, item 4 $0.80. Nothing',
		);
	});

	test('are listed up to ten groups', () => {
		const prices = Array.from({ length: 11 }, (_, index) => exact(1 + index));
		const list = (count: number) =>
			open()
				.check(prices.slice(0, count).map((price, itemIndex) => ({ itemIndex, ...price })))
				.get(0)!.message;
		expect(list(10)).toContain('item 10 $10.00. Nothing');
		expect(list(11)).toContain('item 10 $10.00, and so on. Nothing');
	});

	test('are "about" so much where one price is not exact', () => {
		const all = [...planned(exact(0.6)), ...planned(about(0.6), 1, 1)];
		expect(open().check(all).get(0)!.message).toMatch(/^The images would cost about \$1\.20, /);
	});

	test('are refused each where its price is not known; the others pass', () => {
		const refusals = open().check([...planned(exact(0.5)), ...planned(about(), 1, 1)]);
		expect(refusalsOf(refusals)).toEqual({
			1: ['budget', "The image's price is not known, so Max Cost cannot count it"],
		});
		expect(refusals.get(1)!.description).toContain('Set "Assumed Cost"');
	});

	test('count beside what is spent already', () => {
		const nodeContext = {};
		open(1, nodeContext).reserve('a', exact(0.4));
		expect(open(1, nodeContext).check(planned(exact(0.6))).size).toBe(0);
		expect(
			open(1, nodeContext)
				.check(planned(exact(0.61)))
				.get(0)!.message,
		).toBe(
			'The images would cost $1.01, $0.40 of it spent already, and Max Cost is $1.00: item 1 $0.61. Nothing was submitted.',
		);
	});
});

describe('a submit', () => {
	test('is counted before it is sent, and refused beyond the limit', () => {
		const budget = open();
		budget.reserve('a', exact(0.6));
		budget.reserve('b', exact(0.4));
		expect(messageOf(() => budget.reserve('c', exact(0.01)))).toBe(
			'Max Cost is $1.00, of which $1.00 are spent or on their way: this item, for $0.01, was not submitted',
		);
	});

	test('of unknown price is refused', () => {
		expect(messageOf(() => open().reserve('a', about()))).toContain('price is not known');
	});

	test('that was refused gives back what was counted', () => {
		const budget = open();
		budget.reserve('a', exact(1));
		budget.release('a');
		expect(messageOf(() => budget.reserve('b', exact(1)))).toBe('');
	});

	test('counts nothing without a limit', () => {
		const nodeContext = {};
		const budget = open(null, nodeContext);
		expect(budget.isLimited).toBe(false);
		budget.reserve('a', about());
		budget.accept('a', [{ taskId: 't1', usd: 3 }]);
		budget.settle('t1', 3);
		budget.release('t1');
		expect(nodeContext).toEqual({});
	});

	test('has the least of several limits', () => {
		const budget = open(1);
		budget.limit(0.5);
		budget.limit(2);
		expect(budget.isLimited).toBe(true);
		expect(messageOf(() => budget.reserve('a', exact(0.6)))).toContain('Max Cost is $0.50');
	});
});

describe('an accepted submit', () => {
	test('counts each of its tasks with its share, under its ID', () => {
		const nodeContext: IDataObject = {};
		const budget = open(1, nodeContext);
		budget.reserve('a', exact(0.5));
		budget.accept('a', [{ taskId: 't1' }, { taskId: 't2' }]);
		expect(nodeContext.flux2Spent).toMatchObject({ costs: { t1: 0.25, t2: 0.25 } });
	});

	test('without a task stays under its own key', () => {
		const nodeContext: IDataObject = {};
		const budget = open(1, nodeContext);
		budget.reserve('a', exact(0.5));
		budget.accept('a', [{}]);
		expect(nodeContext.flux2Spent).toMatchObject({ costs: { a: 0.5 } });
	});

	test('that brought nothing stays reserved', () => {
		const nodeContext: IDataObject = {};
		const budget = open(1, nodeContext);
		budget.reserve('a', exact(0.5));
		budget.accept('a', []);
		expect(nodeContext.flux2Spent).toMatchObject({ costs: { a: 0.5 } });
	});

	test('counts what the provider quotes in place of the estimate', () => {
		const nodeContext: IDataObject = {};
		const budget = open(1, nodeContext);
		budget.reserve('a', about(0.5));
		budget.accept('a', [{ taskId: 't1', usd: 0.2 }, { taskId: 't2' }]);
		expect(nodeContext.flux2Spent).toMatchObject({ costs: { t1: 0.2, t2: 0.25 } });
	});
});

describe('what was charged', () => {
	/** A submit for half a dollar, accepted as one task. */
	function accepted(nodeContext: IDataObject = {}, submit = about(0.5)) {
		const budget = open(10, nodeContext);
		budget.reserve('a', submit);
		budget.accept('a', [{ taskId: 't1' }]);
		return budget;
	}

	test('counts in place of the estimate, nothing included', () => {
		const nodeContext: IDataObject = {};
		accepted(nodeContext).settle('t1', 0);
		expect(nodeContext.flux2Spent).toMatchObject({ costs: { t1: 0 }, factor: 1 });
	});

	test('makes later prices that are not exact as much higher, and never lower', () => {
		const nodeContext: IDataObject = {};
		const budget = accepted(nodeContext);
		budget.settle('t1', 1);
		budget.settle('t1', 0.1);
		expect(nodeContext.flux2Spent).toMatchObject({ costs: { t1: 0.1 }, factor: 2 });
		budget.reserve('b', about(0.5));
		budget.reserve('c', exact(0.5));
		expect(nodeContext.flux2Spent).toMatchObject({ costs: { b: 1, c: 0.5 } });
		expect(budget.check(planned(about(5))).get(0)!.message).toContain('item 1 $10.00');
	});

	test('for a task that the budget does not know counts nowhere', () => {
		const nodeContext: IDataObject = {};
		accepted(nodeContext).settle('constructor', 5);
		expect(nodeContext.flux2Spent).toMatchObject({ costs: { t1: 0.5 }, factor: 1 });
	});

	test('counts on in the same execution, and not in another one', () => {
		const nodeContext: IDataObject = {};
		accepted(nodeContext).settle('t1', 0.9);
		expect(open(1, nodeContext).check(planned(exact(0.2))).size).toBe(1);
		expect(open(1, nodeContext, '8').check(planned(exact(0.2))).size).toBe(0);
	});

	test.each([
		['another version', { version: 0, executionId: '7', costs: { t1: 1 }, factor: 1 }],
		['no costs', { version: 1, executionId: '7', factor: 1 }],
		['costs that are none', { version: 1, executionId: '7', costs: { t1: '1' }, factor: 1 }],
		['no factor', { version: 1, executionId: '7', costs: { t1: 1 } }],
		['nothing', null],
	])('is not read from what has %s', (_what, saved) => {
		expect(open(1, { flux2Spent: saved }).check(planned(exact(1))).size).toBe(0);
	});
});

describe('before a run', () => {
	const spendingOf = (plan: () => PlannedSubmit | undefined, maxCost: number | undefined = 1) => ({
		maxCost,
		planSubmit: async () => await Promise.resolve(plan()),
	});

	test('nothing is planned where no item has a limit', async () => {
		const planSubmit = jest.fn();
		const budget = open(null);
		const items = [{ itemIndex: 0, spending: { planSubmit } }, { itemIndex: 1 }];
		expect((await planSpending(budget, items)).size).toBe(0);
		expect(planSubmit).not.toHaveBeenCalled();
		expect(budget.isLimited).toBe(false);
	});

	test('all items are compared with the least limit; what is paid for already counts nothing', async () => {
		const items = [
			{ itemIndex: 0, spending: spendingOf(() => exact(0.4), 2) },
			{ itemIndex: 1, spending: spendingOf(() => exact(0.4), 0.5) },
			{ itemIndex: 2, spending: spendingOf(() => undefined) },
			{ itemIndex: 3 },
		];
		const refusals = await planSpending(open(null), items);
		expect([...refusals.keys()]).toEqual([0, 1]);
		expect(refusals.get(0)!.message).toContain('Max Cost is $0.50');
	});

	test('an item whose price cannot be worked out is not run; the others are compared without it', async () => {
		const items = [
			{
				itemIndex: 0,
				spending: spendingOf(() => {
					throw new Flux2Error('invalidInput', 'no image');
				}),
			},
			{ itemIndex: 1, spending: spendingOf(() => exact(1)) },
		];
		expect(refusalsOf(await planSpending(open(null), items))).toEqual({
			0: ['invalidInput', 'no image'],
		});
	});

	test('an abort ends the planning', async () => {
		const spending = spendingOf(() => {
			throw new AbortedError();
		});
		await expect(planSpending(open(null), [{ itemIndex: 0, spending }])).rejects.toThrow(
			AbortedError,
		);
	});
});
