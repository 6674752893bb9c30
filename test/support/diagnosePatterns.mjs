import { readFileSync } from 'node:fs';

/**
 * Reads patterns from the standard input, as a JSON list of source and flags, and prints what each is: "safe" or
 * "vulnerable". A process of its own, because Jest runs the checker six times slower.
 */

// the checker in JavaScript: the faster ones need a JVM or a binary for this platform
process.env.RECHECK_SYNC_BACKEND = 'pure';
const { checkSync } = (await import('recheck')).default;
/** The verdict never depends on the machine's speed. */
const noTimeLimit = { timeout: null, attackTimeout: null, incubationTimeout: null };

const patterns = JSON.parse(readFileSync(0, 'utf8'));
process.stdout.write(
	JSON.stringify(patterns.map(([source, flags]) => checkSync(source, flags, noTimeLimit).status)),
);
