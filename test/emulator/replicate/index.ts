import type { Provider } from '../provider';
import type { Route } from '../types';
import type { World } from '../world';
import { documentedErrors } from './documentedErrors';
import { KEYS } from './keys';
import { createRoutes } from './predictions';
import { isRemoved } from './tasks';
import { withOptions, type ReplicateOptions } from './world';

export const replicate = {
	label: 'Replicate',
	basePath: '/replicate/v1',
	routeNames: [
		'replicate.submit',
		'replicate.status',
		'replicate.cancel',
		'replicate.list',
		'replicate.upload',
		'replicate.file',
		'replicate.account',
		'replicate.webhookSecret',
	],
	createRoutes: (world: World, options: ReplicateOptions): Route[] =>
		createRoutes(withOptions(world, options)),
	keys: KEYS,
	keyHeader: 'authorization',
	credential: { 'API Token': KEYS.replicateKey },
	documentedErrors,
	recordedHeaders: /^(cancel-after|prefer)$/,
	isUrlValid: (record) => !isRemoved(record),
} as const satisfies Provider;
