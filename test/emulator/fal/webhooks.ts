import { createHash, generateKeyPairSync, sign, type KeyObject } from 'node:crypto';
import type { Task } from '../tasks';
import { toResponse, type Call, type JsonObject, type Route } from '../types';
import { isCallable, type Webhook } from '../webhooks';
import { recordUnexpected } from '../world';
import type { FalRequest } from './requests';
import { toResult } from './results';
import type { FalWorld } from './world';

/** fal's webhooks: the result goes to the `fal_webhook` of the submit, signed with a key that fal publishes. */

/** Ten times within two hours; how they are spread is not documented. */
const RETRY_DELAYS = [5, 10, 30, 60, 120, 300, 600, 1200, 1800, 2400];
const RESPONSE_TIMEOUT_MS = 15_000;
/** The account of every key. */
const USER = 'made-up-fal-user';

interface Keys {
	/** Signs. */
	privateKey: KeyObject;
	/** As JWKs; the first may be a key that signs no more. */
	published: JsonObject[];
}

const keysOf = new WeakMap<FalWorld['tasks'], Keys>();

/** Made with the first use: one pair for each emulator. */
function findKeys({ tasks }: FalWorld): Keys {
	const known = keysOf.get(tasks);
	if (known) return known;
	const { privateKey, publicKey } = generateKeyPairSync('ed25519');
	const { kty, crv, x } = publicKey.export({ format: 'jwk' });
	const retired = generateKeyPairSync('ed25519').publicKey.export({ format: 'jwk' });
	const published = [
		{ kty, crv, x: retired.x },
		{ kty, crv, x },
	];
	const keys = { privateKey, published };
	keysOf.set(tasks, keys);
	return keys;
}

/** Stands for `rest.fal.ai`, which no key may reach. */
export const createKeysRoute = (world: FalWorld): Route => ({
	name: 'fal.webhookKeys',
	method: 'GET',
	path: '/fal/.well-known/jwks.json',
	kind: 'account',
	handle(call) {
		if (call.key !== undefined) recordUnexpected(world, call, 'a key, where everybody may look');
		return toResponse(200, { keys: findKeys(world).published });
	},
});

/** The address that the call asks for; undefined where it asks for none. */
export function readWebhookUrl(world: FalWorld, call: Call): string | undefined {
	const { fal_webhook: url } = call.query;
	if (url === undefined) return undefined;
	if (isCallable(url)) return url;
	recordUnexpected(world, call, `fal_webhook ${url}`);
	return undefined;
}

export const toWebhook = (
	world: FalWorld,
	task: Task,
	request: FalRequest,
	url: string,
): Webhook => ({
	url,
	retryDelays: RETRY_DELAYS,
	responseTimeoutMs: RESPONSE_TIMEOUT_MS,
	async toPost() {
		const body = JSON.stringify(await toPayload(world, task, request));
		return { headers: toHeaders(world, task, body), body };
	},
});

function toHeaders(world: FalWorld, { record, fault }: Task, body: string): Record<string, string> {
	const timestamp = String(Math.floor(Date.now() / 1000));
	const digest = createHash('sha256').update(body).digest('hex');
	const message = [record.id, USER, timestamp, digest].join('\n');
	const signed = fault.webhook === 'wrongSignature' ? `${message} ` : message;
	const signature = sign(null, Buffer.from(signed), findKeys(world).privateKey).toString('hex');
	return {
		'x-fal-webhook-request-id': record.id,
		'x-fal-webhook-user-id': USER,
		'x-fal-webhook-timestamp': timestamp,
		'x-fal-webhook-signature': signature,
	};
}

async function toPayload(world: FalWorld, task: Task, request: FalRequest): Promise<JsonObject> {
	const ids = { request_id: request.id, gateway_request_id: request.id };
	// however few have polled it
	const ended = { ...task, polls: Infinity };
	const { status, body } = await toResult(world, ended, request);
	if (status !== 200) {
		return { ...ids, status: 'ERROR', error: `Invalid status code: ${status}`, payload: body };
	}
	if (task.fault.payload !== 'unserializable') return { ...ids, status: 'OK', payload: body };
	const problem = 'Response payload is not JSON serializable.';
	return { ...ids, status: 'OK', payload: null, payload_error: problem };
}
