import type { ErrorKind } from './errors';

/** What has failed, in the user's words. The provider's own stand behind it. */
const SENTENCES: Readonly<Record<ErrorKind, (provider: string) => string>> = {
	auth: (provider) => `${provider} refused the credential`,
	credits: (provider) => `The account at ${provider} cannot pay for this`,
	moderated: (provider) => `${possessiveOf(provider)} content filter refused this request`,
	rateLimited: (provider) => `${provider} takes no more requests at the moment`,
	invalidInput: (provider) => `${provider} did not accept this request`,
	notFound: (provider) => `${provider} did not find what was asked for`,
	expired: (provider) => `${provider} no longer has what was asked for`,
	timeout: (provider) => `${provider} took too long`,
	unavailable: (provider) => `${provider} is having trouble`,
	badResponse: (provider) => `${provider} responded in a way that this node does not understand`,
	budget: (provider) => `${provider} asks for more than is allowed`,
};

const possessiveOf = (name: string): string => (name.endsWith('s') ? `${name}'` : `${name}'s`);

/** Of a refusal that may be billed all the same. */
export const NO_COST_REPORTED = 'No cost is reported for it.';

/** Who has failed at what. */
interface FailureFacts {
	readonly kind: ErrorKind;
	/** The provider's name. */
	readonly provider: string;
	/** In the provider's own words. */
	readonly words: string;
}

/** The message about a call that has failed. */
export function callMessage({ kind, provider, words }: FailureFacts, httpStatus?: number): string {
	const status = httpStatus === undefined ? '' : ` (HTTP ${httpStatus})`;
	return `${SENTENCES[kind](provider)}: ${words}${status}`;
}

/** The message about an image that could not be made. */
export const imageMessage = ({ kind, provider, words }: FailureFacts): string =>
	kind === 'unavailable'
		? `${provider} could not make this image: ${words}`
		: callMessage({ kind, provider, words });
