/**
 * The keys that the emulator knows. All of them are made up, and look it.
 */
const MADE_UP = {
	/** Cloudflare's account ids are 32 hexadecimal digits. */
	accountId: 'decafbad000000000000000000c0ffee',
	cloudflareToken: 'made-up-cloudflare-user-token',
	cloudflareAccountToken: 'made-up-cloudflare-account-token',
	/** Runs catalogue models; may not list or run Workers AI models. */
	cloudflareGatewayOnlyToken: 'made-up-cloudflare-gateway-only-token',
	cloudflareTokenWithoutPermission: 'made-up-cloudflare-powerless-token',
	cloudflareTokenWithoutCredits: 'made-up-cloudflare-penniless-token',
	cloudflareDisabledToken: 'made-up-cloudflare-disabled-token',
	taskKey: 'made-up-task-key',
	taskKeyWithoutPermission: 'made-up-powerless-task-key',
	taskKeyWithoutCredits: 'made-up-penniless-task-key',
	oxenKey: 'made-up-oxen-key',
	oxenKeyOfSomebodyElse: 'made-up-foreign-oxen-key',
	oxenKeyWithoutPermission: 'made-up-powerless-oxen-key',
	oxenKeyWithoutCredits: 'made-up-penniless-oxen-key',
	bflKey: 'made-up-bfl-key',
	bflKeyOfSomebodyElse: 'made-up-foreign-bfl-key',
	bflKeyWithoutCredits: 'made-up-penniless-bfl-key',
};

export type Keys = Readonly<typeof MADE_UP>;

export const KEYS: Keys = MADE_UP;

export interface CloudflareGrant {
	/** A user's token fails at the account's verify endpoint, and the other way round. */
	owner: 'user' | 'account';
	active: boolean;
	gateway: boolean;
	workersAi: boolean;
	credits: boolean;
}

const FULL: CloudflareGrant = {
	owner: 'user',
	active: true,
	gateway: true,
	workersAi: true,
	credits: true,
};

export const CLOUDFLARE_GRANTS: ReadonlyMap<string, CloudflareGrant> = new Map([
	[KEYS.cloudflareToken, FULL],
	[KEYS.cloudflareAccountToken, { ...FULL, owner: 'account' }],
	[KEYS.cloudflareGatewayOnlyToken, { ...FULL, workersAi: false }],
	[KEYS.cloudflareTokenWithoutPermission, { ...FULL, gateway: false, workersAi: false }],
	[KEYS.cloudflareTokenWithoutCredits, { ...FULL, credits: false }],
	[KEYS.cloudflareDisabledToken, { ...FULL, active: false }],
]);

export interface TaskGrant {
	permission: boolean;
	credits: boolean;
}

export const TASK_GRANTS: ReadonlyMap<string, TaskGrant> = new Map([
	[KEYS.taskKey, { permission: true, credits: true }],
	[KEYS.taskKeyWithoutPermission, { permission: false, credits: true }],
	[KEYS.taskKeyWithoutCredits, { permission: true, credits: false }],
]);

export interface OxenGrant {
	/** Where results are saved, unless the request says otherwise. */
	namespace: string;
	permission: boolean;
	credits: boolean;
}

export const OXEN_GRANTS: ReadonlyMap<string, OxenGrant> = new Map([
	[KEYS.oxenKey, { namespace: 'ox', permission: true, credits: true }],
	[KEYS.oxenKeyOfSomebodyElse, { namespace: 'else', permission: true, credits: true }],
	[KEYS.oxenKeyWithoutPermission, { namespace: 'ox', permission: false, credits: true }],
	[KEYS.oxenKeyWithoutCredits, { namespace: 'poor', permission: true, credits: false }],
]);

export interface BflGrant {
	/** What the account starts with. */
	credits: number;
}

export const BFL_GRANTS: ReadonlyMap<string, BflGrant> = new Map([
	[KEYS.bflKey, { credits: 100_000 }],
	[KEYS.bflKeyOfSomebodyElse, { credits: 100_000 }],
	[KEYS.bflKeyWithoutCredits, { credits: 1 }],
]);

const GRANTED = {
	cloudflare: CLOUDFLARE_GRANTS,
	task: TASK_GRANTS,
	oxen: OXEN_GRANTS,
	bfl: BFL_GRANTS,
	results: new Map<string, never>(),
};

/** The keys that may never leave their own provider. An account id is not a secret. */
export const SECRETS: ReadonlyArray<readonly [name: string, value: string]> = Object.entries(
	KEYS,
).filter(([name]) => name !== 'accountId');

export function belongsTo(provider: keyof typeof GRANTED, key: string): boolean {
	return GRANTED[provider].has(key);
}
