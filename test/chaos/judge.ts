import type { TaskRecord, SubmissionRecord } from '../emulator';
import type { CallRecord } from './faultPlan';
import { KINDS } from '../support/failureKinds';

/** Decides about each item whether the promises were kept. Pure, so that tests can pass false evidence. */

/** One output item of the node. */
export interface ItemResult {
	/** An item with an image, an item with an error, or an error that ended the execution. */
	form: 'image' | 'errorItem' | 'thrown';
	prompt?: unknown;
	/** The hash of the stored bytes. */
	sha256?: string;
	kind?: unknown;
	taskId?: unknown;
	description?: string;
}

export interface Evidence {
	number: number;
	prompt: string;
	/** Whether the API variant has tasks: then an error must name the accepted one. */
	hasTasks: boolean;
	/** Whether the execution ended within its time limit. */
	ended: boolean;
	results: ItemResult[];
	/** The item's calls, in order. */
	calls: CallRecord[];
	submissions: Array<Pick<SubmissionRecord, 'accepted' | 'taskId'>>;
	tasks: Array<Pick<TaskRecord, 'id'>>;
	/** The hash of each task's image, from the emulator. */
	images: ReadonlyMap<string, string>;
}

export interface Verdict {
	/** `image`, the kind of the error, `lost` or `hung`. */
	outcome: string;
	form?: ItemResult['form'];
	paidTwice: number;
	/** What is wrong; empty if all is well. */
	problems: string[];
}

/** The node's message when it is unknown whether a submit was accepted. */
export const MAYBE_BILLED = /may have (accepted and|been) billed/;

/** After these, the provider has no task any more: the next submission is no second payment. */
const FATES_WITHOUT_TASK = ['moderated', 'fails', 'vanishes'];

export function judge(evidence: Evidence): Verdict {
	const paidTwice = countPaidTwice(evidence);
	const paymentProblems = paidTwice > 0 ? [`${paidTwice} accepted beyond the first`] : [];
	if (!evidence.ended) {
		return {
			outcome: 'hung',
			paidTwice,
			problems: [...paymentProblems, 'the execution did not end'],
		};
	}
	const [result, ...others] = evidence.results;
	if (!result)
		return { outcome: 'lost', paidTwice, problems: [...paymentProblems, 'no item came out'] };
	const itemProblems =
		others.length > 0 ? ['several items came out'] : findProblems(result, evidence);
	const outcome = result.form === 'image' ? 'image' : String(result.kind);
	return {
		outcome: itemProblems.length > 0 ? 'lost' : outcome,
		form: result.form,
		paidTwice,
		problems: [...paymentProblems, ...itemProblems],
	};
}

/** The accepted submissions, and whether the task of each still exists at the provider. */
function findAccepted({
	submissions,
	calls,
}: Evidence): Array<{ taskId?: string; exists: boolean }> {
	const fates = calls.flatMap(({ fate }) => fate ?? []);
	const accepted = submissions.filter((one) => one.accepted);
	return accepted.map(({ taskId }, index) => ({
		taskId,
		exists: !FATES_WITHOUT_TASK.includes(fates[index] ?? ''),
	}));
}

/** Counts accepted submissions after one whose task still existed. */
const countPaidTwice = (evidence: Evidence): number =>
	findAccepted(evidence)
		.slice(0, -1)
		.filter(({ exists }) => exists).length;

function findProblems(result: ItemResult, evidence: Evidence): string[] {
	if (result.form === 'image') return findImageProblems(result, evidence);
	const { kind } = result;
	const known = KINDS.some((one) => one === kind);
	return [
		...(known ? [] : [`"${String(kind)}" is no kind of error`]),
		...findTaskProblems(result, evidence),
	];
}

function findImageProblems(
	{ prompt, sha256, taskId }: ItemResult,
	{ prompt: expectedPrompt, hasTasks, tasks, images }: Evidence,
): string[] {
	if (prompt !== expectedPrompt) return [`the item has the prompt "${String(prompt)}"`];
	if (sha256 === undefined) return ['the item has no image'];
	if (hasTasks && !tasks.some(({ id }) => id === taskId)) {
		return [`the item has the task "${String(taskId)}"`];
	}
	const known = hasTasks ? [images.get(taskId as string)] : [...images.values()];
	return known.includes(sha256) ? [] : ['the emulator has generated no such image'];
}

/** Faults of a submit's response that hide or change the task ID. */
const FAULTS_HIDING_TASK_ID = ['mutatedJson'];

function findTaskProblems({ taskId, description = '' }: ItemResult, evidence: Evidence): string[] {
	const accepted = findAccepted(evidence);
	if (!evidence.hasTasks || !accepted.some(({ exists }) => exists)) return [];
	if (accepted.some((one) => one.taskId !== undefined && one.taskId === taskId)) return [];
	if (MAYBE_BILLED.test(description)) return [];
	const isHidden = evidence.calls.some(
		({ fate, fault }) => fate && FAULTS_HIDING_TASK_ID.includes(fault),
	);
	if (isHidden && taskId !== undefined) return [];
	return [`a task was accepted, and the error names "${String(taskId)}"`];
}
