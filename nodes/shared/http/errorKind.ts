import type { ErrorKind } from '../core/errors';
import { z } from '../core/vendor';

/** What an HTTP status outside 2xx means where the provider says no more. */
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

// neither a message about the safety tolerance's range nor "moderate load" is meant
const MODERATION =
	/(?<![a-z])moderat(ed|ion)|flagged|nsfw|(content|usage|safety)[ _]polic|safety (filter|system)/i;
// "Insufficient permissions" and "load balancer" are no question of money
const CREDITS =
	/insufficient[ _](credit|balance|fund|quota)|(?<!white )\bbalance\b|(out of|no|not enough) credits|\bquota\b|spend(ing)? limit/i;

/** Reads the two kinds that providers often say in the message only; otherwise `fallback`. */
export function kindFromMessage(message: string, fallback: ErrorKind): ErrorKind {
	if (MODERATION.test(message)) return 'moderated';
	if (CREDITS.test(message)) return 'credits';
	return fallback;
}

/** The kind of a response outside 2xx with this message. */
export const kindFromResponse = (status: number, message: string): ErrorKind =>
	status >= 500 ? kindFromStatus(status) : kindFromMessage(message, kindFromStatus(status));

/** FastAPI's error body: text, or the fields that are wrong. */
export const fastApiDetailSchema = z.union([
	z.string().min(1),
	z.array(z.object({ loc: z.array(z.union([z.string(), z.number()])), msg: z.string() })).min(1),
]);

type FastApiDetail = z.infer<typeof fastApiDetailSchema>;

/** One line of it, each field by the label it has in the editor. */
export const formatFastApiDetail = (
	detail: FastApiDetail,
	labels: ReadonlyMap<string, string> = new Map(),
): string =>
	typeof detail === 'string'
		? detail
		: detail
				.map(({ loc, msg }) => [String(loc.at(-1)), msg] as const)
				.map(([field, message]) => `${labels.get(field) ?? field}: ${message}`)
				.join('; ');
