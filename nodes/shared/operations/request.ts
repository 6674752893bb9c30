import {
	readImageRequest,
	type ImageRequest,
	type RequestCallback,
} from '../parameters/imageRequest';
import { generateOptions } from '../parameters/options';
import { checkSeeds, splitRequest } from '../parameters/severalImages';
import type { TaskProtocol } from '../tasks/protocol';
import type { ItemContext } from './types';

/** A request that was checked. */
export interface PreparedRequest {
	readonly item: ItemContext;
	readonly request: ImageRequest;
	readonly protocol: TaskProtocol;
}

/**
 * Reads and checks the item's request.
 * @throws Flux2Error `invalidInput` with all problems at once
 */
export function prepareRequest(item: ItemContext, callback?: RequestCallback): PreparedRequest {
	const { reader, provider, client } = item;
	const { protocol, ...models } = provider.routeFor(reader, client.credentials);
	const nodeOptions = [...generateOptions, ...(provider.options ?? [])];
	const request = { ...readImageRequest(reader, models, nodeOptions), callback };
	reader.throwIfInvalid();
	protocol.validate?.(request, reader);
	checkSeeds(reader, request);
	reader.throwIfInvalid();
	return { item, request, protocol };
}

/** What the item asks for as it is sent: one request, or several for several images, each with a permit of its own. */
export function prepareRequests(item: ItemContext, callback?: RequestCallback): PreparedRequest[] {
	const { request, protocol } = prepareRequest(item, callback);
	const { client } = item;
	return splitRequest(request).map((each, index) => {
		const permit = index === 0 ? client.permit : client.permit.another();
		return { item: { ...item, client: { ...client, permit } }, request: each, protocol };
	});
}
