import type { ServerResponse } from 'node:http';
import { BrokenConnection, type ApiResponse, type Effect, type Stream } from './types';

/** Writes a response to the socket, or as much of it as the effect allows. */

export interface Sent {
	/** Undefined where the response did not get through in full. */
	status?: number;
	bytes: number;
}

const PIECES = 20;
const PIECE_MS = 25;
/** A stream has many responses. */
const STREAM_PIECE_MS = 2;

export async function send(
	reply: ServerResponse,
	response: ApiResponse,
	effect: Effect,
	wait: (ms: number) => Promise<void>,
): Promise<Sent> {
	if (effect.hang) return { bytes: 0 };
	if (effect.reset) return breakConnection(reply, response, effect.reset);
	if (isStream(response.body)) return sendStream(reply, response, response.body, effect, wait);
	const { headers, payload } = encodeResponse(response, effect);
	reply.writeHead(response.status, { ...headers, 'content-length': payload.length });
	if (!effect.slowBytes) {
		reply.end(payload);
	} else {
		await sendSlowly(reply, payload, wait);
		reply.end();
	}
	return { status: response.status, bytes: payload.length };
}

function encodeResponse(
	response: ApiResponse,
	effect: Effect,
): { headers: Record<string, string>; payload: Buffer } {
	const { type, data } = encode(response.body);
	const headers = { ...(type && { 'content-type': type }), ...response.headers };
	return {
		headers,
		payload: effect.truncateJson ? data.subarray(0, Math.floor(data.length / 2)) : data,
	};
}

function encode(body: unknown): { type?: string; data: Buffer } {
	if (body === undefined || isStream(body)) return { data: Buffer.alloc(0) };
	if (Buffer.isBuffer(body)) return { type: 'application/octet-stream', data: body };
	if (typeof body === 'string')
		return { type: 'text/plain; charset=utf-8', data: Buffer.from(body) };
	return { type: 'application/json', data: Buffer.from(JSON.stringify(body)) };
}

async function sendSlowly(
	reply: ServerResponse,
	payload: Buffer,
	wait: (ms: number) => Promise<void>,
	pieceMs = PIECE_MS,
): Promise<void> {
	const size = Math.max(1, Math.ceil(payload.length / PIECES));
	for (let start = 0; start < payload.length && !reply.destroyed; start += size) {
		reply.write(payload.subarray(start, start + size));
		await wait(pieceMs);
	}
}

const isStream = (body: unknown): body is Stream => typeof body === 'function';

async function sendStream(
	reply: ServerResponse,
	{ status, headers }: ApiResponse,
	stream: Stream,
	{ slowBytes }: Effect,
	wait: (ms: number) => Promise<void>,
): Promise<Sent> {
	// no event would report any more that the client has disconnected
	if (reply.destroyed) return { bytes: 0 };
	const disconnected = new AbortController();
	const closed = new Promise((done) => reply.once('close', done));
	void closed.then(() => disconnected.abort());
	reply.writeHead(status, headers);
	reply.flushHeaders();
	let bytes = 0;
	try {
		for await (const text of stream(disconnected.signal)) {
			if (reply.destroyed) break;
			const piece = Buffer.from(text);
			bytes += piece.length;
			if (slowBytes) await sendSlowly(reply, piece, wait, STREAM_PIECE_MS);
			// what was written to a connection that breaks is never reported as written
			else await Promise.race([closed, new Promise((done) => reply.write(piece, done))]);
		}
		reply.end();
	} catch (error) {
		if (!(error instanceof BrokenConnection)) throw error;
		reply.destroy();
	}
	return { status, bytes };
}

/** What was written is flushed first: a client must see exactly this much. */
async function breakConnection(
	reply: ServerResponse,
	response: ApiResponse,
	where: NonNullable<Effect['reset']>,
): Promise<Sent> {
	const { socket } = reply;
	if (!socket) return { bytes: 0 };
	if (where === 'beforeHeaders') {
		socket.resetAndDestroy();
		return { bytes: 0 };
	}
	const { headers, payload } = encodeResponse(response, {});
	if (where === 'midHeaders') {
		await new Promise((done) =>
			socket.write(`HTTP/1.1 ${response.status} OK\r\ncontent-type: appl`, done),
		);
		socket.destroy();
		return { bytes: 0 };
	}
	// A response without a body promises one all the same.
	reply.writeHead(response.status, { ...headers, 'content-length': payload.length || 1 });
	const half = payload.subarray(0, Math.floor(payload.length / 2));
	await new Promise((done) => reply.write(half, done));
	socket.destroy();
	return { bytes: half.length };
}
