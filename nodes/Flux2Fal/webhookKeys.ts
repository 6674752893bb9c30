import { createPublicKey, type KeyObject } from 'node:crypto';
import { withTimeout } from '../shared/core/async';
import { Flux2Error } from '../shared/core/errors';
import { parseJson } from '../shared/core/json';
import { z } from '../shared/core/vendor';
import { download, readBytes, type DownloadContext } from '../shared/http/download';
import { entriesOf } from '../shared/http/schemas';

/** fal lets its keys be kept for a day: https://fal.ai/docs/documentation/model-apis/inference/webhooks */
const MAX_KEY_AGE_MS = 86_400_000;
/** A signature of none of them may be a new key's. Strangers must not make us ask at each of their calls. */
const MIN_RENEWAL_GAP_MS = 10_000;
/** fal gives up on a response after 15 s, and the task is polled too. */
const FETCH_TIMEOUT_MS = 4000;
const MAX_BYTES = 100_000;

const keySetSchema = z.object({
	keys: entriesOf(z.object({ kty: z.literal('OKP'), crv: z.literal('Ed25519'), x: z.string() })),
});

/** The keys that are published at one address, kept for a while. */
export class PublishedKeys {
	private keys: readonly KeyObject[] = [];

	private fetchedAt = -Infinity;

	private askedAt = -Infinity;

	private asking?: Promise<void>;

	/**
	 * Whether one of the keys passes. Where none that we have does, they are fetched again.
	 * @throws what the last fetch has thrown
	 */
	async some(
		passes: (key: KeyObject) => boolean,
		fetchKeys: () => Promise<KeyObject[]>,
		now = Date.now(),
	): Promise<boolean> {
		if (now - this.fetchedAt < MAX_KEY_AGE_MS && this.keys.some(passes)) return true;
		if (now - this.askedAt >= MIN_RENEWAL_GAP_MS) {
			this.askedAt = now;
			this.asking = this.renew(fetchKeys, now);
		}
		await this.asking;
		return this.keys.some(passes);
	}

	private async renew(fetchKeys: () => Promise<KeyObject[]>, now: number): Promise<void> {
		this.keys = await fetchKeys();
		this.fetchedAt = now;
	}
}

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
