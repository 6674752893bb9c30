import sharp from 'sharp';
import { Agent, request } from 'undici';
import { createSelfSignedCertificate } from '../../bench/certificate';
import { startEmulator, type Emulator, type EmulatorOptions } from '../../emulator';
import { padPng } from '../../emulator/images/padding';

/** What measurements need of the emulator: large files, many tasks at once, TLS. */

let emulator: Emulator | undefined;

async function start(options: EmulatorOptions): Promise<Emulator> {
	emulator = await startEmulator({ seconds: 60, images: 'plain', ...options });
	return emulator;
}

afterEach(async () => {
	expect(emulator?.ledger.unexpected ?? []).toEqual([]);
	await emulator?.close();
	emulator = undefined;
});

const submit = async ({ urls, keys }: Emulator, dispatcher?: Agent) => {
	const { statusCode, body } = await request(`${urls.bfl}/v1/flux-2-pro`, {
		dispatcher,
		method: 'POST',
		headers: { 'x-key': keys.bflKey, 'content-type': 'application/json' },
		body: JSON.stringify({ prompt: 'a paper boat', width: 64, height: 64 }),
	});
	return { status: statusCode, response: (await body.json()) as { polling_url: string } };
};

describe('images in larger files', () => {
	test('have the requested size', async () => {
		const { ledger, rule, ...rest } = await start({});
		rule({ route: 'bfl.submit', times: 1 }, { as: { format: 'png' } });
		rule({ route: 'bfl.submit' }, { as: { format: 'png', bytes: 50_000 } });
		await submit({ ledger, rule, ...rest });
		await submit({ ledger, rule, ...rest });
		const [small, large] = await Promise.all(ledger.tasks.map(({ id }) => ledger.image(id)));

		expect(large!.bytes).toHaveLength(50_000);
		expect(small!.bytes.length).toBeLessThan(50_000);
		expect(await sharp(large!.bytes).metadata()).toMatchObject({ width: 64, height: 64 });
	});

	test('show the same, and only PNGs that are smaller can be padded', async () => {
		const png = await sharp({
			create: { width: 8, height: 8, channels: 3, background: '#123456' },
		})
			.png()
			.toBuffer();
		const large = padPng(png, 1000);

		expect(await sharp(large).raw().toBuffer()).toEqual(await sharp(png).raw().toBuffer());
		expect(() => padPng(png, png.length)).toThrow('larger than');
		expect(() => padPng(Buffer.alloc(100), 1000)).toThrow('only a PNG');
	});
});

test.each([
	['Black Forest Labs accept 24 tasks of a key at once', undefined, 24],
	['an option raises the limit', 30, 30],
	['an option lowers the limit', 2, 2],
])('%s', async (_what, maxRunning, taken) => {
	const opened = await start({ maxRunning });
	const statuses: number[] = [];
	for (let n = 0; n <= taken; n++) statuses.push((await submit(opened)).status);

	expect(statuses).toEqual([...Array<number>(taken).fill(200), 429]);
});

test('with a certificate, everything is https', async () => {
	const tls = createSelfSignedCertificate();
	const opened = await start({ tls });
	const trusting = new Agent({ connect: { ca: tls.cert } });
	const { status, response } = await submit(opened, trusting);

	expect(status).toBe(200);
	expect(response.polling_url).toMatch(/^https:/);
	expect(opened.urls.results).toMatch(/^https:/);
	await expect(submit(opened)).rejects.toThrow('self-signed certificate');
	await trusting.close();
});
