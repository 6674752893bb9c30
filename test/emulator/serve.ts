import type { FastifyInstance } from 'fastify';
import { documentedErrors } from './documentedErrors';
import type { Provider } from './provider';
import { recordCall, recordRequest, recordSent, recordSubmission } from './record';
import { PROVIDERS } from './registry';
import { readCall } from './requests';
import { isReplaced, runsHandler } from './rules';
import { send } from './send';
import {
	Refusal,
	type ApiResponse,
	type Call,
	type Effect,
	type Port,
	type Route,
	type RouteOwner,
} from './types';
import { recordUnexpected, type World } from './world';

/**
 * The one way in: every call of every route is recorded, meets the rules, is handled and gets its
 * response here.
 */
export function serve(app: FastifyInstance, world: World, owner: RouteOwner, route: Route): void {
	const port = route.port ?? (owner === 'results' ? 'results' : 'api');
	app.route({
		method: route.method,
		url: route.path,
		handler: async (request, reply) => {
			const call = await readCall(request);
			const record = recordRequest(world, call, owner, port);
			await recordSubmission(world, owner, route, call);
			const effect = world.rules.take({
				route: route.name,
				prompt: findPrompt(route, call),
				key: call.key,
			});
			const response = await respond(route, call, effect);
			if (effect.delayMs !== undefined) await world.wait(effect.delayMs);
			reply.hijack();
			const callRecord = recordCall(world, route, call, response);
			const sent = await send(reply.raw, response, effect, world.wait);
			recordSent([record, call.submission, callRecord], sent);
		},
	});
}

function findPrompt(route: Route, call: Call): string | undefined {
	return route.prompt?.(call) ?? route.task?.(call)?.record.prompt;
}

async function respond(route: Route, call: Call, effect: Effect): Promise<ApiResponse> {
	const done = runsHandler(effect) ? await handle(route, call, effect) : undefined;
	const response = isReplaced(effect) || !done ? toReplacement(effect) : done;
	return effect.mutate ? effect.mutate(response) : response;
}

async function handle(route: Route, call: Call, effect: Effect): Promise<ApiResponse> {
	try {
		const response = await route.handle(call, effect);
		const task = route.kind === 'poll' ? route.task?.(call) : undefined;
		if (task) task.polls++;
		return response;
	} catch (error) {
		if (error instanceof Refusal) return error.response;
		throw error;
	}
}

function toReplacement(effect: Effect): ApiResponse {
	const headers = effect.headers ?? {};
	if (effect.error !== undefined) {
		const { headers: own, ...documented } = documentedErrors[effect.error];
		return { ...documented, headers: { ...own, ...headers } };
	}
	if (effect.redirect !== undefined) {
		return {
			status: effect.status ?? 302,
			headers: { location: effect.redirect, ...headers },
			body: '',
		};
	}
	if (effect.html)
		return {
			status: effect.status ?? 502,
			headers: { 'content-type': 'text/html', ...headers },
			body: toErrorPage(effect.status ?? 502),
		};
	return { status: effect.status ?? 200, headers, body: effect.body };
}

function toErrorPage(status: number): string {
	return `<!DOCTYPE html>\n<html><head><title>${status}</title></head><body><center><h1>${status} Error</h1></center></body></html>`;
}

/** Responds with 404 where there is no route, and records it. */
export function serveUnknown(app: FastifyInstance, world: World, port: Port): void {
	app.setNotFoundHandler(async (request, reply) => {
		const call = await readCall(request);
		recordRequest(world, call, port === 'results' ? port : undefined, port).status = 404;
		recordUnexpected(world, call, 'no such route');
		return reply
			.code(404)
			.send(findProvider(call.url)?.unknownRoute?.body ?? { error: 'not found' });
	});
}

/** The provider that the path belongs to, where its base path identifies it. */
export function findProvider(url: string): Provider | undefined {
	return Object.values(PROVIDERS).find(
		({ basePath }) => basePath !== '' && url.startsWith(basePath),
	);
}
