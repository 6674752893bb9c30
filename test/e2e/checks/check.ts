import type { Host } from '../host';

/** One promise. It is kept if `run` does not throw. */
export interface Check {
	name: string;
	/** Why the check cannot run on this computer. */
	skipped?: string;
	run(host: Host): Promise<void>;
}

/** Waits until the condition holds; throws if it does not in time. */
export async function waitUntil(
	condition: () => boolean | Promise<boolean>,
	what: string,
	limitMs = 20_000,
): Promise<void> {
	const deadline = Date.now() + limitMs;
	while (!(await condition())) {
		if (Date.now() > deadline) throw new Error(`Waited ${limitMs / 1000} s in vain for ${what}`);
		await new Promise((resolve) => setTimeout(resolve, 20));
	}
}
