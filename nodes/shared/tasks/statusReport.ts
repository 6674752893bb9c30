import type { ErrorKind } from '../core/errors';
import { isObject } from '../core/json';
import type { ApiResponse } from '../http/types';
import { isoNow, type Done, type Pending, type Task, type TaskState } from './protocol';

/** The words for a task's state that the provider's documents explain, in lower case. */
export interface StatusWords {
	readonly pending: readonly string[];
	/** Failures, with their kind where the message says no more. */
	readonly failed: Readonly<Record<string, ErrorKind>>;
	readonly cancelled?: readonly string[];
	/** What comes with the image. It is no more than a hint: without an image the state is unclear. */
	readonly done?: readonly string[];
}

/** What a response says about a task, in the provider's own words. */
export interface StatusReport
	extends Pick<Done, 'images' | 'seed' | 'price' | 'revisedPrompt' | 'raw'>,
		Pick<Pending, 'progress' | 'queuePosition'> {
	readonly task: Task;
	/** The provider's word for the state; empty where there is none. */
	readonly word: string;
	/** What the provider says about a failure. */
	readonly errorMessage?: string;
	/** Outside 2xx. */
	readonly httpCode?: number;
}

/**
 * One rule for every provider. A documented word counts first. Under any other word an image makes the task done, and
 * an error makes it failed. With neither, the state is unclear.
 * @param toKind reads the kind of a failure from its message
 */
export function toTaskState(
	report: StatusReport,
	words: StatusWords,
	toKind: (message: string, fallback: ErrorKind) => ErrorKind,
): TaskState {
	const { task, raw, word, images, errorMessage, price, httpCode } = report;
	const known = classify(word, words);
	if (known === 'pending') {
		const { progress, queuePosition } = report;
		return { status: 'pending', task, progress, queuePosition, raw };
	}
	if (!known && images.length > 0) {
		const { seed, revisedPrompt } = report;
		const readyAt = isoNow();
		return { status: 'done', task, readyAt, images, seed, revisedPrompt, price, raw };
	}
	if (!known && !errorMessage) {
		const message = unclearMessage(word, words);
		return { status: 'unclear', task, message, providerStatus: word, raw };
	}
	const lost = known === 'cancelled' ? { lost: known } : {};
	// an error without any status may be a proxy's: only a person submits anew then
	const unknownKind = word === '' ? 'badResponse' : 'unavailable';
	const fallback = known && known !== 'cancelled' ? known.kind : unknownKind;
	return {
		status: 'failed',
		task,
		kind: errorMessage ? toKind(errorMessage, fallback) : fallback,
		message: failureMessage(word, errorMessage),
		price,
		httpCode,
		...lost,
		raw,
	};
}

/** Undefined for a word that no document explains. */
function classify(
	word: string,
	{ pending, failed, cancelled = [] }: StatusWords,
): 'pending' | 'cancelled' | { kind: ErrorKind } | undefined {
	const lowerCase = word.toLowerCase();
	if (pending.includes(lowerCase)) return 'pending';
	if (cancelled.includes(lowerCase)) return 'cancelled';
	// not by the word as a key: a provider may say "constructor"
	const kind = Object.entries(failed).find(([failure]) => failure === lowerCase)?.[1];
	return kind && { kind };
}

const failureMessage = (word: string, errorMessage: string | undefined) =>
	[word === '' ? 'The task failed' : `The task ended with the status "${word}"`, errorMessage]
		.filter(Boolean)
		.join(': ');

function unclearMessage(word: string, { done = [] }: StatusWords): string {
	if (word === '') return 'the provider names no status';
	const reason = done.includes(word.toLowerCase())
		? 'but its response has no image'
		: 'which no document explains';
	return `the provider's last status was "${word}", ${reason}`;
}

/**
 * Whether a response outside 2xx is the task's status all the same: failed tasks are seen under 503 and 422.
 * @param idField where the body names its task: an error page may have a status of its own
 */
export const isStatusOf =
	({ id }: Task, idField: string) =>
	({ json }: ApiResponse): boolean =>
		isObject(json) && String(json[idField]) === id && typeof json.status === 'string';
