import { drawReference, type ImageFormat } from './images';
import { PROVIDERS } from './registry';
import { toResponse, type ApiResponse, type Call, type Effect, type Route } from './types';
import type { World } from './world';

/**
 * The server of the images: for everybody, as a content network would serve them.
 */

/** A signed URL that has expired, as S3 and R2 respond. */
const EXPIRED: ApiResponse = {
	status: 403,
	headers: { 'content-type': 'application/xml' },
	body: '<?xml version="1.0" encoding="UTF-8"?><Error><Code>AccessDenied</Code><Message>Request has expired</Message></Error>',
};

export function createResultRoutes(world: World): Route[] {
	return [
		{
			name: 'download',
			method: 'GET',
			path: '/results/:file',
			kind: 'download',
			task: (call) => world.tasks.find(toTaskId(call)),
			handle: (call, effect) => download(world, call, effect),
		},
	];
}

export function toTaskId(call: Call): string {
	return (call.params.file ?? '').replace(/\.[a-z]+$/, '');
}

async function download(world: World, call: Call, effect: Effect): Promise<ApiResponse> {
	const task = world.tasks.find(toTaskId(call));
	const exists = task !== undefined && task.record.url.endsWith(`/${call.params.file ?? ''}`);
	if (!exists || task.record.readyAt > Date.now())
		return { status: 404, headers: { 'content-type': 'text/plain' }, body: 'Not Found' };
	if (PROVIDERS[task.record.provider].isUrlValid?.(task.record, call.query) === false)
		return EXPIRED;
	const { bytes, mimeType } = await task.image();
	const response: ApiResponse = { status: 200, headers: { 'content-type': mimeType }, body: bytes };
	return effect.image ? spoil(response, bytes, effect.image) : response;
}

function spoil(
	response: ApiResponse,
	bytes: Buffer,
	how: NonNullable<Effect['image']>,
): ApiResponse {
	switch (how) {
		case 'truncated':
			return { ...response, body: bytes.subarray(0, Math.floor(bytes.length / 2)) };
		case 'empty':
			return { ...response, body: Buffer.alloc(0) };
		case 'html':
			return {
				status: 200,
				headers: { 'content-type': 'text/html' },
				body: '<!doctype html><h1>Sign in</h1>',
			};
		case 'wrongContentType':
			return { ...response, headers: { 'content-type': 'text/plain' } };
		case 'expired':
			return EXPIRED;
	}
}

const FORMATS: readonly ImageFormat[] = ['png', 'jpeg', 'webp'];

/** `/references/{name}.png?width=&height=&format=`: samples to refer to by URL. */
export async function drawSample(
	name: string,
	query: Record<string, string>,
): Promise<ApiResponse> {
	const width = Number(query.width ?? 512);
	const height = Number(query.height ?? 512);
	const format = FORMATS.find((known) => known === (query.format ?? 'png'));
	const sized = [width, height].every(
		(side) => Number.isInteger(side) && side >= 1 && side <= 4096,
	);
	if (!format || !sized)
		return toResponse(400, { error: 'width and height: 1 to 4096; format: png, jpeg or webp' });
	const image = await drawReference(name, width, height, format);
	return { status: 200, headers: { 'content-type': image.mimeType }, body: image.bytes };
}
