import type { IDataObject } from 'n8n-workflow';
import { delay } from '../shared/core/async';
import { flux2ErrorOrThrow } from '../shared/core/errors';
import { z } from '../shared/core/vendor';
import { readJson } from '../shared/http/client';
import type { ApiResponse, ReadClient } from '../shared/http/types';
import type { TaskProtocol } from '../shared/tasks/protocol';
import { accountPath } from './account';

/** When the log of a request is asked for, in milliseconds after its response: it comes late, and for many accounts never. */
const LOOK_UP_AT_MS = [1000, 3000, 6000];

/** Beyond the last look, for its response. */
export const MAX_LOOK_UP_MS = 8000;

const DEFAULT_GATEWAY = 'default';

/** A cost of nothing is true of a cached response only: of image models, the gateway need not know the price. */
const logSchema = z
	.object({
		result: z.object({
			cost: z.number().optional().catch(undefined),
			cached: z.boolean().catch(false),
		}),
	})
	.transform(({ result: { cost, cached } }) => (cached ? (cost ?? 0) : cost || undefined));

/** What names the log of a response; undefined where it names none. */
export function toLogKey(
	{ headers }: ApiResponse,
	requestHeaders: Record<string, string>,
): IDataObject | undefined {
	const logId = headers['cf-aig-log-id'];
	if (typeof logId !== 'string' || !/^[\w-]+$/.test(logId)) return undefined;
	return { logId, gatewayId: requestHeaders['cf-aig-gateway-id'] ?? DEFAULT_GATEWAY };
}

/**
 * Looks a request's cost up in the AI Gateway's log.
 * @param lookUpAtMs in ascending order
 */
export const createCostLookUp =
	(lookUpAtMs: readonly number[] = LOOK_UP_AT_MS): NonNullable<TaskProtocol['price']> =>
	async (client, { priceKey }, signal) => {
		if (!priceKey) return undefined;
		for (const [index, atMs] of lookUpAtMs.entries()) {
			await delay(atMs - (lookUpAtMs[index - 1] ?? 0), signal);
			const amount = await readCost(client, priceKey, signal);
			if (amount !== undefined) return { cost: { amount, currency: 'USD' } };
		}
		return undefined;
	};

async function readCost(
	client: ReadClient,
	ids: IDataObject,
	signal: AbortSignal,
): Promise<number | undefined> {
	const { gatewayId, logId } = ids as Record<string, string>;
	const [gateway, log] = [gatewayId, logId].map((id) => encodeURIComponent(`${id}`));
	const url = `${accountPath(client)}/ai-gateway/gateways/${gateway}/logs/${log}`;
	try {
		const { value } = await readJson(client, { url, schema: logSchema }, signal);
		return value;
	} catch (error) {
		flux2ErrorOrThrow(error);
		return undefined;
	}
}
