import { createPublicKey, type KeyObject } from 'node:crypto';
import { withTimeout } from '../shared/core/async';
import { Flux2Error } from '../shared/core/errors';
import { parseJson } from '../shared/core/json';
import { z } from '../shared/core/vendor';
import { download, readBytes, type DownloadContext } from '../shared/http/download';
import { entriesOf } from '../shared/http/schemas';

/** fal gives up on a response after 15 s, and the task is polled too. */
const FETCH_TIMEOUT_MS = 4000;
const MAX_BYTES = 100_000;

const keySetSchema = z.object({
	keys: entriesOf(z.object({ kty: z.literal('OKP'), crv: z.literal('Ed25519'), x: z.string() })),
});

/** @throws Flux2Error `unavailable` */
export async function fetchPublishedKeys(
	context: DownloadContext,
	url: string,
): Promise<KeyObject[]> {
	const unavailable = (reason: string) =>
		new Flux2Error('unavailable', `The keys at ${url} cannot be fetched: ${reason}`);
	const bytes = await withTimeout(
		FETCH_TIMEOUT_MS,
		context.signal,
		async (signal) =>
			await download({ ...context, signal }, url, async (file) =>
				readBytes(file, MAX_BYTES, () => unavailable('they are too large')),
			),
		() => {
			throw unavailable('they do not come in time');
		},
	);
	const read = keySetSchema.safeParse(parseJson(bytes));
	if (!read.success) throw unavailable('there is something else');
	return read.data.keys.flatMap(toKey);
}

/** None where it is garbled. */
function toKey(jwk: { kty: string; crv: string; x: string }): KeyObject[] {
	try {
		return [createPublicKey({ key: jwk, format: 'jwk' })];
	} catch {
		return [];
	}
}
