/** Why an item could not be made; the vocabulary of `error.kind` in the output. */
export type ErrorKind =
	| 'auth'
	| 'credits'
	| 'moderated'
	| 'rateLimited'
	| 'invalidInput'
	| 'notFound'
	| 'expired'
	| 'timeout'
	| 'unavailable'
	| 'badResponse';

export interface ErrorDetails {
	/** What to do; a general advice for the kind when left out. */
	description?: string;
	httpCode?: number;
	taskId?: string;
	/** True when the provider certainly took nothing on: asking again costs nothing. */
	refused?: boolean;
	/** How long the provider asks to wait before the next attempt, in milliseconds. */
	retryAfterMs?: number;
	/** True when nobody knows whether the provider has accepted, and billed, the request. */
	uncertain?: boolean;
	/** True when the same call may well succeed a moment later. */
	passing?: boolean;
}

const ADVICE: Record<ErrorKind, string> = {
	auth: 'Check the credential: the key, its permissions and the account it belongs to.',
	credits: 'Top up the account or raise its limit, then run the workflow again.',
	moderated: "Change the prompt or the reference images: the provider's filter refused them.",
	rateLimited: 'Lower "Max Concurrent" in the options, or run again later.',
	invalidInput: 'Change the parameter and run again. Nothing was generated.',
	notFound: 'Check the model, the base URL in the credential, and the task ID where there is one.',
	expired:
		'The provider keeps images for a short time only. Retry this execution soon, or generate the image again.',
	timeout: 'Raise "Timeout" in the options if the model usually takes longer.',
	unavailable: 'The provider is having trouble at the moment. Run again later.',
	badResponse:
		'The provider answered in a form this node does not know. Check the base URL in the credential; if it is right, look for a newer version of this package.',
};

/** Everything that can go wrong with one item, before it becomes an n8n error. */
export class Flux2Error extends Error {
	readonly description: string;

	readonly httpCode?: number;

	readonly taskId?: string;

	readonly refused: boolean;

	readonly retryAfterMs?: number;

	readonly passing: boolean;

	readonly uncertain: boolean;

	constructor(
		readonly kind: ErrorKind,
		message: string,
		facts: ErrorDetails = {},
	) {
		super(message);
		this.name = 'Flux2Error';
		this.description = facts.description ?? ADVICE[kind];
		this.httpCode = facts.httpCode;
		this.taskId = facts.taskId;
		this.refused = facts.refused ?? false;
		this.retryAfterMs = facts.retryAfterMs;
		this.passing = facts.passing ?? false;
		this.uncertain = facts.uncertain ?? false;
	}
}

/** Thrown through waits and calls when n8n stopped the execution or another item ended the run. */
export class AbortedError extends Error {
	constructor() {
		super('The execution was stopped');
		this.name = 'Stopped';
	}
}

/** For "throw" inside a catch, where n8n's lint wants a function or an n8n error. */
export const rethrow = (error: unknown): unknown => error;

/** Anything else that was thrown is n8n's or our own mistake. */
export const toFlux2Error = (thrown: unknown, kind: ErrorKind = 'badResponse'): Flux2Error =>
	thrown instanceof Flux2Error
		? thrown
		: new Flux2Error(kind, thrown instanceof Error ? thrown.message : String(thrown));

/** The same failure with more advice behind it, e.g. how to collect a task later. */
export function withAdvice(
	error: Flux2Error,
	advice: string,
	facts: ErrorDetails = {},
): Flux2Error {
	return new Flux2Error(error.kind, error.message, {
		httpCode: error.httpCode,
		taskId: error.taskId,
		refused: error.refused,
		retryAfterMs: error.retryAfterMs,
		passing: error.passing,
		uncertain: error.uncertain,
		...facts,
		description: `${error.description} ${advice}`,
	});
}

/** A failed parameter check, told by label: "Width: must be a multiple of 32". */
export function invalidInput(problems: readonly string[]): Flux2Error {
	return new Flux2Error('invalidInput', problems.join('; '), {
		description: 'Nothing was sent. Change what is named in the message and run again.',
	});
}

/** What an HTTP status means where the provider says no more; 2xx never gets here. */
export function kindFromStatus(status: number): ErrorKind {
	if (status === 401 || status === 403) return 'auth';
	if (status === 402) return 'credits';
	if (status === 404) return 'notFound';
	if (status === 408) return 'timeout';
	if (status === 410) return 'expired';
	if (status === 425 || status === 429) return 'rateLimited';
	if (status >= 500) return 'unavailable';
	return status === 400 || status === 413 || status === 422 ? 'invalidInput' : 'badResponse';
}

// neither a complaint about the safety tolerance's range nor "moderate load" is meant
const MODERATION_WORDS =
	/(?<![a-z])moderat(ed|ion)|flagged|nsfw|(content|usage|safety)[ _]polic|safety (filter|system)/i;
// "Insufficient permissions" and "load balancer" are no question of money
const CREDIT_WORDS =
	/insufficient[ _](credit|balance|fund|quota)|(?<!white )\bbalance\b|(out of|no|not enough) credits|\bquota\b|spend(ing)? limit/i;

/** Reads the two kinds that providers often tell in words only; otherwise `fallback`. */
export function kindFromMessage(message: string, fallback: ErrorKind): ErrorKind {
	if (MODERATION_WORDS.test(message)) return 'moderated';
	if (CREDIT_WORDS.test(message)) return 'credits';
	return fallback;
}

/** The kind of an HTTP answer outside 2xx with these words. */
export const kindFromResponse = (status: number, words: string): ErrorKind =>
	status >= 500 ? kindFromStatus(status) : kindFromMessage(words, kindFromStatus(status));
