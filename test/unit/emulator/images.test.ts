import sharp from 'sharp';
import { emulator, sample, send, startOther, useEmulator, withJson } from './support';
import { GENERATION, submit } from './taskCalls';

useEmulator();

describe('images', () => {
	async function generate(params: Record<string, unknown>) {
		const { body } = await submit({ width: 256, height: 256, output_format: 'png', ...params });
		return emulator.ledger.image(body.id);
	}

	it('are the same for the same request, and differ with each part of it', async () => {
		const base64 = (await sample(64, 64)).toString('base64');
		const requests: Array<Record<string, unknown>> = [
			{ prompt: 'a', seed: 1 },
			{ prompt: 'b', seed: 1 },
			{ prompt: 'a', seed: 2 },
			{ prompt: 'a', seed: 1, safety_tolerance: '1' },
			{ prompt: 'a', seed: 1, input_image: base64 },
		];
		const first = await Promise.all(requests.map(generate));
		expect(new Set(first.map(({ sha256 }) => sha256)).size).toBe(requests.length);
		const other = await startOther({ seconds: 0 });
		const body = {
			model: 'flux_2_pro',
			width: 256,
			height: 256,
			output_format: 'png',
			...requests[0],
		};
		await send(other.urls.task + GENERATION, withJson(body, other.keys.taskKey));
		const again = await other.ledger.image(other.ledger.tasks[0]?.id ?? '');
		expect(again.bytes.equals(first[0]?.bytes as Buffer)).toBe(true);
	});

	it.each(['png', 'jpeg', 'webp'] as const)('are real %s of any size', async (format) => {
		for (const [width, height] of [
			[64, 64],
			[64, 2048],
			[2048, 64],
			[1000, 333],
		] as const) {
			emulator.rule({ route: 'task.submit', times: 1 }, { as: { format, width, height } });
			const { bytes } = await generate({
				prompt: 'A long prompt that needs a few lines on a narrow image',
			});
			const seen = await sharp(bytes).metadata();
			expect([seen.format, seen.width, seen.height]).toEqual([format, width, height]);
			await sharp(bytes).raw().toBuffer();
		}
	});

	it('use the colours that the prompt names', async () => {
		const { bytes } = await generate({ prompt: 'all in #00FF00' });
		const [red, green, blue] = (await sharp(bytes).stats()).channels.map(({ mean }) => mean) as [
			number,
			number,
			number,
		];
		expect(green).toBeGreaterThan(2 * Math.max(red, blue));
	});

	/** The band at the lower edge, where the text stands. */
	async function whiteShare(bytes: Buffer): Promise<number> {
		const band = sharp(bytes).extract({ left: 12, top: 200, width: 200, height: 50 }).greyscale();
		const pixels = await band.raw().toBuffer();
		return pixels.filter((value) => value > 200).length / pixels.length;
	}

	it('show the prompt in any script, and odd text too', async () => {
		const long = await generate({ prompt: 'in #101010 WWWWW WWWWW WWWWW WWWWW' });
		const short = await generate({ prompt: 'in #101010' });
		expect(await whiteShare(long.bytes)).toBeGreaterThan(2 * (await whiteShare(short.bytes)));
		const odd = ['Žluťoučký кот Ωμέγα 日本語 🦊', '<script>&amp;"\'', ' \n\t ', 'x'.repeat(5000)];
		for (const prompt of odd) expect((await generate({ prompt })).width).toBe(256);
	});

	it('show their references', async () => {
		const red = await sharp({
			create: { width: 50, height: 50, channels: 3, background: '#ff0000' },
		})
			.png()
			.toBuffer();
		const { bytes } = await generate({
			prompt: 'in #0000FF',
			input_image: red.toString('base64'),
		});
		const corner = await sharp(bytes)
			.extract({ left: 15, top: 15, width: 30, height: 30 })
			.toBuffer();
		expect((await sharp(corner).stats()).dominant).toMatchObject({ r: 248, g: 8, b: 8 });
	});

	it('are plain where the option demands it, of the requested size and format', async () => {
		const other = await startOther({ seconds: 0, images: 'plain' });
		const post = async (prompt: string) => {
			const body = { model: 'flux_2_pro', prompt, width: 640, height: 384, output_format: 'png' };
			const response = await send(other.urls.task + GENERATION, withJson(body, other.keys.taskKey));
			return other.ledger.image(response.body.id);
		};
		const [first, second] = [await post('a'), await post('b')];
		const { format, width, height } = await sharp(first.bytes).metadata();
		expect({ format, width, height }).toEqual({ format: 'png', width: 640, height: 384 });
		expect((await sharp(first.bytes).stats()).entropy).toBe(0);
		expect(second.sha256).not.toBe(first.sha256);
	});

	it('are references of any size and format', async () => {
		const { format, width, height } = await sharp(await sample(123, 45, 'jpeg')).metadata();
		expect({ format, width, height }).toEqual({ format: 'jpeg', width: 123, height: 45 });
		expect((await send(`${emulator.urls.results}/references/1.png?width=0`)).status).toBe(400);
	});
});
