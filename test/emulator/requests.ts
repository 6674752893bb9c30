import type { IncomingHttpHeaders } from 'node:http';
import multipart from '@fastify/multipart';
import type { FastifyInstance, FastifyRequest } from 'fastify';
import { PROVIDERS } from './registry';
import type { Body, Call, FormPart } from './types';

/** Reads requests into plain data without validating them: that is the routes' work. */

/** Cloudflare's API takes bodies up to 100 MB. */
export const BODY_LIMIT = 100 * 1024 * 1024;

export async function acceptBodies(app: FastifyInstance): Promise<void> {
	await app.register(multipart, { limits: { fileSize: BODY_LIMIT, fieldSize: BODY_LIMIT } });
	app.removeContentTypeParser(['application/json', 'text/plain']);
	app.addContentTypeParser('*', { parseAs: 'buffer' }, (_request, body, done) => done(null, body));
}

export async function readCall(request: FastifyRequest): Promise<Call> {
	const headers = flatten(request.headers);
	return {
		method: request.method,
		url: request.url,
		params: request.params as Record<string, string>,
		query: request.query as Record<string, string>,
		headers,
		body: await readBody(request, headers['content-type'] ?? ''),
		...findKey(headers),
	};
}

const OWN_HEADERS = Object.values(PROVIDERS)
	.flatMap(({ keyHeader, otherKeyHeader }) => [
		keyHeader,
		...(otherKeyHeader ? [otherKeyHeader] : []),
	])
	.filter((name) => name !== 'authorization');

/** The key in `Authorization`, or else in a provider's own header, whose name then is the scheme. */
function findKey(headers: Record<string, string>): Pick<Call, 'scheme' | 'key'> {
	const [, scheme, key] = /^(\S+) (\S+)$/.exec(headers.authorization ?? '') ?? [];
	if (key !== undefined) return { scheme, key };
	const own = OWN_HEADERS.find((name) => headers[name] !== undefined);
	return own === undefined ? { scheme } : { scheme: own, key: headers[own] };
}

function flatten(headers: IncomingHttpHeaders): Record<string, string> {
	return Object.fromEntries(
		Object.entries(headers).map(([name, value]) => [
			name,
			Array.isArray(value) ? value.join(', ') : (value ?? ''),
		]),
	);
}

async function readBody(request: FastifyRequest, contentType: string): Promise<Body> {
	if (request.isMultipart()) return readForm(request, contentType);
	if (!Buffer.isBuffer(request.body) || request.body.length === 0) return { kind: 'none' };
	const type = contentType.split(';')[0]?.trim().toLowerCase();
	if (type !== 'application/json')
		return { kind: 'unreadable', contentType, reason: `content-type ${contentType || 'missing'}` };
	try {
		return { kind: 'json', value: JSON.parse(request.body.toString('utf8')) };
	} catch (error) {
		return { kind: 'unreadable', contentType, reason: (error as Error).message };
	}
}

async function readForm(request: FastifyRequest, contentType: string): Promise<Body> {
	const parts: FormPart[] = [];
	try {
		for await (const part of request.parts()) {
			if (part.type === 'file') {
				const { filename, mimetype } = part;
				parts.push({
					name: part.fieldname,
					file: { filename, mimetype, data: await part.toBuffer() },
				});
			} else {
				parts.push({ name: part.fieldname, value: String(part.value) });
			}
		}
		return { kind: 'form', parts };
	} catch (error) {
		return { kind: 'unreadable', contentType, reason: (error as Error).message };
	}
}
