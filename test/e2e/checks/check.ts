import type { Host } from '../host';

/** One promise, kept when `run` does not throw. */
export interface Check {
	name: string;
	/** Why this computer cannot try it. */
	skipped?: string;
	run(host: Host): Promise<void>;
}

/** Waits for what n8n or the emulator is to show; fails when it does not come. */
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
