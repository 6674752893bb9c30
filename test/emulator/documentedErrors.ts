import { PROVIDERS, type DocumentedError } from './registry';
import type { ApiResponse } from './types';

/**
 * The providers' error responses by name, for rules (`{ error: 'workersAi.3040' }`). Statuses and
 * codes come from the providers' documents and clients.
 */
export const documentedErrors = Object.fromEntries(
	Object.values(PROVIDERS).flatMap((provider) => Object.entries(provider.documentedErrors)),
) as Record<DocumentedError, ApiResponse>;
