import {
	resolveApiUrl,
	resolveDownloadUrl,
	trustedUrl,
} from '../../../nodes/shared/http/urlPolicy';

const OPENED = 'opened';

const messageOr = (open: () => unknown): string => {
	try {
		return open() ? OPENED : 'nothing';
	} catch (error) {
		return (error as Error).message;
	}
};

describe('a download', () => {
	test.each([
		['https://api.example.com', 'https://cdn.example.net/a.png', OPENED],
		[
			'https://api.example.com',
			'http://api.example.com/a.png',
			'The address http://api.example.com was not opened, because it is not https',
		],
		['http://127.0.0.1:1', 'http://127.0.0.1:2/a.png', OPENED],
		['http://127.0.0.1:1', 'https://cdn.example.net/a.png', OPENED],
		['http://192.168.1.20:1', 'http://192.168.1.20:1/a.png', OPENED],
		[
			'http://192.168.1.20:1',
			'http://192.168.1.20:2/a.png',
			'The address http://192.168.1.20:2 was not opened, because it is not https',
		],
		[
			'http://127.0.0.1:1',
			'http://localhost:1/a.png',
			'The address http://localhost:1 was not opened, because it is not https',
		],
		[
			'http://127.0.0.1:1',
			'file:///etc/passwd',
			'The address file:// was not opened, because it is not https',
		],
		['https://api.example.com', 'a.png', '"a.png" is not a URL'],
		// without a credential
		['', 'https://cdn.example.net/a.png', OPENED],
		[
			'',
			'http://127.0.0.1:1/a.png',
			'The address http://127.0.0.1:1 was not opened, because it is not https',
		],
	])('from %s, %s: %s', (origin, url, expected) => {
		expect(messageOr(() => resolveDownloadUrl(origin, url))).toBe(expected);
	});
});

describe('the key', () => {
	const label = 'The provider';
	const foreign = (host: string) =>
		`The address ${host} does not belong to The provider, so the key was not sent there`;
	const plain = (host: string) =>
		`The address http://${host} was not opened, because it is not https`;
	const trustsHost = (host: string, baseHost: string) =>
		baseHost === 'api.example.com' && host.endsWith('.example.com');

	test.each([
		['https://api.example.com/v1', '/tasks/1', OPENED],
		['https://api.example.com', 'https://api.example.com/tasks/1', OPENED],
		['https://api.example.com', 'https://api.example.com:443/tasks/1', OPENED],
		['https://api.example.com', 'https://api.example.com:8443/', foreign('api.example.com:8443')],
		['https://api.example.com:8443', 'https://api.example.com:8443/tasks/1', OPENED],
		['https://api.example.com:8443', 'https://api.example.com/', foreign('api.example.com')],
		['http://127.0.0.1:1', 'http://127.0.0.1:1/tasks/1', OPENED],
		['http://127.0.0.1:1', 'http://127.0.0.1:2/tasks/1', foreign('127.0.0.1:2')],
		['http://127.0.0.1:1', 'http://localhost:1/', foreign('localhost:1')],
		['https://api.example.com', 'http://api.example.com/', plain('api.example.com')],
		['https://api.example.com', 'https://evil.example.net/', foreign('evil.example.net')],
		[
			'https://api.example.com',
			'https://api.example.com.evil.net/',
			foreign('api.example.com.evil.net'),
		],
		['https://api.example.com', 'https://api.example.com@evil.net/', foreign('evil.net')],
		['https://api.example.com', '//evil.net/tasks/1', OPENED],
	])('of %s for %s: %s', (baseUrl, url, expected) => {
		expect(messageOr(() => resolveApiUrl({ baseUrl, label }, url))).toBe(expected);
	});

	test('stays on the base URL for a path that begins like a host', () => {
		const client = { baseUrl: 'https://api.example.com/v1', label };
		expect(resolveApiUrl(client, '//evil.net/tasks/1').host).toBe('api.example.com');
	});

	test.each([
		['https://api.eu.example.com/tasks/1', OPENED],
		['https://api.eu.example.com:443/tasks/1', OPENED],
		['https://api.eu.example.com:8443/tasks/1', foreign('api.eu.example.com:8443')],
		['http://api.eu.example.com/tasks/1', plain('api.eu.example.com')],
		['https://example.net/tasks/1', foreign('example.net')],
	])("goes to the provider's other hosts on their standard port only: %s: %s", (url, expected) => {
		const client = { baseUrl: 'https://api.example.com', label, trustsHost };
		expect(messageOr(() => resolveApiUrl(client, url))).toBe(expected);
	});

	test("stays on a base URL of the user's own, whatever hosts the provider owns", () => {
		const client = { baseUrl: 'https://proxy.example.org', label, trustsHost };
		expect(messageOr(() => resolveApiUrl(client, 'https://api.eu.example.com/'))).toBe(
			foreign('api.eu.example.com'),
		);
	});
});

describe("a response's address", () => {
	const client = { baseUrl: 'https://api.example.com', label: 'The provider' };

	test.each([
		['https://api.example.com/tasks/t1', 'https://api.example.com/tasks/t1'],
		['/tasks/t1', 'https://api.example.com/tasks/t1'],
		['https://api.example.com/tasks/t2', undefined],
		['https://evil.example.net/tasks/t1', undefined],
		['//evil.example.net/tasks/t1', undefined],
		['https://api.example.com:8443/tasks/t1', undefined],
		['http://api.example.com/tasks/t1', undefined],
		['https://[t1', undefined],
		[undefined, undefined],
	])('%p is used as %p', (url, expected) => {
		expect(trustedUrl(client, url, 't1')).toBe(expected);
	});
});
