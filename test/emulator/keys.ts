import { PROVIDERS, type Keys, type ProviderName } from './registry';

/** The keys that the emulator accepts. All of them are made up, and visibly so. */

const records = Object.values(PROVIDERS);

/** The keys that may never leave their own provider. */
export const SECRETS: ReadonlyArray<readonly [name: string, value: string]> = records.flatMap(
	({ keys }) => Object.entries(keys),
);

export const KEYS = Object.fromEntries([
	...records.flatMap(({ identifiers = {} }) => Object.entries(identifiers)),
	...SECRETS,
]) as Keys;

export function isKeyOf(provider: ProviderName, key: string): boolean {
	return Object.values(PROVIDERS[provider].keys).includes(key);
}
