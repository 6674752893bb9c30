import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { startEmulator, type Effect } from '../emulator';
import { agentsOf, type Behaviour } from '../support/agent';
import {
	checkpointsOf,
	NODE,
	openLab,
	imagesIn,
	imagesOf,
	prompts,
	traffic,
	until,
	workflowWith,
	type Lab,
	type NodeUnderTest,
} from '../support/lab';
import type { Run } from '../support/engine';
import {
	acceptedStatusOf,
	drawSmall,
	firstOfEachProvider,
	isDownloaded,
	isPolled,
	laneNames,
	LANES,
	making,
	type LaneName,
} from '../support/lanes';

/** Promise 1: never pay twice. */

const RETRY = { retryOnFail: true, maxTries: 2, waitBetweenTries: 1 };
const CONTINUE = { onError: 'continueRegularOutput' } as const;
const everyLane = laneNames();
const downloading = laneNames(isDownloaded);
const polled = laneNames(isPolled);

let lab: Lab;

const agents = agentsOf(() => lab);

beforeAll(async () => {
	lab = await openLab({ nodeTypes: agents.nodeTypes });
});

beforeEach(() => drawSmall(lab));

afterEach(() => {
	const { unexpected, leaks } = lab.emulator.ledger;
	expect({ unexpected, leaks }).toEqual({ unexpected: [], leaks: [] });
	lab.emulator.reset();
});

afterAll(async () => await lab.close());

/** The attempts of one run at a download: a task is asked for its image once more, or the URL tried again. */
const DOWNLOADS = 8;

/** All attempts of one run at a download fail, without the pauses between them. */
const breakDownloads = (prompt?: RegExp) =>
	lab.emulator.rule(
		{ route: 'download', prompt, times: DOWNLOADS },
		{ status: 503, headers: { 'retry-after': '0.01' } },
	);

const four = Array<string>(4).fill('download');
/** What is sent for a task whose image cannot be downloaded in the first of two runs. */
const RESUMED = ['submit', 'poll', ...four, 'poll', ...four, 'poll', 'download'];

/** The provider's response with other fields. */
const withBody = (fields: object): Effect => ({
	mutate: (response) => ({ ...response, body: { ...(response.body as object), ...fields } }),
});

const statuses = () => lab.emulator.ledger.submissions.map(({ status }) => status);

function failure({ error }: Run) {
	const { message, description, context } = error as unknown as Record<string, unknown>;
	const { kind, taskId } = context as Record<string, unknown>;
	return { message, description, kind, taskId };
}

describe('an image that was paid for', () => {
	test.each(downloading)(
		'is downloaded again, not submitted again, by Retry On Fail (%s)',
		async (lane) => {
			breakDownloads();
			const run = await lab.run(making(lane, RETRY), { items: prompts(1) });

			expect(run.status).toBe('success');
			const sent = traffic(lab).filter((kind) => kind !== 'poll');
			expect(sent).toEqual(['submit', ...four, ...four, 'download']);
			expect(await imagesIn(lab, run)).toEqual(await imagesOf(lab, prompts(1)));
		},
	);

	test('survives connections that break in the middle of its bytes', async () => {
		lab.emulator.rule({ route: 'download', times: 5 }, { reset: 'midBody' });
		const run = await lab.run(making('task'), { items: prompts(1) });

		expect(traffic(lab)).toEqual(['submit', 'poll', ...four, 'poll', 'download', 'download']);
		expect(await imagesIn(lab, run)).toEqual(await imagesOf(lab, prompts(1)));
	});

	test('that came in the response itself is kept when n8n could not store it', async () => {
		const { core, container } = lab.engine.n8n;
		const storing = jest.spyOn(container.get(core.BinaryDataService), 'store');
		storing.mockRejectedValueOnce(new Error('no space'));
		const run = await lab.run(making('workersAi', RETRY), { items: prompts(1) });
		storing.mockRestore();

		expect(traffic(lab)).toEqual(['submit']);
		expect(await imagesIn(lab, run)).toEqual(await imagesOf(lab, prompts(1)));
	});

	test.each(everyLane)(
		'is neither lost nor paid twice when another item fails while it is on the wire (%s)',
		async (lane) => {
			const { submit } = LANES[lane];
			const refusal = { status: 400, body: { error: 'no' }, delayMs: 60 };
			lab.emulator.rule({ route: submit, prompt: 'item 3', times: 1 }, refusal);
			lab.emulator.rule({ route: submit }, { delayMs: 200 });
			const run = await lab.run(making(lane, RETRY), { items: prompts(6) });

			expect(run.status).toBe('success');
			const { submissions, tasks } = lab.emulator.ledger;
			const first = prompts(6).map(({ json }) => json.prompt);
			expect(submissions.map(({ prompt }) => prompt).sort()).toEqual([...first, 'item 3'].sort());
			expect(tasks).toHaveLength(6);
			expect(await imagesIn(lab, run)).toEqual(await imagesOf(lab, prompts(6)));
		},
	);

	test.each(downloading)(
		'stays when n8n runs the node again because the first item failed (%s)',
		async (lane) => {
			breakDownloads(/item 1/);
			const settings = { ...RETRY, ...CONTINUE };
			const run = await lab.run(making(lane, settings), { items: prompts(3) });

			expect(lab.emulator.ledger.submissions).toHaveLength(3);
			expect(lab.emulator.ledger.downloads).toHaveLength(DOWNLOADS + 3);
			expect(await imagesIn(lab, run)).toEqual(await imagesOf(lab, prompts(3)));
			expect(checkpointsOf(run)).toEqual({});
		},
	);

	test.each(downloading)("is resumed by the editor's Retry execution (%s)", async (lane) => {
		breakDownloads(/item 2/);
		const failed = await lab.run(making(lane), { items: prompts(3) });
		expect(failed.status).toBe('error');
		const run = await lab.retry(failed, making(lane, {}, { fileName: 'other', timeout: 9 }));

		expect(run.status).toBe('success');
		expect(lab.emulator.ledger.submissions).toHaveLength(3);
		expect(await imagesIn(lab, run)).toEqual(await imagesOf(lab, prompts(3)));
		expect(checkpointsOf(run)).toEqual({});
	});

	test('is not taken for another request: a changed prompt is submitted', async () => {
		breakDownloads();
		const failed = await lab.run(making('task'), { items: prompts(1) });
		const changed = making('task');
		changed.parameters.prompt = 'something else';
		const run = await lab.retry(failed, changed);

		expect(lab.emulator.ledger.tasks.map(({ prompt }) => prompt)).toEqual([
			'item 1',
			'something else',
		]);
		expect(run.items(NODE)[0]?.json.prompt).toBe('something else');
	});
});

describe('a re-run of a task that ended badly', () => {
	const failTasks = (lane: LaneName, message: string, times?: number) =>
		lab.emulator.rule({ route: LANES[lane].submit, times }, { task: { fail: { message } } });

	test.each(everyLane)('reports a moderation again and sends nothing (%s)', async (lane) => {
		lab.emulator.rule({ route: LANES[lane].submit }, LANES[lane].moderated);
		const first = await lab.run(making(lane), { items: prompts(1) });
		const sent = lab.emulator.ledger.requests.length;
		const second = await lab.retry(first, making(lane));

		expect(failure(first)).toMatchObject({ kind: 'moderated' });
		expect(failure(second)).toEqual(failure(first));
		expect(lab.emulator.ledger.submissions).toHaveLength(1);
		expect(lab.emulator.ledger.requests).toHaveLength(sent);
	});

	test.each(polled)(
		'submits anew what failed at the provider, and says so before (%s)',
		async (lane) => {
			failTasks(lane, 'out of memory', 1);
			const failed = await lab.run(making(lane), { items: prompts(1) });
			expect(failure(failed)).toMatchObject({
				kind: 'unavailable',
				message: expect.stringContaining('out of memory'),
				description: expect.stringContaining('A retry submits it anew.'),
				taskId: lab.emulator.ledger.tasks[0]?.id,
			});
			const run = await lab.retry(failed, making(lane));

			expect(run.status).toBe('success');
			expect(statuses()).toEqual([acceptedStatusOf(lane), acceptedStatusOf(lane)]);
			expect(checkpointsOf(run)).toEqual({});
		},
	);

	test.each(polled)(
		'polls a task that cannot be found again with Retry On Fail, and submits nothing (%s)',
		async (lane) => {
			lab.emulator.rule({ route: LANES[lane].submit, times: 1 }, { task: { vanish: true } });
			const run = await lab.run(making(lane, RETRY), { items: prompts(1) });

			const [task] = lab.emulator.ledger.tasks;
			expect(failure(run)).toMatchObject({ kind: 'notFound', taskId: task?.id });
			expect(statuses()).toEqual([acceptedStatusOf(lane)]);
			// four polls in each of the two runs
			const { status } = LANES[lane].polls!;
			const polls = lab.emulator.ledger.polls.filter(({ route }) => route === status);
			expect(polls).toHaveLength(8);
			expect(Object.values(checkpointsOf(run)).flat()).toMatchObject([
				{ results: [{ state: 'pending', task: { id: task?.id }, lostIn: expect.any(String) }] },
			]);
		},
	);

	test.each(polled)(
		'polls a lost task once more before Retry execution submits it anew (%s)',
		async (lane) => {
			lab.emulator.rule({ route: LANES[lane].submit, times: 1 }, { task: { vanish: true } });
			const failed = await lab.run(making(lane), { items: prompts(1) });
			const sent = lab.emulator.ledger.requests.length;
			const run = await lab.retry(failed, making(lane));

			expect(traffic(lab, sent).slice(0, 4)).toEqual(['poll', 'submit', 'poll', 'download']);
			expect(await imagesIn(lab, run)).toEqual(await imagesOf(lab, prompts(1)));
			expect(checkpointsOf(run)).toEqual({});
		},
	);

	test.each(polled)(
		'that was lost and is found again is collected by Retry execution (%s)',
		async (lane) => {
			const poll = LANES[lane].polls!.status;
			lab.emulator.rule({ route: poll, times: 4 }, { html: true, status: 404 });
			// where the queue does not know a task, its history is asked
			lab.emulator.rule({ route: 'oxen.history', times: 4 }, { html: true, status: 404 });
			const failed = await lab.run(making(lane), { items: prompts(1) });
			const run = await lab.retry(failed, making(lane));

			expect(failure(failed)).toMatchObject({ kind: 'notFound' });
			expect(statuses()).toEqual([acceptedStatusOf(lane)]);
			expect(await imagesIn(lab, run)).toEqual(await imagesOf(lab, prompts(1)));
		},
	);

	test.each(polled)('whose status no document explains keeps its task (%s)', async (lane) => {
		const frozen = { task: { running: 'Frozen', seconds: 1.5 } };
		lab.emulator.rule({ route: LANES[lane].submit }, frozen);
		const failed = await lab.run(making(lane, {}, { timeout: 1 }), { items: prompts(1) });
		expect(failure(failed)).toMatchObject({
			kind: 'timeout',
			message:
				'The image was not ready after 1 s: the provider\'s last status was "Frozen", which no document explains',
			description: expect.stringContaining(`${lab.emulator.ledger.tasks[0]?.id}`),
		});
		const run = await lab.retry(failed, making(lane));

		expect(statuses()).toEqual([acceptedStatusOf(lane)]);
		expect(await imagesIn(lab, run)).toEqual(await imagesOf(lab, prompts(1)));
	});
});

describe('the memory of what was paid for', () => {
	test.each(everyLane)('is empty after a run that ended well (%s)', async (lane) => {
		const run = await lab.run(making(lane), { items: prompts(2) });

		expect(run.items(NODE)).toHaveLength(2);
		expect(checkpointsOf(run)).toEqual({});
	});

	/** Two branches that lead into the node, as each round of a loop does. */
	function twice(node: NodeUnderTest) {
		const workflow = workflowWith(node);
		const toNode = { main: [[{ node: NODE, type: 'main', index: 0 }]] };
		const branch = (name: string) => ({ name, type: 'n8n-nodes-base.noOp' });
		return {
			nodes: [...workflow.nodes, branch('Round 1'), branch('Round 2')],
			connections: {
				Start: {
					main: [['Round 1', 'Round 2'].map((name) => ({ node: name, type: 'main', index: 0 }))],
				},
				'Round 1': toNode,
				'Round 2': toNode,
			},
		};
	}

	test("is each round's own in a loop, even when the earlier round had a failure", async () => {
		const failing = { task: { fail: { message: 'out of memory' } } };
		lab.emulator.rule({ route: 'task.submit', prompt: 'item 2', times: 1 }, failing);
		const { runData } = await lab.engine.run(twice(making('task', CONTINUE)), {
			items: prompts(2),
		});

		const rounds = runData[NODE]?.map(({ data }) =>
			data?.main?.[0]?.map(({ json }) => json.taskId),
		);
		const [one, two, three, four] = lab.emulator.ledger.tasks.map(({ id, prompt }) => ({
			id,
			prompt,
		}));
		expect([one, two, three, four].map((task) => task?.prompt).sort()).toEqual([
			'item 1',
			'item 1',
			'item 2',
			'item 2',
		]);
		const idIn = (round: (typeof one)[], prompt: string) =>
			round.find((task) => task?.prompt === prompt)?.id;
		expect(rounds).toEqual([
			[idIn([one, two], 'item 1'), undefined],
			[idIn([three, four], 'item 1'), idIn([three, four], 'item 2')],
		]);
	});
});

describe('a submit', () => {
	test.each(everyLane)('that was refused for the moment is sent again (%s)', async (lane) => {
		lab.emulator.rule(
			{ route: LANES[lane].submit, times: 2 },
			{ error: LANES[lane].rateLimit, headers: { 'retry-after': '0.01' } },
		);
		const run = await lab.run(making(lane), { items: prompts(1) });

		expect(statuses()).toEqual([429, 429, acceptedStatusOf(lane)]);
		expect(await imagesIn(lab, run)).toEqual(await imagesOf(lab, prompts(1)));
	});

	test.each([
		['workersAi', 'workersAi.3036'],
		['catalogue', 'cloudflare.spendLimit'],
	] as const)('that was refused because a quota is spent is not (%s)', async (lane, error) => {
		lab.emulator.rule({ route: LANES[lane].submit }, { error, headers: { 'retry-after': '0.01' } });
		const run = await lab.run(making(lane), { items: prompts(1) });

		expect(statuses()).toEqual([429]);
		expect(failure(run)).toMatchObject({ kind: 'credits' });
	});

	const uncertain = {
		'a 500': { status: 500, accepted: true },
		'a proxy error page': { html: true, accepted: true },
		'a connection broken before the response': { reset: 'beforeHeaders', accepted: true },
		'a connection broken within the headers': { reset: 'midHeaders' },
		'a connection broken within the body': { reset: 'midBody' },
		'half a response': { truncateJson: true },
	} as const;
	const cases = Object.keys(uncertain) as Array<keyof typeof uncertain>;

	test.each(everyLane.flatMap((lane) => cases.map((what) => [what, lane] as const)))(
		'whose response was lost by %s is not sent again, and the error says that it may be billed (%s)',
		async (what, lane) => {
			lab.emulator.rule({ route: LANES[lane].submit }, uncertain[what]);
			const run = await lab.run(making(lane), { items: prompts(1) });

			expect(run.status).toBe('error');
			expect(lab.emulator.ledger.submissions).toHaveLength(1);
			expect(failure(run).description).toContain('Nobody knows whether this request was billed');
		},
	);

	test.each(everyLane)(
		'that may have been billed is sent again by Retry execution, but not by Retry On Fail (%s)',
		async (lane) => {
			lab.emulator.rule({ route: LANES[lane].submit, times: 1 }, { status: 500, accepted: true });
			const failed = await lab.run(making(lane, RETRY), { items: prompts(1) });

			expect(lab.emulator.ledger.submissions).toHaveLength(1);
			expect(failure(failed).description).toContain('Nobody knows whether this request was billed');

			const run = await lab.retry(failed, making(lane, RETRY));

			expect(lab.emulator.ledger.submissions).toHaveLength(2);
			expect(await imagesIn(lab, run)).toEqual(await imagesOf(lab, prompts(1)));
			expect(checkpointsOf(run)).toEqual({});
		},
	);

	/** Fields that the submit's response has instead of the documented ones. */
	const oddities: Array<[string, LaneName, object]> = [
		['an empty error', 'task', { error: '' }],
		['a progress as text', 'task', { progress: '40%' }],
		['no model', 'task', { model: null }],
		['no status', 'task', { status: undefined }],
		['all of these', 'task', { error: '', progress: '40%', model: null, status: undefined }],
		['a status that is documented elsewhere only', 'task', { status: 'queued' }],
		['an empty error', 'queue', { error: '' }],
		['no status', 'queue', { status: undefined }],
		['no address to poll', 'queue', { status_url: null }],
	];

	test.each(oddities)('whose response has %s keeps its task (%s)', async (_what, lane, fields) => {
		lab.emulator.rule({ route: LANES[lane].submit }, withBody(fields));
		const run = await lab.run(making(lane), { items: prompts(1) });

		expect(run.status).toBe('success');
		expect(traffic(lab)).toEqual(['submit', 'poll', 'download']);
		expect(run.items(NODE)[0]?.json.taskId).toBe(lab.emulator.ledger.tasks[0]?.id);
		expect(await imagesIn(lab, run)).toEqual(await imagesOf(lab, prompts(1)));
	});

	test('that takes longer than the timeout is given up and not sent again', async () => {
		lab.emulator.rule({ route: 'cloudflare.run' }, { hang: true, accepted: true });
		const run = await lab.run(making('catalogue', {}, { timeout: 1 }), { items: prompts(1) });

		expect(traffic(lab)).toEqual(['submit']);
		expect(failure(run)).toMatchObject({
			kind: 'timeout',
			description: expect.stringContaining('Nobody knows whether this request was billed'),
		});
	});

	test.each(firstOfEachProvider(everyLane))(
		'whose connection was never made is sent again once somebody listens (%s)',
		async (lane) => {
			const port = await freePort();
			const { type } = LANES[lane];
			const working = lab.credentials[`${type}Api`]!;
			const later = new URL(working.baseUrl as string);
			later.port = String(port);
			lab.credentials[`${type}Api`] = { ...working, baseUrl: later.href };
			const refused = nextRefusedConnection(port);
			const running = lab.start(making(lane), { items: prompts(1) });
			await refused;
			const emulator = await startEmulator({ port, seconds: 0.03 });
			const run = await running.done;
			lab.credentials[`${type}Api`] = working;
			await emulator.close();

			expect(run.status).toBe('success');
			expect(emulator.ledger.submissions.map(({ prompt, status }) => [prompt, status])).toEqual([
				['item 1', acceptedStatusOf(lane)],
			]);
		},
	);
});

async function freePort(): Promise<number> {
	const server = createServer();
	await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
	const { port } = server.address() as AddressInfo;
	await new Promise((closed) => server.close(closed));
	return port;
}

/** Resolves when this process was refused a connection to the port. */
async function nextRefusedConnection(port: number): Promise<void> {
	await new Promise<void>((resolve) => {
		const watch = (message: unknown) => {
			const { socket } = message as { socket: Socket };
			socket.once('error', (error: NodeJS.ErrnoException & { port?: number }) => {
				if (error.code !== 'ECONNREFUSED' || error.port !== port) return;
				unsubscribe('net.client.socket', watch);
				resolve();
			});
		};
		subscribe('net.client.socket', watch);
	});
}

describe("a tool's call", () => {
	const run = async (behaviour: Behaviour, settings?: object) =>
		await agents.run(making('task', settings), behaviour);

	const taskIds = (responses: string[]) =>
		responses.map((response) => (JSON.parse(response) as Array<{ taskId: string }>)[0]?.taskId);

	const tasks = () => lab.emulator.ledger.tasks.map(({ id }) => id);

	test('is submitted once for each of two identical calls at the same time', async () => {
		let responses: string[] = [];
		const done = await run(async (call) => {
			responses = await Promise.all([call(), call()]);
		});

		expect(done.error).toBeUndefined();
		expect(taskIds(responses).sort()).toEqual(tasks().sort());
		expect(tasks()).toHaveLength(2);
		expect(checkpointsOf(done)).toEqual({});
	});

	test('is submitted anew while the same call before it is still running', async () => {
		lab.emulator.rule({ route: 'task.submit', times: 1 }, { task: { polls: 20 } });
		let responses: string[] = [];
		await run(async (call) => {
			const first = call();
			await until(() => lab.emulator.ledger.polls.length > 0);
			responses = await Promise.all([first, call()]);
		});

		expect(taskIds(responses)).toEqual(tasks());
		expect(tasks()).toHaveLength(2);
	});

	test('is submitted anew when the same call before it ended well', async () => {
		let responses: string[] = [];
		await run(async (call) => {
			responses = [await call(), await call()];
		});

		expect(taskIds(responses)).toEqual(tasks());
		expect(tasks()).toHaveLength(2);
	});

	test('resumes what an earlier try has paid for', async () => {
		breakDownloads();
		let responses: string[] = [];
		const { error } = await run(async (call) => {
			responses = [await call()];
		}, RETRY);

		expect(error).toBeUndefined();
		expect(taskIds(responses)).toEqual(tasks());
		expect(traffic(lab)).toEqual(RESUMED);
	});

	test('resumes what an earlier call of the agent has paid for and not got', async () => {
		breakDownloads();
		let responses: string[] = [];
		await run(async (call) => {
			await expect(call()).rejects.toThrow();
			responses = [await call()];
		});

		expect(taskIds(responses)).toEqual(tasks());
		expect(traffic(lab)).toEqual(RESUMED);
	});
});
