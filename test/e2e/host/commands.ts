import { spawn } from 'node:child_process';

export interface CommandOptions {
	cwd?: string;
	env?: NodeJS.ProcessEnv;
	/** The user to run it as, where this process may choose. */
	uid?: number;
	gid?: number;
	/** Called with every line of the standard output. */
	onLine?: (line: string) => void;
}

const running = new Set<number>();

/** Runs a program to its end and returns its standard output; throws with its last output if it fails. */
export async function run(program: string, args: string[], options: CommandOptions = {}) {
	const { onLine, ...spawnOptions } = options;
	const child = spawn(program, args, { ...spawnOptions, stdio: ['ignore', 'pipe', 'pipe'] });
	const { pid } = child;
	if (pid !== undefined) running.add(pid);
	let [output, errorOutput, line] = ['', '', ''];
	child.stdout.setEncoding('utf8').on('data', (text: string) => {
		output += text;
		const lines = (line + text).split('\n');
		line = lines.pop() ?? '';
		lines.forEach((one) => onLine?.(one));
	});
	child.stderr.setEncoding('utf8').on('data', (text: string) => (errorOutput += text));
	const status = await new Promise<number | NodeJS.Signals | null>((resolve, reject) => {
		child.once('error', reject);
		child.once('close', (code, signal) => resolve(code ?? signal));
	}).finally(() => pid !== undefined && running.delete(pid));
	if (status === 0) return output;
	const lastOutput = `${output.slice(-1500)}\n${errorOutput.slice(-1500)}`.trim();
	throw new Error(`${[program, ...args].join(' ')} ended with ${status}\n${lastOutput}`);
}

/** Ends the programs that are still running, because this process must end before them. */
export function endCommands(): void {
	for (const pid of running) process.kill(pid, 'SIGTERM');
}

/** Runs npm without scripts of packages, audits and advertisements. */
export const npm = async (args: string[], options: CommandOptions) =>
	await run(
		'npm',
		[...args, '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'],
		options,
	);
