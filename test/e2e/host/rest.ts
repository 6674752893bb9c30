/** n8n's own API, as its editor uses it, signed in as the owner. */
export interface Rest {
	/** Returns the response's `data`; throws with n8n's message if the call is refused. */
	call<Data = unknown>(method: string, path: string, body?: unknown): Promise<Data>;
	get(path: string): Promise<Response>;
	/** `name=value`, valid in any browser. */
	cookie: string;
}

export const OWNER = {
	email: 'owner@example.com',
	firstName: 'Local',
	lastName: 'Owner',
	password: 'Made-up-password-1',
};

/** Creates the owner of a new n8n, so that the editor does not ask for one. */
export async function setUpOwner(base: string): Promise<Rest> {
	// without a browser-id, the session is not tied to one browser
	const response = await send(base, 'POST', '/rest/owner/setup', OWNER);
	if (!response.ok) throw await responseError('POST /rest/owner/setup', response);
	const cookie = response.headers
		.getSetCookie()
		.map((one) => one.split(';')[0])
		.join('; ');
	return {
		cookie,
		get: async (path) => await send(base, 'GET', path, undefined, cookie),
		async call(method, path, body) {
			const response = await send(base, method, path, body, cookie);
			if (!response.ok) throw await responseError(`${method} ${path}`, response);
			return ((await response.json()) as { data: never }).data;
		},
	};
}

async function send(base: string, method: string, path: string, body?: unknown, cookie = '') {
	const request = {
		method,
		headers: { cookie, ...(body === undefined ? {} : { 'content-type': 'application/json' }) },
		body: body === undefined ? undefined : JSON.stringify(body),
	};
	// n8n may close an idle connection in the moment in which it is used again
	if (method === 'GET')
		return await fetch(base + path, request).catch(() => fetch(base + path, request));
	return await fetch(base + path, request);
}

async function responseError(what: string, response: Response): Promise<Error> {
	return new Error(`${what} gave ${response.status}: ${(await response.text()).slice(0, 500)}`);
}
