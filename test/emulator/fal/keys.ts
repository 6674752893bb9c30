/** Made-up keys of fal, each an ID and a secret, and what each may do. */

export const KEYS = {
	falKey: 'made-up-fal-id:made-up-fal-secret',
	falKeyOfSomebodyElse: 'made-up-foreign-fal-id:made-up-foreign-fal-secret',
	falKeyWithoutPermission: 'made-up-powerless-fal-id:made-up-powerless-fal-secret',
	falKeyWithoutCredits: 'made-up-penniless-fal-id:made-up-penniless-fal-secret',
	/** Of Hugging Face, for its router. */
	falToken: 'hf_madeUpToken',
	falTokenWithoutCredits: 'hf_madeUpPennilessToken',
};

export interface Grant {
	permission: boolean;
	credits: boolean;
}

export const GRANTS: ReadonlyMap<string, Grant> = new Map([
	[KEYS.falKey, { permission: true, credits: true }],
	[KEYS.falKeyOfSomebodyElse, { permission: true, credits: true }],
	[KEYS.falKeyWithoutPermission, { permission: false, credits: true }],
	[KEYS.falKeyWithoutCredits, { permission: true, credits: false }],
]);

/** What the tokens of Hugging Face may do. */
export const TOKEN_GRANTS: ReadonlyMap<string, Grant> = new Map([
	[KEYS.falToken, { permission: true, credits: true }],
	[KEYS.falTokenWithoutCredits, { permission: true, credits: false }],
]);
