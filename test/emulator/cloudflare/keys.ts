/** A made-up account of Cloudflare, its tokens, and what each token may do. */

/** Cloudflare's account IDs are 32 hexadecimal digits, and no secrets. */
export const IDENTIFIERS = { accountId: 'decafbad000000000000000000c0ffee' };

export const KEYS = {
	cloudflareToken: 'made-up-cloudflare-user-token',
	cloudflareAccountToken: 'made-up-cloudflare-account-token',
	/** Runs catalogue models; may not list or run Workers AI models. */
	cloudflareGatewayOnlyToken: 'made-up-cloudflare-gateway-only-token',
	cloudflareTokenWithoutPermission: 'made-up-cloudflare-powerless-token',
	cloudflareTokenWithoutCredits: 'made-up-cloudflare-penniless-token',
	cloudflareDisabledToken: 'made-up-cloudflare-disabled-token',
};

export interface Grant {
	/** A user's token fails at the account's verify endpoint, and the other way round. */
	owner: 'user' | 'account';
	active: boolean;
	gateway: boolean;
	workersAi: boolean;
	credits: boolean;
}

const FULL: Grant = {
	owner: 'user',
	active: true,
	gateway: true,
	workersAi: true,
	credits: true,
};

export const GRANTS: ReadonlyMap<string, Grant> = new Map([
	[KEYS.cloudflareToken, FULL],
	[KEYS.cloudflareAccountToken, { ...FULL, owner: 'account' }],
	[KEYS.cloudflareGatewayOnlyToken, { ...FULL, workersAi: false }],
	[KEYS.cloudflareTokenWithoutPermission, { ...FULL, gateway: false, workersAi: false }],
	[KEYS.cloudflareTokenWithoutCredits, { ...FULL, credits: false }],
	[KEYS.cloudflareDisabledToken, { ...FULL, active: false }],
]);
