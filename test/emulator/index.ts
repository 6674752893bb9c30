import { setMaxListeners } from 'node:events';
import { KEYS } from './keys';
import type { Ledger } from './ledger';
import { PROVIDERS, type Keys, type ProviderName, type ProviderOptions } from './registry';
import { Rules, type RuleMatch, type Script } from './rules';
import { startServers, type Tls } from './servers';
import { Tasks, type Duration } from './tasks';
import type { Effect } from './types';
import type { World } from './world';

export { documentedErrors } from './documentedErrors';
export type { TaskFailure, TaskFault } from './faults';
export type { DrawnImage, ImageFormat } from './images';
export type * from './ledger';
export { startListener, type Listener, type ReceivedRequest } from './listener';
export type { DocumentedError, Keys, ProviderName, RouteName } from './registry';
export type { Facts, RuleJson, RuleMatch, Script } from './rules';
export type { Tls } from './servers';
export type { Duration, TaskOrder } from './tasks';
export type { ApiResponse, Effect, Shape } from './types';

interface SharedOptions {
	/** 0, the default, takes any free port. */
	port?: number;
	resultsPort?: number;
	/** Where a `polling_url` leads. */
	pollingPort?: number;
	/** How long a task takes, in seconds; 0.2 by default. */
	seconds?: Duration;
	/** Drawing takes up to 0.1 s of computing each; `plain` ones, of one colour, a fraction. */
	images?: 'drawn' | 'plain';
	/** How many unfinished tasks a key may have before it gets 429; the provider's documented number by default. */
	maxRunning?: number;
	/** Milliseconds of the unit in which the pauses before a webhook is delivered again are counted; a second by default. */
	webhookUnitMs?: number;
	/** How late the fault `late` delivers a webhook, in milliseconds; two units by default. */
	webhookLateMs?: number;
	/** Decides about each call; rules come on top of it. */
	script?: Script;
	/** Serves https with this key and certificate, both PEM; plain http by default. */
	tls?: Tls;
}

export type EmulatorOptions = SharedOptions & ProviderOptions;

export interface Emulator {
	/** The base URL for each provider's credential, and the URL of the server of the images. */
	urls: Record<ProviderName | 'results', string>;
	keys: Keys;
	ledger: Ledger;
	rule: (match: RuleMatch, effect: Effect) => void;
	clearRules: () => void;
	/** Forgets rules, tasks and the ledger. */
	reset: () => void;
	/** Closes the servers and breaks whatever still hangs. */
	close: () => Promise<void>;
}

export async function startEmulator(options: EmulatorOptions = {}): Promise<Emulator> {
	const closing = new AbortController();
	// every wait listens for the end
	setMaxListeners(0, closing.signal);
	const world = createWorld(options, closing.signal);
	const reset = () => {
		world.rules.clear();
		world.tasks.clear();
	};
	const closeServers = await startServers(world, options, reset);
	return {
		urls: { ...toBaseUrls(world), results: world.urls.results },
		keys: KEYS,
		ledger: world.tasks.ledger,
		rule: (match, effect) => world.rules.add(match, effect),
		clearRules: () => world.rules.clear(),
		reset,
		close: async () => {
			closing.abort();
			await closeServers();
		},
	};
}

function createWorld(options: EmulatorOptions, closing: AbortSignal): World {
	const { webhookUnitMs = 1000, webhookLateMs = 2 * webhookUnitMs } = options;
	const urls = { api: '', polling: '', results: '' };
	return {
		tasks: new Tasks(
			options.seconds ?? 0.2,
			(file) => `${urls.results}/results/${file}`,
			options.images === 'plain',
		),
		rules: new Rules(options.script),
		urls,
		maxRunning: options.maxRunning,
		webhookUnitMs,
		webhookLateMs,
		closing,
		wait: (ms) => wait(ms, closing),
	};
}

function wait(ms: number, closing: AbortSignal): Promise<void> {
	return new Promise((resolve, reject) => {
		const abort = () => {
			clearTimeout(timer);
			reject(new Error('the emulator is closing'));
		};
		const timer = setTimeout(() => {
			closing.removeEventListener('abort', abort);
			resolve();
		}, ms);
		closing.addEventListener('abort', abort, { once: true });
	});
}

const toBaseUrls = ({ urls }: World) =>
	Object.fromEntries(
		Object.entries(PROVIDERS).map(([name, { basePath }]) => [name, urls.api + basePath]),
	) as Record<ProviderName, string>;
