import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { documentedErrors } from './documentedErrors';
import { isReplaced, runsHandler } from './rules';
import { findLeaks } from './leaks';
import type { RequestRecord, SubmissionRecord } from './ledger';
import { decode } from './images/references';
import { readCall } from './requests';
import { toTaskId } from './results';
import { send, type Sent } from './send';
import {
	isObject,
	Refusal,
	type ApiResponse,
	type Call,
	type Effect,
	type Port,
	type ProviderName,
	type Route,
} from './types';
import type { World } from './world';

/**
 * The one way in: every call of every route is recorded, meets the rules, is handled and answered here.
 */
export function serve(app: FastifyInstance, world: World, route: Route): void {
	app.route({
		method: route.method,
		url: route.path,
		handler: async (request, reply) => {
			const call = await readCall(request);
			const record = recordRequest(world, call, route.provider, route.port);
			await recordSubmission(world, route, call);
			const effect = world.rules.take({
				route: route.name,
				prompt: promptOf(route, call),
				key: call.key,
			});
			const response = await respondTo(route, call, effect);
			if (effect.delayMs !== undefined) await world.wait(effect.delayMs);
			reply.hijack();
			const noted = note(world, route, call, response);
			const sent = await send(reply.raw, response, effect, world.wait);
			finish([record, call.submission, noted], sent);
		},
	});
}

function promptOf(route: Route, call: Call): string | undefined {
	return route.prompt?.(call) ?? route.task?.(call)?.record.prompt;
}

async function respondTo(route: Route, call: Call, effect: Effect): Promise<ApiResponse> {
	const done = runsHandler(effect) ? await handle(route, call, effect) : undefined;
	const response = isReplaced(effect) || !done ? replacement(effect) : done;
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

function replacement(effect: Effect): ApiResponse {
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
			body: errorPage(effect.status ?? 502),
		};
	return { status: effect.status ?? 200, headers, body: effect.body };
}

function errorPage(status: number): string {
	return `<!DOCTYPE html>\n<html><head><title>${status}</title></head><body><center><h1>${status} Error</h1></center></body></html>`;
}

export function recordRequest(
	world: World,
	call: Call,
	provider: ProviderName | undefined,
	port: Port = provider === 'results' ? 'results' : 'api',
): RequestRecord {
	const { ledger } = world.tasks;
	const line = { at: Date.now(), port, method: call.method, path: call.url } as const;
	ledger.leaks.push(...findLeaks(call, provider).map((leak) => ({ ...line, ...leak })));
	const record: RequestRecord = { n: ledger.requests.length + 1, ...line };
	ledger.requests.push(record);
	return record;
}

const SHOWN_HEADERS = /^(content-type|user-agent|accept|range|cf-aig-.+)$/;

function shownHeaders(call: Call): Record<string, string> {
	return Object.fromEntries(
		Object.entries(call.headers).filter(([name]) => SHOWN_HEADERS.test(name)),
	);
}

async function recordSubmission(world: World, route: Route, call: Call): Promise<void> {
	if (route.kind !== 'submission') return;
	const { submissions } = world.tasks.ledger;
	const record: SubmissionRecord = {
		n: submissions.length + 1,
		at: Date.now(),
		provider: route.provider,
		route: route.name,
		key: call.key,
		prompt: route.prompt?.(call),
		body: undefined,
		headers: shownHeaders(call),
		accepted: false,
		cached: false,
		cost: 0,
	};
	submissions.push(record);
	call.submission = record;
	record.body = await shownBody(call);
}

async function shownBody({ body }: Call): Promise<unknown> {
	if (body.kind === 'json') return body.value;
	if (body.kind !== 'form') return undefined;
	const fields = body.parts.map(async ({ name, value, file }) => {
		if (!file) return [name, value] as const;
		const size = await decode(file.data).catch(() => undefined);
		const { filename, mimetype, data } = file;
		return [
			name,
			{ filename, mimetype, bytes: data.length, width: size?.width, height: size?.height },
		] as const;
	});
	return Object.fromEntries(await Promise.all(fields));
}

interface Outcome {
	status?: number;
	bytes?: number;
}

/** Adds the call to its own list of the ledger. */
function note(world: World, route: Route, call: Call, response: ApiResponse): Outcome | undefined {
	const { ledger } = world.tasks;
	const taskId = call.params.id ?? call.query.id ?? '';
	const common = { at: Date.now(), key: call.key, taskId };
	if (route.kind === 'poll') {
		const state =
			isObject(response.body) && typeof response.body.status === 'string'
				? response.body.status
				: undefined;
		return added(ledger.polls, { n: ledger.polls.length + 1, ...common, route: route.name, state });
	}
	if (route.kind === 'cancel')
		return added(ledger.cancels, { n: ledger.cancels.length + 1, ...common });
	if (route.kind !== 'download') return undefined;
	return added(ledger.downloads, {
		n: ledger.downloads.length + 1,
		at: common.at,
		taskId: toTaskId(call),
		file: call.params.file ?? '',
		bytes: 0,
		headers: shownHeaders(call),
	});
}

function added<T>(list: T[], record: T): T {
	list.push(record);
	return record;
}

function finish(records: Array<Outcome | undefined>, { status, bytes }: Sent): void {
	for (const record of records) {
		if (!record) continue;
		record.status = status;
		if ('bytes' in record) record.bytes = bytes;
	}
}

/** Answers 404 to what no route knows, and writes it down. */
export function serveUnknown(app: FastifyInstance, world: World, port: Port = 'api'): void {
	app.setNotFoundHandler(async (request: FastifyRequest, reply: FastifyReply) => {
		const call = await readCall(request);
		const provider = port === 'results' ? port : undefined;
		recordRequest(world, call, provider, port).status = 404;
		const { method, url } = call;
		world.tasks.ledger.unexpected.push({
			at: Date.now(),
			method,
			path: url,
			reason: 'no such route',
		});
		const { body } = documentedErrors['cloudflare.noRoute'];
		return reply.code(404).send(url.startsWith('/client/v4') ? body : { error: 'not found' });
	});
}
