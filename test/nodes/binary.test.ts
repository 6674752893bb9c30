import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Readable } from 'node:stream';
import type { INodeExecutionData } from 'n8n-workflow';
import { drawReference, type DrawnImage } from '../emulator/images';
import {
	generating,
	type Lab,
	NODE,
	openLab,
	prompts,
	type Route,
	ROUTES,
	shortId,
	traffic,
} from '../support/lab';

/** Images in and out, in n8n's usual binary mode: files. */

const everyRoute = Object.keys(ROUTES) as Route[];
const MODELS = {
	task: 'flux_2_pro',
	queue: 'flux_2_pro',
	catalogue: 'black-forest-labs/flux-2-pro-preview',
	workersAi: '@cf/black-forest-labs/flux-2-klein-4b',
};

let lab: Lab;
let references: Record<'a' | 'b' | 'c', DrawnImage>;

beforeAll(async () => {
	lab = await openLab();
	references = {
		a: await drawReference('a', 300, 200, 'png'),
		b: await drawReference('b', 511, 64, 'jpeg'),
		c: await drawReference('c', 200, 511, 'webp'),
	};
});

afterEach(() => {
	const { unexpected, leaks } = lab.emulator.ledger;
	expect({ unexpected, leaks }).toEqual({ unexpected: [], leaks: [] });
	lab.emulator.reset();
});

afterAll(async () => await lab.close());

const bytesOf = async (item: INodeExecutionData | undefined, field = 'data') =>
	item?.binary?.[field] && (await lab.engine.binary(item.binary[field]));

const made = async (index = 0) =>
	await lab.emulator.ledger.image(lab.emulator.ledger.tasks[index]?.id ?? '');

describe('an image', () => {
	test.each(everyRoute)(
		'comes out byte for byte, with everything known about it (%s)',
		async (route) => {
			const run = await lab.run(generating(route), { items: prompts(1) });
			const [item] = run.items(NODE);
			const [task] = lab.emulator.ledger.tasks;
			const { bytes, sha256: _, extension, ...facts } = await made();

			expect(await bytesOf(item)).toEqual(bytes);
			const isTask = ROUTES[route].type === 'flux2Task';
			expect(item?.json).toEqual({
				provider: isTask ? 'task' : 'cloudflare',
				model: MODELS[route],
				status: 'completed',
				...(isTask && { taskId: task?.id }),
				prompt: 'item 1',
				image: {
					...facts,
					fileSize: bytes.length,
					...(route !== 'workersAi' && { url: task?.url }),
				},
				...(route !== 'queue' && {
					cost: {
						amount: task?.cost,
						currency: 'USD',
						...(!isTask && { estimated: true }),
					},
				}),
				timing: {
					submittedAt: expect.stringMatching(/^2.*Z$/),
					completedAt: expect.stringMatching(/^2.*Z$/),
					seconds: expect.any(Number),
					...(isTask && { polls: expect.any(Number) }),
				},
			});
			expect(extension).toBe('jpeg');
			expect(item?.binary).toEqual({
				data: expect.objectContaining({
					fileName: `item-1-${isTask ? shortId(task?.id) : 1}.jpg`,
					fileExtension: 'jpg',
					mimeType: 'image/jpeg',
					fileType: 'image',
					id: expect.stringMatching(/^filesystem/),
				}),
			});
		},
	);

	test.each(['png', 'jpeg', 'webp'] as const)(
		'is what its bytes say, whatever was asked for: %s',
		async (format) => {
			lab.emulator.rule({ route: 'task.submit' }, { as: { format, width: 320, height: 64 } });
			lab.emulator.rule({ route: 'download' }, { image: 'wrongContentType' });
			const outputFormat = format === 'png' ? 'jpeg' : 'png';
			const run = await lab.run(generating('task', {}, { outputFormat }), { items: prompts(1) });

			const [item] = run.items(NODE);
			expect(await bytesOf(item)).toEqual((await made()).bytes);
			expect(item?.json.image).toMatchObject({
				width: 320,
				height: 64,
				mimeType: `image/${format}`,
			});
			const extension = format === 'jpeg' ? 'jpg' : format;
			expect(item?.binary?.data?.mimeType).toBe(`image/${format}`);
			expect(item?.binary?.data?.fileName).toMatch(new RegExp(`\\.${extension}$`));
		},
	);

	const spoiled = ['truncated png', 'truncated jpeg', 'truncated webp', 'html', 'empty'] as const;

	/** One item for each way of being no whole image. */
	function spoil(times?: number): INodeExecutionData[] {
		for (const prompt of spoiled) {
			const [fault, format] = prompt.split(' ') as ['truncated' | 'html' | 'empty', 'png'];
			lab.emulator.rule({ route: 'download', prompt, times }, { image: fault });
			if (format) lab.emulator.rule({ route: 'task.submit', prompt }, { as: { format } });
		}
		return spoiled.map((prompt) => ({ json: { prompt } }));
	}

	test('that is the response itself is not paid again by Retry On Fail, and raw shows no bytes', async () => {
		lab.emulator.rule(
			{ route: 'cloudflare.workersAi' },
			{
				mutate: ({ body, ...response }) => {
					const { result } = body as { result: { image: string } };
					const headers = { 'content-type': 'image/jpeg' };
					return { ...response, headers, body: Buffer.from(result.image, 'base64') };
				},
			},
		);
		const retry = { retryOnFail: true, maxTries: 2, waitBetweenTries: 1 };
		const node = generating('workersAi', retry, { simplify: false });
		const run = await lab.run(node, { items: prompts(1) });

		expect(lab.emulator.ledger.submissions).toHaveLength(1);
		const [item] = run.items(NODE);
		expect(await bytesOf(item)).toEqual((await made()).bytes);
		expect(item?.json.raw).toEqual({ body: null, headers: {} });
	});

	test('that did not arrive whole is fetched again', async () => {
		const run = await lab.run(generating('task'), { items: spoil(1) });

		const { tasks, downloads, submissions } = lab.emulator.ledger;
		const items = run.items(NODE);
		expect(await Promise.all(items.map(async (item) => await bytesOf(item)))).toEqual(
			await Promise.all(
				spoiled.map(async (prompt) => {
					const task = tasks.find((one) => one.prompt === prompt);
					return (await lab.emulator.ledger.image(task?.id ?? '')).bytes;
				}),
			),
		);
		expect([submissions.length, downloads.length]).toEqual([spoiled.length, 2 * spoiled.length]);
	});

	test('that never arrives whole, not even when its task was asked once more, is an error that says what came instead', async () => {
		const run = await lab.run(generating('task', { onError: 'continueRegularOutput' }), {
			items: spoil(),
		});

		const truncated = expect.stringMatching(/^The image is truncated after \d+ bytes$/);
		expect(run.items(NODE).map(({ json }) => (json.error as { message: string }).message)).toEqual([
			truncated,
			truncated,
			truncated,
			'The result is not a PNG, JPEG or WebP image; it begins with "<!doctype html><h1>Sign in</h1>"',
			'The result is empty instead of an image',
		]);
		// four attempts, another poll, four more
		expect(lab.emulator.ledger.downloads).toHaveLength(8 * spoiled.length);
		expect(lab.emulator.ledger.submissions).toHaveLength(spoiled.length);
	});
});

describe('an option', () => {
	test.each([
		['product photo', 'product photo.jpg'],
		['../../etc/pass:wd*?', '..-..-etc-pass-wd-.jpg'],
		['Bild für {{ $json.prompt }} 漢字', 'Bild für item 1 漢字.jpg'],
		['हिन्दी', 'हिन्दी.jpg'],
	])('File Name "%s" gives "%s"', async (fileName, expected) => {
		const run = await lab.run(generating('task', {}, { fileName: `=${fileName}` }), {
			items: prompts(1),
		});

		expect(run.items(NODE)[0]?.binary?.data?.fileName).toBe(expected);
	});

	test('Put Output File in Field names the field', async () => {
		const run = await lab.run(generating('task', {}, { binaryField: 'cover' }), {
			items: prompts(1),
		});

		const [item] = run.items(NODE);
		expect(Object.keys(item?.binary ?? {})).toEqual(['cover']);
		expect(await bytesOf(item, 'cover')).toEqual((await made()).bytes);
	});

	test.each(['task', 'queue', 'catalogue'] as const)(
		'Download turned off leaves the URL alone (%s)',
		async (route) => {
			const run = await lab.run(generating(route, {}, { download: false }), { items: prompts(1) });

			const [item] = run.items(NODE);
			expect(item?.json.image).toEqual({ url: lab.emulator.ledger.tasks[0]?.url });
			expect(item?.binary).toBeUndefined();
			expect(traffic(lab)).not.toContain('download');
		},
	);

	test('Download turned off changes nothing where the response is the image', async () => {
		const run = await lab.run(generating('workersAi', {}, { download: false }), {
			items: prompts(1),
		});

		expect(await bytesOf(run.items(NODE)[0])).toEqual((await made()).bytes);
	});

	test.each(everyRoute)(
		"Simplify turned off adds the provider's response, without base64 (%s)",
		async (route) => {
			const run = await lab.run(generating(route, {}, { simplify: false }), { items: prompts(1) });

			const raw = JSON.stringify(run.items(NODE)[0]?.json.raw);
			expect(raw.length).toBeLessThan(2000);
			const [task] = lab.emulator.ledger.tasks;
			expect(raw).toContain(
				{
					task: '"status":"completed"',
					queue: `"url":"${task?.url}"`,
					catalogue: 'cf-aig-log-id',
					workersAi: '"image":"(base64)"',
				}[route],
			);
		},
	);

	test('Simplify turned on adds nothing', async () => {
		const run = await lab.run(generating('task'), { items: prompts(1) });

		expect(run.items(NODE)[0]?.json).not.toHaveProperty('raw');
	});
});

interface Row {
	source?: 'binary' | 'allBinary' | 'url';
	binaryPropertyName?: string;
	url?: string;
}

function referring(route: Route, ...image: Row[]) {
	const node = generating(route);
	node.parameters.referenceImages = { image };
	return node;
}

/** An item with three images and a text. */
async function photos(json: INodeExecutionData['json'] = {}): Promise<INodeExecutionData[]> {
	const { engine } = lab;
	const { a, b, c } = references;
	const binary = {
		a: await engine.store(a.bytes, a.mimeType, 'a.png'),
		text: await engine.store(Buffer.from('hello'), 'text/plain', 'hello.txt'),
		b: await engine.store(b.bytes, b.mimeType, 'b.jpg'),
		c: await engine.store(c.bytes, c.mimeType, 'c.webp'),
	};
	return [{ json: { prompt: 'item 1', ...json }, binary }];
}

/** The references of the only submission as they came: base64, data URIs or URLs. */
function sentReferences(): string[] {
	const body = lab.emulator.ledger.submissions[0]?.body as Record<string, never>;
	const { input } = body as { input?: { input_images?: string[] } & Array<{ params: object }> };
	if (input?.input_images) return input.input_images;
	const parameters = Object.entries(input?.[0]?.params ?? body);
	const images = parameters.filter(([name]) => name.startsWith('input_image'));
	expect(images.map(([name]) => name)).toEqual(
		images.map((_, index) => (index === 0 ? 'input_image' : `input_image_${index + 1}`)),
	);
	return images.map(([, value]) => value as string);
}

const wanted = (route: Route, { bytes, mimeType }: DrawnImage): string => {
	const base64 = bytes.toString('base64');
	return route === 'catalogue' ? `data:${mimeType};base64,${base64}` : base64;
};

describe('reference images', () => {
	const sources: Array<[string, Row[], Array<'a' | 'b' | 'c'>]> = [
		['one field', [{ binaryPropertyName: 'b' }], ['b']],
		['several fields', [{ binaryPropertyName: 'c, a' }], ['c', 'a']],
		[
			'an expression',
			[{ binaryPropertyName: '={{ $json.prompt.replace("item 1", "a") }}' }],
			['a'],
		],
		['all binary images', [{ source: 'allBinary' }], ['a', 'b', 'c']],
		[
			'two rows',
			[{ binaryPropertyName: 'c' }, { source: 'binary', binaryPropertyName: 'b' }],
			['c', 'b'],
		],
	];
	const cases = (['task', 'queue', 'catalogue'] as const).flatMap((route) =>
		sources.map(([what, rows, expected]) => [what, route, rows, expected] as const),
	);

	test.each(cases)('from %s arrive byte for byte (%s)', async (_what, route, rows, expected) => {
		const run = await lab.run(referring(route, ...rows), { items: await photos() });

		expect(run.status).toBe('success');
		expect(sentReferences()).toEqual(expected.map((name) => wanted(route, references[name])));
	});

	/** What Workers AI gets, read by somebody else than the emulator: its ledger keeps no files. */
	async function formOf(run: () => Promise<unknown>): Promise<FormData> {
		const forms: FormData[] = [];
		const { bytes } = references.a;
		const server = createServer((request, response) => {
			const headers = { 'content-type': request.headers['content-type'] ?? '' };
			const body = Readable.toWeb(request) as ReadableStream;
			void new Response(body, { headers }).formData().then((form) => {
				forms.push(form);
				response.end(JSON.stringify({ result: { image: bytes.toString('base64') } }));
			});
		});
		await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
		const working = lab.credentials.flux2CloudflareApi!;
		const baseUrl = `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
		lab.credentials.flux2CloudflareApi = { ...working, baseUrl };
		await run();
		lab.credentials.flux2CloudflareApi = working;
		server.closeAllConnections();
		await new Promise((closed) => server.close(closed));
		expect(forms).toHaveLength(1);
		return forms[0]!;
	}

	async function expectFiles(form: FormData, expected: DrawnImage[]) {
		const read: Array<Promise<object>> = [];
		form.forEach((value, name) => {
			if (typeof value === 'string') return;
			const bytes = value.arrayBuffer().then((content) => Buffer.from(content));
			read.push(bytes.then((bytes) => ({ name, mimeType: value.type, bytes })));
		});
		expect(await Promise.all(read)).toEqual(
			expected.map(({ bytes, mimeType }, index) => ({
				name: `input_image_${index}`,
				mimeType,
				bytes,
			})),
		);
	}

	test.each(sources)('from %s arrive in the form byte for byte', async (_what, rows, expected) => {
		const items = await photos();
		const form = await formOf(
			async () => await lab.run(referring('workersAi', ...rows), { items }),
		);

		await expectFiles(
			form,
			expected.map((name) => references[name]),
		);
	});

	const urlOf = (name: string) =>
		`${lab.emulator.urls.results}/references/${name}.png?width=96&height=64`;

	test.each(['task', 'queue', 'catalogue'] as const)(
		'by URL are passed on without being fetched (%s)',
		async (route) => {
			const url = 'https://example.com/photo.jpg?size=1&of=2';
			await lab.run(referring(route, { source: 'url', url }), { items: prompts(1) });

			expect(sentReferences()).toEqual([url]);
			expect(traffic(lab)[0]).toBe('submit');
		},
	);

	test('by URL are fetched first where the API takes bytes only, without a key', async () => {
		const row = { source: 'url', url: '={{ $json.urls }}' } as const;
		const urls = [urlOf('x'), urlOf('y')];
		const items = [{ json: { prompt: 'item 1', urls } }];
		const form = await formOf(async () => await lab.run(referring('workersAi', row), { items }));

		expect(traffic(lab)).toEqual(['reference', 'reference']);
		const images = ['x', 'y'].map(async (name) => await drawReference(name, 96, 64, 'png'));
		await expectFiles(form, await Promise.all(images));
	});

	test.each(everyRoute)(
		'as data URIs in a list of an expression arrive byte for byte (%s)',
		async (route) => {
			const { a, c } = references;
			const urls = [a, c].map(
				({ bytes, mimeType }) => `data:${mimeType};base64,${bytes.toString('base64')}`,
			);
			const node = referring(route, { source: 'url', url: '={{ $json.urls }}' });
			const run = async () =>
				await lab.run(node, { items: [{ json: { prompt: 'item 1', urls } }] });

			if (route === 'workersAi') return await expectFiles(await formOf(run), [a, c]);
			await run();
			expect(sentReferences()).toEqual([wanted(route, a), wanted(route, c)]);
		},
	);

	test('take their type from their bytes, not from what the item says', async () => {
		const [item] = await photos();
		item!.binary!.a!.mimeType = 'image/webp';
		await lab.run(referring('catalogue', { binaryPropertyName: 'a' }), { items: [item!] });

		expect(sentReferences()).toEqual([wanted('catalogue', references.a)]);
	});

	const many = (count: number): Row[] =>
		Array.from({ length: count }, () => ({ binaryPropertyName: 'a' }));
	const refusals: Array<[string, Route, Row[], string]> = [
		[
			'too many images',
			'task',
			many(9),
			'Reference Images: 9 given, but FLUX.2 [pro] takes at most 8',
		],
		[
			'too many images',
			'catalogue',
			many(9),
			'Reference Images: 9 given, but FLUX.2 [pro] Preview takes at most 8',
		],
		[
			'too many images',
			'workersAi',
			[{ source: 'allBinary' }, { binaryPropertyName: 'a,b' }],
			'Reference Images: 5 given, but FLUX.2 [klein] 4B (Workers AI) takes at most 4',
		],
		[
			'a missing field',
			'task',
			[{ binaryPropertyName: 'a' }, { binaryPropertyName: 'b, photo' }],
			'Reference Images (entry 2): the input item has no binary field "photo"',
		],
		[
			'a file that is no image',
			'task',
			[{ binaryPropertyName: 'a,text' }],
			'Reference image 2 (field "text"): is not a PNG, JPEG or WebP image',
		],
		[
			'something that is no URL',
			'task',
			[{ source: 'url', url: 'photo.png' }],
			'Reference Images (entry 1): "photo.png" is not an https URL',
		],
		[
			'an empty URL',
			'catalogue',
			[{ source: 'url', url: '' }],
			'Reference Images (entry 1): the URL is empty',
		],
		[
			'a plain http URL',
			'task',
			[{ source: 'url', url: 'http://example.com/a.png' }],
			'Reference image 1 (http://example.com/a.png): The address http://example.com was not opened, because it is not https',
		],
		[
			'a data URI of something else',
			'workersAi',
			[{ source: 'url', url: 'data:text/plain;base64,aGVsbG8=' }],
			'Reference image 1 (the data URI): is not a PNG, JPEG or WebP image',
		],
	];

	test.each(refusals)(
		'with %s are refused by number and name (%s)',
		async (_what, route, rows, message) => {
			const run = await lab.run(referring(route, ...rows), { items: await photos() });

			expect(run.error?.message).toBe(message);
			expect(run.error?.context).toMatchObject({ kind: 'invalidInput', itemIndex: 0 });
			expect(traffic(lab)).toEqual([]);
		},
	);

	test('"all" of an item without any are refused', async () => {
		const run = await lab.run(referring('task', { source: 'allBinary' }), { items: prompts(1) });

		expect(run.error?.message).toBe(
			'Reference Images (entry 1): the input item has no binary images',
		);
		expect(traffic(lab)).toEqual([]);
	});

	test.each([
		[512, 100],
		[100, 512],
	])(
		'of %s × %s pixels are too large for Workers AI, which the message explains',
		async (width, height) => {
			const { bytes, mimeType } = await drawReference('large', width, height, 'png');
			const large = await lab.engine.store(bytes, mimeType, 'large.png');
			const [item] = await photos();
			item!.binary!.large = large;
			const node = referring('workersAi', { binaryPropertyName: 'a, large' });
			const run = await lab.run(node, { items: [item!] });

			expect(run.error?.message).toBe(
				`Reference image 2 (field "large"): is ${width} × ${height} pixels, but this model takes references below 512 × 512 only. Make it smaller with n8n's Edit Image node (Resize) first`,
			);
			expect(traffic(lab)).toEqual([]);
		},
	);

	test('by a URL that has gone are refused before anything is submitted', async () => {
		const url = `${lab.emulator.urls.results}/results/gone.png`;
		const run = await lab.run(referring('workersAi', { source: 'url', url }), {
			items: prompts(1),
		});

		expect(run.error?.message).toContain(`Reference image 1 (${url}): `);
		expect(run.error?.message).toContain('404');
		expect(traffic(lab)).toEqual(['download']);
	});
});
