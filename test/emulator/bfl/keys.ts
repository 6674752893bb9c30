/** Made-up keys of Black Forest Labs, and what their accounts hold. */

export const KEYS = {
	bflKey: 'made-up-bfl-key',
	bflKeyOfSomebodyElse: 'made-up-foreign-bfl-key',
	bflKeyWithoutCredits: 'made-up-penniless-bfl-key',
};

export interface Grant {
	/** What the account starts with. */
	credits: number;
}

export const GRANTS: ReadonlyMap<string, Grant> = new Map([
	[KEYS.bflKey, { credits: 100_000 }],
	[KEYS.bflKeyOfSomebodyElse, { credits: 100_000 }],
	[KEYS.bflKeyWithoutCredits, { credits: 1 }],
]);
