import type { Provider } from '../provider';
import type { Route } from '../types';
import type { World } from '../world';
import { createAccountRoutes } from './account';
import { createCatalogueRoutes } from './catalogue';
import { documentedErrors } from './documentedErrors';
import { effectSchema } from './effects';
import { IDENTIFIERS, KEYS } from './keys';
import { createWorkersAiRoutes } from './workersAi';
import { createLogRoutes } from './gatewayLogs';
import { withOptions, type CloudflareOptions } from './world';

export const cloudflare = {
	label: 'Cloudflare',
	basePath: '/client/v4',
	routeNames: [
		'cloudflare.run',
		'cloudflare.workersAi',
		'cloudflare.search',
		'cloudflare.verify',
		'cloudflare.log',
	],
	createRoutes,
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

function createRoutes(sharedWorld: World, options: CloudflareOptions): Route[] {
	const world = withOptions(sharedWorld, options);
	return [
		...createCatalogueRoutes(world),
		...createWorkersAiRoutes(sharedWorld),
		...createAccountRoutes(),
		...createLogRoutes(world),
	];
}
