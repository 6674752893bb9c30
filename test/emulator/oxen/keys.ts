/** Made-up keys of Oxen.ai, and what each may do. */

export const KEYS = {
	oxenKey: 'made-up-oxen-key',
	oxenKeyOfSomebodyElse: 'made-up-foreign-oxen-key',
	oxenKeyWithoutPermission: 'made-up-powerless-oxen-key',
	oxenKeyWithoutCredits: 'made-up-penniless-oxen-key',
};

export interface Grant {
	/** Where results are saved, unless the request says otherwise. */
	namespace: string;
	permission: boolean;
	credits: boolean;
}

export const GRANTS: ReadonlyMap<string, Grant> = new Map([
	[KEYS.oxenKey, { namespace: 'ox', permission: true, credits: true }],
	[KEYS.oxenKeyOfSomebodyElse, { namespace: 'else', permission: true, credits: true }],
	[KEYS.oxenKeyWithoutPermission, { namespace: 'ox', permission: false, credits: true }],
	[KEYS.oxenKeyWithoutCredits, { namespace: 'poor', permission: true, credits: false }],
]);
