import { emulator, send, withJson, type JsonResponse } from './support';

/** Calls of Cloudflare's API. */

export const PRO = 'black-forest-labs/flux-2-pro-preview';
export const FLEX = 'black-forest-labs/flux-2-flex';

export function account(path: string, id = emulator.keys.accountId): string {
	return `${emulator.urls.cloudflare}/accounts/${id}${path}`;
}

/** Runs a catalogue model. */
export function run(
	input: unknown,
	{ model = PRO, key = emulator.keys.cloudflareToken, headers = {}, more = {} } = {},
): Promise<JsonResponse> {
	return send(account('/ai/run'), withJson({ model, input, ...more }, key, headers));
}

type FormValue = string | { data: Buffer; type?: string };

/** Runs a hosted model. */
export function runForm(
	fields: Array<[string, FormValue]>,
	{
		model = '@cf/black-forest-labs/flux-2-dev',
		key = emulator.keys.cloudflareToken,
		headers = {},
	} = {},
): Promise<JsonResponse> {
	const form = new FormData();
	for (const [name, value] of fields) {
		if (typeof value === 'string') form.append(name, value);
		else
			form.append(
				name,
				new Blob([new Uint8Array(value.data)], { type: value.type ?? 'image/png' }),
				`${name}.png`,
			);
	}
	return send(account(`/ai/run/${model}`), {
		method: 'POST',
		headers: { authorization: `Bearer ${key}`, ...headers },
		body: form,
	});
}
