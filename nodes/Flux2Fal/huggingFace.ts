import type { CredentialValues, ReadClient } from '../shared/http/types';
import { trustedUrl } from '../shared/http/urlPolicy';
import type { ImageRequest } from '../shared/parameters/imageRequest';
import { NOTIFY_URL } from '../shared/parameters/notifyUrl';
import { HOW_TO_WAIT } from '../shared/parameters/options';
import { mode, models, webhookUrl, type FalModel } from './models';
import { outpaint } from './outpaint';

/** Hugging Face's router: a second door to fal, with a token of Hugging Face. What passes it is known from its client. */

/** Whether the credential is for the router. */
export const isRouted = ({ service }: CredentialValues): boolean => service === 'huggingFace';

/** An address that fal names, as the key may use it; undefined where it has to be the documented one. */
export function addressIn(
	client: ReadClient,
	url: string | undefined,
	id: string,
): string | undefined {
	if (!isRouted(client.credentials)) return trustedUrl(client, url, id);
	// fal itself refuses the token: the router has the same paths below its own
	if (!url?.includes(id) || !URL.canParse(url)) return undefined;
	return `${client.baseUrl}${new URL(url).pathname}`;
}

/** What of the request is not known to pass the router, by label. */
export function findRoutingProblems({
	model,
	references,
	headers,
	settings,
}: ImageRequest<FalModel>): Array<[label: string, problem: string]> {
	const sent = model.parameters.filter(({ wireName }) => headers[wireName] !== undefined);
	return [
		...findModelProblem(model, references.length > 0),
		...(settings.getOrDefault(mode) === 'queue' ? [] : [[HOW_TO_WAIT, 'must be Poll'] as const]),
		...(settings.get(webhookUrl) ? [[NOTIFY_URL, 'must be unset'] as const] : []),
		...sent.map(({ property }) => [property.displayName, 'must be unset'] as const),
	].map(([label, problem]) => [label, `${problem} with a token of Hugging Face`]);
}

/** Its list changes, so that a custom model may be on it by now. */
function findModelProblem(
	{ id, name, routed = [] }: FalModel,
	isEdit: boolean,
): Array<readonly [string, string]> {
	const isListed = [...models, outpaint].some((model) => model.id === id);
	if (!isListed || routed.includes(isEdit ? 'edit' : 'text')) return [];
	const what = isEdit ? 'edits with' : 'images from text with';
	return [['Model', `${what} ${name} are not available`]];
}
