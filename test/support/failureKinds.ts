import type { ErrorKind } from '../../nodes/shared/core/errors';

/** Every kind that an error may have; the type lets none be missing or invented. */
const kinds: Record<ErrorKind, true> = {
	auth: true,
	credits: true,
	moderated: true,
	rateLimited: true,
	invalidInput: true,
	notFound: true,
	expired: true,
	timeout: true,
	unavailable: true,
	badResponse: true,
	budget: true,
};

export const KINDS = Object.keys(kinds) as ErrorKind[];
