import { Flux2Error, type Cost, type ErrorKind } from '../../../nodes/shared/core/errors';
import { hintsOf } from '../../../nodes/shared/node/hints';
import { traceOf } from '../../../nodes/shared/node/tracing';
import type { ItemResult, ResultFacts } from '../../../nodes/shared/operations/types';

/** What is reported of a run: above its output, and in n8n's traces. */

interface ImageFacts extends ResultFacts {
	cost?: object;
	seconds?: number;
	polls?: number;
	size?: [width: number, height: number];
	model?: string;
}

const usd = (amount: number) => ({ amount, currency: 'USD' });
const about = (amount: number) => ({ ...usd(amount), estimated: true });

function image(facts: ImageFacts = {}): ItemResult {
	const { cost = usd(0.03), seconds = 4, polls = 3, size, model = 'flux', ...resultFacts } = facts;
	const [width, height] = size ?? [];
	const json = {
		prompt: 'A secret fox',
		model,
		image: { width, height },
		cost,
		status: 'completed',
		timing: { seconds, polls },
	};
	return { item: { json: JSON.parse(JSON.stringify(json)) }, paid: 'here', ...resultFacts };
}

const unpriced = (facts: ImageFacts = {}) => {
	const result = image(facts) as Extract<ItemResult, { item: unknown }>;
	delete result.item.json.cost;
	return result;
};

const failure = (
	kind: ErrorKind,
	{ cost, maybeBilled, paid = 'here' }: { cost?: Cost; maybeBilled?: boolean } & ResultFacts = {},
): ItemResult => ({ error: new Flux2Error(kind, 'A secret fox', { cost, maybeBilled }), paid });

const times = (count: number, result: ItemResult) => Array<ItemResult>(count).fill(result);

const hints = (
	results: ItemResult[],
	unclear: Record<string, string> = {},
	linkProblems: string[] = [],
) => hintsOf({ results, unclearTasks: new Map(Object.entries(unclear)), linkProblems });
const messages = (...facts: Parameters<typeof hints>) =>
	hints(...facts).map(({ message }) => message);

describe('the summary', () => {
	test.each<[string, ItemResult[], string]>([
		['one image', [image({ seconds: 6.24 })], '<b>1 image</b> · $0.03 · 6.2 s'],
		[
			'a list with a failure',
			[...times(8, image()), image({ seconds: 6.2 }), failure('moderated')],
			'<b>9 images</b> · $0.27 · slowest 6.2 s · <b>1 failed</b> (1 moderated)',
		],
		[
			'failures by kind, the most frequent first',
			[image(), failure('timeout'), failure('moderated'), failure('moderated')],
			'<b>1 image</b> · $0.03 · 4.0 s · <b>3 failed</b> (2 moderated, 1 too slow)',
		],
		['failures alone', times(2, failure('auth')), '<b>2 failed</b> (2 credential refused)'],
		[
			'settled and estimated costs apart',
			[image(), image({ cost: about(0.06) }), image({ cost: about(0.01) })],
			'<b>3 images</b> · $0.03 + about $0.07 (estimated) · slowest 4.0 s',
		],
		[
			'estimates alone',
			[image({ cost: about(0.0011) })],
			'<b>1 image</b> · about $0.0011 (estimated) · 4.0 s',
		],
		['what cost nothing', [image({ cost: usd(0) })], '<b>1 image</b> · $0.00 · 4.0 s'],
		[
			'sums of binary fractions',
			[image({ cost: usd(0.1) }), image({ cost: usd(0.2) })],
			'<b>2 images</b> · $0.30 · slowest 4.0 s',
		],
		[
			'currencies apart',
			[image(), image({ cost: { amount: 2, currency: '<CNY>' } })],
			'<b>2 images</b> · $0.03 · 2.00 &lt;CNY&gt; · slowest 4.0 s',
		],
		[
			'what an earlier execution has paid for, which costs nothing again',
			[image(), image({ paid: 'before', cost: usd(5), seconds: 9000 })],
			'<b>2 images</b> · 1 passed on free of charge · $0.03 · 4.0 s',
		],
		[
			'nothing new',
			times(2, image({ paid: 'before' })),
			'<b>2 images</b> · 2 passed on free of charge',
		],
		[
			'what was charged without an image',
			[image(), failure('moderated', { cost: usd(0.02) })],
			'<b>1 image</b> · $0.05, $0.02 of it for what failed · 4.0 s · <b>1 failed</b> (1 moderated)',
		],
		[
			'a failure that was charged before, and is reported again',
			[failure('moderated', { cost: usd(0.02), paid: 'before' })],
			'<b>1 failed</b> (1 moderated)',
		],
		[
			'what may have been billed',
			[image(), failure('unavailable', { maybeBilled: true }), failure('credits')],
			'<b>1 image</b> · $0.03 · 4.0 s · <b>2 failed</b> (1 provider unavailable, 1 no credits) · 1 of them may have been billed',
		],
		['minutes', [image({ seconds: 125.4 })], '<b>1 image</b> · $0.03 · 2 min 5 s'],
		[
			'tasks that were collected, whose time is not theirs',
			[image({ paid: undefined })],
			'<b>1 image</b> · $0.03',
		],
	])('tells %s', (_what, results, expected) => {
		expect(messages(results)).toEqual([expected]);
	});

	test('is a warning as soon as something failed', () => {
		const at = { location: 'outputPane' };
		expect(hints([image()])).toEqual([expect.objectContaining({ ...at, type: 'info' })]);
		expect(hints([image(), failure('credits')])).toEqual([
			expect.objectContaining({ ...at, type: 'warning' }),
		]);
	});

	test('counts images only: there is none for tasks that were submitted and for rows of a list', () => {
		const submitted = { item: { json: { model: 'flux', taskId: 't1' } }, paid: 'here' } as const;
		const running = { item: { json: { status: 'pending', taskId: 't1' } } };
		const row = { item: { json: { status: 'completed', taskId: 't1' } } };
		expect(hints([submitted, running, row])).toEqual([]);
		expect(hints([])).toEqual([]);
	});
});

describe('one hint each, for all items together', () => {
	test('for prices that nobody knows; the sum is the least that was paid', () => {
		expect(messages([image(), unpriced(), unpriced(), unpriced({ paid: 'before' })])).toEqual([
			'<b>4 images</b> · 1 passed on free of charge · at least $0.03 · slowest 4.0 s',
			"The price of <b>2 images</b> is not known here: look at the provider's own usage page.",
		]);
		expect(messages([unpriced()])[0]).toBe('<b>1 image</b> · 4.0 s');
	});

	test('for sizes that differ from what was asked for', () => {
		const asked = { requestedSize: { width: 1000, height: 700 } };
		const small = image({ size: [1024, 768], ...asked });
		expect(messages([small, image({ size: [1000, 700], ...asked }), image(asked)])[1]).toBe(
			'<b>1 image</b> has another size than asked for: 1024 × 768 instead of 1000 × 700.',
		);
		expect(messages([image({ size: [992, 704], ...asked }), small, small])[1]).toBe(
			'<b>3 images</b> have another size than asked for: 1024 × 768 instead of 1000 × 700 (2); 992 × 704 instead of 1000 × 700 (1).',
		);
		const many = [1, 2, 3, 4].map((width) => image({ size: [width, 700], ...asked }));
		expect(messages(many)[1]).toMatch(/3 × 700 instead of 1000 × 700 \(1\); and others\.$/);
		expect(messages([image({ size: [1, 1] })])).toHaveLength(1);
	});

	test("for tasks whose state was unclear, in the provider's words, which are no HTML", () => {
		const reason = 'the provider\'s last status was "<b>hot</b> & new", which no document explains';
		expect(messages([image()], { t1: reason, t2: reason })[1]).toBe(
			'The node waited for <b>2 tasks</b> whose state was unclear for a while: the provider\'s last status was "&lt;b&gt;hot&lt;/b&gt; &amp; new", which no document explains.',
		);
	});

	test.each<[string[], string]>([
		[['Download is off'], '<b>1 image</b> has no link: Download is off.'],
		[
			['not <i>in memory</i>', 'Download is off', 'Download is off'],
			'<b>3 images</b> have no link: Download is off (2); not &lt;i&gt;in memory&lt;/i&gt; (1).',
		],
	])('for links that n8n could not make, with the reason', (reasons, message) => {
		expect(messages([image()], {}, reasons)[1]).toBe(message);
	});
});

describe('the trace', () => {
	const trace = (results: ItemResult[]) =>
		traceOf('bfl', { results, unclearTasks: new Map<string, string>(), linkProblems: [] });

	test('has one total each, and neither prompts nor messages', () => {
		const results = [
			image({ model: 'b', cost: usd(0.1), seconds: 3 }),
			image({ model: 'a', cost: usd(0.2), seconds: 6 }),
			image({ model: 'a', paid: 'before', cost: usd(9) }),
			failure('moderated', { cost: usd(0.01) }),
		];
		expect(trace(results)).toEqual({
			'llm.model.provider': 'bfl',
			'llm.model.id': 'a, b',
			'llm.cost.total': 0.31,
			'llm.cost.source': 'provider',
			'flux2.images': 3,
			'flux2.failures': 1,
			'flux2.seconds': 6,
			'flux2.polls': 9,
		});
		expect(JSON.stringify(trace(results))).not.toContain('secret');
	});

	test('says where the cost comes from, or that there is none', () => {
		expect(trace([image(), image({ cost: about(0.01) })])).toMatchObject({
			'llm.cost.total': 0.04,
			'llm.cost.source': 'estimate',
		});
		expect(trace([unpriced()])).toMatchObject({ 'llm.cost.unavailable_reason': 'not-reported' });
		expect(Object.keys(trace([image({ paid: 'before' })])!).join(' ')).not.toContain('cost');
	});

	test('is left out where the run was about no image', () => {
		expect(trace([{ item: { json: { credits: 5 } } }])).toBeUndefined();
	});
});
