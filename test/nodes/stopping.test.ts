import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Effect, RouteName } from '../emulator';
import { drawReference } from '../emulator/images';
import {
	NODE,
	openLab,
	PROMPTLY_MS,
	prompts,
	until,
	type Lab,
	type NodeUnderTest,
} from '../support/lab';
import {
	acceptedStatusOf,
	drawSmall,
	isDownloaded,
	laneNames,
	LANES,
	making,
	type LaneName,
} from '../support/lanes';
import type { Lane } from '../support/providers';
import { openHandles, stopAndSettle, stopTable, type Stopped } from '../support/stopping';

/**
 * Promise 4, measured: how long n8n's cancel takes, and that no connection, no timer and no request is left.
 * A rejection that nobody handles fails the test it happens in: Jest sees to that.
 */

const RETRY = { retryOnFail: true, maxTries: 3, waitBetweenTries: 1 };
const forAMinute = { 'retry-after': '60' };
const hang: Effect = { hang: true };
/** Without an event, so that the emulator holds no timer for it. */
const endless: Effect = { task: { seconds: 600, event: 'lost' } };
/** A timer that is left behind would last longer than the test waits. */
const SELDOM = { pollInterval: 60 };
/** Two items are in the situation, two wait for their turn. */
const ITEMS = 4;
const AT_ONCE = 2;

let lab: Lab;
let host: Awaited<ReturnType<typeof startHolding>>;
const measured = new Map<string, Stopped>();

/** An image's host that sends the beginning of a response, or nothing at all, and then falls silent. */
async function startHolding() {
	const image = await drawReference('held', 64, 64, 'png');
	const half = image.bytes.subarray(0, Math.floor(image.bytes.length / 2));
	let begun = 0;
	const server: Server = createServer((request, response) => {
		const count = () => void begun++;
		if (request.url !== '/half.png') return count();
		response.writeHead(200, { 'content-type': image.mimeType });
		response.write(half, count);
	});
	await once(server.listen(0, '127.0.0.1'), 'listening');
	const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
	return {
		url,
		get begun() {
			return begun;
		},
		reset: () => (begun = 0),
		async close() {
			server.closeAllConnections();
			await new Promise((closed) => server.close(closed));
		},
	};
}

beforeAll(async () => {
	lab = await openLab();
	host = await startHolding();
	// the first stop of a process takes longer than all that follow: n8n loads code for it
	lab.emulator.rule({ route: 'bfl.submit' }, hang);
	const { done, stop } = lab.start(making('bfl'), { items: prompts(1) });
	await until(() => lab.emulator.ledger.submissions.length === 1);
	stop();
	await done;
	lab.emulator.reset();
});

beforeEach(() => drawSmall(lab));

afterEach(() => {
	const { unexpected, leaks } = lab.emulator.ledger;
	expect({ unexpected, leaks }).toEqual({ unexpected: [], leaks: [] });
	lab.emulator.reset();
	host.reset();
});

afterAll(async () => {
	process.stdout.write(`\n${stopTable(measured)}\n\n`);
	await host.close();
	await lab.close();
});

interface Situation {
	lane: LaneName;
	rules?: Array<[RouteName, Effect]>;
	options?: object;
	/** A parameter of its own, e.g. the references. */
	parameters?: () => object;
	/** The calls that bring it about: a part of method and path, and the status where there was a response. */
	calls: [call: string, status?: number];
	/** The route of the polls that hang, where they bring it about. */
	polls?: RouteName;
	/** How many of them, where it is not one for each of the items at work. */
	count?: number;
	submissions?: number;
	/** Tasks that the provider is asked to cancel. */
	cancels?: number;
	/** They have ended before. */
	isTooLate?: true;
}

const PRICE = '/api/ai/generations/';
const SUBMIT = 'POST /';

/** The moments that every lane has. */
function situationsOf(name: LaneName): Array<[name: string, Situation]> {
	const lane: Lane = LANES[name];
	const { submit, polls, hasEvents } = lane;
	const cancels = lane.canCancel && AT_ONCE;
	const waiting = { lane: name, options: SELDOM, cancels };
	const submitted: [RouteName, Effect] = [submit, endless];
	const all: Array<[string, Situation | false | undefined]> = [
		[
			lane.hasTasks ? 'a submit' : 'a synchronous call',
			{
				lane: name,
				rules: [[submit, { ...hang, ...(!lane.hasTasks && { accepted: true }) }]],
				calls: [SUBMIT],
			},
		],
		[
			'the pause after a 429',
			{
				lane: name,
				rules: [[submit, { error: lane.rateLimit, headers: forAMinute }]],
				calls: [SUBMIT, 429],
			},
		],
		[
			hasEvents ? 'listening to the events' : 'the wait for the next poll',
			polls && { ...waiting, rules: [submitted], calls: [SUBMIT, acceptedStatusOf(name)] },
		],
		[
			hasEvents ? 'polling while the events are silent' : 'a poll',
			polls && {
				lane: name,
				cancels,
				rules: [submitted, [polls.status, hang]],
				polls: polls.status,
				calls: [SUBMIT, acceptedStatusOf(name)],
			},
		],
		[
			'opening a download',
			isDownloaded(lane) && { lane: name, rules: [['download', hang]], calls: ['/results/'] },
		],
	];
	return all.flatMap(([what, situation]) => (situation ? [[`${what} (${name})`, situation]] : []));
}

const situations: Record<string, Situation> = {
	...Object.fromEntries(laneNames().flatMap(situationsOf)),
	'the pause after a failed poll (bfl)': {
		lane: 'bfl',
		rules: [['bfl.result', { status: 503, headers: forAMinute }]],
		calls: ['/v1/get_result', 503],
	},
	'opening the events of a run (events)': {
		lane: 'events',
		rules: [['oxen.events', hang]],
		calls: ['/api/events'],
		count: 1,
		submissions: 0,
	},
	'opening the events of a task (falEvents)': {
		lane: 'falEvents',
		rules: [
			['fal.submit', endless],
			['fal.events', hang],
		],
		options: SELDOM,
		calls: ['/status/stream'],
		cancels: AT_ONCE,
	},
	'reading the result (fal)': {
		lane: 'fal',
		rules: [['fal.result', hang]],
		polls: 'fal.result',
		calls: [SUBMIT, 200],
		cancels: AT_ONCE,
		isTooLate: true,
	},
	'the pause after a failed download (bfl)': {
		lane: 'bfl',
		rules: [['download', { status: 503, headers: forAMinute }]],
		calls: ['/results/', 503],
	},
	'the call for the price (oxen)': {
		lane: 'oxen',
		rules: [['oxen.history', hang]],
		calls: [PRICE],
	},
};

const callsSeen = ([call, status]: Situation['calls']) =>
	lab.emulator.ledger.requests.filter(
		(one) => `${one.method} ${one.path}`.includes(call) && one.status === status,
	).length;

const pollsHanging = (route: RouteName) =>
	lab.emulator.ledger.polls.filter((poll) => poll.route === route && poll.status === undefined)
		.length;

const responded = (records: ReadonlyArray<{ status?: number }>) =>
	records.filter(({ status }) => status !== undefined).length;

/** A response that the emulator has sent needs its time to reach the node. */
async function arrive(): Promise<void> {
	for (let turn = 0; turn < 20; turn++) await new Promise((next) => setImmediate(next));
}

interface Moment {
	/** When to stop. */
	until: () => boolean;
	cancels?: number;
}

/** Stops the node at that moment; nothing is sent any more but the cancelling of tasks. */
async function stopAt(name: string, node: NodeUnderTest, moment: Moment): Promise<Stopped> {
	const { requests, cancels, streams } = lab.emulator.ledger;
	const before = openHandles();
	const running = lab.start(node, { items: prompts(ITEMS) });
	await until(moment.until);
	await arrive();
	const sent = requests.length;
	const wanted = moment.cancels ?? 0;
	const stopped = await stopAndSettle(running, before, () => responded(cancels) >= wanted);
	measured.set(name, stopped);

	expect(stopped.run.status).toBe('canceled');
	expect(stopped.returnedMs).toBeLessThan(PROMPTLY_MS);
	expect(cancels).toHaveLength(wanted);
	expect(requests).toHaveLength(sent + wanted);
	expect(streams.filter(({ closedAt }) => closedAt === undefined)).toEqual([]);
	return stopped;
}

test.each(Object.entries(situations))('%s ends at once', async (name, situation) => {
	const { lane, rules = [], options, calls, polls, count = AT_ONCE } = situation;
	for (const [route, effect] of rules) lab.emulator.rule({ route }, effect);
	const node = making(lane, RETRY, { maxConcurrent: AT_ONCE, ...options });
	const { run } = await stopAt(name, node, {
		until: () => callsSeen(calls) === count && (!polls || pollsHanging(polls) === count),
		cancels: situation.cancels,
	});

	const { submissions, tasks, cancels } = lab.emulator.ledger;
	expect(submissions).toHaveLength(situation.submissions ?? AT_ONCE);
	// whose price alone is missing may be passed on
	if (situation.calls[0] !== PRICE) expect(run.items(NODE)).toEqual([]);
	if (situation.cancels) {
		expect(cancels.map(({ taskId }) => taskId).sort()).toEqual(tasks.map(({ id }) => id).sort());
		const cancelled = tasks.filter(({ cancelledAt }) => cancelledAt !== undefined);
		expect(cancelled).toHaveLength(situation.isTooLate ? 0 : tasks.length);
	}
});

test('the wait for a place after a refusal ends at once', async () => {
	lab.emulator.rule(
		{ route: 'bfl.submit', times: 1 },
		{ error: 'bfl.rateLimit', headers: { 'retry-after': '0.01' } },
	);
	lab.emulator.rule({ route: 'bfl.submit' }, hang);
	const node = making('bfl', RETRY, { maxConcurrent: AT_ONCE });
	const { submissions } = lab.emulator.ledger;
	await stopAt('the wait for a place (bfl)', node, {
		until: () => submissions.length === AT_ONCE && responded(submissions) === 1,
	});

	expect(submissions).toHaveLength(AT_ONCE);
});

/** Finished images of Black Forest Labs lie there. */
const pointTo = (sample: string) =>
	lab.emulator.rule(
		{ route: 'bfl.result' },
		{
			mutate: (response) => {
				const body = response.body as { result: object | null };
				return {
					...response,
					body: { ...body, result: body.result && { ...body.result, sample } },
				};
			},
		},
	);

test('the middle of a download ends at once', async () => {
	pointTo(`${host.url}/half.png`);
	const node = making('bfl', RETRY, { maxConcurrent: AT_ONCE });
	const { run } = await stopAt('a download (bfl)', node, { until: () => host.begun === AT_ONCE });

	expect(lab.emulator.ledger.submissions).toHaveLength(AT_ONCE);
	expect(run.items(NODE)).toEqual([]);
});

test.each(['bfl', 'oxen'] as const)('the middle of slow bytes ends at once (%s)', async (lane) => {
	lab.emulator.rule({ route: 'download' }, { slowBytes: true });
	const { downloads, submissions } = lab.emulator.ledger;
	const node = making(lane, RETRY, { maxConcurrent: AT_ONCE });
	await stopAt(`slow bytes (${lane})`, node, { until: () => downloads.length === AT_ONCE });

	expect(submissions).toHaveLength(AT_ONCE);
});

test.each(['never', 'half'])(
	'fetching reference images ends at once, before anything is submitted (%s of it came)',
	async (file) => {
		// the other services fetch by themselves
		const node = making('workersAi', RETRY, { maxConcurrent: AT_ONCE });
		node.parameters.referenceImages = {
			image: [{ source: 'url', url: `${host.url}/${file}.png` }],
		};
		const moment = { until: () => host.begun === AT_ONCE };
		await stopAt(`a reference image, ${file} of it there (cloudflare)`, node, moment);

		expect(lab.emulator.ledger.requests).toEqual([]);
	},
);

test('Task: Get ends at once', async () => {
	lab.emulator.rule({ route: 'bfl.submit' }, endless);
	const submitting = { resource: 'task', operation: 'submit', prompt: 'a pier' };
	const submitted = await lab.run({ type: 'flux2Bfl', parameters: submitting });
	const { taskId, pollUrl } = submitted.items(NODE)[0]!.json;
	const parameters = { resource: 'task', operation: 'get', taskId, pollUrl, options: SELDOM };
	const node = { type: 'flux2Bfl' as const, parameters };
	await stopAt('Task: Get (bfl)', node, {
		until: () => lab.emulator.ledger.polls.length === ITEMS,
	});

	expect(lab.emulator.ledger.submissions).toHaveLength(1);
});

test('a run whose items are everywhere ends at once', async () => {
	const { emulator } = lab;
	const { requests, downloads } = emulator.ledger;
	emulator.rule({ route: 'oxen.enqueue', prompt: /^item [1-3]$/ }, hang);
	emulator.rule({ route: 'oxen.enqueue', prompt: /^item [4-9]$/ }, endless);
	emulator.rule({ route: 'oxen.queue', prompt: /^item [456]$/ }, hang);
	emulator.rule({ route: 'download', prompt: /^item 1[0-2]$/ }, hang);
	emulator.rule({ route: 'oxen.history', prompt: /^item 1[3-5]$/ }, hang);
	const node = making('oxen', RETRY, { maxConcurrent: 15 });
	const before = openHandles();
	const running = lab.start(node, { items: prompts(30) });
	// three submits, polls, downloads and calls for the price hang, and there is nothing else under way
	await until(() => requests.length - responded(requests) === 12 && downloads.length === 6);
	await arrive();
	const stopped = await stopAndSettle(
		running,
		before,
		() => responded(emulator.ledger.cancels) === 6,
	);
	measured.set('all of these at once (oxen, 15 items)', stopped);

	expect(stopped.run.status).toBe('canceled');
	expect(emulator.ledger.submissions).toHaveLength(15);
	expect(emulator.ledger.cancels).toHaveLength(6);
});
