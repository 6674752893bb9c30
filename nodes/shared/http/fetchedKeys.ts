/** A key that is withdrawn proves nothing after a day. */
const MAX_KEY_AGE_MS = 86_400_000;
/** A signature of none of them may be a new key's. Strangers must not make us ask at each of their calls. */
const MIN_RENEWAL_GAP_MS = 10_000;

/** Keys that prove a provider's calls, as it hands them out: kept for a while, and renewed. */
export class FetchedKeys<K> {
	private keys: readonly K[] = [];

	private fetchedAt = -Infinity;

	private askedAt = -Infinity;

	private asking?: Promise<void>;

	/**
	 * Whether one of the keys passes. Where none that we have does, they are fetched again.
	 * @throws what the last fetch has thrown
	 */
	async some(
		passes: (key: K) => boolean,
		fetchKeys: () => Promise<K[]>,
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

	private async renew(fetchKeys: () => Promise<K[]>, now: number): Promise<void> {
		this.keys = await fetchKeys();
		this.fetchedAt = now;
	}
}
