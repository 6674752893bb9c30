import type { World } from '../world';

export interface BflOptions {
	/** BFL: how long an image's URL is valid; 600 by default. */
	sampleSeconds?: number;
	/** BFL: how a webhook proves its secret: an HMAC in `X-BFL-Signature`, the default, or itself in `X-Webhook-Secret`. */
	webhookProof?: 'signature' | 'secret';
	/** BFL: whether a webhook tells its time; it does by default. */
	webhookTimestamp?: boolean;
	/** BFL: the statuses between `Pending` and the end; `Reasoning` and `Generating` by default. */
	runningStatuses?: readonly string[];
}

export type BflWorld = World & Required<BflOptions>;

export function withOptions(
	world: World,
	{
		sampleSeconds = 600,
		webhookProof = 'signature',
		webhookTimestamp = true,
		runningStatuses = ['Reasoning', 'Generating'],
	}: BflOptions,
): BflWorld {
	return {
		...world,
		sampleSeconds,
		webhookProof,
		webhookTimestamp,
		runningStatuses,
	};
}
