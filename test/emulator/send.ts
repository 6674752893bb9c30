import type { ServerResponse } from 'node:http';
import { BreakOff, type Answer, type Effect, type Stream } from './types';

/** Writes an answer to the socket, or as much of it as the effect allows. */

export interface Sent {
	/** Undefined where the answer did not get through in full. */
	status?: number;
	bytes: number;
}

const PIECES = 20;
const PIECE_MS = 25;
/** A stream has many answers. */
const STREAM_PIECE_MS = 2;

export async function send(
	response: ServerResponse,
	answer: Answer,
	effect: Effect,
	wait: (ms: number) => Promise<void>,
): Promise<Sent> {
	if (effect.hang) return { bytes: 0 };
	if (effect.reset) return breakOff(response, answer, effect.reset);
	if (isStream(answer.body)) return sendStream(response, answer, answer.body, effect, wait);
	const { headers, payload } = prepare(answer, effect);
	response.writeHead(answer.status, { ...headers, 'content-length': payload.length });
	if (!effect.slowBytes) {
		response.end(payload);
	} else {
		await sendSlowly(response, payload, wait);
		response.end();
	}
	return { status: answer.status, bytes: payload.length };
}

function prepare(
	answer: Answer,
	effect: Effect,
): { headers: Record<string, string>; payload: Buffer } {
	const { type, data } = encode(answer.body);
	const headers = { ...(type && { 'content-type': type }), ...answer.headers };
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
	response: ServerResponse,
	payload: Buffer,
	wait: (ms: number) => Promise<void>,
	pieceMs = PIECE_MS,
): Promise<void> {
	const size = Math.max(1, Math.ceil(payload.length / PIECES));
	for (let start = 0; start < payload.length && !response.destroyed; start += size) {
		response.write(payload.subarray(start, start + size));
		await wait(pieceMs);
	}
}

const isStream = (body: unknown): body is Stream => typeof body === 'function';

async function sendStream(
	response: ServerResponse,
	{ status, headers }: Answer,
	stream: Stream,
	{ slowBytes }: Effect,
	wait: (ms: number) => Promise<void>,
): Promise<Sent> {
	// nobody would tell any more that the client has gone
	if (response.destroyed) return { bytes: 0 };
	const gone = new AbortController();
	const closed = new Promise((done) => response.once('close', done));
	void closed.then(() => gone.abort());
	response.writeHead(status, headers);
	response.flushHeaders();
	let bytes = 0;
	try {
		for await (const text of stream(gone.signal)) {
			if (response.destroyed) break;
			const piece = Buffer.from(text);
			bytes += piece.length;
			if (slowBytes) await sendSlowly(response, piece, wait, STREAM_PIECE_MS);
			// what was written to a connection that breaks is never reported as written
			else await Promise.race([closed, new Promise((done) => response.write(piece, done))]);
		}
		response.end();
	} catch (error) {
		if (!(error instanceof BreakOff)) throw error;
		response.destroy();
	}
	return { status, bytes };
}

/** What was written is flushed first: a client shall see exactly this much. */
async function breakOff(
	response: ServerResponse,
	answer: Answer,
	where: NonNullable<Effect['reset']>,
): Promise<Sent> {
	const { socket } = response;
	if (!socket) return { bytes: 0 };
	if (where === 'beforeHeaders') {
		socket.resetAndDestroy();
		return { bytes: 0 };
	}
	const { headers, payload } = prepare(answer, {});
	if (where === 'midHeaders') {
		await new Promise((done) =>
			socket.write(`HTTP/1.1 ${answer.status} OK\r\ncontent-type: appl`, done),
		);
		socket.destroy();
		return { bytes: 0 };
	}
	// An answer without a body promises one all the same.
	response.writeHead(answer.status, { ...headers, 'content-length': payload.length || 1 });
	const half = payload.subarray(0, Math.floor(payload.length / 2));
	await new Promise((done) => response.write(half, done));
	socket.destroy();
	return { bytes: half.length };
}
