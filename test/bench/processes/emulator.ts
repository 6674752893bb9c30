import { startEmulator, type Emulator, type LedgerData, type RuleJson } from '../../emulator';
import type { EmulatorOptions } from '../../emulator';
import { secondsOf } from '../jobs';
import { serveParent } from './child';

/** The emulator in a process of its own, so that neither its work nor its memory counts as a client's. */

/** Forty jobs at once are more than Black Forest Labs' 24 per key, and it is not the limit that is measured. */
const MOST_RUNNING = 1000;

let emulator: Emulator | undefined;

const opened = (): Emulator => {
	if (!emulator) throw new Error('the emulator is not open yet');
	return emulator;
};

const calls = {
	async open(options: Pick<EmulatorOptions, 'tls'>): Promise<Pick<Emulator, 'urls' | 'keys'>> {
		emulator = await startEmulator({
			...options,
			seconds: ({ prompt }) => secondsOf(prompt),
			images: 'plain',
			maxRunning: MOST_RUNNING,
		});
		const { urls, keys } = emulator;
		return { urls, keys };
	},

	/** Starts anew, with these rules alone. */
	async reset(rules: RuleJson[]): Promise<void> {
		opened().reset();
		for (const { effect, ...match } of rules) opened().rule(match, effect);
	},

	async ledger(_nothing: undefined): Promise<LedgerData> {
		return opened().ledger.toJSON();
	},
};

export type EmulatorCalls = typeof calls;

serveParent(calls);
