import { emulator, send, withJson, type JsonResponse } from './support';

/** Calls of the task API and its queue. */

export const GENERATION = '/model/v1/generation';
export const QUEUE = '/model/v1/queue/flux_2_pro';

export function task(
	path: string,
	init: RequestInit = {},
	key: string = emulator.keys.taskKey,
): Promise<JsonResponse> {
	return send(emulator.urls.task + path, {
		...init,
		headers: { authorization: `Bearer ${key}`, ...(init.headers as Record<string, string>) },
	});
}

export function submit(
	params: unknown,
	key: string = emulator.keys.taskKey,
): Promise<JsonResponse> {
	return task(GENERATION, withJson({ model: 'flux_2_pro', input: [{ params }] }, key), key);
}

export function poll(id: string): Promise<JsonResponse> {
	return task(`${GENERATION}/task/${id}`);
}

export function enqueue(
	params: unknown,
	key: string = emulator.keys.taskKey,
): Promise<JsonResponse> {
	return task(QUEUE, withJson(params, key), key);
}
