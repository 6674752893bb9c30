import { AbortedError, ADVICE, Flux2Error } from '../../../nodes/shared/core/errors';
import type { Failed, Task, TaskState } from '../../../nodes/shared/tasks/protocol';
import {
	isWithinUrlLifetime,
	notFoundAsState,
	taskError,
	withCollectHint,
} from '../../../nodes/shared/tasks/taskErrors';

const task: Task = { id: 't1' };

test('an error says once how to collect the task, and nothing of it where there is no task', () => {
	const error = new Flux2Error('unavailable', 'out of order');
	const hinted = withCollectHint(error, task);
	expect(hinted.taskId).toBe('t1');
	expect(withCollectHint(hinted, task)).toBe(hinted);
	expect(withCollectHint(error, undefined)).toBe(error);
});

test.each<[string, Partial<Failed>, string]>([
	['what it has cost', { price: { cost: { amount: 0.03, currency: 'USD' } } }, 'It cost $0.03. '],
	['that it cost nothing', { price: { cost: { amount: 0, currency: 'USD' } } }, 'It cost $0.00. '],
	['that no cost is reported', {}, 'No cost is reported for it. '],
	['nothing of the cost where it is lost', { lost: 'missing' }, ''],
	['nothing of the cost where nobody knows', { kind: 'badResponse' }, ''],
])('a failed task says %s', (_what, facts, beginning) => {
	const failed = { status: 'failed', kind: 'unavailable', message: '', raw: 0, ...facts } as const;
	expect(taskError(failed).description).toBe(`${beginning}${ADVICE[failed.kind]}`);
});

test('a task that somebody has cancelled says so, whatever else is wrong at the provider', () => {
	const lost = { lost: 'cancelled', raw: 0 } as const;
	const failed = { status: 'failed', kind: 'unavailable', message: '', ...lost } as const;
	expect(taskError(failed).description).toBe(
		'Somebody has stopped it: a person, another program or the provider.',
	);
});

test('a failed task becomes an error with its ID, its status and what it has cost', () => {
	const cost = { amount: 0.01, currency: 'USD' };
	expect(
		taskError({
			status: 'failed',
			task,
			kind: 'moderated',
			message: 'refused',
			httpCode: 422,
			price: { cost },
			raw: {},
		}),
	).toMatchObject({ kind: 'moderated', message: 'refused', taskId: 't1', httpCode: 422, cost });
});

describe('a provider that responds with "not found"', () => {
	const readStatus = (error: Error) => async (): Promise<TaskState> => await Promise.reject(error);

	test('says a state of the task: it is missing, and its end is not known', async () => {
		const error = new Flux2Error('notFound', 'No such task', { httpCode: 404 });
		expect(await notFoundAsState(task, readStatus(error))).toMatchObject({
			status: 'failed',
			task,
			kind: 'notFound',
			message: 'No such task',
			lost: 'missing',
		});
	});

	test.each([
		new Flux2Error('unavailable', 'out of order'),
		new AbortedError(),
		new TypeError('no'),
	])('is not confused with one that fails with %p', async (error) => {
		await expect(notFoundAsState(task, readStatus(error))).rejects.toBe(error);
	});
});

test('a refused image URL counts as expired only after its lifetime', () => {
	const secondsAgo = (seconds: number) => new Date(Date.now() - seconds * 1000).toISOString();
	expect(isWithinUrlLifetime(secondsAgo(590), 600_000)).toBe(true);
	expect(isWithinUrlLifetime(secondsAgo(610), 600_000)).toBe(false);
});
