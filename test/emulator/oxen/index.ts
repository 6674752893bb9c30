import type { Provider } from '../provider';
import type { Route } from '../types';
import type { World } from '../world';
import { documentedErrors } from './documentedErrors';
import { faultSchema } from './faults';
import { createHistoryRoutes } from './history';
import { KEYS } from './keys';
import { createModelRoutes } from './models';
import { createSubmitRoutes } from './submit';
import { withOptions, type OxenOptions } from './world';

export const oxen = {
	label: 'Oxen.ai',
	basePath: '',
	routeNames: [
		'oxen.sync',
		'oxen.enqueue',
		'oxen.queue',
		'oxen.list',
		'oxen.cancel',
		'oxen.events',
		'oxen.history',
		'oxen.models',
	],
	createRoutes,
	keys: KEYS,
	keyHeader: 'authorization',
	credential: { 'API Key': KEYS.oxenKey },
	documentedErrors,
	faultSchema,
} as const satisfies Provider;

function createRoutes(sharedWorld: World, options: OxenOptions): Route[] {
	const world = withOptions(sharedWorld, options);
	return [...createSubmitRoutes(world), ...createHistoryRoutes(world), ...createModelRoutes(world)];
}
