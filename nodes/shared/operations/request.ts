import {
	readImageRequest,
	type ImageRequest,
	type RequestCallback,
} from '../parameters/imageRequest';
import { generateOptions } from '../parameters/options';
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
	const { reader, provider } = item;
	const { protocol, ...models } = provider.routeFor(reader);
	const nodeOptions = [...generateOptions, ...(provider.options ?? [])];
	const request = { ...readImageRequest(reader, models, nodeOptions), callback };
	reader.throwIfInvalid();
	protocol.validate?.(request, reader);
	reader.throwIfInvalid();
	return { item, request, protocol };
}
