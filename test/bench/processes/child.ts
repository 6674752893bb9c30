import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';

/** What a process of the benchmarks can be asked for: one argument, one result, both plain data. */
export type Calls = Record<string, (argument: never) => Promise<unknown>>;

interface Question {
	id: number;
	call: string;
	argument: unknown;
}

type Reply = { id: number; result: unknown } | { id: number; error: string };

export interface Child<C extends Calls> {
	ask: <K extends keyof C>(
		call: K,
		...argument: Parameters<C[K]>
	) => Promise<Awaited<ReturnType<C[K]>>>;
	/** Ends the process, whatever it does. */
	close: () => Promise<void>;
}

const REPOSITORY = path.resolve(__dirname, '../../..');

/** Starts a TypeScript file beside this one as a process of its own. */
export function startChild<C extends Calls>(
	file: string,
	environment: Record<string, string> = {},
): Child<C> {
	const child = fork(path.join(__dirname, file), {
		cwd: REPOSITORY,
		execArgv: ['--require', 'tsx/cjs'],
		env: { ...process.env, ...environment },
		// the benchmarks' own output is a table or one JSON object
		stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
	});
	const waiting = new Map<number, (reply: Reply) => void>();
	child.on('message', (reply: Reply) => waiting.get(reply.id)?.(reply));
	child.once('exit', (code) => {
		for (const [id, settle] of waiting) settle({ id, error: `${file} ended with ${code}` });
	});
	let questions = 0;
	return {
		ask: async (call, ...[argument]) =>
			(await answerTo(child, waiting, { id: ++questions, call: String(call), argument })) as never,
		async close() {
			if (child.exitCode !== null || child.signalCode !== null) return;
			const ended = once(child, 'exit');
			child.kill('SIGKILL');
			await ended;
		},
	};
}

async function answerTo(
	child: ChildProcess,
	waiting: Map<number, (reply: Reply) => void>,
	question: Question,
): Promise<unknown> {
	const reply = await new Promise<Reply>((resolve) => {
		waiting.set(question.id, resolve);
		if (child.connected) child.send(question);
		else resolve({ id: question.id, error: 'the process is gone' });
	});
	waiting.delete(question.id);
	if ('error' in reply) throw new Error(reply.error);
	return reply.result;
}

/** The other side: answers what the parent asks, until the parent is gone. */
export function serveParent<C extends Calls>(calls: C): void {
	const tell = (reply: Reply) => process.send?.(reply);
	process.on('message', ({ id, call, argument }: Question) => {
		calls[call]!(argument as never).then(
			(result) => tell({ id, result }),
			(error: unknown) => tell({ id, error: (error as Error).stack ?? String(error) }),
		);
	});
	process.once('disconnect', () => process.exit());
}
