import type { World } from '../world';

export interface CloudflareOptions {
	/** Form of the catalogue's responses; bare by default, as documented. */
	envelope?: 'bare' | 'wrapped';
	/** The account's AI gateways; `default` and `my-gateway` by default. */
	gateways?: readonly string[];
}

export interface CloudflareWorld extends World, Required<CloudflareOptions> {
	/** By account, gateway and request. */
	gatewayCache: Map<string, CachedResponse>;
}

export interface CachedResponse {
	taskId: string;
	expiresAt: number;
}

export function withOptions(
	world: World,
	{ envelope = 'bare', gateways = ['default', 'my-gateway'] }: CloudflareOptions,
): CloudflareWorld {
	return { ...world, envelope, gateways, gatewayCache: new Map() };
}
