/** Made-up tokens of Replicate, and what each may do. */

export const KEYS = {
	replicateKey: 'made-up-replicate-token',
	replicateKeyOfSomebodyElse: 'made-up-foreign-replicate-token',
	replicateKeyWithoutCredits: 'made-up-penniless-replicate-token',
};

export interface Grant {
	username: string;
	credits: boolean;
}

export const GRANTS: ReadonlyMap<string, Grant> = new Map([
	[KEYS.replicateKey, { username: 'fox', credits: true }],
	[KEYS.replicateKeyOfSomebodyElse, { username: 'owl', credits: true }],
	[KEYS.replicateKeyWithoutCredits, { username: 'mouse', credits: false }],
]);
