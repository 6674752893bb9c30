import type { TaskRecord, SubmissionRecord } from '../emulator';
import type { CallRecord } from './faultPlan';
import { isResponseLost } from './faults';
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
	/** What the first execution brought, before any person's retry; undefined where another item ended it. */
	firstResults?: ItemResult[];
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
	/** Whether a first execution that nothing else ended could have brought the image. */
	isDeliverable: boolean;
	/** Whether it did. */
	isDelivered: boolean;
	/** What is wrong; empty if all is well. */
	problems: string[];
}

/** The node's message when it is unknown whether a submit was accepted. */
export const MAYBE_BILLED = /Nobody knows whether this request was billed/;

/** The provider itself has said that the task failed: the next submission is no second payment. */
const FAILED_FATES = ['moderated', 'fails', 'aborted'];
/** The provider has not said what became of the task: only a person may submit anew. */
const LOST_FATES = ['vanishes', 'cancelled'];
const FATES_WITHOUT_IMAGE = [...FAILED_FATES, ...LOST_FATES, 'endsUnknown'];

export function judge(evidence: Evidence): Verdict {
	return { ...judgeOutcome(evidence), ...judgeDelivery(evidence) };
}

/** An image counts that the provider has generated in the first execution, for a submit whose response was of use. */
function judgeDelivery({ firstResults, calls }: Evidence) {
	const isDeliverable =
		firstResults !== undefined &&
		calls.some(
			(call) =>
				call.execution === 1 &&
				call.fate !== undefined &&
				!FATES_WITHOUT_IMAGE.includes(call.fate) &&
				!isResponseLost(call),
		);
	return { isDeliverable, isDelivered: isDeliverable && firstResults[0]?.form === 'image' };
}

function judgeOutcome(evidence: Evidence): Omit<Verdict, 'isDeliverable' | 'isDelivered'> {
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

interface Accepted {
	taskId?: string;
	/** The call that submitted it. */
	call?: CallRecord;
}

const findAccepted = ({ submissions, calls }: Evidence): Accepted[] => {
	const accepting = calls.filter(({ fate }) => fate !== undefined);
	return submissions
		.filter(({ accepted }) => accepted)
		.map(({ taskId }, index) => ({ taskId, call: accepting[index] }));
};

/** Counts accepted submissions after one that nothing excuses. */
const countPaidTwice = (evidence: Evidence): number => {
	const accepted = findAccepted(evidence);
	return accepted.slice(1).filter((next, index) => !mayFollow(accepted[index]!, next)).length;
};

/** Whether the first one has failed by the provider's own word, or was lost until a person retried. */
function mayFollow({ call: first }: Accepted, { call: next }: Accepted): boolean {
	if (!first || !next) return false;
	if (FAILED_FATES.includes(first.fate ?? '')) return true;
	const isPersons = next.execution > first.execution;
	return isPersons && (LOST_FATES.includes(first.fate ?? '') || isResponseLost(first));
}

const hasTask = ({ call }: Accepted): boolean =>
	![...FAILED_FATES, ...LOST_FATES].includes(call?.fate ?? '');

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
	if (!evidence.hasTasks || !accepted.some(hasTask)) return [];
	if (accepted.some((one) => one.taskId !== undefined && one.taskId === taskId)) return [];
	if (MAYBE_BILLED.test(description)) return [];
	const isHidden = evidence.calls.some(
		({ fate, fault }) => fate && FAULTS_HIDING_TASK_ID.includes(fault),
	);
	if (isHidden && taskId !== undefined) return [];
	return [`a task was accepted, and the error names "${String(taskId)}"`];
}
