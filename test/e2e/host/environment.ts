import type { InstalledN8n } from './install';

export interface N8nLocation {
	/** n8n's user folder. */
	folder: string;
	port: number;
	/** The port for n8n's task runners; each process of n8n needs its own. */
	brokerPort: number;
}

/** Variables that programs need. No others are inherited: they may configure the user's own n8n. */
const INHERITED = ['HOME', 'LANG', 'TMPDIR', 'TZ'];

const HOST = '127.0.0.1';

/** Switches off what would call other hosts or ask a person something at the start. */
const QUIET = {
	N8N_AI_ENABLED: 'false',
	N8N_DIAGNOSTICS_ENABLED: 'false',
	N8N_DYNAMIC_BANNERS_ENABLED: 'false',
	N8N_HIRING_BANNER_ENABLED: 'false',
	N8N_LICENSE_AUTO_RENEW_ENABLED: 'false',
	N8N_PERSONALIZATION_ENABLED: 'false',
	N8N_TEMPLATES_ENABLED: 'false',
	N8N_UNVERIFIED_PACKAGES_ENABLED: 'true',
	N8N_VERIFIED_PACKAGES_ENABLED: 'false',
	N8N_VERSION_NOTIFICATIONS_ENABLED: 'false',
	N8N_VERSION_NOTIFICATIONS_WHATS_NEW_ENABLED: 'false',
};

/** Creates the whole environment of a process of n8n that listens on 127.0.0.1 only. */
export function createEnvironment(
	{ release, node }: InstalledN8n,
	{ folder, port, brokerPort }: N8nLocation,
): Record<string, string> {
	const inherited = INHERITED.flatMap((name) => {
		const value = process.env[name];
		return value === undefined ? [] : [[name, value] as const];
	});
	return {
		...Object.fromEntries(inherited),
		...node.environment,
		...QUIET,
		...release.environment,
		N8N_USER_FOLDER: folder,
		N8N_ENCRYPTION_KEY: 'made-up-key-of-a-throw-away-n8n',
		N8N_HOST: HOST,
		N8N_LISTEN_ADDRESS: HOST,
		N8N_PORT: String(port),
		N8N_RUNNERS_BROKER_LISTEN_ADDRESS: HOST,
		N8N_RUNNERS_BROKER_PORT: String(brokerPort),
		// the browser connects without https here
		N8N_SECURE_COOKIE: 'false',
		N8N_GRACEFUL_SHUTDOWN_TIMEOUT: '5',
		// on a busy computer a ping is late, and n8n would refuse every call
		DB_PING_INTERVAL_SECONDS: '3600',
		N8N_LOG_OUTPUT: 'console',
		NO_COLOR: '1',
	};
}
