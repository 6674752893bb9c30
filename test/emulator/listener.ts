import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';

export interface ReceivedRequest {
	method: string;
	path: string;
	headers: Record<string, string | string[] | undefined>;
	body: string;
}

export interface Listener {
	port: number;
	/** Another host name than 127.0.0.1, which reaches the same server. */
	url: string;
	requests: ReceivedRequest[];
	close: () => Promise<void>;
}

/** A server without routes that records every request: what a hostile host would see. */
export async function startListener(): Promise<Listener> {
	const requests: ReceivedRequest[] = [];
	const server = createServer((request, response) => {
		void read(request).then((received) => {
			requests.push(received);
			response.writeHead(200, { 'content-type': 'text/plain' }).end('received');
		});
	});
	await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
	const { port } = server.address() as AddressInfo;
	const close = async () => {
		const closed = new Promise<void>((done) => server.close(() => done()));
		server.closeAllConnections();
		await closed;
	};
	return { port, url: `http://localhost:${port}`, requests, close };
}

async function read(request: IncomingMessage): Promise<ReceivedRequest> {
	const chunks: Buffer[] = [];
	for await (const chunk of request) chunks.push(chunk as Buffer);
	const { method = '', url = '', headers } = request;
	return { method, path: url, headers, body: Buffer.concat(chunks).toString('utf8') };
}
