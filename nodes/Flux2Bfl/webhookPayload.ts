import type { WebhookPayload } from '../shared/operations/suspend';
import { kindFromMessage } from '../shared/core/errors';
import { omitUndefined } from '../shared/images/store';
import type { Task, TaskState } from '../shared/tasks/protocol';
import { z } from '../shared/core/vendor';
import { ENDS_BADLY, PENDING, resultSchema, stateOf, withoutSecrets } from './provider';

const text = z.string().min(1);

/** A webhook's body is what a look would find, with its time, and with `error` and `message` in place of `details`. */
const payloadSchema = resultSchema.extend({
	id: text,
	model: text.optional().catch(undefined),
	error: z.unknown(),
	message: z.unknown(),
	timestamp: z.union([z.string(), z.number()]).optional().catch(undefined),
});

/** What Black Forest Labs calls a webhook with; undefined for anything else. */
export function parseWebhookPayload(body: unknown): WebhookPayload | undefined {
	const read = payloadSchema.safeParse(body);
	if (!read.success) return undefined;
	const { id, model, timestamp, result } = read.data;
	return {
		taskId: id,
		model,
		prompt: result?.prompt,
		at: toTimestamp(timestamp),
		stateOf: (task) => stateIn(read.data, task, withoutSecrets(body)),
	};
}

function stateIn(notice: z.infer<typeof payloadSchema>, task: Task, raw: unknown): TaskState {
	const word = notice.status.toLowerCase();
	const isOpen = !PENDING.includes(word) && !(word in ENDS_BADLY);
	// the documents show "Ready" alone; a picture is one under any other word too
	const status = isOpen && notice.result?.sample ? 'Ready' : notice.status;
	const { error, message } = notice;
	const reasons = omitUndefined({ error: error ?? undefined, message: message ?? undefined });
	const details = notice.details ?? (Object.keys(reasons).length > 0 ? reasons : undefined);
	const state = stateOf({ ...notice, status, details }, task, raw);
	if (state.status !== 'failed') return state;
	return { ...state, kind: kindFromMessage(JSON.stringify(reasons), state.kind) };
}

/** Text or a number, in seconds or in milliseconds; undefined when it is no time. */
function toTimestamp(timestamp: string | number | undefined): number | undefined {
	if (timestamp === undefined || String(timestamp).trim() === '') return undefined;
	const number = Number(timestamp);
	if (Number.isNaN(number)) {
		// without a zone it is UTC, not this computer's time; behind a zone, the Z makes it no time
		return Date.parse(`${timestamp}Z`) || Date.parse(String(timestamp)) || undefined;
	}
	return number < 1e11 ? number * 1000 : number;
}
