import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** A minimal Redis client that counts the active executions of n8n's workers. */
export interface Redis {
	port: number;
	/** Executions that workers are running now. */
	countActive(): Promise<number>;
	close(): void;
}

const ACTIVE = 'bull:jobs:active';

/** Undefined while nothing listens there. */
export async function connectRedis(port: number): Promise<Redis | undefined> {
	const socket = connect({ host: '127.0.0.1', port });
	try {
		await once(socket, 'connect');
	} catch {
		return undefined;
	}
	// Redis may end first
	socket.on('error', () => undefined);
	return {
		port,
		countActive: async () => await readNumber(socket, `LLEN ${ACTIVE}`),
		close: () => socket.destroy(),
	};
}

/** Sends one command at a time: the reply is `:` and a number. */
async function readNumber(socket: Socket, command: string): Promise<number> {
	socket.write(`${command}\r\n`);
	const [reply] = (await once(socket, 'data')) as [Buffer];
	return Number(reply.toString().slice(1));
}
