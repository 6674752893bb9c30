import { startEmulator, type Emulator, type LedgerData, type RuleJson } from '../../emulator';
import type { EmulatorOptions } from '../../emulator';
import { parseSeconds } from '../tasks';
import { serveParent } from './child';

/** The emulator in its own process, so that its processor time and memory do not count as a client's. */

/** 40 concurrent tasks exceed Black Forest Labs' limit of 24 per key, which most benchmarks do not measure. */
const MAX_RUNNING_TASKS = 1000;

export type EmulatorSettings = Pick<EmulatorOptions, 'tls' | 'maxRunning'>;

let emulator: Emulator | undefined;

const requireEmulator = (): Emulator => {
	if (!emulator) throw new Error('the emulator is not open yet');
	return emulator;
};

const methods = {
	async open(options: EmulatorSettings): Promise<Pick<Emulator, 'urls' | 'keys'>> {
		emulator = await startEmulator({
			maxRunning: MAX_RUNNING_TASKS,
			...options,
			seconds: ({ prompt }) => parseSeconds(prompt),
			images: 'plain',
			// version 1 of the AI SDK knows no others, and counts a response with one as broken
			runningStatuses: [],
		});
		const { urls, keys } = emulator;
		return { urls, keys };
	},

	/** Forgets everything, then applies these rules. */
	async reset(rules: RuleJson[]): Promise<void> {
		requireEmulator().reset();
		for (const { effect, ...match } of rules) requireEmulator().rule(match, effect);
	},

	async ledger(_argument: undefined): Promise<LedgerData> {
		return requireEmulator().ledger.toJSON();
	},
};

export type EmulatorMethods = typeof methods;

serveParent(methods);
