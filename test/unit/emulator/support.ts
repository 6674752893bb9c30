import sharp from 'sharp';
import { startEmulator, type Emulator, type EmulatorOptions } from '../../emulator';

/** The emulator of a test file, and its calls. */

export let emulator: Emulator;

/** Further servers of a test: closed even if it fails. */
const others: Array<{ close: () => Promise<unknown> }> = [];

/** Opens an emulator for the tests of the file, each of which finds it empty. */
export function useEmulator(options: EmulatorOptions = { seconds: 0 }): void {
	beforeAll(async () => {
		emulator = await startEmulator(options);
	});
	afterEach(async () => {
		emulator.reset();
		await Promise.all(others.splice(0).map((other) => other.close()));
	});
	afterAll(() => emulator.close());
}

export function closeAfterTest(other: { close: () => Promise<unknown> }): void {
	others.push(other);
}

export async function startOther(options: EmulatorOptions): Promise<Emulator> {
	const other = await startEmulator(options);
	closeAfterTest(other);
	return other;
}

export type JsonResponse = Awaited<ReturnType<typeof send>>;

export async function send(url: string, init: RequestInit = {}) {
	const { status, headers, ...response } = await fetched(url, init);
	const isJson = headers.get('content-type')?.includes('json');
	// Of any shape: the tests state what they expect.
	return { status, headers, body: isJson ? JSON.parse(response.text) : response.text };
}

async function fetched(url: string, init: RequestInit) {
	const response = await fetch(url, { ...init, redirect: 'manual' });
	return { status: response.status, headers: response.headers, text: await response.text() };
}

export function withJson(
	body: unknown,
	key: string,
	headers: Record<string, string> = {},
): RequestInit {
	return {
		method: 'POST',
		headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json', ...headers },
		body: typeof body === 'string' ? body : JSON.stringify(body),
	};
}

export async function sample(
	width: number,
	height: number,
	format: 'png' | 'jpeg' = 'png',
): Promise<Buffer> {
	const response = await fetch(
		`${emulator.urls.results}/references/s.png?width=${width}&height=${height}&format=${format}`,
	);
	return Buffer.from(await response.arrayBuffer());
}

export async function inspectImage(url: string) {
	const response = await fetch(url);
	const bytes = Buffer.from(await response.arrayBuffer());
	const { format, width, height } = await sharp(bytes).metadata();
	// Decodes to the last pixel.
	await sharp(bytes).raw().toBuffer();
	return {
		type: response.headers.get('content-type'),
		length: Number(response.headers.get('content-length')),
		bytes: bytes.length,
		format,
		width,
		height,
	};
}

export function lastTask() {
	const task = emulator.ledger.tasks.at(-1);
	if (!task) throw new Error('no task was accepted');
	return task;
}

/** Nothing was accepted or paid. */
export function expectNothingGenerated(): void {
	expect(emulator.ledger.tasks).toEqual([]);
	expect(emulator.ledger.submissions.map(({ accepted, cost }) => ({ accepted, cost }))).toEqual([
		{ accepted: false, cost: 0 },
	]);
}
