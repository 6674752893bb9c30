import { once } from 'node:events';
import { connect, type Socket } from 'node:net';

/** Just enough of Redis to see how busy n8n's workers are. */
export interface Redis {
	port: number;
	/** Executions that workers have in hand now. */
	countActive(): Promise<number>;
	close(): void;
}

const ACTIVE = 'bull:jobs:active';

/** Undefined while nobody listens there. */
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

/** One question at a time: an answer is `:` and the number. */
async function readNumber(socket: Socket, command: string): Promise<number> {
	socket.write(`${command}\r\n`);
	const [reply] = (await once(socket, 'data')) as [Buffer];
	return Number(reply.toString().slice(1));
}
