import sharp from 'sharp';
import { startEmulator, type Emulator } from '../../emulator';

/** The tools: strict bodies with named images. */

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

const post = async (path: string, body: object) =>
	await send(path, {
		method: 'POST',
		headers: { 'content-type': 'application/json' },
		body: JSON.stringify(body),
	});

const submit = async (tool: string, body: object) => await post(`/v1/flux-tools/${tool}`, body);

const imageOf = async (width: number, height: number) => {
	const image = sharp({ create: { width, height, channels: 3, background: '#123456' } });
	return (await image.png().toBuffer()).toString('base64');
};

const URL_OF_IMAGE = 'https://pictures.example/a.png';

const outpaint = (fields: object = {}) => ({
	input_image: URL_OF_IMAGE,
	width: 640,
	height: 480,
	...fields,
});

test.each<[tool: string, body: () => Promise<object> | object, made: object, cost: number | null]>([
	[
		'erase-v1',
		async () => ({ image: await imageOf(300, 260), mask: await imageOf(300, 260) }),
		{ width: 300, height: 260, format: 'png' },
		3.8,
	],
	['outpainting-v1', () => outpaint(), { width: 640, height: 480, format: 'png' }, 10],
	[
		'outpainting-v1',
		() => outpaint({ width: 1920, height: 1080, mode: 'fast', prompt: null }),
		{ width: 1920, height: 1080 },
		20,
	],
	[
		'deblur-v1',
		async () => ({ image: await imageOf(80, 60), output_format: 'webp' }),
		{ width: 80, height: 60, format: 'webp' },
		null,
	],
	[
		'vto-v2',
		async () => ({ prompt: 'a', person: await imageOf(60, 80), garment: URL_OF_IMAGE }),
		{ width: 60, height: 80, format: 'jpeg' },
		null,
	],
])('%s makes an image of the documented size and format', async (tool, toBody, made, cost) => {
	const { status, body } = await submit(tool, await toBody());

	expect({ status, cost: body.cost }).toEqual({ status: 200, cost });
	expect(emulator.ledger.tasks).toMatchObject([{ model: `flux-tools/${tool}`, ...made }]);
	const poll = await send(`/v1/get_result?id=${body.id}`);
	expect(poll.body).toMatchObject({ status: 'Ready' });
});

const missing = (field: string) => ({
	loc: ['body', field],
	msg: 'Field required',
	type: 'missing',
});
const extra = (field: string) => ({
	loc: ['body', field],
	msg: 'Extra inputs are not permitted',
	type: 'extra_forbidden',
});
const wrong = (reason: string, ...field: string[]) => ({
	loc: ['body', ...field],
	msg: `Value error, ${reason}`,
	type: 'value_error',
});

test.each<[tool: string, body: () => Promise<object> | object, detail: object]>([
	['erase-v1', () => ({ image: URL_OF_IMAGE }), missing('mask')],
	['erase-v1', () => ({ image: URL_OF_IMAGE, mask: URL_OF_IMAGE, prompt: 'a' }), extra('prompt')],
	[
		'erase-v1',
		() => ({ image: URL_OF_IMAGE, mask: URL_OF_IMAGE, dilate_pixels: 26 }),
		{
			loc: ['body', 'dilate_pixels'],
			msg: 'Input should be less than or equal to 25',
			type: 'less_than_equal',
		},
	],
	[
		'erase-v1',
		async () => ({ image: await imageOf(300, 300), mask: await imageOf(300, 299) }),
		wrong('mask must have the same size as image', 'mask'),
	],
	[
		'erase-v1',
		async () => ({ image: await imageOf(300, 255), mask: URL_OF_IMAGE }),
		wrong('image must be at least 256 by 256 pixels', 'image'),
	],
	['outpainting-v1', () => outpaint({ width: undefined }), missing('width')],
	['outpainting-v1', () => outpaint({ seed: 1 }), extra('seed')],
	['outpainting-v1', () => outpaint({ webhook_url: 'https://a.example' }), extra('webhook_url')],
	[
		'outpainting-v1',
		() => outpaint({ width: 2049, height: 2048 }),
		wrong('the canvas must have at most 4194304 pixels'),
	],
	[
		'outpainting-v1',
		async () => outpaint({ input_image: await imageOf(641, 480) }),
		wrong('the image extends beyond the canvas'),
	],
	[
		'outpainting-v1',
		async () => outpaint({ input_image: await imageOf(64, 64), reference_offset_y: -1 }),
		wrong('the image extends beyond the canvas'),
	],
	[
		'deblur-v1',
		async () => ({ image: await imageOf(2049, 2048) }),
		wrong('image must have at most 4 megapixels', 'image'),
	],
	['deblur-v1', () => ({ image: URL_OF_IMAGE, mask: URL_OF_IMAGE }), extra('mask')],
	['vto-v2', () => ({ person: URL_OF_IMAGE, garment: URL_OF_IMAGE }), missing('prompt')],
	[
		'vto-v2',
		() => ({ prompt: 'a', person: URL_OF_IMAGE, garment: [URL_OF_IMAGE] }),
		{ loc: ['body', 'garment'], msg: 'Input should be a valid string', type: 'string_type' },
	],
])('%s refuses what its documents do not have, case %#', async (tool, toBody, detail) => {
	const { status, body } = await submit(tool, await toBody());

	expect(status).toBe(422);
	expect(body.detail).toContainEqual(detail);
	expect(emulator.ledger.tasks).toEqual([]);
});

test('an image that stands out of the canvas is cut where that is asked for', async () => {
	const image = await imageOf(700, 600);
	const { status } = await submit(
		'outpainting-v1',
		outpaint({ input_image: image, auto_crop: true, reference_offset_x: -20 }),
	);

	expect(status).toBe(200);
});

test('nobody can ask for the price of a tool: no document says so', async () => {
	const { status } = await post('/v1/pricing', { model: 'flux-tools/erase-v1' });

	expect(status).toBe(422);
});
