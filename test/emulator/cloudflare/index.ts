import type { Provider } from '../provider';
import type { Route } from '../types';
import type { World } from '../world';
import { createAccountRoutes } from './account';
import { createCatalogueRoutes } from './catalogue';
import { documentedErrors } from './documentedErrors';
import { effectSchema } from './effects';
import { IDENTIFIERS, KEYS } from './keys';
import { createWorkersAiRoutes } from './workersAi';
import { withOptions, type CloudflareOptions } from './world';

export const cloudflare = {
	label: 'Cloudflare',
	basePath: '/client/v4',
	routeNames: ['cloudflare.run', 'cloudflare.workersAi', 'cloudflare.search', 'cloudflare.verify'],
	createRoutes: (world: World, options: CloudflareOptions): Route[] => [
		...createCatalogueRoutes(withOptions(world, options)),
		...createWorkersAiRoutes(world),
		...createAccountRoutes(),
	],
	keys: KEYS,
	identifiers: IDENTIFIERS,
	keyHeader: 'authorization',
	credential: { 'Account ID': IDENTIFIERS.accountId, 'API Token': KEYS.cloudflareToken },
	documentedErrors,
	recordedHeaders: /^cf-aig-.+$/,
	unknownRoute: documentedErrors['cloudflare.noRoute'],
	bodyTooLarge: documentedErrors['workersAi.3006'],
	effectSchema,
} as const satisfies Provider;
