import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { InstalledN8n } from './install';

/** A process of n8n: `start`, `worker` or another of its commands. */
export interface N8nProcess {
	pid: number;
	/** The file with its output. */
	logFile: string;
	ended: Promise<unknown>;
	hasEnded(): boolean;
	/** The last lines of its output. */
	readLastLines(): Promise<string>;
	/** Sends the signal and waits for the end; kills the process if it does not end in time. */
	stop(signal?: NodeJS.Signals): Promise<void>;
}

const START_TIMEOUT_MS = 180_000;
const STOP_TIMEOUT_MS = 20_000;

export const startProcess = (
	{ node, script }: InstalledN8n,
	args: string[],
	env: Record<string, string>,
): N8nProcess =>
	startProgram(node.program, [script, ...args], {
		cwd: env.N8N_USER_FOLDER ?? '.',
		env,
		name: args[0] ?? 'n8n',
	});

interface ProgramOptions {
	/** The log file goes there too. */
	cwd: string;
	env?: NodeJS.ProcessEnv;
	/** The user to run it as, where this process may choose. */
	uid?: number;
	gid?: number;
	/** The beginning of the log file's name. */
	name: string;
}

/** Starts a program that runs until it is stopped. */
export function startProgram(
	program: string,
	args: string[],
	{ name, ...spawnOptions }: ProgramOptions,
): N8nProcess {
	const child = spawn(program, args, { ...spawnOptions, stdio: ['ignore', 'pipe', 'pipe'] });
	const logFile = path.join(spawnOptions.cwd, `${name}-${child.pid}.log`);
	const file = createWriteStream(logFile);
	child.stdout.pipe(file, { end: false });
	child.stderr.pipe(file, { end: false });
	const ended = once(child, 'close').finally(
		async () => await new Promise<void>((written) => file.end(written)),
	);
	return {
		pid: child.pid ?? 0,
		logFile,
		ended,
		hasEnded: () => hasExited(child),
		async readLastLines() {
			// only then the log is complete
			if (hasExited(child)) await ended;
			return (await readFile(logFile, 'utf8')).split('\n').slice(-25).join('\n');
		},
		async stop(signal = 'SIGTERM') {
			child.kill(signal);
			const timeout = new AbortController();
			const kill = delay(STOP_TIMEOUT_MS, undefined, { signal: timeout.signal }).then(
				() => child.kill('SIGKILL'),
				() => undefined,
			);
			await ended;
			timeout.abort();
			await kill;
		},
	};
}

const hasExited = ({ exitCode, signalCode }: ChildProcess) =>
	exitCode !== null || signalCode !== null;

/** Waits until the process responds at this URL; throws with its last output if it ends instead. */
export async function waitUntilReady(url: string, n8n: N8nProcess): Promise<void> {
	const deadline = Date.now() + START_TIMEOUT_MS;
	while (!(await isResponding(url))) {
		if (n8n.hasEnded() || Date.now() > deadline) {
			const what = n8n.hasEnded() ? 'ended' : 'does not respond';
			throw new Error(`n8n ${what} while starting. Its last output:\n${await n8n.readLastLines()}`);
		}
		await delay(100);
	}
}

const isResponding = async (url: string) =>
	await fetch(url).then(
		// before its routes are ready, n8n responds with its start page
		({ ok, headers }) => ok && /json/.test(headers.get('content-type') ?? ''),
		() => false,
	);
