import { setMaxListeners } from 'node:events';
import Fastify, { type FastifyInstance } from 'fastify';
import { bflPollingRoutes, bflRoutes } from './bfl/routes';
import { cloudflareRoutes } from './cloudflare/catalogue';
import { cloudflareAccountRoutes } from './cloudflare/account';
import { serveControl } from './control';
import { Rules, type RuleMatch, type Script } from './rules';
import { Tasks, type Duration } from './tasks';
import { KEYS, type Keys } from './keys';
import type { Ledger } from './ledger';
import { oxenRoutes } from './oxen/submit';
import { oxenHistoryRoutes } from './oxen/history';
import { oxenModelRoutes } from './oxen/models';
import { queueRoutes } from './task/queueApi';
import { acceptBodies, BODY_LIMIT, readCall } from './requests';
import { reference, resultRoutes } from './results';
import { send } from './send';
import { recordRequest, serve, serveUnknown } from './serve';
import { taskRoutes } from './task/taskApi';
import { documentedErrors } from './documentedErrors';
import type { Effect } from './types';
import { workersAiRoutes } from './cloudflare/workersAi';
import type { World } from './world';

export { documentedErrors, type DocumentedError } from './documentedErrors';
export type { Facts, RuleJson, RuleMatch, Script } from './rules';
export type { Duration, TaskFailure, TaskFault, TaskOrder } from './tasks';
export type { Keys } from './keys';
export type * from './ledger';
export { startListener, type ReceivedRequest, type Listener } from './listener';
export type { DrawnImage, ImageFormat } from './images';
export { ROUTE_NAMES, type ApiResponse, type Effect, type RouteName, type Shape } from './types';

export interface EmulatorOptions {
	/** 0, the default, takes any free port. */
	port?: number;
	resultsPort?: number;
	/** Where BFL's `polling_url` leads. */
	pollingPort?: number;
	/** How long a job takes, in seconds; 0.2 by default. */
	seconds?: Duration;
	/** Drawing takes up to 0.1 s of computing each; `plain` ones, of one colour, a fraction. */
	images?: 'drawn' | 'plain';
	/** Form of the catalogue's answers; bare by default, as documented. */
	envelope?: 'bare' | 'wrapped';
	/** The account's AI gateways; `default` and `my-gateway` by default. */
	gateways?: readonly string[];
	/** How many unfinished jobs a key may have before it gets 429; 24 at BFL by default, elsewhere without limit. */
	maxRunning?: number;
	/** Oxen.ai: milliseconds between the comments that keep a stream of events alive; 15 000 by default. */
	keepAliveMs?: number;
	/** Oxen.ai: jobs that have ended are in the history only (true), or nowhere. */
	oxenVanishes?: boolean | 'everywhere';
	/** BFL: how long an image's URL is good for; 600 by default. */
	sampleSeconds?: number;
	/** BFL: milliseconds of the unit after 1, 5 and 30 of which a webhook is delivered again; a second by default. */
	webhookUnitMs?: number;
	/** BFL: how late the fault `late` delivers a webhook, in milliseconds; two units by default. */
	webhookLateMs?: number;
	/** What happens to each call, beside the rules. */
	script?: Script;
	/** Serves https with this key and certificate, both PEM; plain http by default. */
	tls?: Tls;
}

export interface Tls {
	key: string;
	cert: string;
}

export interface Emulator {
	/** What goes into a credential's base URL, and the server of the pictures. */
	urls: { cloudflare: string; task: string; oxen: string; bfl: string; results: string };
	keys: Keys;
	ledger: Ledger;
	rule: (match: RuleMatch, effect: Effect) => void;
	clearRules: () => void;
	/** Forgets rules, jobs, the gateway's cache and the ledger. */
	reset: () => void;
	/** Closes the servers and breaks whatever still hangs. */
	close: () => Promise<void>;
}

const HOST = '127.0.0.1';

export async function startEmulator(options: EmulatorOptions = {}): Promise<Emulator> {
	const { port = 0, resultsPort = 0, pollingPort = 0, tls } = options;
	const closing = new AbortController();
	// every wait listens for the end
	setMaxListeners(0, closing.signal);
	const world = createWorld(options, closing.signal);
	const [api, polling, results] = [createServer(tls), createServer(tls), createServer(tls)];
	const reset = () => {
		world.rules.clear();
		world.tasks.clear();
		world.gatewayCache.clear();
	};
	await openApi(api, world, reset);
	await openPolling(polling, world);
	await openResults(results, world);
	world.urls.api = await api.listen({ host: HOST, port });
	world.urls.polling = await polling.listen({ host: HOST, port: pollingPort });
	world.urls.results = await results.listen({ host: HOST, port: resultsPort });
	return {
		urls: {
			cloudflare: `${world.urls.api}/client/v4`,
			task: world.urls.api,
			oxen: world.urls.api,
			bfl: world.urls.api,
			results: world.urls.results,
		},
		keys: KEYS,
		ledger: world.tasks.ledger,
		rule: (match, effect) => world.rules.add(match, effect),
		clearRules: () => world.rules.clear(),
		reset,
		close: async () => {
			closing.abort();
			await Promise.all([api, polling, results].map(close));
		},
	};
}

function createWorld(options: EmulatorOptions, closing: AbortSignal): World {
	const urls = { api: '', polling: '', results: '' };
	const { oxenVanishes, webhookUnitMs = 1000 } = options;
	return {
		tasks: new Tasks(
			options.seconds ?? 0.2,
			(file) => `${urls.results}/results/${file}`,
			options.images === 'plain',
		),
		rules: new Rules(options.script),
		urls,
		gateways: options.gateways ?? ['default', 'my-gateway'],
		envelope: options.envelope ?? 'bare',
		maxRunning: options.maxRunning,
		gatewayCache: new Map(),
		keepAliveMs: options.keepAliveMs ?? 15_000,
		oxenLeaves: oxenVanishes === true ? 'queue' : oxenVanishes || undefined,
		sampleSeconds: options.sampleSeconds ?? 600,
		webhookUnitMs,
		webhookLateMs: options.webhookLateMs ?? 2 * webhookUnitMs,
		closing,
		wait: (ms) => wait(ms, closing),
	};
}

function wait(ms: number, closing: AbortSignal): Promise<void> {
	return new Promise((resolve, reject) => {
		const stop = () => {
			clearTimeout(timer);
			reject(new Error('the emulator is closing'));
		};
		const timer = setTimeout(() => {
			closing.removeEventListener('abort', stop);
			resolve();
		}, ms);
		closing.addEventListener('abort', stop, { once: true });
	});
}

function createServer(tls?: Tls): FastifyInstance {
	const secured = tls ? { https: tls } : {};
	return Fastify({
		...secured,
		bodyLimit: BODY_LIMIT,
		exposeHeadRoutes: false,
		forceCloseConnections: true,
		// Model names stand in paths, with their slashes encoded or not.
		routerOptions: { maxParamLength: 500 },
	});
}

/** Fastify waits for answers that were taken over; those that hang would keep it open. */
async function close(app: FastifyInstance): Promise<void> {
	const closed = app.close();
	app.server.closeAllConnections();
	await closed;
}

async function openApi(app: FastifyInstance, world: World, reset: () => void): Promise<void> {
	await acceptBodies(app);
	app.setErrorHandler((error: Error & { statusCode?: number }, request, reply) => {
		if (error.statusCode === 413) return reply.code(413).send(tooLarge(request.url));
		return reply.code(500).send({ error: `emulator: ${error.message}` });
	});
	serveControl(app, world, reset);
	serveUnknown(app, world);
	const routes = [
		...cloudflareRoutes(world),
		...workersAiRoutes(world),
		...cloudflareAccountRoutes(),
		...taskRoutes(world),
		...queueRoutes(world),
		...oxenRoutes(world),
		...oxenHistoryRoutes(world),
		...oxenModelRoutes(world),
		...bflRoutes(world),
	];
	for (const route of routes) serve(app, world, route);
}

async function openPolling(app: FastifyInstance, world: World): Promise<void> {
	await acceptBodies(app);
	serveUnknown(app, world, 'polling');
	for (const route of bflPollingRoutes(world)) serve(app, world, route);
}

function tooLarge(url: string): unknown {
	return url.startsWith('/client/v4')
		? documentedErrors['workersAi.3006'].body
		: { error: { message: 'request too large' } };
}

async function openResults(app: FastifyInstance, world: World): Promise<void> {
	await acceptBodies(app);
	serveUnknown(app, world, 'results');
	for (const route of resultRoutes(world)) serve(app, world, route);
	app.get('/references/:file', async (request, reply) => {
		const call = await readCall(request);
		const record = recordRequest(world, call, 'results');
		const response = await reference((call.params.file ?? '').replace(/\.png$/, ''), call.query);
		reply.hijack();
		record.status = (await send(reply.raw, response, {}, world.wait)).status;
	});
}
