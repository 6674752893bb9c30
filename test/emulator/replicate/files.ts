import { randomUUID } from 'node:crypto';
import { Refusal, toResponse, type ApiResponse, type Call, type JsonObject } from '../types';
import { recordUnexpected } from '../world';
import { documentedErrors, unprocessable } from './documentedErrors';
import { authenticate, BASE } from './tasks';
import type { ReplicateWorld } from './world';

/** Files that are uploaded before they are named in an input. They belong to a token. */

interface StoredFile {
	key: string;
	bytes: Buffer;
	facts: JsonObject;
}

const LIFE_MS = 3_600_000;
const MAX_FILE_BYTES = 100 * 1024 * 1024;
const MAX_NAME_BYTES = 255;
const PARTS = ['content', 'type', 'filename', 'metadata'];

export class Files {
	private readonly files = new Map<string, StoredFile>();

	constructor(private readonly world: ReplicateWorld) {}

	create(call: Call): ApiResponse {
		authenticate(call);
		const { key = '', body } = call;
		if (body.kind !== 'form') throw new Refusal(unprocessable('Missing content'));
		for (const { name } of body.parts.filter((part) => !PARTS.includes(part.name))) {
			recordUnexpected(this.world, call, `part ${name}`);
		}
		const file = body.parts.find(({ name }) => name === 'content')?.file;
		if (!file) throw new Refusal(unprocessable('Missing content'));
		if (file.data.length >= MAX_FILE_BYTES)
			throw new Refusal(documentedErrors['replicate.fileTooLarge']);
		if (Buffer.byteLength(file.filename) > MAX_NAME_BYTES) {
			throw new Refusal(unprocessable('Filename is too long'));
		}
		const id = randomUUID();
		const facts = this.describe(id, file);
		this.files.set(id, { key, bytes: file.data, facts });
		return toResponse(201, facts);
	}

	get(call: Call): ApiResponse {
		return toResponse(200, this.find(call).facts);
	}

	list(call: Call): ApiResponse {
		authenticate(call);
		const own = [...this.files.values()].filter(({ key }) => key === call.key);
		return toResponse(200, { next: null, previous: null, results: own.map(({ facts }) => facts) });
	}

	delete(call: Call): ApiResponse {
		this.find(call);
		this.files.delete(call.params.id ?? '');
		return { status: 204, headers: {}, body: undefined };
	}

	/** The bytes behind an address of a file, for the token that has uploaded it; undefined for any other address. */
	read(url: string, key: string | undefined): Buffer | undefined {
		const prefix = `${this.world.urls.api}${BASE}/files/`;
		const file = url.startsWith(prefix) ? this.files.get(url.slice(prefix.length)) : undefined;
		return file?.key === key ? file?.bytes : undefined;
	}

	private find(call: Call): StoredFile {
		authenticate(call);
		const file = this.files.get(call.params.id ?? '');
		if (!file || file.key !== call.key) throw new Refusal(documentedErrors['replicate.notFound']);
		return file;
	}

	private describe(
		id: string,
		{ filename, mimetype, data }: { filename: string; mimetype: string; data: Buffer },
	): JsonObject {
		const now = Date.now();
		return {
			id,
			name: filename,
			content_type: mimetype,
			size: data.length,
			metadata: {},
			created_at: new Date(now).toISOString(),
			expires_at: new Date(now + LIFE_MS).toISOString(),
			urls: { get: `${this.world.urls.api}${BASE}/files/${id}` },
		};
	}
}
