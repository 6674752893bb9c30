import { existsSync, readdirSync, realpathSync } from 'node:fs';
import { chown, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { Cleanup } from '../host/cleanup';
import { run } from '../host/commands';
import { findFreePort } from '../host/ports';
import { startProgram } from '../host/server';
import { waitFor } from './waitFor';
import { connectRedis, type Redis } from './redis';

/** The servers that n8n's queue mode needs; they listen on 127.0.0.1 only. */
export interface Services {
	redis: Redis;
	/** Its name for the output. */
	database: string;
	/** The environment with which n8n finds them. */
	environment: Record<string, string>;
}

const HOST = '127.0.0.1';
const POSTGRES_VERSIONS = '/usr/lib/postgresql';
/** PostgreSQL refuses to run as root. */
const POSTGRES_USER = 'postgres';

export async function startServices(
	cleanup: Cleanup,
	log: (line: string) => void,
): Promise<Services> {
	const folder = await mkdtemp(path.join(tmpdir(), 'n8n-flux2-services-'));
	await cleanup.add(async () => await rm(folder, { recursive: true, force: true }));
	const redis = await startRedis(folder, cleanup);
	const postgres = findProgram('postgres', postgresFolders());
	if (!postgres) {
		log(
			`No "postgres" in PATH or in ${POSTGRES_VERSIONS}/*/bin: n8n keeps its data in SQLite, which n8n does not recommend for its queue mode`,
		);
		return { redis, database: 'SQLite', environment: queueEnvironment(redis) };
	}
	// the other programs are beside the link's target
	const database = await startPostgres(path.dirname(realpathSync(postgres)), cleanup);
	return {
		redis,
		...database,
		environment: { ...queueEnvironment(redis), ...database.environment },
	};
}

const queueEnvironment = ({ port }: Redis) => ({
	EXECUTIONS_MODE: 'queue',
	QUEUE_BULL_REDIS_HOST: HOST,
	QUEUE_BULL_REDIS_PORT: String(port),
});

async function startRedis(folder: string, cleanup: Cleanup): Promise<Redis> {
	const program = findProgram('redis-server');
	if (!program) {
		throw new Error(
			'Queue mode needs "redis-server", and it is not in PATH. On Debian: apt-get install redis-server',
		);
	}
	const port = await findFreePort();
	const args = ['--bind', HOST, '--port', String(port), '--save', '', '--appendonly', 'no'];
	const server = startProgram(program, args, { cwd: folder, name: 'redis' });
	await cleanup.add(async () => await server.stop());
	const redis = await waitFor(async () => await connectRedis(port), 'Redis');
	await cleanup.add(() => redis.close());
	return redis;
}

async function startPostgres(programs: string, cleanup: Cleanup) {
	const home = await mkdtemp(path.join(tmpdir(), 'n8n-flux2-postgres-'));
	await cleanup.add(async () => await rm(home, { recursive: true, force: true }));
	const user = await postgresUser();
	if (user) await chown(home, user.uid, user.gid);
	const data = path.join(home, 'data');
	const as = { cwd: home, ...user };
	await run(
		path.join(programs, 'initdb'),
		['-D', data, '-A', 'trust', '-U', 'n8n', '-E', 'UTF8', '--no-sync'],
		as,
	);
	const port = String(await findFreePort());
	const args = ['-D', data, '-h', HOST, '-p', port, '-k', home];
	const server = startProgram(path.join(programs, 'postgres'), args, { ...as, name: 'postgres' });
	// SIGINT is PostgreSQL's fast shutdown: it does not wait for clients
	await cleanup.add(async () => await server.stop('SIGINT'));
	const isReady = async () =>
		await run(path.join(programs, 'pg_isready'), ['-h', HOST, '-p', port]).then(
			() => true,
			() => false,
		);
	await waitFor(isReady, 'PostgreSQL');
	const version = await run(path.join(programs, 'postgres'), ['--version']);
	return {
		database: `PostgreSQL ${/\d+/.exec(version)?.[0] ?? ''}`.trim(),
		environment: {
			DB_TYPE: 'postgresdb',
			DB_POSTGRESDB_HOST: HOST,
			DB_POSTGRESDB_PORT: port,
			DB_POSTGRESDB_USER: 'n8n',
			DB_POSTGRESDB_DATABASE: 'postgres',
			// with n8n's default of 2, hundreds of concurrent callbacks wait for a connection until they fail
			DB_POSTGRESDB_POOL_SIZE: '10',
		},
	};
}

/** The user to run it as; undefined where this process is not root. */
async function postgresUser(): Promise<{ uid: number; gid: number } | undefined> {
	if (process.getuid?.() !== 0) return undefined;
	const idOf = async (flag: string) => Number(await run('id', [flag, POSTGRES_USER]));
	return { uid: await idOf('-u'), gid: await idOf('-g') };
}

/** Newest first. */
function postgresFolders(): string[] {
	if (!existsSync(POSTGRES_VERSIONS)) return [];
	const versions = readdirSync(POSTGRES_VERSIONS).sort((a, b) => Number(b) - Number(a));
	return versions.map((version) => path.join(POSTGRES_VERSIONS, version, 'bin'));
}

function findProgram(name: string, more: string[] = []): string | undefined {
	const folders = [...(process.env.PATH ?? '').split(path.delimiter), ...more];
	return folders.map((folder) => path.join(folder, name)).find((file) => existsSync(file));
}
