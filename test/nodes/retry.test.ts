import type { INodeExecutionData } from 'n8n-workflow';
import type { Effect, RouteName } from '../emulator';
import { agentsOf, type Behaviour } from '../support/agent';
import type { Run } from '../support/engine';
import {
	checkpointsOf,
	NODE,
	openLab,
	imagesIn,
	imagesOf,
	prompts,
	workflowWith,
	type Lab,
	type NodeUnderTest,
} from '../support/lab';
import {
	acceptedStatusOf,
	drawSmall,
	firstOfEachProvider,
	hasTasks,
	isDownloaded,
	laneNames,
	LANES,
	making,
	type LaneName,
} from '../support/lanes';
import { standIns } from '../support/standIns';

/** Promise 1, at the scale and in the places where n8n runs a node again. */

const RETRY = { retryOnFail: true, maxTries: 3, waitBetweenTries: 1 };
const CONTINUE = { onError: 'continueRegularOutput' } as const;
/** The attempts of one run at a download: four, and four more after the task was asked or a second has passed. */
const DOWNLOADS_OF_RUN = 8;

let lab: Lab;
const agents = agentsOf(() => lab);

beforeAll(async () => {
	lab = await openLab({ nodeTypes: { ...standIns, ...agents.nodeTypes } });
});

beforeEach(() => drawSmall(lab));

afterEach(() => {
	const { unexpected, leaks } = lab.emulator.ledger;
	expect({ unexpected, leaks }).toEqual({ unexpected: [], leaks: [] });
	lab.emulator.reset();
});

afterAll(async () => await lab.close());

/** So many runs of the node do not get the image. */
const breakDownloads = (prompt: RegExp, runs: number, delayMs?: number) =>
	lab.emulator.rule(
		{ route: 'download', prompt, times: DOWNLOADS_OF_RUN * runs },
		{ status: 503, headers: { 'retry-after': '0.01' }, delayMs },
	);

const downloadsOf = (prompt: string) => {
	const { tasks, downloads } = lab.emulator.ledger;
	const ids = tasks.filter((task) => task.prompt === prompt).map(({ id }) => id);
	return downloads.filter(({ taskId }) => ids.includes(taskId));
};

const taskIdsIn = (items: INodeExecutionData[] = []) => items.map(({ json }) => json.taskId);

const paidTaskIds = () => lab.emulator.ledger.tasks.map(({ id }) => id);

/** One submission for each prompt, all accepted; every image is there, in order, and nothing is left to remember. */
async function expectEachPaidOnce(run: Run, count: number): Promise<void> {
	const given = prompts(count);
	const { submissions, tasks } = lab.emulator.ledger;
	expect(run.status).toBe('success');
	expect(submissions.map(({ prompt }) => prompt).sort()).toEqual(
		given.map(({ json }) => json.prompt).sort(),
	);
	expect(tasks).toHaveLength(count);
	expect(run.items(NODE).map(({ pairedItem }) => pairedItem)).toEqual(
		given.map((_, item) => ({ item })),
	);
	expect(await imagesIn(lab, run)).toEqual(await imagesOf(lab, given));
	expect(checkpointsOf(run)).toEqual({});
}

/** One provider with tasks and one without show what becomes of a hundred; of the others a lane of each, with fewer. */
const COUNTS: Partial<Record<LaneName, number>> = { bfl: 100, catalogue: 100 };
const many = firstOfEachProvider(laneNames(isDownloaded)).map(
	(lane) => [lane, COUNTS[lane] ?? 20] as const,
);

/** Some of the items, from the 40th of a hundred on. */
const some = (count: number, first: number, last = first): RegExp => {
	const numbers = Array.from({ length: last - first + 1 }, (_, index) => first + index);
	return new RegExp(`^item (${numbers.map((number) => number + count * 0.4).join('|')})$`);
};

describe('many items, of which one cannot be downloaded twice', () => {
	test.each(many)('are submitted once each with Retry On Fail (%s, %i)', async (lane, count) => {
		breakDownloads(some(count, 0), 2);
		const run = await lab.run(making(lane, RETRY), { items: prompts(count) });

		await expectEachPaidOnce(run, count);
		expect(downloadsOf(`item ${count * 0.4}`)).toHaveLength(2 * DOWNLOADS_OF_RUN + 1);
	});

	test.each(many)(
		'are submitted and downloaded once each when the first is an error item (%s, %i)',
		async (lane, count) => {
			breakDownloads(/^item 1$/, 2);
			const node = making(lane, { ...RETRY, ...CONTINUE });
			const run = await lab.run(node, { items: prompts(count) });

			await expectEachPaidOnce(run, count);
			expect(downloadsOf('item 1')).toHaveLength(2 * DOWNLOADS_OF_RUN + 1);
			expect(lab.emulator.ledger.downloads).toHaveLength(2 * DOWNLOADS_OF_RUN + count);
		},
	);

	test.each(many)(
		'are submitted once each, also those on the wire when it fails (%s, %i)',
		async (lane, count) => {
			breakDownloads(some(count, 0), 2, 30);
			lab.emulator.rule(
				{ route: LANES[lane].submit, prompt: some(count, 1, 4) },
				{ delayMs: 1500 },
			);
			const run = await lab.run(making(lane, RETRY), { items: prompts(count) });

			await expectEachPaidOnce(run, count);
		},
	);

	test.each(many)(
		'are submitted once each when the saved execution is retried by hand, twice (%s, %i)',
		async (lane, count) => {
			breakDownloads(some(count, 0), 2);
			const first = await lab.run(making(lane), { items: prompts(count) });
			const second = await lab.retry(first, making(lane));
			const third = await lab.retry(second, making(lane));

			expect([first.status, second.status]).toEqual(['error', 'error']);
			await expectEachPaidOnce(third, count);
		},
	);
});

describe('inside Loop Over Items', () => {
	const LOOP = 'Loop Over Items';
	const to = (node: string) => [{ node, type: 'main', index: 0 }];

	/** Rounds of two items each. */
	function looping(underTest: NodeUnderTest) {
		const { nodes } = workflowWith(underTest);
		return {
			nodes: [
				...nodes,
				{ name: LOOP, type: 'n8n-nodes-base.splitInBatches', parameters: { batchSize: '2' } },
			],
			connections: {
				Start: { main: [to(LOOP)] },
				[LOOP]: { main: [[], to(NODE)] },
				[NODE]: { main: [to(LOOP)] },
			},
		};
	}

	const equalItems = (count: number): INodeExecutionData[] =>
		Array.from({ length: count }, () => ({ json: { prompt: 'the same' } }));

	const rounds = ({ runData }: Run) =>
		(runData[NODE] ?? []).map(({ data }) => taskIdsIn(data?.main?.[0] ?? []));

	const loopLanes = laneNames(hasTasks);

	test.each(loopLanes)('equal items of every round are images of their own (%s)', async (lane) => {
		const run = await lab.engine.run(looping(making(lane)), { items: equalItems(6) });

		expect(rounds(run)).toHaveLength(3);
		expect(rounds(run).flat().sort()).toEqual(paidTaskIds().sort());
		expect(taskIdsIn(run.items(LOOP)).sort()).toEqual(paidTaskIds().sort());
		expect(paidTaskIds()).toHaveLength(6);
		expect(checkpointsOf(run)).toEqual({});
	});

	test.each(loopLanes)('each round is resumed by its own retries (%s)', async (lane) => {
		lab.emulator.rule({ route: LANES[lane].submit, times: 2 }, { task: { seconds: 0.02 } });
		breakDownloads(/the same/, 2);
		const run = await lab.engine.run(looping(making(lane, RETRY, { maxConcurrent: 1 })), {
			items: equalItems(6),
		});

		expect(run.status).toBe('success');
		expect(rounds(run).flat()).toEqual(paidTaskIds());
		expect(paidTaskIds()).toHaveLength(6);
		expect(checkpointsOf(run)).toEqual({});
	});

	test.each(loopLanes)(
		'what one round has paid for and not got is not passed to the next (%s)',
		async (lane) => {
			const { submit } = LANES[lane];
			// the second item of the first round: n8n runs a node again for the first one only
			lab.emulator.rule({ route: submit, skip: 1, times: 1 }, { task: { seconds: 0.02 } });
			const node = making(lane, { ...RETRY, ...CONTINUE }, { maxConcurrent: 1 });
			lab.emulator.rule(
				{ route: 'download', skip: 1, times: DOWNLOADS_OF_RUN },
				{ status: 503, headers: { 'retry-after': '0.01' } },
			);
			const run = await lab.engine.run(looping(node), { items: equalItems(6) });

			const [one, two, ...others] = paidTaskIds();
			expect(others).toHaveLength(4);
			expect(rounds(run)).toEqual([[one, undefined], others.slice(0, 2), others.slice(2)]);
			const [, failed] = run.runData[NODE]?.[0]?.data?.main?.[0] ?? [];
			expect(failed?.json.error).toMatchObject({ taskId: two });
		},
	);

	test.each(loopLanes)(
		'a round that has failed is resumed by Retry execution, the others stay (%s)',
		async (lane) => {
			const node = looping(making(lane, {}, { maxConcurrent: 1 }));
			lab.emulator.rule(
				{ route: 'download', skip: 3, times: DOWNLOADS_OF_RUN },
				{ status: 503, headers: { 'retry-after': '0.01' } },
			);
			const failed = await lab.engine.run(node, { items: equalItems(6) });
			expect(failed.status).toBe('error');
			const run = await lab.engine.retry(failed, node);

			expect(run.status).toBe('success');
			expect(rounds(run).flat()).toEqual(paidTaskIds());
			expect(paidTaskIds()).toHaveLength(6);
			expect(checkpointsOf(run)).toEqual({});
		},
	);
});

describe("as an agent's tool", () => {
	const toolLanes = laneNames(hasTasks);
	const calling = async (lane: LaneName, behaviour: Behaviour) =>
		await agents.run(making(lane, RETRY), behaviour);
	const taskIds = (responses: string[]) =>
		responses.flatMap((response) => (JSON.parse(response) as Array<{ taskId: string }>)[0]?.taskId);

	test.each(toolLanes)('a call resumes what its earlier tries have paid for (%s)', async (lane) => {
		breakDownloads(/item 1/, 2);
		let responses: string[] = [];
		const run = await calling(lane, async (call) => {
			responses = [await call()];
		});

		expect(taskIds(responses)).toEqual(paidTaskIds());
		expect(paidTaskIds()).toHaveLength(1);
		expect(checkpointsOf(run)).toEqual({});
	});

	test.each(toolLanes)(
		'two equal calls at once are two images, although each has to be tried again (%s)',
		async (lane) => {
			breakDownloads(/item 1/, 2);
			let responses: string[] = [];
			const run = await calling(lane, async (call) => {
				responses = await Promise.all([call(), call()]);
			});

			expect(taskIds(responses).sort()).toEqual(paidTaskIds().sort());
			expect(paidTaskIds()).toHaveLength(2);
			expect(checkpointsOf(run)).toEqual({});
		},
	);

	test.each(toolLanes)('an equal call after one that went well pays anew (%s)', async (lane) => {
		breakDownloads(/item 1/, 1);
		let responses: string[] = [];
		await calling(lane, async (call) => {
			responses = [await call(), await call()];
		});

		expect(taskIds(responses)).toEqual(paidTaskIds());
		expect(paidTaskIds()).toHaveLength(2);
	});
});

describe('a re-run of what has ended badly', () => {
	const errorOf = ({ error }: Run) => {
		const { message, description, context } = error as unknown as Record<string, unknown>;
		return { message, description, kind: (context as { kind?: string }).kind };
	};

	const ends: Array<[LaneName, string, Effect, string]> = [
		...laneNames().map((lane): [LaneName, string, Effect, string] => [
			lane,
			'a moderation',
			LANES[lane].moderated,
			'moderated',
		]),
		['bfl', 'Content Moderated', { task: { status: 'Content Moderated' } }, 'moderated'],
		[
			'oxen',
			'a wrong parameter',
			{ task: { fail: { message: 'guidance must be <= 10' } } },
			'invalidInput',
		],
		[
			'fal',
			'a wrong parameter',
			{ task: { fail: { code: 'image_too_small', message: 'too small' } } },
			'invalidInput',
		],
	];

	test.each(ends)('reports %s: %s again and sends nothing', async (lane, _what, effect, kind) => {
		lab.emulator.rule({ route: LANES[lane].submit }, effect);
		const first = await lab.run(making(lane, RETRY), { items: prompts(1) });
		const sent = lab.emulator.ledger.requests.length;
		const second = await lab.retry(first, making(lane, RETRY));

		expect(errorOf(first).kind).toBe(kind);
		expect(errorOf(second)).toEqual(errorOf(first));
		expect(lab.emulator.ledger.submissions).toHaveLength(1);
		expect(lab.emulator.ledger.requests).toHaveLength(sent);
	});

	const lost: Record<string, Effect> = {
		'before the response': { reset: 'beforeHeaders', accepted: true },
		'within the headers': { reset: 'midHeaders' },
		'within the body': { reset: 'midBody' },
		'by half a JSON': { truncateJson: true },
	};

	test.each(laneNames().flatMap((lane) => Object.keys(lost).map((how) => [how, lane] as const)))(
		'never sends a submit again that was lost %s, and says that it may be billed (%s)',
		async (how, lane) => {
			lab.emulator.rule({ route: LANES[lane].submit }, lost[how]!);
			const run = await lab.run(making(lane, RETRY), { items: prompts(1) });

			expect(run.status).toBe('error');
			expect(lab.emulator.ledger.submissions).toHaveLength(1);
			expect(errorOf(run).description).toContain('Nobody knows whether this request was billed');
		},
	);
});

describe('Retry-After', () => {
	/** Timers may fire a little early. */
	const EARLY_MS = 10;
	const HEADERS: Record<string, () => { header: string; notBefore: number }> = {
		'in seconds': () => ({ header: '1', notBefore: Date.now() + 1000 }),
		'as a date': () => {
			const at = Math.ceil(Date.now() / 1000 + 1) * 1000;
			return { header: new Date(at).toUTCString(), notBefore: at };
		},
	};
	const polled = firstOfEachProvider(laneNames(hasTasks));
	const places: Array<[string, LaneName, RouteName, number]> = [
		...firstOfEachProvider(laneNames()).map((lane): [string, LaneName, RouteName, number] => [
			'a submit',
			lane,
			LANES[lane].submit,
			429,
		]),
		...polled.map((lane): [string, LaneName, RouteName, number] => [
			'a poll',
			lane,
			LANES[lane].polls!.status,
			503,
		]),
		['a download', 'bfl', 'download', 429],
	];
	const callsOf = (route: RouteName): Array<{ at: number; status?: number }> => {
		const { submissions, polls, downloads } = lab.emulator.ledger;
		if (route === 'download') return downloads;
		const own = polls.filter((poll) => poll.route === route);
		return own.length > 0 ? own : submissions;
	};

	test.each(
		places.flatMap(([what, lane, route, status]) =>
			Object.keys(HEADERS).map((how) => [how, what, lane, route, status] as const),
		),
	)('%s is waited for by %s (%s, %s, %i)', async (how, _what, lane, route, status) => {
		const { header, notBefore } = HEADERS[how]!();
		lab.emulator.rule(
			{ route, times: 1 },
			{ status, body: { error: 'too many' }, headers: { 'retry-after': header } },
		);
		const run = await lab.run(making(lane), { items: prompts(1) });

		expect(run.status).toBe('success');
		const [refused, again] = callsOf(route);
		expect(refused?.status).toBe(status);
		expect(again!.at).toBeGreaterThanOrEqual(
			(how === 'in seconds' ? refused!.at + 1000 : notBefore) - EARLY_MS,
		);
		expect(lab.emulator.ledger.tasks).toHaveLength(1);
	});

	test.each(laneNames())(
		'of more than two minutes is reported instead of waited for (%s)',
		async (lane) => {
			const effect = {
				status: 429,
				body: { error: 'slow down' },
				headers: { 'retry-after': '121' },
			};
			lab.emulator.rule({ route: LANES[lane].submit }, effect);
			const run = await lab.run(making(lane), { items: prompts(1) });

			expect(run.error?.context).toMatchObject({ kind: 'rateLimited' });
			expect(callsOf(LANES[lane].submit)).toHaveLength(1);
		},
	);

	test('in the body of a response counts too', async () => {
		const body = { error: 'rate_limit_exceeded', message: 'slow down', retry_after: 1 };
		lab.emulator.rule({ route: 'bfl.submit', times: 1 }, { status: 429, body });
		await lab.run(making('bfl'), { items: prompts(1) });

		const [refused, again, ...more] = callsOf('bfl.submit');
		expect(more).toEqual([]);
		expect(again!.at - refused!.at).toBeGreaterThanOrEqual(1000 - EARLY_MS);
	});
});

describe('the time limit of a task', () => {
	test.each(firstOfEachProvider(laneNames()))(
		'starts when the provider has accepted it, however long it was refused before (%s)',
		async (lane) => {
			const { submit } = LANES[lane];
			lab.emulator.rule(
				{ route: submit, times: 1 },
				{ status: 429, body: { error: 'busy' }, headers: { 'retry-after': '1' } },
			);
			const run = await lab.run(making(lane, {}, { timeout: 1 }), { items: prompts(1) });

			expect(lab.emulator.ledger.submissions.map(({ status }) => status)).toEqual([
				429,
				acceptedStatusOf(lane),
			]);
			expect(await imagesIn(lab, run)).toEqual(await imagesOf(lab, prompts(1)));
		},
	);

	test('does not run while the item waits for its turn', async () => {
		lab.emulator.rule({ route: 'bfl.submit' }, { task: { seconds: 1.6 } });
		const node = making('bfl', {}, { timeout: 5, maxConcurrent: 1 });
		const run = await lab.run(node, { items: prompts(4) });

		await expectEachPaidOnce(run, 4);
	});
});
