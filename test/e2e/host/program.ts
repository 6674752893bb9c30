import { Cleanup } from './cleanup';
import { endCommands } from './commands';

const SIGNALS = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const;

/** Runs a command line program. Whatever ends it, everything that it started ends with it. */
export async function runProgram(
	main: (cleanup: Cleanup, signal: AbortSignal) => Promise<void>,
): Promise<void> {
	const cleanup = new Cleanup();
	const stop = new AbortController();
	const onSignal = () => {
		stop.abort();
		endCommands();
		void cleanup.run();
	};
	// a terminal's Ctrl+C may arrive twice: by itself and passed on by npm
	SIGNALS.forEach((name) => process.on(name, onSignal));
	try {
		await main(cleanup, stop.signal);
	} catch (error) {
		process.exitCode = 1;
		if (!stop.signal.aborted) console.error((error as Error).message);
	} finally {
		await cleanup.run();
		SIGNALS.forEach((name) => process.off(name, onSignal));
	}
}
