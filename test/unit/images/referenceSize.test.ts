import { Readable } from 'node:stream';
import type { IBinaryData, IHttpRequestOptions } from 'n8n-workflow';
import sharp from 'sharp';
import { measureReferences } from '../../../nodes/shared/images/references';
import { withReferenceSize } from '../../../nodes/shared/images/referenceSize';
import type { ImageRequest } from '../../../nodes/shared/parameters/imageRequest';
import { integer } from '../../../nodes/shared/parameters/param';
import type { ReferenceInput } from '../../../nodes/shared/parameters/referenceImages';

/** What the header of a reference image says, and the size that follows from it. */

const IMAGE_URL = 'https://cdn.example/1.png';
const { signal } = new AbortController();

const draw = async (width: number, height: number, orientation?: number) => {
	const canvas = { width, height, channels: 3, background: 'teal' } as const;
	return await sharp({ create: canvas }).jpeg().withMetadata({ orientation }).toBuffer();
};

const ofUrl: ReferenceInput = { from: 'url', url: IMAGE_URL, label: IMAGE_URL };
const ofData = (bytes: Buffer): ReferenceInput => ({
	from: 'dataUri',
	dataUri: `data:image/jpeg;base64,${bytes.toString('base64')}`,
	label: 'a data URI',
});
const ofBinary = (binary: Partial<IBinaryData>): ReferenceInput => ({
	from: 'binary',
	field: 'data',
	itemIndex: 0,
	binary: { data: '', mimeType: 'image/jpeg', ...binary },
	label: 'field "data"',
});

/** A client whose stored files and whose host have these bytes; it notes what was asked for. */
function clientWith(bytes?: Buffer) {
	const asked: string[] = [];
	const helpers = {
		getBinaryStream: async (id: string) => {
			asked.push(id);
			if (!bytes) throw new Error('no such file');
			return await Promise.resolve(Readable.from([bytes]));
		},
		httpRequest: async ({ url }: IHttpRequestOptions) => {
			asked.push(url);
			return await Promise.resolve({ statusCode: 200, headers: {}, body: Readable.from([bytes]) });
		},
	};
	const client = { context: { helpers }, baseUrl: 'https://api.example' };
	return { client: client as never, helpers: helpers as never, asked };
}

describe('the sizes of reference images', () => {
	test('are read from the header, wherever the image is, but not of what is behind a URL', async () => {
		const photo = await draw(40, 30);
		const { helpers, asked } = clientWith(photo);
		const stored = ofBinary({ id: 'filesystem:1' });
		const inMemory = ofBinary({ data: photo.toString('base64') });
		const sizes = await measureReferences(helpers, [ofUrl, ofData(photo), stored, inMemory], {});

		expect(sizes[0]).toBeUndefined();
		expect(sizes.slice(1)).toEqual(
			Array(3).fill(expect.objectContaining({ width: 40, height: 30 })),
		);
		expect(asked).toEqual(['filesystem:1']);
	});

	test('are checked, each by its number and field', async () => {
		const photo = await draw(40, 30);
		const references = [ofData(photo), ofBinary({ id: 'gone' }), ofData(Buffer.from('text'))];
		await expect(
			measureReferences(clientWith().helpers, references, { sidesBelow: 40 }),
		).rejects.toMatchObject({
			kind: 'invalidInput',
			message: expect.stringMatching(
				/^Reference image 1 \(a data URI\): .*40.*; Reference image 2 \(field "data"\): its binary data could not be read; Reference image 3 /,
			),
		});
	});
});

describe('a request for an image like its reference image', () => {
	const side = (name: string) =>
		integer(`own_${name}`, { label: name, description: 'Any', default: 1 });
	const requestFor = (reference: ReferenceInput | undefined, more: object = {}) =>
		({
			model: {
				name: 'Flux',
				sizes: { step: 16, minSide: 64, maxSide: 1024 },
				parameters: [
					{ ...side('width'), property: { name: 'width' } },
					{ ...side('height'), property: { name: 'height' } },
				],
			},
			body: { seed: 1 },
			references: reference ? [reference, ofUrl] : [],
			likeReference: {},
			...more,
		}) as unknown as ImageRequest;

	test.each<[string, number | undefined, object]>([
		['as it is', undefined, { own_width: 128, own_height: 96 }],
		['as it is', 4, { own_width: 128, own_height: 96 }],
		['lying on its side', 5, { own_width: 96, own_height: 128 }],
		['lying on its side', 6, { own_width: 96, own_height: 128 }],
	])('has its size %s for orientation %p', async (_how, orientation, size) => {
		const request = requestFor(ofData(await draw(128, 96, orientation)));
		const { client, asked } = clientWith();
		const sized = await withReferenceSize(client, request, signal);
		expect(sized).toEqual({ ...request, body: { seed: 1, ...size } });
		expect(asked).toEqual([]);
	});

	test('fetches what is behind a URL', async () => {
		const { client, asked } = clientWith(await draw(128, 96));
		const { body } = await withReferenceSize(client, requestFor(ofUrl), signal);
		expect(body).toEqual({ seed: 1, own_width: 128, own_height: 96 });
		expect(asked).toEqual([IMAGE_URL]);
	});

	test('stays as it is where nothing of the kind was asked for, or there is none', async () => {
		const { client, asked } = clientWith(await draw(128, 96));
		for (const request of [
			requestFor(ofUrl, { likeReference: undefined }),
			requestFor(undefined),
		]) {
			expect(await withReferenceSize(client, request, signal)).toBe(request);
		}
		expect(asked).toEqual([]);
	});

	test('is refused where the model makes no image of these proportions', async () => {
		const request = requestFor(ofData(await draw(2000, 100)));
		await expect(withReferenceSize(clientWith().client, request, signal)).rejects.toMatchObject({
			kind: 'invalidInput',
			message:
				'Size: the reference image is 2000 × 100 pixels, and Flux makes no image of these proportions; choose a ratio, or Custom',
		});
	});
});
