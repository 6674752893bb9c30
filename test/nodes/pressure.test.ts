import {
	NODE,
	openLab,
	imagesIn,
	imagesOf,
	prompts,
	type Lab,
	type LabOptions,
} from '../support/lab';
import type { Run } from '../support/engine';
import {
	acceptedStatusOf,
	drawSmall,
	firstOfEachProvider,
	hasTasks,
	laneNames,
	LANES,
	making,
	type LaneName,
} from '../support/lanes';

/** Promise 3: refusals shrink the number of tasks at once, and it grows back. */

let lab: Lab;

const open = async (emulator: LabOptions['emulator']) => {
	lab = await openLab({ emulator });
	drawSmall(lab);
};

afterEach(async () => await lab.close());

const statuses = () => lab.emulator.ledger.submissions.map(({ status }) => status);
const count = (wanted: number) => statuses().filter((status) => status === wanted).length;

/** The largest number of spans that hold the same moment. */
function mostAtOnce(spans: Array<{ from: number; to: number }>): number {
	const changes = spans.flatMap(({ from, to }) => [
		{ at: from, by: 1 },
		{ at: to, by: -1 },
	]);
	changes.sort((a, b) => a.at - b.at || a.by - b.by);
	let inside = 0;
	return Math.max(...changes.map(({ by }) => (inside += by)));
}

/** Each task from its acceptance until its image was fetched: the node had it in its hands at least so long. */
function spansOfWork() {
	const { tasks, downloads } = lab.emulator.ledger;
	return tasks.map(({ id, acceptedAt }) => ({
		from: acceptedAt,
		to: downloads.find(({ taskId }) => taskId === id)?.at ?? acceptedAt,
	}));
}

async function expectAll(run: Run, items: number): Promise<void> {
	expect(run.status).toBe('success');
	expect(lab.emulator.ledger.tasks).toHaveLength(items);
	expect(await imagesIn(lab, run)).toEqual(await imagesOf(lab, prompts(items)));
}

/** The emulator asks for a whole second, which would make these tests long. */
const askForLess = (lane: LaneName, seconds: string) =>
	lab.emulator.rule(
		{ route: LANES[lane].submit },
		{
			mutate: (response) =>
				response.status === 429
					? { ...response, headers: { ...response.headers, 'retry-after': seconds } }
					: response,
		},
	);

test.each(firstOfEachProvider(laneNames(hasTasks)))(
	'60 items, 20 at once, at a provider that takes 5: all arrive, after few refusals (%s)',
	async (lane) => {
		await open({ maxRunning: 5, seconds: 0.2 });
		askForLess(lane, '0.25');
		const run = await lab.run(making(lane), { items: prompts(60) });

		await expectAll(run, 60);
		expect(count(acceptedStatusOf(lane))).toBe(60);
		// 15 and 5 until there are 5 at once, then one for each 5 that were accepted; some more on a slow machine
		expect(count(429)).toBeLessThanOrEqual(40);
		expect(mostAtOnce(spansOfWork())).toBeLessThanOrEqual(20);
	},
);

test('20 items at once at a provider that takes one: every one has its turn', async () => {
	await open({ maxRunning: 1, seconds: 0.05 });
	askForLess('bfl', '0.1');
	const run = await lab.run(making('bfl'), { items: prompts(20) });

	await expectAll(run, 20);
});

test('an item that is refused over and over does not give up while others are accepted', async () => {
	await open({});
	lab.emulator.rule(
		{ route: 'bfl.submit', prompt: /^item 1$/, times: 8 },
		{ error: 'bfl.rateLimit' },
	);
	askForLess('bfl', '0.1');
	const run = await lab.run(making('bfl', {}, { maxConcurrent: 2 }), { items: prompts(40) });

	await expectAll(run, 40);
	expect(lab.emulator.ledger.submissions.filter(({ prompt }) => prompt === 'item 1')).toHaveLength(
		9,
	);
});

test('an item that is refused over and over gives up when nothing is accepted', async () => {
	await open({});
	lab.emulator.rule(
		{ route: 'bfl.submit' },
		{ error: 'bfl.rateLimit', headers: { 'retry-after': '0.01' } },
	);
	const run = await lab.run(making('bfl', { onError: 'continueRegularOutput' }), {
		items: prompts(2),
	});

	const errors = run.items(NODE).map(({ json }) => json.error);
	expect(errors).toEqual(Array(2).fill(expect.objectContaining({ kind: 'rateLimited' })));
	expect(count(429)).toBe(12);
});

test('nobody of the run submits before the time that one of them was asked to wait', async () => {
	await open({ seconds: 0.3 });
	const headers = { 'retry-after': '1' };
	lab.emulator.rule({ route: 'bfl.submit', times: 1 }, { error: 'bfl.rateLimit', headers });
	const run = await lab.run(making('bfl', {}, { maxConcurrent: 4 }), { items: prompts(12) });

	await expectAll(run, 12);
	const { submissions } = lab.emulator.ledger;
	const refused = submissions.find(({ status }) => status === 429)!;
	// timers may fire a little early
	const early = submissions.slice(4).filter(({ at }) => at < refused.at + 990);
	expect(early).toEqual([]);
});

test('the number of tasks at once is halved by a burst of refusals, and grows back to Max Concurrent', async () => {
	await open({ seconds: 0.3 });
	lab.emulator.rule({ route: 'bfl.submit', times: 4 }, { error: 'bfl.rateLimit' });
	askForLess('bfl', '0.1');
	const run = await lab.run(making('bfl', {}, { maxConcurrent: 8 }), { items: prompts(60) });

	await expectAll(run, 60);
	expect(count(429)).toBe(4);
	const spans = spansOfWork();
	// 4 at once, and 5 after as many acceptances
	expect(mostAtOnce(spans.slice(0, 9))).toBeLessThanOrEqual(5);
	expect(mostAtOnce(spans.slice(4, 9))).toBeGreaterThanOrEqual(4);
	// 4 + 5 + 6 + 7 acceptances later
	expect(mostAtOnce(spans.slice(-30))).toBe(8);
});
