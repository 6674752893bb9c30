import { isLoopback } from '../../../nodes/shared/core/urls';

test.each([
	['http://localhost:5678/webhook', true],
	['http://n8n.localhost', true],
	['http://127.0.0.1:5678', true],
	['http://127.1.2.3', true],
	['http://2130706433', true],
	['http://0.0.0.0:5678', true],
	['http://[::1]:5678', true],
	['http://[::]:5678', true],
	['https://not-localhost', false],
	['https://localhost.example.com', false],
	['https://127.example.com', false],
	['http://10.0.0.1', false],
	['https://api.example.com', false],
])('only its own computer can reach %s: %p', (url, expected) => {
	expect(isLoopback(url)).toBe(expected);
});
