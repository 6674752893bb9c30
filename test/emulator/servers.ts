import Fastify, { type FastifyInstance } from 'fastify';
import { serveControl } from './control';
import { recordRequest } from './record';
import { PROVIDERS, type ProviderName } from './registry';
import { acceptBodies, BODY_LIMIT, readCall } from './requests';
import { createResultRoutes, drawSample } from './results';
import { send } from './send';
import { findProvider, serve, serveUnknown } from './serve';
import type { Port } from './types';
import type { World } from './world';

/** The three servers: the APIs, the one where a `polling_url` leads, and the images. */

export interface Tls {
	key: string;
	cert: string;
}

export interface ServerOptions {
	port?: number;
	pollingPort?: number;
	resultsPort?: number;
	tls?: Tls;
}

const HOST = '127.0.0.1';

/** Returns the function that closes them. */
export async function startServers(
	world: World,
	options: ServerOptions,
	reset: () => void,
): Promise<() => Promise<void>> {
	const { port = 0, pollingPort = 0, resultsPort = 0, tls } = options;
	const servers = {
		api: createServer(tls),
		polling: createServer(tls),
		results: createServer(tls),
	};
	await openProviders(servers, world, options);
	await openResults(servers.results, world);
	serveControl(servers.api, world, reset);
	const ports = { api: port, polling: pollingPort, results: resultsPort };
	for (const name of ['api', 'polling', 'results'] as const) {
		world.urls[name] = await servers[name].listen({ host: HOST, port: ports[name] });
	}
	return async () => {
		await Promise.all(Object.values(servers).map(close));
	};
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

/** Fastify waits for responses that were taken over; those that hang would keep it open. */
async function close(server: FastifyInstance): Promise<void> {
	const closed = server.close();
	server.server.closeAllConnections();
	await closed;
}

async function openProviders(
	servers: Record<Port, FastifyInstance>,
	world: World,
	options: object,
): Promise<void> {
	for (const port of ['api', 'polling'] as const) {
		await acceptBodies(servers[port]);
		serveUnknown(servers[port], world, port);
	}
	servers.api.setErrorHandler((error: Error & { statusCode?: number }, request, reply) => {
		if (error.statusCode === 413) return reply.code(413).send(tooLarge(request.url));
		return reply.code(500).send({ error: `emulator: ${error.message}` });
	});
	for (const [name, provider] of Object.entries(PROVIDERS)) {
		for (const route of provider.createRoutes(world, options)) {
			serve(servers[route.port ?? 'api'], world, name as ProviderName, route);
		}
	}
}

function tooLarge(url: string): unknown {
	return findProvider(url)?.bodyTooLarge?.body ?? { error: { message: 'request too large' } };
}

async function openResults(server: FastifyInstance, world: World): Promise<void> {
	await acceptBodies(server);
	serveUnknown(server, world, 'results');
	for (const route of createResultRoutes(world)) serve(server, world, 'results', route);
	server.get('/references/:file', async (request, reply) => {
		const call = await readCall(request);
		const record = recordRequest(world, call, 'results', 'results');
		const response = await drawSample((call.params.file ?? '').replace(/\.png$/, ''), call.query);
		reply.hijack();
		record.status = (await send(reply.raw, response, {}, world.wait)).status;
	});
}
