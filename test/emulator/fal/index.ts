import type { Provider } from '../provider';
import type { Route } from '../types';
import type { World } from '../world';
import { documentedErrors } from './documentedErrors';
import { faultSchema } from './faults';
import { KEYS } from './keys';
import { createQueueRoutes } from './queue';
import { createRouterRoutes } from './router';
import { withOptions, type FalOptions } from './world';

export const fal = {
	label: 'fal',
	basePath: '/fal',
	routeNames: [
		'fal.submit',
		'fal.run',
		'fal.status',
		'fal.result',
		'fal.events',
		'fal.cancel',
		'fal.webhookKeys',
	],
	createRoutes(world: World, options: FalOptions): Route[] {
		const own = withOptions(world, options);
		return [...createQueueRoutes(own), ...createRouterRoutes(own)];
	},
	keys: KEYS,
	keyHeader: 'authorization',
	credential: { 'API Key': KEYS.falKey },
	documentedErrors,
	recordedHeaders: /^x-(fal-.+|hf-bill-to)$/,
	faultSchema,
} as const satisfies Provider;
