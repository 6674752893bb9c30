/** A picture to be made: the prompt says how long that takes, so that every process knows. */
export interface TaskSpec {
	prompt: string;
	seconds: number;
}

export const createTasks = (name: string, seconds: readonly number[]): TaskSpec[] =>
	seconds.map((one, index) => ({
		prompt: `${name} ${index + 1} takes ${one} s`,
		seconds: one,
	}));

/** Wishes for one and the same picture: the emulator draws it once and keeps it once. */
export const createIdenticalTasks = (name: string, count: number, seconds: number): TaskSpec[] =>
	Array.from({ length: count }, () => ({ prompt: `${name} takes ${seconds} s`, seconds }));

/** How long the emulator works on such a prompt. */
export function parseSeconds(prompt: string): number {
	const seconds = / takes ([\d.]+) s$/.exec(prompt)?.[1];
	if (seconds === undefined)
		throw new Error(`the prompt "${prompt}" does not say how long it takes`);
	return Number(seconds);
}

/** Does the work for each of them, in order, so many at once. */
export async function mapConcurrently<T, R>(
	inputs: readonly T[],
	concurrency: number,
	work: (input: T) => Promise<R>,
): Promise<R[]> {
	const results: R[] = [];
	const rest = inputs.entries();
	const worker = async () => {
		for (const [index, input] of rest) results[index] = await work(input);
	};
	await Promise.all(Array.from({ length: concurrency }, worker));
	return results;
}
