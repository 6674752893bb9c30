import type { ErrorKind } from '../shared/core/errors';
import { hideBase64, isObject } from '../shared/core/json';
import { z } from '../shared/core/vendor';
import {
	fastApiDetailSchema,
	formatFastApiDetail,
	kindFromResponse,
} from '../shared/http/errorKind';
import { entriesOf, optionalAmountSchema, optionalTextSchema } from '../shared/http/schemas';
import type { ApiResponse, ErrorResponse } from '../shared/http/types';
import type { ImageSource } from '../shared/images/store';
import { labelsOf } from '../shared/parameters/model';
import { isoNow, type Done, type Price } from '../shared/tasks/protocol';
import { models } from './models';

export const LABEL = 'OpenAI-compatible server';

const entrySchema = z
	.object({
		b64_json: z.string().min(1).optional().catch(undefined),
		url: z.string().min(1).optional().catch(undefined),
		revised_prompt: optionalTextSchema,
	})
	.refine(({ b64_json: base64, url }) => (base64 ?? url) !== undefined);
type Entry = z.infer<typeof entrySchema>;

/** All servers respond in OpenAI's form, and each adds fields of its own. */
export const imagesSchema = z.object({
	data: entriesOf(entrySchema).refine((entries) => entries.length > 0),
	usage: z.object({ cost: optionalAmountSchema }).optional().catch(undefined),
});
type Images = z.infer<typeof imagesSchema>;

/** Some servers can respond with the image's bytes instead of JSON. */
export const selectBody = ({ isImage, bytes, json }: ApiResponse): unknown =>
	isImage ? { data: [{ b64_json: bytes.toString('base64') }] } : json;

/** The proxy LiteLLM says what a call has cost in a header. */
const COST_HEADER = 'x-litellm-response-cost';

export function toDone(images: Images, submittedAt: string, response: ApiResponse): Done {
	const { data } = images;
	const price = priceOf(images, response);
	const revisedPrompt = data[0]?.revised_prompt;
	return {
		status: 'done',
		submittedAt,
		readyAt: isoNow(),
		images: data.map(toImageSource),
		...(revisedPrompt && { revisedPrompt }),
		...(price && { price }),
		raw: hideBase64(response.json, 'b64_json'),
	};
}

const toImageSource = ({ b64_json: base64, url = '' }: Entry): ImageSource =>
	base64 === undefined ? toUrlSource(url) : { base64: withoutPrefix(base64) };

const toUrlSource = (url: string): ImageSource =>
	url.startsWith('data:') ? { base64: withoutPrefix(url) } : { url };

const withoutPrefix = (base64: string): string => base64.replace(/^data:[^,]{0,200},/, '');

function priceOf({ usage }: Images, { headers }: ApiResponse): Price | undefined {
	const amount = usage?.cost ?? optionalAmountSchema.parse(headers[COST_HEADER]);
	return amount === undefined ? undefined : { cost: { amount, currency: 'USD' } };
}

const errorSchema = z.object({
	error: z.unknown(),
	detail: z.unknown(),
	message: optionalTextSchema,
});
const errorFieldsSchema = z.object({
	message: optionalTextSchema,
	type: optionalTextSchema,
	code: z.union([z.string(), z.number()]).transform(String).optional().catch(undefined),
});

const labels = new Map([
	['prompt', 'Prompt'],
	['model', 'Model'],
	['size', 'Size'],
	['n', 'Number of Images'],
	['image', 'Reference Images'],
	...labelsOf(models),
]);

/** What OpenAI and the gateways call their refusals, as a code or a type. */
const KIND_OF_WORD = new Map<string, ErrorKind>([
	['content_policy_violation', 'moderated'],
	['content_filter', 'moderated'],
	['moderation_blocked', 'moderated'],
	['insufficient_quota', 'credits'],
	['invalid_api_key', 'auth'],
	['model_not_found', 'notFound'],
]);

/** Each server has its own place for the message. */
export function readError({ status, json }: ApiResponse): ErrorResponse | undefined {
	const read = errorSchema.safeParse(json);
	if (!read.success) return undefined;
	const { error, detail, message: text } = read.data;
	const { message: inError, type = '', code = '' } = fieldsOf(error);
	const message = inError ?? joinTexts(error, text) ?? readDetail(detail) ?? text;
	if (!message) return undefined;
	const kind = KIND_OF_WORD.get(code) ?? KIND_OF_WORD.get(type);
	return { kind: kind ?? kindFromResponse(status, message), message };
}

const fieldsOf = (error: unknown): z.infer<typeof errorFieldsSchema> =>
	errorFieldsSchema.safeParse(error).data ?? {};

/** `{"error": "server_error", "message": "…"}`, or the first alone. */
const joinTexts = (error: unknown, message?: string): string | undefined =>
	typeof error === 'string' && error !== ''
		? [error, message].filter(Boolean).join(': ')
		: undefined;

function readDetail(detail: unknown): string | undefined {
	const read = fastApiDetailSchema.safeParse(detail);
	if (read.success) return formatFastApiDetail(read.data, labels);
	return isObject(detail) && typeof detail.error === 'string' ? detail.error : undefined;
}

const listedSchema = entriesOf(z.object({ id: z.string().min(1) }));

/** OpenAI's list, or a bare one. */
export const modelListSchema = z.union([
	z.object({ data: listedSchema }).transform(({ data }) => data),
	listedSchema,
]);
