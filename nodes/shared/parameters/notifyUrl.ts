import { isLoopback } from '../core/urls';
import { encodedAs, text, withCheck, type Param } from './param';

export const NOTIFY_URL = 'Notify URL';
/** What is wrong with that option where the node waits for a callback. */
export const CALLED_ITSELF = 'with Callback, n8n itself is called';

const MAX_URL_LENGTH = 2083;

/**
 * The address that the provider calls about a task which is submitted here and collected elsewhere.
 * @param refusal what the trigger refuses
 */
export const notifyUrl = (
	wireName: string,
	{ caller, refusal, ...place }: { caller: string; refusal: string } & Partial<Pick<Param, 'in'>>,
): Param<string> => {
	const address = text(wireName, {
		...place,
		label: NOTIFY_URL,
		description: `The https address that ${caller} calls when the image is ready. To start a workflow: open the FLUX.2 Trigger in it, copy its Production URL, and publish the workflow. ${refusal}`,
		placeholder: 'e.g. https://n8n.example.com/webhook/…',
		maxLength: MAX_URL_LENGTH,
	});
	const trimmed = encodedAs(address, (url) => url.trim());
	return withCheck(trimmed, isReachable, 'must be an https URL');
};

const isReachable = (url: string): boolean =>
	URL.canParse(url) &&
	(new URL(url).protocol === 'https:' || (url.startsWith('http:') && isLoopback(url)));

/** Not every webhook's body names the model, but the trigger can filter by it. */
export function withModelQuery(url: string, model: string): string {
	if (!URL.canParse(url)) return url;
	const address = new URL(url);
	if (address.searchParams.has('model')) return url;
	address.searchParams.set('model', model);
	return address.href;
}
