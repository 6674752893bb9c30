/** A task for the provider. Its prompt says how long it takes, so that every process knows. */
export interface TaskSpec {
	prompt: string;
	seconds: number;
}

export const createTasks = (name: string, seconds: readonly number[]): TaskSpec[] =>
	seconds.map((one, index) => ({
		prompt: `${name} ${index + 1} takes ${one} s`,
		seconds: one,
	}));

/** Tasks with one prompt: the emulator draws their image once and keeps it once. */
export const createIdenticalTasks = (name: string, count: number, seconds: number): TaskSpec[] =>
	Array.from({ length: count }, () => ({ prompt: `${name} takes ${seconds} s`, seconds }));

/** Reads from a prompt how long the emulator takes for it. */
export function parseSeconds(prompt: string): number {
	const seconds = / takes ([\d.]+) s$/.exec(prompt)?.[1];
	if (seconds === undefined)
		throw new Error(`the prompt "${prompt}" does not say how long it takes`);
	return Number(seconds);
}

/** Starts `work` for each input in order, with at most `concurrency` running. The results keep that order. */
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
