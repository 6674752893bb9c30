import type { Notice } from '../shared/callback';
import { kindOfWords } from '../shared/errors';
import { compact } from '../shared/output';
import type { Task, TaskState } from '../shared/task';
import { z } from '../shared/vendor';
import { ENDS_BADLY, PENDING, resultSchema, stateOf, withoutSecrets } from './provider';

const text = z.string().min(1);

/** A webhook's body is what a look would find, with its time, and with `error` and `message` in place of `details`. */
const noticeSchema = resultSchema.extend({
	id: text,
	model: text.optional().catch(undefined),
	error: z.unknown(),
	message: z.unknown(),
	timestamp: z.union([z.string(), z.number()]).optional().catch(undefined),
});

/** What Black Forest Labs calls a webhook with; undefined for anything else. */
export function readNotice(body: unknown): Notice | undefined {
	const read = noticeSchema.safeParse(body);
	if (!read.success) return undefined;
	const { id, model, timestamp, result } = read.data;
	return {
		taskId: id,
		model,
		prompt: result?.prompt,
		at: momentOf(timestamp),
		stateOf: (task) => stateIn(read.data, task, withoutSecrets(body)),
	};
}

function stateIn(notice: z.infer<typeof noticeSchema>, task: Task, raw: unknown): TaskState {
	const word = notice.status.toLowerCase();
	const isOpen = !PENDING.includes(word) && !(word in ENDS_BADLY);
	// the documents show "Ready" alone; a picture is one under any other word too
	const status = isOpen && notice.result?.sample ? 'Ready' : notice.status;
	const { error, message } = notice;
	const reasons = compact({ error: error ?? undefined, message: message ?? undefined });
	const details = notice.details ?? (Object.keys(reasons).length > 0 ? reasons : undefined);
	const state = stateOf({ ...notice, status, details }, task, raw);
	if (state.status !== 'failed') return state;
	return { ...state, kind: kindOfWords(JSON.stringify(reasons), state.kind) };
}

/** Text or a number, in seconds or in milliseconds; undefined when it is no time. */
function momentOf(timestamp: string | number | undefined): number | undefined {
	if (timestamp === undefined || String(timestamp).trim() === '') return undefined;
	const number = Number(timestamp);
	if (Number.isNaN(number)) {
		// without a zone it is UTC, not this computer's time; behind a zone, the Z makes it no time
		return Date.parse(`${timestamp}Z`) || Date.parse(String(timestamp)) || undefined;
	}
	return number < 1e11 ? number * 1000 : number;
}
