import { startEmulator, type Emulator, type LedgerData, type RuleJson } from '../../emulator';
import type { EmulatorOptions } from '../../emulator';
import { parseSeconds } from '../tasks';
import { serveParent } from './child';

/** The emulator in a process of its own, so that neither its work nor its memory counts as a client's. */

/** Forty jobs at once are more than Black Forest Labs' 24 per key, and it is not the limit that is measured. */
const MAX_RUNNING_TASKS = 1000;

let emulator: Emulator | undefined;

const requireEmulator = (): Emulator => {
	if (!emulator) throw new Error('the emulator is not open yet');
	return emulator;
};

const methods = {
	async open(options: Pick<EmulatorOptions, 'tls'>): Promise<Pick<Emulator, 'urls' | 'keys'>> {
		emulator = await startEmulator({
			...options,
			seconds: ({ prompt }) => parseSeconds(prompt),
			pictures: 'plain',
			maxRunning: MAX_RUNNING_TASKS,
		});
		const { urls, keys } = emulator;
		return { urls, keys };
	},

	/** Starts anew, with these rules alone. */
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
