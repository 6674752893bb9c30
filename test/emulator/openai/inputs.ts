import type { ReferenceImage } from '../images';
import { decode, readAny, readBase64, readUri } from '../images/references';
import type { Size } from '../prices';
import { isObject, type Call, type FormPart, type JsonObject } from '../types';
import { validatorOf, type OpenAiDialect } from './dialects';

/** What is wrong with a request. */
export class BadInput extends Error {}

export interface OpenAiInput {
	prompt: string;
	model: string;
	/** Everything that the image depends on, with the size in pixels. */
	parameters: JsonObject & Partial<Size>;
	references: ReferenceImage[];
	images: number;
	responseFormat?: string;
}

/** The servers' own default; edits follow the first image. */
const MAX_PIXELS = 9 * 1024 * 1024;

export async function readInput(call: Call, dialect: OpenAiDialect): Promise<OpenAiInput> {
	if (call.body.kind !== 'json') throw new BadInput('the body is no JSON');
	const fields = validate(call.body.value, dialect.fields, dialect.required);
	const references = await Promise.all(listReferences(fields, dialect).map(readReference));
	return toInput(fields, references, dialect);
}

export async function readEdit(
	call: Call,
	{ edit, required }: OpenAiDialect,
): Promise<OpenAiInput> {
	if (call.body.kind !== 'form') throw new BadInput('Content-Type must be multipart/form-data');
	if (!edit) throw new BadInput('there are no edits');
	const { parts } = call.body;
	const texts = parts.filter(({ file }) => !file);
	const values = Object.fromEntries(
		texts.map(({ name, value = '' }) => [name, toValue(value, edit.fields[name])]),
	);
	if (Object.keys(values).length < texts.length) throw new BadInput('a field was sent twice');
	const fields = validate(values, edit.fields, required);
	const files = parts.filter(({ file }) => file);
	const unknown = files.find(({ name }) => !edit.files.includes(name));
	if (unknown) throw new BadInput(`unknown file ${unknown.name}`);
	if (files.length === 0) throw new BadInput("Field 'image' or 'url' is required");
	return toInput(fields, await Promise.all(files.map(readFile)));
}

const toValue = (value: string, schema: unknown): unknown =>
	isObject(schema) && ['integer', 'number'].includes(String(schema.type)) ? Number(value) : value;

const readFile = async ({ file }: FormPart): Promise<ReferenceImage> => await decode(file!.data);

function validate(value: unknown, fields: JsonObject, required: readonly string[]): JsonObject {
	const check = validatorOf(fields, required);
	if (check(value)) return value as JsonObject;
	const [problem] = check.errors ?? [];
	const { additionalProperty, missingProperty } = problem?.params ?? {};
	const field = (missingProperty ?? additionalProperty ?? '') as string;
	throw new BadInput([problem?.instancePath, field, problem?.message].filter(Boolean).join(' '));
}

type ReadReference = () => Promise<ReferenceImage>;

const readReference = async (read: ReadReference): Promise<ReferenceImage> => await read();

function listReferences(fields: JsonObject, { references }: OpenAiDialect): ReadReference[] {
	if (!references) return [];
	const { field, form, numbered } = references;
	if (numbered) {
		const names = Object.keys(fields).filter((name) => name.startsWith(field));
		if (names.length > numbered) throw new BadInput(`at most ${numbered} images`);
		return names.map((name) => () => readBase64(fields[name] as string));
	}
	const list = (fields[field] ?? []) as unknown[];
	if (form === 'nested') {
		return list.map(
			(entry) => () => readUri((entry as { image_url: { url: string } }).image_url.url),
		);
	}
	return list.map((entry) => () => (form === 'uri' ? readUri : readPlain)(entry as string));
}

/** LocalAI takes no data URI. */
function readPlain(image: string): Promise<ReferenceImage> {
	if (image.startsWith('data:')) throw new BadInput('ref_images: illegal base64 data');
	return readAny(image);
}

function toInput(
	{ prompt, model, size, n = 1, response_format, ...rest }: JsonObject,
	references: ReferenceImage[],
	dialect?: OpenAiDialect,
): OpenAiInput {
	if (prompt === '') throw new BadInput('prompt required');
	const lists = dialect?.references?.field;
	const parameters = Object.entries(rest).filter(([name]) => !lists || !name.startsWith(lists));
	return {
		prompt: prompt as string,
		model: (model as string | undefined) ?? '',
		parameters: { ...Object.fromEntries(parameters), ...readSize(size, rest) },
		references,
		images: n as number,
		responseFormat: response_format as string | undefined,
	};
}

function readSize(size: unknown, { width, height }: JsonObject): Partial<Size> {
	if (size === undefined && width === undefined && height === undefined) return {};
	const [, ...sides] = /^(\d+)x(\d+)$/.exec(String(size)) ?? [];
	const [w, h] = size === undefined ? [width, height] : sides.map(Number);
	if (typeof w !== 'number' || typeof h !== 'number') {
		throw new BadInput(
			`Invalid size format: '${String(size)}'. Expected format: 'WIDTHxHEIGHT' (e.g., '1024x1024').`,
		);
	}
	if (w * h > MAX_PIXELS) throw new BadInput('the image would be too large');
	return { width: w, height: h };
}
