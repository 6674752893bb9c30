import {
	readImageRequest,
	type ImageRequest,
	type RequestCallback,
} from '../parameters/imageRequest';
import { generateOptions } from '../parameters/options';
import type { Estimate } from '../parameters/price';
import { checkSeeds, splitRequest } from '../parameters/severalImages';
import type { TaskProtocol } from '../tasks/protocol';
import type { ItemContext } from './types';

/** A request that was checked. */
export interface PreparedRequest {
	readonly item: ItemContext;
	readonly request: ImageRequest;
	readonly protocol: TaskProtocol;
}

/** One of an item's requests. */
export interface NumberedRequest extends PreparedRequest {
	/** What the item's requests will cost, by the number of their images: each is worked out or asked for once. */
	readonly estimates: Map<number, Promise<Estimate | undefined>>;
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
export function prepareRequests(item: ItemContext, callback?: RequestCallback): NumberedRequest[] {
	const { request, protocol } = prepareRequest(item, callback);
	const { client } = item;
	const estimates: NumberedRequest['estimates'] = new Map();
	return splitRequest(request).map((each, index) => {
		const permit = index === 0 ? client.permit : client.permit.another();
		return { item: { ...item, client: { ...client, permit } }, request: each, protocol, estimates };
	});
}
