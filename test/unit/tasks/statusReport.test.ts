import type { ErrorKind } from '../../../nodes/shared/core/errors';
import type { ApiResponse } from '../../../nodes/shared/http/types';
import type { Task } from '../../../nodes/shared/tasks/protocol';
import {
	isStatusOf,
	toTaskState,
	type StatusReport,
	type StatusWords,
} from '../../../nodes/shared/tasks/statusReport';

const words: StatusWords = {
	provider: 'Some Service',
	pending: ['queued', 'in_progress'],
	failed: { failed: 'unavailable', 'request moderated': 'moderated' },
	cancelled: ['cancelled', 'canceled'],
	missing: ['task not found'],
};
const task: Task = { id: 't1' };
const image = { url: 'https://cdn.example.net/1.png' };
const raw = { any: 'response' };

/** Kinds that a message may say better. */
const toKind = (message: string, fallback: ErrorKind): ErrorKind =>
	message === 'out of credits' ? 'credits' : fallback;

const stateOf = (report: Partial<StatusReport>) =>
	toTaskState({ task, word: '', images: [], raw, ...report }, words, toKind);

type Says = 'nothing' | 'an image' | 'an error' | 'both';
const said: Record<Says, Partial<StatusReport>> = {
	nothing: {},
	'an image': { images: [image] },
	'an error': { errorMessage: 'out of credits' },
	both: { images: [image], errorMessage: 'out of credits' },
};

describe('one rule for every provider', () => {
	test.each<[string, Says, string]>([
		['queued', 'nothing', 'pending'],
		['queued', 'an image', 'pending'],
		['queued', 'an error', 'pending'],
		['IN_PROGRESS', 'nothing', 'pending'],
		['failed', 'nothing', 'failed: unavailable'],
		['Failed', 'nothing', 'failed: unavailable'],
		['failed', 'an image', 'failed: unavailable'],
		['failed', 'an error', 'failed: credits'],
		['Request Moderated', 'nothing', 'failed: moderated'],
		['cancelled', 'nothing', 'failed: unavailable, lost: cancelled'],
		['CANCELED', 'an image', 'failed: unavailable, lost: cancelled'],
		['Task not found', 'nothing', 'failed: notFound, lost: missing'],
		['Task not found', 'an image', 'failed: notFound, lost: missing'],
		['Task not found', 'an error', 'failed: notFound, lost: missing'],
		['completed', 'an image', 'done'],
		['completed', 'both', 'done'],
		['completed', 'an error', 'failed: credits'],
		['completed', 'nothing', 'unclear'],
		['archived', 'an image', 'done'],
		['archived', 'an error', 'failed: credits'],
		['archived', 'nothing', 'unclear'],
		['', 'an image', 'done'],
		['', 'an error', 'failed: credits'],
		['', 'nothing', 'unclear'],
		['constructor', 'nothing', 'unclear'],
		['constructor', 'an image', 'done'],
		['toString', 'nothing', 'unclear'],
		['hasOwnProperty', 'nothing', 'unclear'],
		['__proto__', 'nothing', 'unclear'],
		['__proto__', 'an image', 'done'],
		['__proto__', 'an error', 'failed: credits'],
	])('"%s" with %s: %s', (word, says, expected) => {
		const state = stateOf({ word, ...said[says] });
		const shown =
			state.status === 'failed'
				? `failed: ${state.kind}${state.lost ? `, lost: ${state.lost}` : ''}`
				: state.status;
		expect(shown).toBe(expected);
	});
});

describe('a response about another task says nothing about this one', () => {
	const statuses = ['queued', 'failed', 'cancelled', 'Task not found', 'completed', 'archived', ''];

	test.each(statuses)('under the status "%s"', (word) => {
		for (const facts of Object.values(said)) {
			expect(stateOf({ word, reportedId: 't2', ...facts })).toEqual({
				status: 'unclear',
				task,
				message: 'the last response was about another task, "t2"',
				raw,
			});
		}
	});

	test('but one that names its task, or none, does', () => {
		expect(stateOf({ word: 'failed', reportedId: 't1' }).status).toBe('failed');
		expect(stateOf({ word: 'failed' }).status).toBe('failed');
	});
});

test('a pending task carries its progress and place in the queue', () => {
	expect(stateOf({ word: 'queued', progress: 0.5, queuePosition: 3 })).toEqual({
		status: 'pending',
		task,
		progress: 0.5,
		queuePosition: 3,
		raw,
	});
});

test('an unclear state names the word that no document explains', () => {
	expect(stateOf({ word: 'Archived' })).toEqual({
		status: 'unclear',
		task,
		message: 'the provider\'s last status was "Archived", which no document explains',
		providerStatus: 'Archived',
		raw,
	});
	expect(stateOf({})).toMatchObject({ message: 'the provider names no status' });
});

test('a finished task carries all of its images and what is known of them, and when it was seen', () => {
	const facts = {
		images: [image, { base64: 'aGVsbG8=' }],
		seed: 7,
		revisedPrompt: 'A red fox',
		price: { cost: { amount: 0.03, currency: 'USD' } },
	};
	const before = Date.now();
	const state = stateOf({ word: 'completed', ...facts });

	expect(state).toEqual({
		status: 'done',
		task,
		readyAt: expect.any(String),
		raw,
		...facts,
	});
	const readyAt = Date.parse((state as { readyAt: string }).readyAt);
	expect(readyAt).toBeGreaterThanOrEqual(before);
	expect(readyAt).toBeLessThanOrEqual(Date.now());
});

test("a failure says in the provider's own words what has failed, its status and what was charged", () => {
	const price = { cost: { amount: 0.01, currency: 'USD' } };
	expect(stateOf({ word: 'FAILED', errorMessage: 'out of credits', httpCode: 422, price })).toEqual(
		{
			status: 'failed',
			task,
			kind: 'credits',
			message: 'The account at Some Service cannot pay for this: out of credits',
			httpCode: 422,
			price,
			raw,
		},
	);
	const messageOf = (report: Partial<StatusReport>) =>
		(stateOf(report) as { message: string }).message;
	expect(messageOf({ word: 'failed' })).toBe(
		'Some Service could not make this image: its status is "failed"',
	);
	expect(messageOf({ errorMessage: 'no luck' })).toBe(
		'Some Service responded in a way that this node does not understand: no luck',
	);
	expect(messageOf({ word: 'Request Moderated', errorMessage: 'a fox' })).toBe(
		"Some Service's content filter refused this request: a fox",
	);
	expect(messageOf({ word: 'cancelled' })).toBe('The task was cancelled at Some Service');
	expect(messageOf({ word: 'Task not found' })).toBe(
		'Some Service did not find what was asked for: its status is "Task not found"',
	);
});

describe("a response outside 2xx is the task's status", () => {
	const responseWith = (json: unknown): ApiResponse => ({
		status: 503,
		headers: {},
		bytes: Buffer.alloc(0),
		isImage: false,
		json,
	});

	test.each<[unknown, boolean]>([
		[{ id: 't1', status: 'failed' }, true],
		[{ id: 't2', status: 'failed' }, false],
		[{ status: 'failed' }, false],
		[{ id: 't1', status: 503 }, false],
		[{ id: 't1' }, false],
		[[{ id: 't1', status: 'failed' }], false],
		[undefined, false],
	])('%j: %p', (json, expected) => {
		expect(isStatusOf(task, 'id')(responseWith(json))).toBe(expected);
	});

	test('where its ID is a number too', () => {
		const json = { id: 42, status: 'failed' };
		expect(isStatusOf({ id: '42' }, 'id')(responseWith(json))).toBe(true);
	});
});
