import type { World } from '../world';

export interface CloudflareOptions {
	/** Form of the catalogue's responses; bare by default, as documented. */
	envelope?: 'bare' | 'wrapped';
	/** The account's AI gateways; `default` and `my-gateway` by default. */
	gateways?: readonly string[];
	/** Seconds after which the log of a request can be read; at once by default. */
	gatewayLogSeconds?: number;
	/** Whether logs say what a request has cost; they do by default, and need not for image models. */
	gatewayLogCosts?: boolean;
}

export interface CloudflareWorld extends World, Required<CloudflareOptions> {
	/** By account, gateway and request. */
	gatewayCache: Map<string, CachedResponse>;
	gatewayLogs: Map<string, GatewayLog>;
}

export interface GatewayLog {
	gateway: string;
	taskId: string;
	createdAt: number;
	isCached: boolean;
}

export interface CachedResponse {
	taskId: string;
	expiresAt: number;
}

export function withOptions(
	world: World,
	{
		envelope = 'bare',
		gateways = ['default', 'my-gateway'],
		gatewayLogSeconds = 0,
		gatewayLogCosts = true,
	}: CloudflareOptions,
): CloudflareWorld {
	const options = { envelope, gateways, gatewayLogSeconds, gatewayLogCosts };
	return { ...world, ...options, gatewayCache: new Map(), gatewayLogs: new Map() };
}
