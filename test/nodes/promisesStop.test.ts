import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import {
	generating,
	checkpointsOf,
	NODE,
	PROMPTLY_MS,
	openLab,
	imagesIn,
	imagesOf,
	prompts,
	traffic,
	until,
	type Lab,
	type Route,
} from '../support/lab';
import type { Effect, RouteName } from '../emulator';

/** Promise 4: stop means stop. */

const RETRY = { retryOnFail: true, maxTries: 3, waitBetweenTries: 1 };

let lab: Lab;
/** Requests of earlier tests: the ledger is not emptied, so that none of them can come late. */
let earlier = 0;

beforeAll(async () => {
	lab = await openLab();
});

beforeEach(() => expect(lab.emulator.ledger.requests).toHaveLength(earlier));

afterEach(() => {
	earlier = lab.emulator.ledger.requests.length;
	lab.emulator.clearRules();
});

afterAll(async () => {
	await lab.close();
	expect(lab.emulator.ledger.requests).toHaveLength(earlier);
});

interface Situation {
	route: Route;
	on: RouteName;
	effect: Effect;
	/** What is seen before the stop; polls that follow one another count as one. */
	sent: string[];
	/** What is sent after it. */
	after?: string[];
	options?: object;
	/** A moment later than the last request. */
	until?: () => boolean;
}

const forAMinute = { 'retry-after': '60' };
const endless: Effect = { task: { seconds: 60 } };
const lastStatus = () => lab.emulator.ledger.requests.at(-1)?.status;

const situations: Record<string, Situation> = {
	'a submit (task)': { route: 'task', on: 'task.submit', effect: { hang: true }, sent: ['submit'] },
	'a submit (queue)': {
		route: 'queue',
		on: 'queue.submit',
		effect: { hang: true },
		sent: ['submit'],
	},
	'a synchronous call (catalogue)': {
		route: 'catalogue',
		on: 'cloudflare.run',
		effect: { hang: true, accepted: true },
		sent: ['submit'],
	},
	'a synchronous call (workersAi)': {
		route: 'workersAi',
		on: 'cloudflare.workersAi',
		effect: { hang: true, accepted: true },
		sent: ['submit'],
	},
	'the pause after a refusal (task)': {
		route: 'task',
		on: 'task.submit',
		effect: { error: 'task.rateLimit', headers: forAMinute },
		sent: ['submit'],
		until: () => lastStatus() === 429,
	},
	'the pause after a refusal (workersAi)': {
		route: 'workersAi',
		on: 'cloudflare.workersAi',
		effect: { error: 'workersAi.3040', headers: forAMinute },
		sent: ['submit'],
		until: () => lastStatus() === 429,
	},
	'the wait between two polls (task)': {
		route: 'task',
		on: 'task.submit',
		effect: endless,
		sent: ['submit', 'poll'],
		until: () => lastStatus() === 200,
		options: { pollInterval: 0.3 },
	},
	'the wait between two polls (queue)': {
		route: 'queue',
		on: 'queue.submit',
		effect: endless,
		sent: ['submit', 'poll'],
		after: ['cancel'],
		until: () => lastStatus() === 200,
		options: { pollInterval: 0.3 },
	},
	'a poll (task)': {
		route: 'task',
		on: 'task.status',
		effect: { hang: true },
		sent: ['submit', 'poll'],
	},
	'a poll (queue)': {
		route: 'queue',
		on: 'queue.status',
		effect: { hang: true },
		sent: ['submit', 'poll'],
		after: ['cancel'],
	},
	'the pause after a failed poll (queue)': {
		route: 'queue',
		on: 'queue.status',
		effect: { status: 503, headers: forAMinute },
		sent: ['submit', 'poll'],
		after: ['cancel'],
		until: () => lastStatus() === 503,
	},
	'the opening of a download (task)': {
		route: 'task',
		on: 'download',
		effect: { hang: true },
		sent: ['submit', 'poll', 'download'],
	},
	'the opening of a download (catalogue)': {
		route: 'catalogue',
		on: 'download',
		effect: { hang: true },
		sent: ['submit', 'download'],
	},
	'the pause after a failed download (task)': {
		route: 'task',
		on: 'download',
		effect: { status: 503, headers: forAMinute },
		sent: ['submit', 'poll', 'download'],
		until: () => lastStatus() === 503,
	},
};

const sent = () => traffic(lab, earlier);

test.each(Object.entries(situations))('ends %s, and nothing follows', async (_name, situation) => {
	const { route, on, effect, after = [], options } = situation;
	lab.emulator.rule({ route: on }, effect);
	const { done, stop } = lab.start(generating(route, RETRY, options), { items: prompts(1) });
	await until(() => sent().length === situation.sent.length && (situation.until?.() ?? true));
	const stoppedAt = performance.now();
	stop();
	const run = await done;

	expect(performance.now() - stoppedAt).toBeLessThan(PROMPTLY_MS);
	expect(run.status).toBe('canceled');
	expect(run.items(NODE)).toEqual([]);
	await until(() => sent().length >= situation.sent.length + after.length);
	expect(sent()).toEqual([...situation.sent, ...after]);
});

/** Resolves with the first bytes that a new connection of this process receives from the port. */
async function bytesFrom(port: string): Promise<void> {
	await new Promise<void>((resolve) => {
		const watch = (message: unknown) => {
			const { socket } = message as { socket: NodeJS.EventEmitter & { remotePort?: number } };
			socket.once('connect', () => {
				if (String(socket.remotePort) !== port) return;
				unsubscribe('net.client.socket', watch);
				socket.once('data', () => resolve());
			});
		};
		subscribe('net.client.socket', watch);
	});
}

test.each(['task', 'catalogue'] as const)(
	"ends a download in the middle of its bytes, and the image's connection with it (%s)",
	async (route) => {
		lab.emulator.rule({ route: 'download' }, { slowBytes: true });
		const downloading = bytesFrom(new URL(lab.emulator.urls.results).port);
		const { done, stop } = lab.start(generating(route, RETRY), { items: prompts(1) });
		await downloading;
		stop();
		const run = await done;

		expect(run.status).toBe('canceled');
		expect(run.items(NODE)).toEqual([]);
		expect(sent().filter((kind) => kind === 'download')).toHaveLength(1);
	},
);

test('keeps the finished images, starts no further item and remembers what it has not got', async () => {
	lab.emulator.rule({ route: 'task.status', prompt: 'item 2' }, { hang: true });
	const node = generating('task', RETRY, { maxConcurrent: 1 });
	const { done, stop } = lab.start(node, { items: prompts(3) });
	await until(() => sent().join() === 'submit,poll,download,submit,poll');
	stop();
	const run = await done;

	expect(run.status).toBe('canceled');
	expect(await imagesIn(lab, run)).toEqual(await imagesOf(lab, prompts(1)));
	expect(sent()).toEqual(['submit', 'poll', 'download', 'submit', 'poll']);
	expect(Object.keys(checkpointsOf(run))).toHaveLength(2);
});

test('cancels every running task of the queue, and only those', async () => {
	const { tasks, polls, downloads, cancels } = lab.emulator.ledger;
	const before = { tasks: tasks.length, downloads: downloads.length, cancels: cancels.length };
	lab.emulator.rule({ route: 'queue.submit', prompt: /item [45]/ }, endless);
	const { done, stop } = lab.start(generating('queue'), { items: prompts(5) });
	const running = () => tasks.slice(before.tasks).filter(({ seconds }) => seconds === 60);
	await until(() => downloads.slice(before.downloads).filter(({ status }) => status).length === 3);
	await until(() => running().every(({ id }) => polls.some(({ taskId }) => taskId === id)));
	stop();
	await done;

	expect(running()).toHaveLength(2);
	await until(() => running().every(({ cancelledAt }) => cancelledAt !== undefined));
	expect(
		cancels
			.slice(before.cancels)
			.map(({ taskId }) => taskId)
			.sort(),
	).toEqual(
		running()
			.map(({ id }) => id)
			.sort(),
	);
});
