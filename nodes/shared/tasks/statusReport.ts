import type { ErrorKind } from '../core/errors';
import { isObject } from '../core/json';
import { callMessage, imageMessage } from '../core/messages';
import type { ApiResponse } from '../http/types';
import {
	isoNow,
	type Done,
	type Failed,
	type Pending,
	type Task,
	type TaskState,
	type Unclear,
} from './protocol';
import { taskNotFound } from './taskErrors';

/** The words for a task's state that the provider's documents explain, in lower case. */
export interface StatusWords {
	/** The provider's name in messages. */
	readonly provider: string;
	readonly pending: readonly string[];
	/** Failures, with their kind where the message says no more. */
	readonly failed: Readonly<Record<string, ErrorKind>>;
	readonly cancelled?: readonly string[];
	/** The provider does not know the task. */
	readonly missing?: readonly string[];
	/** What comes with the image. It is no more than a hint: without an image the state is unclear. */
	readonly done?: readonly string[];
}

/** What a response says about a task, in the provider's own words. */
export interface StatusReport
	extends Pick<Done, 'images' | 'seed' | 'price' | 'revisedPrompt' | 'raw'>,
		Pick<Pending, 'progress' | 'queuePosition'> {
	readonly task: Task;
	/** Of the task that the response is about, where it names one. */
	readonly reportedId?: string;
	/** The provider's word for the state; empty where there is none. */
	readonly word: string;
	/** What the provider says about a failure. */
	readonly errorMessage?: string;
	/** Outside 2xx. */
	readonly httpCode?: number;
}

/** Reads the kind of a failure from its message. */
type ToKind = (message: string, fallback: ErrorKind) => ErrorKind;

type KnownState = 'pending' | 'cancelled' | 'missing' | { kind: ErrorKind };

/**
 * One rule for every provider. What is said about another task says nothing. A documented word counts first. Under any
 * other word an image makes the task done, and an error makes it failed. With neither, the state is unclear.
 */
export function toTaskState(report: StatusReport, words: StatusWords, toKind: ToKind): TaskState {
	const { task, reportedId, raw, word, images, errorMessage } = report;
	const { provider } = words;
	if (!isAbout(task, reportedId)) {
		return toUnclear(report, `the last response was about another task, "${reportedId}"`);
	}
	const known = classify(word, words);
	if (known === 'missing') {
		const message = callMessage({ kind: 'notFound', provider, words: toWords(report) });
		return { ...taskNotFound(task, message), raw };
	}
	if (known === 'pending') return toPending(report);
	if (!known && images.length > 0) return toDone(report);
	if (!known && !errorMessage) {
		return { ...toUnclear(report, unclearMessage(word, words)), providerStatus: word };
	}
	return toFailed(report, known, provider, toKind);
}

/** Whether a response is about the task: not every response names one. */
export const isAbout = ({ id }: Task, reportedId: string | undefined): boolean =>
	reportedId === undefined || reportedId === id;

const toPending = ({ task, progress, queuePosition, raw }: StatusReport): Pending => ({
	status: 'pending',
	task,
	progress,
	queuePosition,
	raw,
});

function toDone({ task, images, seed, revisedPrompt, price, raw }: StatusReport): Done {
	return { status: 'done', task, readyAt: isoNow(), images, seed, revisedPrompt, price, raw };
}

const toUnclear = ({ task, raw }: StatusReport, message: string): Unclear => ({
	status: 'unclear',
	task,
	message,
	raw,
});

function toFailed(
	report: StatusReport,
	known: 'cancelled' | { kind: ErrorKind } | undefined,
	provider: string,
	toKind: ToKind,
): Failed {
	const { task, word, errorMessage, price, httpCode, raw } = report;
	// an error without any status may be a proxy's: only a person submits anew then
	const unknownKind = word === '' ? 'badResponse' : 'unavailable';
	const fallback = typeof known === 'object' ? known.kind : unknownKind;
	const kind = errorMessage ? toKind(errorMessage, fallback) : fallback;
	return {
		status: 'failed',
		task,
		kind,
		message:
			known === 'cancelled'
				? `The task was cancelled at ${provider}`
				: imageMessage({ kind, provider, words: toWords(report) }),
		price,
		httpCode,
		...(known === 'cancelled' && { lost: known }),
		raw,
	};
}

/** Undefined for a word that no document explains. */
function classify(
	word: string,
	{ pending, failed, cancelled = [], missing = [] }: StatusWords,
): KnownState | undefined {
	const lowerCase = word.toLowerCase();
	if (pending.includes(lowerCase)) return 'pending';
	if (cancelled.includes(lowerCase)) return 'cancelled';
	if (missing.includes(lowerCase)) return 'missing';
	// not by the word as a key: a provider may say "constructor"
	const kind = Object.entries(failed).find(([failure]) => failure === lowerCase)?.[1];
	return kind && { kind };
}

/** The provider's reason; its word for the state where it gives none. */
const toWords = ({ word, errorMessage }: StatusReport): string =>
	errorMessage ?? (word === '' ? 'it gives no reason' : `its status is "${word}"`);

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

/** The HTTP status of a response that is a task's status outside 2xx. */
export const errorCodeOf = ({ status }: ApiResponse): number | undefined =>
	status >= 300 ? status : undefined;
