import { PassThrough, Readable } from 'node:stream';
import type { IDataObject } from 'n8n-workflow';
import { AbortedError, Flux2Error } from '../../../nodes/shared/core/errors';
import { createRedactor } from '../../../nodes/shared/core/redact';
import { z } from '../../../nodes/shared/core/vendor';
import {
	readJson,
	submitJson,
	withCancelSignal,
	withoutExecutionSignal,
} from '../../../nodes/shared/http/client';
import { AdaptiveLimiter, Permit } from '../../../nodes/shared/http/limiter';
import type {
	ApiClient,
	ApiResponse,
	ClientContext,
	ErrorResponse,
} from '../../../nodes/shared/http/types';

/** Every call with a credential, over a stand-in for n8n's authenticated helper. */

const { signal } = new AbortController();
const idSchema = z.object({ id: z.string() });
const PNG = Buffer.from(
	'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNkYAAAAAYAAjCB0C8AAAAASUVORK5CYII=',
	'base64',
);

interface Sent {
	credentialType: string;
	options: IDataObject;
	/** `this` of the call. */
	context: unknown;
}

interface Response {
	status?: number;
	headers?: IDataObject;
	body?: string | Buffer | Readable;
}

/** A client whose helper responds with these in turn; the last one goes on for ever. An error is thrown. */
function clientWith(responses: Array<Response | Error>, more: Partial<ApiClient> = {}) {
	const sent: Sent[] = [];
	const throttled: string[] = [];
	const context = {
		helpers: {
			async httpRequestWithAuthentication(
				this: unknown,
				credentialType: string,
				options: IDataObject,
			) {
				sent.push({ credentialType, options, context: this });
				const response = responses[Math.min(sent.length, responses.length) - 1]!;
				if (response instanceof Error) throw response;
				const { status = 200, headers = {}, body = '{"id":"t1"}' } = response;
				const stream = body instanceof Readable ? body : Readable.from([Buffer.from(body)]);
				return {
					statusCode: status,
					headers: { 'retry-after': '0.001', ...headers },
					body: stream,
				};
			},
		},
	};
	const client = {
		context,
		credentialType: 'anyApi',
		label: 'The provider',
		baseUrl: 'https://api.example/v1',
		credentials: {},
		cancelSignal: signal,
		redact: createRedactor([]),
		redactItem: createRedactor([]),
		readError: () => undefined,
		permit: new Permit(new AdaptiveLimiter(1)),
		readThrottle: async (host: string) => void throttled.push(host),
		...more,
	} as unknown as ApiClient;
	return { client, sent, throttled };
}

const read = async (client: ApiClient, request: object = {}) =>
	await readJson(client, { url: '/tasks/t1', schema: idSchema, ...request }, signal);
const submit = async (client: ApiClient, request: object = {}) =>
	await submitJson(client, { url: '/tasks', schema: idSchema, ...request }, signal);

const WITH_CREDENTIAL = {
	encoding: 'stream',
	returnFullResponse: true,
	ignoreHttpStatusErrors: true,
	disableFollowRedirect: true,
};

describe('what is sent', () => {
	test('for a read: a GET with half a minute of time, after its turn at the host', async () => {
		const { client, sent, throttled } = clientWith([{}]);
		const { value, response } = await read(client);

		expect(value).toEqual({ id: 't1' });
		expect(response).toMatchObject({ status: 200, json: { id: 't1' }, isImage: false });
		expect(sent).toEqual([
			{
				credentialType: 'anyApi',
				context: client.context,
				options: {
					...WITH_CREDENTIAL,
					method: 'GET',
					url: 'https://api.example/v1/tasks/t1',
					headers: { accept: 'application/json' },
					body: undefined,
					timeout: 30_000,
				},
			},
		]);
		expect(throttled).toEqual(['api.example']);
	});

	test('for a read with another method', async () => {
		const { client, sent } = clientWith([{}]);
		await read(client, { method: 'PUT' });
		expect(sent[0]!.options.method).toBe('PUT');
	});

	test('for a submit: a POST with two minutes of time, its body and headers, without a turn', async () => {
		const { client, sent, throttled } = clientWith([{}]);
		await submit(client, { body: { prompt: 'A fox' }, headers: { 'x-mode': 'fast' } });

		expect(sent.map(({ options }) => options)).toEqual([
			{
				...WITH_CREDENTIAL,
				method: 'POST',
				url: 'https://api.example/v1/tasks',
				headers: { accept: 'application/json', 'x-mode': 'fast' },
				body: { prompt: 'A fox' },
				timeout: 120_000,
			},
		]);
		expect(throttled).toEqual([]);
	});

	test('for a submit that waits for its image: as much time as it is given', async () => {
		const { client, sent } = clientWith([{}]);
		await submit(client, { timeoutMs: 600_000 });
		expect(sent[0]!.options.timeout).toBe(600_000);
	});

	test('to no foreign host, not even once', async () => {
		const { client, sent } = clientWith([{}]);
		await expect(read(client, { url: 'https://elsewhere.example/' })).rejects.toThrow(
			'does not belong to The provider',
		);
		await expect(submit(client, { url: 'https://elsewhere.example/' })).rejects.toThrow(
			'does not belong to The provider',
		);
		expect(sent).toEqual([]);
	});
});

describe('what is sent again', () => {
	test('is a read after what passes, each time after its turn', async () => {
		const { client, sent, throttled } = clientWith([{ status: 503 }, { body: 'half' }, {}]);
		expect((await read(client)).value).toEqual({ id: 't1' });
		expect([sent.length, throttled.length]).toEqual([3, 3]);
	});

	test('is a submit after a refusal, and after nothing else', async () => {
		const refused = clientWith([{ status: 429 }, {}]);
		expect((await submit(refused.client)).value).toEqual({ id: 't1' });
		expect(refused.sent).toHaveLength(2);
		const failed = clientWith([{ status: 503 }, {}]);
		await expect(submit(failed.client)).rejects.toMatchObject({
			kind: 'unavailable',
			maybeBilled: true,
		});
		expect(failed.sent).toHaveLength(1);
	});
});

describe('a response', () => {
	test('is read by its schema from the body, or from what is selected of it', async () => {
		const { client } = clientWith([{ body: '{"inner":{"id":"t2"},"id":"t1"}' }]);
		const selectBody = ({ json }: ApiResponse) => (json as { inner: object }).inner;
		expect((await read(client)).value).toEqual({ id: 't1' });
		expect((await read(client, { selectBody })).value).toEqual({ id: 't2' });
	});

	test.each([200, 201, 299])('of the status %i is a result', async (status) => {
		const { client } = clientWith([{ status }]);
		expect((await submit(client)).response.status).toBe(status);
	});

	test.each([199, 300, 302, 404])('of the status %i is none', async (status) => {
		const { client } = clientWith([{ status }]);
		await expect(submit(client)).rejects.toMatchObject({ httpCode: status });
	});

	test('outside 2xx is a result where the caller says so', async () => {
		const { client } = clientWith([{ status: 422 }]);
		const isResult = ({ json }: ApiResponse) => (json as { id: string }).id === 't1';
		expect((await read(client, { isResult })).value).toEqual({ id: 't1' });
		await expect(read(client, { isResult: () => false })).rejects.toMatchObject({ httpCode: 422 });
	});

	test('that the schema does not take names the field; of a submit it may have been billed', async () => {
		const { client } = clientWith([{ body: '{"other":1}' }]);
		const expected = {
			kind: 'badResponse',
			message:
				'The provider responded in a way that this node does not understand: the response has no usable "id": {"other":1}',
			transient: false,
		};
		await expect(read(client)).rejects.toMatchObject({ ...expected, maybeBilled: false });
		await expect(submit(client)).rejects.toMatchObject({ ...expected, maybeBilled: true });
	});

	test.each<[string, Response, string]>([
		[
			'outside 2xx',
			{ status: 400 },
			'The account at The provider cannot pay for this: no money (HTTP 400)',
		],
		[
			'that the schema does not take',
			{ body: '{}' },
			'The account at The provider cannot pay for this: no money',
		],
	])(
		"%s is told in the provider's own words where it has some",
		async (_what, response, message) => {
			const said: ErrorResponse = { kind: 'credits', message: 'no money', description: 'Pay.' };
			const { client } = clientWith([response], { readError: () => said });
			await expect(submit(client)).rejects.toMatchObject({
				kind: 'credits',
				message,
				description: 'Nothing was billed. Pay.',
			});
		},
	);

	const MEGABYTE = 1024 * 1024;
	const inPieces = (megabytes: number, last = 0) =>
		Readable.from([
			...Array<Buffer>(megabytes).fill(Buffer.alloc(MEGABYTE, ' ')),
			Buffer.alloc(last, ' '),
		]);

	test('of up to 64 MB is read, one byte more is refused; of a submit it may have been billed', async () => {
		const selectBody = ({ bytes }: ApiResponse) => ({ id: String(bytes.length) });
		const whole = clientWith([{ body: inPieces(64) }]);
		expect((await submit(whole.client, { selectBody })).value).toEqual({ id: `${64 * MEGABYTE}` });
		const refusal = { kind: 'badResponse', message: 'The provider responded with more than 64 MB' };
		const ofSubmit = clientWith([{ status: 201, body: inPieces(64, 1) }]);
		await expect(submit(ofSubmit.client)).rejects.toMatchObject({
			...refusal,
			httpCode: 201,
			maybeBilled: true,
		});
		const ofRead = clientWith([{ body: inPieces(64, 1) }]);
		await expect(read(ofRead.client)).rejects.toMatchObject({ ...refusal, maybeBilled: false });
	});

	test.each<[string, Response, Partial<ApiResponse>]>([
		[
			'JSON',
			{ headers: { 'content-type': 'application/json' } },
			{ isImage: false, json: { id: 't1' } },
		],
		[
			'JSON under an image type',
			{ headers: { 'content-type': 'image/png' } },
			{ isImage: false, json: { id: 't1' } },
		],
		[
			'an image',
			{ body: PNG, headers: { 'content-type': 'image/png' } },
			{ isImage: true, json: undefined },
		],
		['an image without a type', { body: PNG }, { isImage: true, json: undefined }],
		[
			'an image under another type',
			{ body: PNG, headers: { 'content-type': 'text/plain' } },
			{ isImage: true },
		],
		[
			'bytes under an image type',
			{ body: 'half', headers: { 'content-type': 'Image/AVIF' } },
			{ isImage: true, json: undefined },
		],
		[
			'bytes under a type that is not text',
			{ body: 'half', headers: { 'content-type': 7 } },
			{ isImage: false, json: undefined },
		],
		[
			'text',
			{ body: 'half', headers: { 'content-type': 'text/html' } },
			{ isImage: false, json: undefined },
		],
		[
			'text under a type that only mentions images',
			{ body: 'half', headers: { 'content-type': 'x-image/png' } },
			{ isImage: false },
		],
		[
			'an image of a kind that no model makes',
			{ body: `GIF89a${'\u0001'.repeat(40)}` },
			{ isImage: false },
		],
	])('is known for %s', async (_what, response, expected) => {
		const { client } = clientWith([response]);
		const selectBody = () => ({ id: 'any' });
		expect((await submit(client, { selectBody })).response).toMatchObject(expected);
	});
});

describe('a call without a response', () => {
	test('names the provider and its host', async () => {
		const { client } = clientWith([Object.assign(new Error('reset'), { code: 'ECONNRESET' })]);
		await expect(submit(client)).rejects.toMatchObject({
			kind: 'unavailable',
			message:
				'The connection to The provider (api.example) broke before the response was complete',
			maybeBilled: true,
		});
	});

	test('that breaks in the middle of the body does too', async () => {
		const body = new PassThrough();
		body.write('{"id":');
		setImmediate(() => body.destroy(Object.assign(new Error('reset'), { code: 'ECONNRESET' })));
		const { client } = clientWith([{ body }]);
		await expect(submit(client)).rejects.toMatchObject({ kind: 'unavailable', maybeBilled: true });
	});

	test('ends at its time limit, and its connection is closed', async () => {
		const body = new PassThrough();
		const { client } = clientWith([{ body }]);
		await expect(submit(client, { timeoutMs: 20 })).rejects.toMatchObject({
			kind: 'timeout',
			message: 'The provider (api.example) did not respond in time',
			maybeBilled: true,
		});
		expect(body.destroyed).toBe(true);
	});

	test('whose response begins after the time limit leaves no connection open', async () => {
		const body = new PassThrough();
		let respond = () => {};
		const responded = new Promise<void>((resolve) => (respond = resolve));
		const { client } = clientWith([{}]);
		client.context.helpers.httpRequestWithAuthentication = async () => {
			await responded;
			return { statusCode: 200, headers: {}, body };
		};
		await expect(submit(client, { timeoutMs: 5 })).rejects.toMatchObject({ kind: 'timeout' });
		respond();
		await new Promise((resolve) => setTimeout(resolve, 5));
		expect(body.destroyed).toBe(true);
	});
});

describe('an abort', () => {
	const hanging = () => clientWith([{ body: new PassThrough() }]);

	test('ends a read at once, and its connection is closed', async () => {
		const body = new PassThrough();
		const { client } = clientWith([{ body }]);
		const controller = new AbortController();
		const request = { url: '/tasks/t1', schema: idSchema };
		const reading = readJson(client, request, controller.signal);
		setImmediate(() => controller.abort());
		await expect(reading).rejects.toBeInstanceOf(AbortedError);
		expect(body.destroyed).toBe(true);
	});

	test('of the run sends no further submit, and lets one on the wire come home', async () => {
		const early = clientWith([{}]);
		const request = { url: '/tasks', schema: idSchema };
		await expect(submitJson(early.client, request, AbortSignal.abort())).rejects.toBeInstanceOf(
			AbortedError,
		);
		expect(early.sent).toEqual([]);
		const body = new PassThrough();
		const { client } = clientWith([{ body }]);
		const controller = new AbortController();
		const submitting = submitJson(client, request, controller.signal);
		setImmediate(() => {
			controller.abort();
			body.end('{"id":"t1"}');
		});
		expect((await submitting).value).toEqual({ id: 't1' });
	});

	test('while it waits for its turn to submit sends nothing', async () => {
		const controller = new AbortController();
		const permit = new Permit(new AdaptiveLimiter(1));
		// what is aborted here is aborted after the permit was granted
		permit.acquire = async () => await Promise.resolve(controller.abort());
		const { client, sent } = clientWith([{}], { permit });
		const request = { url: '/tasks', schema: idSchema };
		await expect(submitJson(client, request, controller.signal)).rejects.toBeInstanceOf(
			AbortedError,
		);
		expect(sent).toEqual([]);
	});

	test('by n8n ends a submit on the wire', async () => {
		const controller = new AbortController();
		const { client } = hanging();
		const submitting = submit({ ...client, cancelSignal: controller.signal });
		setImmediate(() => controller.abort());
		await expect(submitting).rejects.toBeInstanceOf(AbortedError);
	});
});

describe("another signal than n8n's", () => {
	const context = {
		getExecutionCancelSignal: () => AbortSignal.abort(),
		getNode: () => ({ name: 'FLUX.2' }),
	} as unknown as ClientContext & { getExecutionCancelSignal(): AbortSignal };

	test('is what the helper sees, and everything else is as before', () => {
		const other = withCancelSignal(context, signal);
		expect(other.getExecutionCancelSignal()).toBe(signal);
		expect(other.getNode()).toEqual({ name: 'FLUX.2' });
		expect(context.getExecutionCancelSignal()?.aborted).toBe(true);
	});

	test('lets calls be sent after a stop', async () => {
		const { client } = clientWith([{}], { cancelSignal: AbortSignal.abort() });
		Object.assign(client.context, context);
		const again = withoutExecutionSignal(client);
		expect(again.cancelSignal.aborted).toBe(false);
		expect((again.context as typeof context).getExecutionCancelSignal()).toBe(again.cancelSignal);
		const request = { url: '/tasks/t1', schema: idSchema };
		expect((await readJson(again, request, again.cancelSignal)).value).toEqual({ id: 't1' });
	});
});

test('what is no error of ours keeps its own message', async () => {
	const { client: ours } = clientWith([new Flux2Error('auth', 'ours')]);
	await expect(submit(ours)).rejects.toMatchObject({ kind: 'auth', message: 'ours' });
	const { client } = clientWith([new Error('blocked')]);
	await expect(submit(client)).rejects.toMatchObject({
		kind: 'unavailable',
		message: 'The request to The provider (api.example) failed: blocked',
	});
});
