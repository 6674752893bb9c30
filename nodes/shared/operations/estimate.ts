import { withTimeout } from '../core/async';
import { AbortedError, rethrow } from '../core/errors';
import { measureReferences } from '../images/references';
import { withReferenceSize } from '../images/referenceSize';
import { priceFrom } from '../parameters/options';
import { estimatePrice, type Estimate, type PriceFacts } from '../parameters/price';
import { readPriceFacts } from '../parameters/priceFacts';
import { estimateItem } from './items';
import { prepareRequest, type PreparedRequest } from './request';
import type { ItemContext, Operation, PreparedOperation } from './types';

/** Whom to ask for the price, in this order. */
type PriceSources = ReadonlyArray<(typeof priceFrom)['default']>;

/** A price is not worth a longer wait. */
const MAX_QUOTE_MS = 5000;

/** Image: Estimate Cost. Checks the request as generate does; nothing is submitted. */
export function estimateCost(item: ItemContext): PreparedOperation {
	const prepared = prepareRequest(item);
	const first = item.reader.value(priceFrom);
	item.reader.throwIfInvalid();
	const { model } = prepared.request;
	return {
		model: model.id,
		async run() {
			const sources: PriceSources = [first, first === 'formula' ? 'provider' : 'formula'];
			const { provider, client, signal } = item;
			const request = await withReferenceSize(client, prepared.request, signal);
			const estimate = await estimateRequest({ ...prepared, request }, sources);
			const target = { provider: provider.name, redact: client.redact };
			return [{ item: estimateItem(target, model.id, estimate) }];
		},
	};
}

/** The same without a credential, where the models' list prices say enough. */
export const estimateCostWithoutKey: Operation = Object.assign(
	(item: ItemContext) => estimateCost(item),
	{ needsNoKey: true },
);

/**
 * What a request will cost; undefined where nobody can say it.
 * @throws Flux2Error `invalidInput` for reference images that the model does not take; AbortedError
 */
export async function estimateRequest(
	prepared: PreparedRequest,
	sources: PriceSources,
): Promise<Estimate | undefined> {
	const { item, request } = prepared;
	const { model, references } = request;
	const { helpers } = item.context;
	const rules = { sidesBelow: model.referenceSidesBelow };
	const facts = readPriceFacts(request, await measureReferences(helpers, references, rules));
	if (!facts) return undefined;
	for (const source of sources) {
		const estimate =
			source === 'formula' ? estimatePrice(model, facts) : await askProvider(prepared, facts);
		if (estimate) return estimate;
	}
	return undefined;
}

/** Whatever fails, the provider has then said nothing. */
async function askProvider(
	{ item, request, protocol }: PreparedRequest,
	facts: PriceFacts,
): Promise<Estimate | undefined> {
	const { quote } = protocol;
	if (!quote || !hasCredential(item)) return undefined;
	try {
		return await withTimeout(
			MAX_QUOTE_MS,
			item.signal,
			async (signal) => await quote(item.client, request, facts, signal),
			() => undefined,
		);
	} catch (error) {
		if (error instanceof AbortedError) throw rethrow(error);
		return undefined;
	}
}

const hasCredential = ({ client }: ItemContext): boolean =>
	Object.keys(client.credentials).length > 0;
