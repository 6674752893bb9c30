import { createServer } from 'node:http';
import { findFreePort } from './ports';

/**
 * Starts a server that signs a browser in and redirects it to n8n: cookies belong to hosts, not to
 * ports. Like n8n itself, it listens on 127.0.0.1 only.
 */
export async function startSignIn(n8nUrl: string, cookie: string) {
	const port = await findFreePort();
	const server = createServer((request, response) => {
		const path = request.url === '/' ? '/home/workflows' : request.url;
		response.writeHead(302, {
			location: n8nUrl + path,
			'set-cookie': `${cookie}; Path=/; HttpOnly; SameSite=Lax`,
		});
		response.end();
	});
	await new Promise<void>((ready) => server.listen(port, '127.0.0.1', ready));
	return {
		url: `http://127.0.0.1:${port}`,
		close: async () => {
			server.closeAllConnections();
			await new Promise((closed) => server.close(closed));
		},
	};
}
