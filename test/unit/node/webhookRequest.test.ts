import type { IWebhookFunctions } from 'n8n-workflow';
import { readRawBody, respond } from '../../../nodes/shared/node/webhookRequest';

/** A call of a provider, as n8n hands it over. */

const contextWith = (request: object, response: object = {}) =>
	({
		getRequestObject: () => request,
		getResponseObject: () => response,
	}) as unknown as IWebhookFunctions;

describe('the bytes of a call', () => {
	test('are those that n8n has read, or reads now', async () => {
		const rawBody = Buffer.from('{}');
		const readAgain = jest.fn(async () => undefined);
		expect(await readRawBody(contextWith({ rawBody, readRawBody: readAgain }))).toBe(rawBody);
		expect(readAgain).not.toHaveBeenCalled();
		const request = {
			async readRawBody() {
				Object.assign(request, { rawBody });
				await Promise.resolve();
			},
		};
		expect(await readRawBody(contextWith(request))).toBe(rawBody);
	});

	test('are none where nothing can be read', async () => {
		const failing = { readRawBody: async () => await Promise.reject(new Error('read before')) };
		for (const request of [{}, failing]) {
			expect(await readRawBody(contextWith(request))).toEqual(Buffer.alloc(0));
		}
	});

	test('are at most a million', async () => {
		const read = async (length: number) =>
			(await readRawBody(contextWith({ rawBody: Buffer.alloc(length) })))?.length;
		expect(await read(1_000_000)).toBe(1_000_000);
		expect(await read(1_000_001)).toBeUndefined();
	});
});

test('a response is ours alone: n8n starts nothing and adds nothing', () => {
	const json = jest.fn();
	const status = jest.fn(() => ({ json }));
	expect(respond(contextWith({}, { status }), 409, 'not now')).toEqual({ noWebhookResponse: true });
	expect([status.mock.calls, json.mock.calls]).toEqual([[[409]], [[{ message: 'not now' }]]]);
});
