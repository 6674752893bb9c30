import { initialEstimate, updateEstimate } from '../../../nodes/shared/tasks/pollSchedule';
import type { Done, Failed, TaskProtocol, Task } from '../../../nodes/shared/tasks/protocol';
import { waitUntilFinal, type TaskPoller } from '../../../nodes/shared/tasks/poller';

/** How a task is followed, with a provider that counts what it is asked. */

const task: Task = { id: 'made-up', submittedAt: new Date().toISOString() };
const done: Done = {
	status: 'done',
	task,
	images: [{ url: 'https://pictures.example/1.png' }],
	raw: {},
};

function watching(provider: Partial<TaskProtocol>, more: Partial<TaskPoller> = {}): TaskPoller {
	const { signal } = new AbortController();
	return {
		run: {
			api: { stop: signal, signal },
			service: { shortestGapSeconds: 0.2 },
			durations: new Map(),
		} as unknown as TaskPoller['run'],
		provider: { submit: async () => [], ...provider },
		settings: new Map(),
		deadline: Date.now() + 60_000,
		durationKey: 'made-up',
		typicalSeconds: 10,
		fresh: true,
		polls: 0,
		...more,
	};
}

afterEach(() => jest.useRealTimers());

test('what an event tells of the end is asked for once, whatever its words', async () => {
	const failed: Failed = {
		status: 'failed',
		task,
		kind: 'notFound',
		message: 'Model not found',
		raw: {},
	};
	const told = jest.fn(async () => failed);
	const check = jest.fn();
	const events = () => ({ opened: Promise.resolve(), isAlive: true, told });

	expect(await waitUntilFinal(watching({ check, events }), task)).toEqual(failed);
	expect(told).toHaveBeenCalledTimes(1);
	expect(check).not.toHaveBeenCalled();
});

test('a failure is the end, while "no such task" right after the submit is not', async () => {
	jest.useFakeTimers();
	const fails = (facts: Partial<Failed>): Failed => ({
		status: 'failed',
		task,
		kind: 'notFound',
		message: 'Not found',
		raw: {},
		...facts,
	});
	for (const [first, looks] of [
		[fails({}), 1],
		[fails({ unknown: true }), 2],
	] as const) {
		const check = jest.fn(async () => done as Done | Failed).mockResolvedValueOnce(first);
		const fresh = { ...task, submittedAt: new Date().toISOString() };
		const ended = waitUntilFinal(watching({ check }), fresh);
		await jest.advanceTimersByTimeAsync(8000);
		await ended;
		expect(check).toHaveBeenCalledTimes(looks);
	}
});

test('a task that is taken up is looked at at once, and then as often as its age asks for', async () => {
	jest.useFakeTimers();
	const known = Array.from({ length: 30 }).reduce<ReturnType<typeof initialEstimate>>(
		(known) => updateEstimate(known, 60),
		initialEstimate(60),
	);
	const check = jest.fn(async () => ({ status: 'pending', task, raw: {} }) as never);
	const watch = watching({ check }, { fresh: false });
	watch.run.durations.set('made-up', known);
	const submittedAt = new Date(Date.now() - 60_000).toISOString();
	void waitUntilFinal(watch, { ...task, submittedAt }).catch(() => undefined);

	await jest.advanceTimersByTimeAsync(0);
	expect(check).toHaveBeenCalledTimes(1);
	await jest.advanceTimersByTimeAsync(4900);
	expect(check.mock.calls.length).toBeGreaterThan(3);
});

test('the last look, at the deadline, has time for its answer', async () => {
	const check = async () =>
		await new Promise<Done>((resolve) => setTimeout(() => resolve(done), 50));
	const watch = watching({ check }, { deadline: Date.now() + 20 });

	expect(await waitUntilFinal(watch, task)).toEqual(done);
});

test('a task that seems to come from the future is not looked at more often for that', async () => {
	jest.useFakeTimers();
	const check = jest.fn(async () => ({ status: 'pending', task, raw: {} }) as never);
	const submittedAt = new Date(Date.now() + 3_600_000).toISOString();
	void waitUntilFinal(watching({ check }, { fresh: false }), { ...task, submittedAt }).catch(
		() => undefined,
	);

	await jest.advanceTimersByTimeAsync(4900);
	expect(check.mock.calls.length).toBeLessThan(6);
});
