import type { TaskRecord, SubmissionRecord } from '../emulator';
import type { Scene } from './script';
import { KINDS } from '../support/failureKinds';

/** What became of the jobs, and whether the promises were kept. Pure: it can be given a lie. */

/** What one item of the node says. */
export interface Ending {
	/** An item with a picture, an item with an error, or an error that ended the run. */
	form: 'picture' | 'errorItem' | 'thrown';
	prompt?: unknown;
	/** Of the stored bytes. */
	sha256?: string;
	kind?: unknown;
	taskId?: unknown;
	description?: string;
}

export interface Evidence {
	number: number;
	prompt: string;
	/** Whether the way knows tasks: then an error has to name the one that was accepted. */
	hasTasks: boolean;
	/** Whether the execution came to its end. */
	ended: boolean;
	endings: Ending[];
	/** The job's own, in order. */
	scenes: Scene[];
	submissions: Array<Pick<SubmissionRecord, 'accepted' | 'taskId'>>;
	jobs: Array<Pick<TaskRecord, 'id'>>;
	/** The emulator's word for each of the jobs that make a picture. */
	pictures: ReadonlyMap<string, string>;
}

export interface Verdict {
	/** `image`, the kind of the error, `lost` or `hung`. */
	outcome: string;
	form?: Ending['form'];
	paidTwice: number;
	/** What is wrong, in words; nothing where all is well. */
	problems: string[];
}

/** What the node says where nobody knows whether a submit was accepted. */
export const MAYBE_BILLED = /may have (accepted and|been) billed/;

/** After these nothing is left at the provider: the next submission is no second payment. */
const OVER = ['moderated', 'fails', 'vanishes'];

export function judge(evidence: Evidence): Verdict {
	const paidTwice = paidAgain(evidence);
	const bills = paidTwice > 0 ? [`${paidTwice} accepted beyond the first`] : [];
	if (!evidence.ended) {
		return { outcome: 'hung', paidTwice, problems: [...bills, 'the execution did not end'] };
	}
	const [ending, ...others] = evidence.endings;
	if (!ending) return { outcome: 'lost', paidTwice, problems: [...bills, 'no item came out'] };
	const wrong = others.length > 0 ? ['several items came out'] : problemsOf(ending, evidence);
	const outcome = ending.form === 'picture' ? 'image' : String(ending.kind);
	return {
		outcome: wrong.length > 0 ? 'lost' : outcome,
		form: ending.form,
		paidTwice,
		problems: [...bills, ...wrong],
	};
}

/** The accepted submissions, and whether something of each is still there at the provider. */
function acceptedOf({ submissions, scenes }: Evidence): Array<{ jobId?: string; lives: boolean }> {
	const fates = scenes.flatMap(({ fate }) => fate ?? []);
	const accepted = submissions.filter((one) => one.accepted);
	return accepted.map(({ taskId: jobId }, index) => ({
		jobId,
		lives: !OVER.includes(fates[index] ?? ''),
	}));
}

/** Accepted submissions after one that was not over at the provider. */
const paidAgain = (evidence: Evidence): number =>
	acceptedOf(evidence)
		.slice(0, -1)
		.filter(({ lives }) => lives).length;

function problemsOf(ending: Ending, evidence: Evidence): string[] {
	if (ending.form === 'picture') return problemsOfPicture(ending, evidence);
	const { kind } = ending;
	const known = KINDS.some((one) => one === kind);
	return [...(known ? [] : [`"${String(kind)}" is no kind of error`]), ...taskOf(ending, evidence)];
}

function problemsOfPicture(
	{ prompt, sha256, taskId }: Ending,
	{ prompt: asked, hasTasks, jobs, pictures }: Evidence,
): string[] {
	if (prompt !== asked) return [`the item tells the prompt "${String(prompt)}"`];
	if (sha256 === undefined) return ['the item has no picture'];
	if (hasTasks && !jobs.some(({ id }) => id === taskId)) {
		return [`the item tells the task "${String(taskId)}"`];
	}
	const known = hasTasks ? [pictures.get(taskId as string)] : [...pictures.values()];
	return known.includes(sha256) ? [] : ['the emulator has made no such picture'];
}

/** Faults of a submit's answer after which its task's ID is not known, or not for sure. */
const HIDES_TASK = ['mutatedJson'];

function taskOf({ taskId, description = '' }: Ending, evidence: Evidence): string[] {
	const accepted = acceptedOf(evidence);
	if (!evidence.hasTasks || !accepted.some(({ lives }) => lives)) return [];
	if (accepted.some(({ jobId }) => jobId !== undefined && jobId === taskId)) return [];
	if (MAYBE_BILLED.test(description)) return [];
	const isHidden = evidence.scenes.some(({ fate, fault }) => fate && HIDES_TASK.includes(fault));
	if (isHidden && taskId !== undefined) return [];
	return [`a task was accepted, and the error tells "${String(taskId)}"`];
}
