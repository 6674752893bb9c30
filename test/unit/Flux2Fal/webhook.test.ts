import { createPrivateKey, generateKeyPairSync, sign } from 'node:crypto';
import { Readable } from 'node:stream';
import type { IDataObject } from 'n8n-workflow';
import { parseWebhookPayload, signatureProblem } from '../../../nodes/Flux2Fal/webhookPayload';
import type { ClientContext } from '../../../nodes/shared/http/types';

/** fal's webhooks: what they say, and which of them fal has signed. */

const X = 'A6EHv_POEL4dcN0Y50vAmWfk1jCbpQ1fHdyGZBJVMbg';
const ID = '764cabcf-b745-4b3e-ae38-1200304cf45b';
const SIGNED_AT = 1_790_000_000;

const vectors = {
	image: {
		id: ID,
		user: 'user_42',
		body: `{"request_id":"${ID}","gateway_request_id":"${ID}","status":"OK","payload":{"images":[{"url":"https://v3b.fal.media/files/b/0a8a69d6/abc.jpeg"}],"seed":42}}`,
		signature:
			'6fabb28b5d3ecfd414a2d28be46c67f3accbfb0376f56ac6b88b2bb6a762991bbe447025ba8026b5482b3725225a5dd9d10fd70e9e8a1dff47e4d7e09b10990d',
	},
	failure: {
		id: ID,
		user: 'user_42',
		body: `{"request_id":"${ID}","gateway_request_id":"${ID}","status":"ERROR","error":"Invalid status code: 422","payload":{"detail":[{"loc":["body","prompt"],"msg":"flagged","type":"content_policy_violation"}]}}`,
		signature:
			'2be718cdf7b42f1d958ffbc8dd29772c08d51b403b520f39eb1fbc4a27dfe9edaa7375209f5de9ac3660bf85f714d52b6389090737e2b39bbee73f67452b560a',
	},
	letters: {
		id: 'r1',
		user: 'u1',
		body: '{"prompt":"Käse 🧀"}',
		signature:
			'4f16678429acdfed4b5a441c1cdae803649b0302306f95897fa7ffa756372ab39b47d47e4c8afdd9cf25c4be9c664844c39a478c956996e5e674aafbe86c2b09',
	},
	empty: {
		id: 'r1',
		user: 'u1',
		body: '',
		signature:
			'0d221232e8dfa8ac9d2db652fc174569ec85c5807be27789ad367c5ceac996692f33033d0b75bc7a02c3e700fb779cfdc3d8d12c0ef4dd04518f64f4b9749509',
	},
};
type Vector = (typeof vectors)[keyof typeof vectors];

const headersOf = ({ id, user, signature }: Vector): IDataObject => ({
	'x-fal-webhook-request-id': id,
	'x-fal-webhook-user-id': user,
	'x-fal-webhook-timestamp': String(SIGNED_AT),
	'x-fal-webhook-signature': signature,
});

const jwk = (x = X) => ({ kty: 'OKP', crv: 'Ed25519', x });

let addresses = 0;

/** An address of its own each time: what was fetched before is kept. */
function opened(published: unknown = { keys: [jwk()] }, statusCode = 200) {
	const httpRequest = jest.fn(
		async (request: { url: string }) =>
			await Promise.resolve({
				statusCode,
				headers: {},
				body: Readable.from([Buffer.from(JSON.stringify(published))]),
				request,
			}),
	);
	const context = { helpers: { httpRequest } } as unknown as ClientContext;
	const baseUrl = `https://stand-in-${++addresses}.example`;
	const { signal } = new AbortController();
	const problemOf = async (vector: Vector, changes: object = {}) =>
		await signatureProblem({
			context,
			baseUrl,
			signal,
			headers: headersOf(vector),
			body: Buffer.from(vector.body),
			...changes,
		});
	return { problemOf, httpRequest, baseUrl };
}

beforeEach(() => void jest.spyOn(Date, 'now').mockReturnValue(SIGNED_AT * 1000));
afterEach(() => jest.restoreAllMocks());

const ANOTHER_REQUEST = 'x-fal-webhook-request-id names another request than the body';
const NOT_SIGNED = "x-fal-webhook-signature is not made with one of fal's keys";

describe('a call', () => {
	test.each([
		['an image', vectors.image, undefined],
		['a failure', vectors.failure, undefined],
		['letters beyond ASCII', vectors.letters, ANOTHER_REQUEST],
		['nothing', vectors.empty, ANOTHER_REQUEST],
	])('with %s is signed by fal', async (_what, vector, problem) => {
		expect(await opened().problemOf(vector)).toBe(problem);
	});

	test.each(Object.entries(vectors))(
		'whose body was changed is not (%s)',
		async (_name, vector) => {
			const body = Buffer.from(`${vector.body} `);
			expect(await opened().problemOf(vector, { body })).toBe(NOT_SIGNED);
		},
	);

	test.each<[string, IDataObject]>([
		['of another request', { 'x-fal-webhook-request-id': 'r2' }],
		['of another account', { 'x-fal-webhook-user-id': 'user_43' }],
		['of another time', { 'x-fal-webhook-timestamp': String(SIGNED_AT + 1) }],
		['of another body', { 'x-fal-webhook-signature': vectors.failure.signature }],
		['that is too short', { 'x-fal-webhook-signature': vectors.image.signature.slice(2) }],
		['that is too long', { 'x-fal-webhook-signature': `${vectors.image.signature}00` }],
		['that is no hex', { 'x-fal-webhook-signature': 'z'.repeat(128) }],
	])('with a signature %s is not', async (_what, changed) => {
		const headers = { ...headersOf(vectors.image), ...changed };
		expect(await opened().problemOf(vectors.image, { headers })).toBe(NOT_SIGNED);
	});

	test.each(Object.keys(headersOf(vectors.image)))('without %s is not', async (name) => {
		for (const value of [undefined, '', ['a', 'b']]) {
			const headers = { ...headersOf(vectors.image), [name]: value };
			expect(await opened().problemOf(vectors.image, { headers })).toBe(
				`The delivery lacks ${name}`,
			);
		}
	});

	test.each([
		[0, true],
		[300, true],
		[-300, true],
		[301, false],
		[-301, false],
		[86_400, false],
	])('counts for five minutes: after %p seconds %p', async (seconds, counts) => {
		jest.spyOn(Date, 'now').mockReturnValue((SIGNED_AT + seconds) * 1000);
		const { problemOf, httpRequest } = opened();
		const problem = await problemOf(vectors.image);

		if (counts) expect(problem).toBeUndefined();
		else expect(problem).toMatch(/^By this computer's clock the delivery was signed \d+ seconds /);
		expect(httpRequest).toHaveBeenCalledTimes(counts ? 1 : 0);
	});

	test.each(['soon', '1790000000.5', '-5', '1'.repeat(13)])('at %p does not', async (time) => {
		const headers = { ...headersOf(vectors.image), 'x-fal-webhook-timestamp': time };
		expect(await opened().problemOf(vectors.image, { headers })).toBe(
			'The time of the delivery cannot be read',
		);
	});
});

describe('the published keys', () => {
	test('are fetched once, without any key of ours', async () => {
		const { problemOf, httpRequest, baseUrl } = opened();
		await problemOf(vectors.image);
		await problemOf(vectors.failure);

		expect(httpRequest.mock.calls).toEqual([
			[expect.objectContaining({ method: 'GET', url: `${baseUrl}/.well-known/jwks.json` })],
		]);
		expect(Object.keys(httpRequest.mock.calls[0]![0])).not.toContain('headers');
	});

	test('are those of fal where the base URL is', async () => {
		const { problemOf, httpRequest } = opened();
		await problemOf(vectors.image, { baseUrl: 'https://queue.fal.run' });

		expect(httpRequest.mock.calls[0]![0].url).toBe('https://rest.fal.ai/.well-known/jwks.json');
	});

	test.each([
		['one of several', [jwk(otherKey().x), jwk()], undefined],
		['none', [jwk(otherKey().x)], NOT_SIGNED],
		['odd entries beside it', [null, {}, jwk('!'), { ...jwk(), crv: 'X25519' }, jwk()], undefined],
		['of another kind', [{ ...jwk(), kty: 'RSA' }], NOT_SIGNED],
		['an empty list', [], NOT_SIGNED],
	])('with %s', async (_what, keys, problem) => {
		expect(await opened({ keys }).problemOf(vectors.image)).toBe(problem);
	});

	test.each([
		['are away', {}, 404],
		['are something else', 'hello', 200],
		['are too many', { keys: [], padding: 'x'.repeat(100_000) }, 200],
	])('that %s say nothing about a call', async (_what, published, status) => {
		await expect(opened(published, status).problemOf(vectors.image)).rejects.toThrow(Error);
	});
});

function otherKey() {
	return generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' });
}

describe('a payload', () => {
	const task = { id: ID, model: 'fal-ai/flux-2-pro' };
	const stateOf = (body: object) =>
		parseWebhookPayload({ request_id: ID, ...body })?.toTaskState(task);
	const images = [{ url: 'https://v3b.fal.media/1.png' }, { url: 'https://v3b.fal.media/2.png' }];

	test('with images is done, the black ones apart', () => {
		expect(
			stateOf({ status: 'OK', payload: { images, seed: 3, has_nsfw_concepts: [false, true] } }),
		).toMatchObject({ status: 'done', task, images, seed: 3, moderated: [1] });
	});

	test.each([
		[
			'of the moderation',
			{
				error: 'Invalid status code: 422',
				payload: { detail: [{ msg: 'flagged', type: 'content_policy_violation' }] },
			},
			{ kind: 'moderated', httpCode: 422 },
		],
		[
			'in other words',
			{ error: 'Unexpected status code: 500', payload: { detail: 'Out of memory' } },
			{ kind: 'unavailable', httpCode: 500, message: expect.stringContaining('Out of memory') },
		],
		[
			'without a payload',
			{ error: 'Something broke', payload: null },
			{ kind: 'unavailable', message: expect.stringContaining('Something broke') },
		],
		['without a reason', {}, { kind: 'unavailable' }],
	])('with a failure %s has failed', (_what, body, state) => {
		expect(stateOf({ status: 'ERROR', ...body })).toMatchObject({ status: 'failed', ...state });
	});

	test.each([
		['no result', { status: 'OK', payload: null, payload_error: 'no JSON' }],
		['a result without images', { status: 'OK', payload: { images: [] } }],
		['an unknown word', { status: 'constructor' }],
		['no word', {}],
	])('with %s says too little', (_what, body) => {
		expect(stateOf(body)?.status).toBe('unclear');
	});

	test.each([null, [], 'text', {}, { request_id: '' }])('%j is about no task', (body) => {
		expect(parseWebhookPayload(body)).toBeUndefined();
	});
});

test('the vectors are made with the seed of the bytes 0 to 31', () => {
	const pkcs8 = Buffer.concat([
		Buffer.from('302e020100300506032b657004220420', 'hex'),
		Buffer.from(Array.from({ length: 32 }, (_byte, index) => index)),
	]);
	const key = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' });
	const { id, user, signature } = vectors.empty;
	const hash = 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855';
	const message = [id, user, SIGNED_AT, hash].join('\n');
	expect(sign(null, Buffer.from(message), key).toString('hex')).toBe(signature);
});
