import type { Provider } from '../provider';
import { documentedErrors } from './documentedErrors';
import { faultSchema } from './faults';
import { KEYS } from './keys';
import { createRoutes } from './routes';
import { isUrlValid } from './signedUrls';

export const bfl = {
	label: 'Black Forest Labs (Region: Custom)',
	basePath: '',
	routeNames: ['bfl.submit', 'bfl.result', 'bfl.credits', 'bfl.pricing'],
	createRoutes,
	keys: KEYS,
	keyHeader: 'x-key',
	credential: { 'API Key': KEYS.bflKey },
	documentedErrors,
	faultSchema,
	isUrlValid,
} as const satisfies Provider;
