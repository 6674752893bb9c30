import type { Provider } from '../provider';
import { documentedErrors } from './errors';
import { KEYS } from './keys';
import { createRoutes } from './routes';

/** Several servers in one: each has its dialect below the base URL, under its name in the credential. */
export const openai = {
	label: 'OpenAI-compatible servers',
	basePath: '/openai',
	routeNames: ['openai.generate', 'openai.edit', 'openai.models'],
	createRoutes,
	keys: KEYS,
	keyHeader: 'authorization',
	otherKeyHeader: 'api-key',
	credential: { 'API Key': KEYS.openAiKey },
	documentedErrors,
} as const satisfies Provider;
