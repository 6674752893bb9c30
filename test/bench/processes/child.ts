import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import path from 'node:path';

/** The methods that a child process offers: one argument, one result, both plain data. */
export type Methods = Record<string, (argument: never) => Promise<unknown>>;

interface CallMessage {
	id: number;
	method: string;
	argument: unknown;
}

type ReplyMessage = { id: number; result: unknown } | { id: number; error: string };

export interface Child<C extends Methods> {
	call: <K extends keyof C>(
		method: K,
		...argument: Parameters<C[K]>
	) => Promise<Awaited<ReturnType<C[K]>>>;
	/** Kills the process, whatever it is doing. */
	close: () => Promise<void>;
}

const REPOSITORY = path.resolve(__dirname, '../../..');

/** Starts a TypeScript file beside this one as a process of its own. */
export function startChild<C extends Methods>(
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
	const pending = new Map<number, (reply: ReplyMessage) => void>();
	child.on('message', (reply: ReplyMessage) => pending.get(reply.id)?.(reply));
	child.once('exit', (code) => {
		for (const [id, settle] of pending) settle({ id, error: `${file} ended with ${code}` });
	});
	let calls = 0;
	return {
		call: async (method, ...[argument]) =>
			(await sendCall(child, pending, { id: ++calls, method: String(method), argument })) as never,
		async close() {
			if (child.exitCode !== null || child.signalCode !== null) return;
			const ended = once(child, 'exit');
			child.kill('SIGKILL');
			await ended;
		},
	};
}

async function sendCall(
	child: ChildProcess,
	pending: Map<number, (reply: ReplyMessage) => void>,
	message: CallMessage,
): Promise<unknown> {
	const reply = await new Promise<ReplyMessage>((resolve) => {
		pending.set(message.id, resolve);
		if (child.connected) child.send(message);
		else resolve({ id: message.id, error: 'the process has ended' });
	});
	pending.delete(message.id);
	if ('error' in reply) throw new Error(reply.error);
	return reply.result;
}

/** In the child: runs the methods that the parent calls, until the parent disconnects. */
export function serveParent<C extends Methods>(methods: C): void {
	const send = (reply: ReplyMessage) => process.send?.(reply);
	process.on('message', ({ id, method, argument }: CallMessage) => {
		methods[method]!(argument as never).then(
			(result) => send({ id, result }),
			(error: unknown) => send({ id, error: (error as Error).stack ?? String(error) }),
		);
	});
	process.once('disconnect', () => process.exit());
}
