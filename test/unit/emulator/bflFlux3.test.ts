import sharp from 'sharp';
import { startEmulator, type Emulator } from '../../emulator';

/** FLUX 3 Image: a strict body without defaults of FLUX.2. */

let emulator: Emulator;

beforeAll(async () => {
	emulator = await startEmulator({ seconds: 0, images: 'plain' });
});

afterAll(() => emulator.close());

afterEach(() => {
	const { unexpected, leaks } = emulator.ledger;
	emulator.reset();
	expect({ unexpected, leaks }).toEqual({ unexpected: [], leaks: [] });
});

/** Of any shape: the tests state what they expect. */
type Json = ReturnType<typeof JSON.parse>;

async function send(path: string, init: RequestInit = {}): Promise<{ status: number; body: Json }> {
	const headers = { ...(init.headers as object), 'x-key': emulator.keys.bflKey };
	const response = await fetch(`${emulator.urls.bfl}${path}`, { ...init, headers });
	return { status: response.status, body: await response.json() };
}

const submit = async (body: object) =>
	await send('/v1/flux-3-image', {
		method: 'POST',
		headers: { 'content-type': 'application/json' },
		body: JSON.stringify({ prompt: 'a red cube', ...body }),
	});

const reference = (width: number, height: number) =>
	`${emulator.urls.results}/references/a.png?width=${width}&height=${height}`;

const square = async (side: number) => {
	const background = '#123456';
	const image = sharp({ create: { width: side, height: side, channels: 3, background } });
	return (await image.png().toBuffer()).toString('base64');
};

test.each<[body: object, width: number, height: number, cost: number | null]>([
	[{ resolution: '768sq' }, 768, 768, 4.1],
	[{ resolution: '1k', aspect_ratio: '16:9' }, 1360, 768, 4.8],
	[{ resolution: '1.5k', aspect_ratio: '2:1' }, 2176, 1088, null],
	[{ resolution: '2k', aspect_ratio: 'auto' }, 2048, 2048, 10],
	[{ aspect_ratio: '9:21' }, 672, 1568, null],
])('%j makes a PNG of %d by %d pixels', async (fields, width, height, cost) => {
	const { status, body } = await submit(fields);

	expect({ status, cost: body.cost }).toEqual({ status: 200, cost });
	expect(emulator.ledger.tasks).toMatchObject([{ width, height, format: 'png' }]);
	const poll = await send(`/v1/get_result?id=${body.id}`);
	expect(poll.body).toMatchObject({ status: 'Ready', result: { prompt: 'a red cube' } });
	expect(poll.body.cost).toBe(cost ?? undefined);
});

test.each<[string, () => string | string[], number]>([
	['one URL', () => reference(512, 256), 1],
	['ten URLs', () => Array<string>(10).fill(reference(512, 256)), 10],
])('images are %s, and the automatic ratio is that of the first', async (_what, images, count) => {
	const { status, body } = await submit({ images: images(), aspect_ratio: 'auto' });

	expect({ status, input_mp: body.input_mp }).toEqual({ status: 200, input_mp: count });
	expect(emulator.ledger.tasks).toMatchObject([{ width: 1456, height: 720 }]);
});

test('images are base64 too', async () => {
	const { status } = await submit({ images: [await square(256)], resolution: '768sq' });

	expect(status).toBe(200);
});

const problem = (field: string, msg: string, type: string) => ({ loc: ['body', field], msg, type });

test.each<[body: object, detail: object]>([
	...['seed', 'width', 'output_format', 'input_image', 'disable_pup'].map(
		(field): [object, object] => [
			{ [field]: 512 },
			problem(field, 'Extra inputs are not permitted', 'extra_forbidden'),
		],
	),
	[
		{ safety_tolerance: 5 },
		problem('safety_tolerance', 'Input should be less than or equal to 4', 'less_than_equal'),
	],
	[
		{ resolution: '8k' },
		problem('resolution', "Input should be '768sq' or '1k' or '1.5k' or '2k' or '4k'", 'enum'),
	],
	[
		{ images: Array<string>(11).fill('https://images.example/a.png') },
		problem('images', 'List should have at most 10 items', 'too_long'),
	],
	[{ images: [] }, problem('images', 'List should have at least 1 item', 'too_short')],
	[{ images: 'an image' }, problem('images', 'Value error, images is not base64', 'value_error')],
])('%j is refused and not paid', async (body, detail) => {
	const response = await submit(body);

	expect(response.status).toBe(422);
	expect(response.body.detail).toContainEqual(detail);
	expect(emulator.ledger.tasks).toEqual([]);
});

test('an image below 256 pixels is refused', async () => {
	const { status, body } = await submit({ images: await square(240) });

	const msg = 'Value error, images must be at least 256 by 256 pixels';
	expect({ status, body }).toEqual({
		status: 422,
		body: { detail: [problem('images', msg, 'value_error')] },
	});
});
