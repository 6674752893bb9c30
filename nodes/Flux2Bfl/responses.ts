import { isObject, omitUndefined } from '../shared/core/json';
import { z } from '../shared/core/vendor';
import {
	fastApiDetailSchema,
	formatFastApiDetail,
	kindFromMessage,
	kindFromResponse,
	kindFromStatus,
} from '../shared/http/errorKind';
import {
	idSchema,
	optionalIdSchema,
	optionalNumberSchema,
	optionalTextSchema,
	wordSchema,
} from '../shared/http/schemas';
import type { ApiResponse, ErrorResponse } from '../shared/http/types';
import { imageField } from '../shared/images/references';
import { labelsOf } from '../shared/parameters/model';
import { roundUsd } from '../shared/parameters/price';
import type { Price, Task, TaskState } from '../shared/tasks/protocol';
import { toTaskState as stateFromReport, type StatusWords } from '../shared/tasks/statusReport';
import { models } from './models';
import { tools } from './tools';

export const LABEL = 'Black Forest Labs';

/** The statuses of the OpenAPI, of which the two after `pending` came in 2026; some clients list the last two pending. */
const STATUS_WORDS: StatusWords = {
	provider: LABEL,
	pending: ['pending', 'reasoning', 'generating', 'queued', 'processing'],
	failed: {
		'request moderated': 'moderated',
		'content moderated': 'moderated',
		error: 'unavailable',
		failed: 'unavailable',
	},
	missing: ['task not found'],
	done: ['ready'],
};

/** https://docs.bfl.ai/quick_start/pricing */
const CREDITS_PER_USD = 100;
const MAX_REFERENCES = 10;

const priceFields = {
	cost: optionalNumberSchema,
	input_mp: optionalNumberSchema,
	output_mp: optionalNumberSchema,
};

/** The response to a request with a webhook of its own has no polling URL. */
export const submittedSchema = z.object({
	id: idSchema,
	polling_url: optionalTextSchema,
	...priceFields,
});

const resultFields = z
	.object({
		sample: optionalTextSchema,
		prompt: optionalTextSchema,
		seed: optionalNumberSchema,
	})
	.optional()
	.catch(undefined);

const statusFields = z.object({
	id: optionalIdSchema,
	status: wordSchema,
	result: resultFields,
	progress: optionalNumberSchema,
	details: z.unknown(),
	...priceFields,
});
type Status = z.infer<typeof statusFields>;

/** A poll's response; a body that is none of it says nothing about the task. */
export const statusSchema = statusFields.catch({ status: '' });

/** A webhook's body is what a poll responds with, with its time, and with `error` and `message` for `details`. */
export const payloadSchema = statusFields.extend({
	id: idSchema,
	model: optionalTextSchema,
	error: z.unknown(),
	message: z.unknown(),
	timestamp: z.union([z.string(), z.number()]).optional().catch(undefined),
});

export const creditsSchema = z.object({ credits: z.number() });

/** US dollars. */
export const pricingSchema = z.union([
	z.object({ cost_usd: z.number() }).transform(({ cost_usd: usd }) => usd),
	z.object({ cost: z.number() }).transform(({ cost }) => creditsToUsd(cost)),
]);

const errorSchema = z.object({
	detail: fastApiDetailSchema.optional().catch(undefined),
	error: optionalTextSchema,
	message: optionalTextSchema,
	retry_after: optionalNumberSchema,
});

const labels = new Map([
	['prompt', 'Prompt'],
	...Array.from(
		{ length: MAX_REFERENCES },
		(_field, index) => [imageField(index), `Reference image ${index + 1}`] as const,
	),
	...tools.flatMap(({ images }) =>
		images
			.filter(({ wireName }) => wireName !== imageField(0))
			.map(({ wireName, label }) => [wireName, label] as const),
	),
	...labelsOf(tools),
	...labelsOf(models),
]);

/** `detail` as text or as a list of fields (shown by our labels), or `{error, message}`. */
export function readError({ status, json }: ApiResponse): ErrorResponse | undefined {
	const read = errorSchema.safeParse(json);
	if (!read.success) return undefined;
	const { detail, error, message: text, retry_after: seconds } = read.data;
	const message = (detail && formatFastApiDetail(detail, labels)) ?? text ?? error;
	if (!message) return undefined;
	const kind = Array.isArray(detail) ? kindFromStatus(status) : kindFromResponse(status, message);
	return { kind, message, retryAfterMs: seconds ? seconds * 1000 : undefined };
}

/** @param httpCode of a response outside 2xx */
export function toTaskState(
	status: Status,
	task: Task,
	raw: unknown,
	httpCode?: number,
): TaskState {
	const { result, progress, details } = status;
	const reasons = readDetails(details);
	const report = {
		task,
		reportedId: status.id,
		word: status.status,
		images: result?.sample ? [{ url: result.sample }] : [],
		seed: result?.seed,
		revisedPrompt: result?.prompt,
		progress,
		price: settledPrice(status, task),
		errorMessage: reasons?.shown,
		httpCode,
		raw,
	};
	const state = stateFromReport(report, STATUS_WORDS, (_message, fallback) =>
		kindFromMessage(reasons?.text ?? '', fallback),
	);
	// nobody has said that a failure was charged as the submit had quoted
	return state.status === 'failed' ? { ...state, price: priceOf(status) } : state;
}

/** The reasons of a failure. */
interface Reasons {
	/** Each with its name, which may say more than the reason. */
	readonly text: string;
	/** A single reason speaks for itself: "Derivative Works Filter". */
	readonly shown: string;
}

/** `{name: reason}` on one line; undefined where there is nothing to say. */
function readDetails(details: unknown): Reasons | undefined {
	if (typeof details === 'string') return details ? { text: details, shown: details } : undefined;
	if (!isObject(details)) return undefined;
	const reasons = Object.entries(details)
		.filter(([, value]) => value !== null && value !== undefined)
		.map(([name, value]) => [name, formatValue(value)] as const);
	const text = reasons.map(([name, value]) => `${name}: ${value}`).join('; ');
	const [single, ...others] = reasons;
	if (!single) return undefined;
	return { text, shown: (others.length === 0 && single[1]) || text };
}

function formatValue(value: unknown): string {
	if (typeof value === 'string') return value;
	return Array.isArray(value) ? value.join(', ') : JSON.stringify(value);
}

/** What the webhook says instead of `details`. */
export const payloadDetails = ({
	details,
	error,
	message,
}: z.infer<typeof payloadSchema>): unknown => {
	if (details !== undefined && details !== null) return details;
	const reasons = omitUndefined({ error: error ?? undefined, message: message ?? undefined });
	return Object.keys(reasons).length > 0 ? reasons : undefined;
};

/** The settled cost of a poll counts more than the quote of the submit, zero included; the megapixels are the submit's. */
function settledPrice(status: Status, { price }: Task): Price | undefined {
	const settled = priceOf(status);
	if (!settled) return price;
	return { ...price, ...settled, ...(price?.megapixels && { megapixels: price.megapixels }) };
}

export function priceOf({
	cost,
	input_mp: input,
	output_mp: output,
}: Pick<Status, 'cost' | 'input_mp' | 'output_mp'>): Price | undefined {
	const hasSize = input !== undefined || output !== undefined;
	if (cost === undefined && !hasSize) return undefined;
	return {
		...(cost !== undefined && {
			cost: { amount: creditsToUsd(cost), currency: 'USD', credits: cost },
		}),
		...(hasSize && { megapixels: { input, output } }),
	};
}

export const creditsToUsd = (credits: number): number => roundUsd(credits / CREDITS_PER_USD);
