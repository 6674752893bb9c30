import type { Provider } from '../provider';
import type { Route } from '../types';
import type { World } from '../world';
import { documentedErrors } from './documentedErrors';
import { KEYS } from './keys';
import { createQueueRoutes } from './queueApi';
import { createTaskRoutes } from './taskApi';

export const task = {
	label: 'Task API and its queue',
	basePath: '',
	routeNames: [
		'task.submit',
		'task.precharge',
		'task.status',
		'queue.submit',
		'queue.status',
		'queue.response',
		'queue.cancel',
	],
	createRoutes: (world: World): Route[] => [
		...createTaskRoutes(world),
		...createQueueRoutes(world),
	],
	keys: KEYS,
	keyHeader: 'authorization',
	credential: { 'API Key': KEYS.taskKey },
	documentedErrors,
} as const satisfies Provider;
