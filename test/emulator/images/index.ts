import { createHash } from 'node:crypto';
import sharp, { type Sharp } from 'sharp';
import { measure, outline, wrap } from './glyphs';
import { padPng } from './padding';
import { paletteFor } from './palette';
import { randomFrom } from './random';
import { drawBackground, drawScene, type Canvas } from './scenes';
import { element, round, type Attributes } from './svg';

export type ImageFormat = 'png' | 'jpeg' | 'webp';

/** Everything that an image depends on. */
export interface ImageOrder {
	prompt: string;
	model: string;
	seed: number;
	width: number;
	height: number;
	format: ImageFormat;
	/** Other parameters: they change the image, but are not written on it. */
	parameters?: Record<string, unknown>;
	references?: readonly ReferenceImage[];
	/** One colour and nothing on it: for measurements, which drawing would disturb. */
	plain?: boolean;
	/** A PNG is padded to this size. */
	bytes?: number;
}

/** A decoded reference, or the label of one that may not be fetched. */
export type ReferenceImage =
	| { bytes: Buffer; width: number; height: number; label?: undefined }
	| { label: string; bytes?: undefined };

export interface DrawnImage {
	bytes: Buffer;
	sha256: string;
	mimeType: `image/${ImageFormat}`;
	extension: ImageFormat;
	width: number;
	height: number;
}

const CACHE_SIZE = 200;
const cache = new Map<string, Promise<DrawnImage>>();

/** The same order always gives the same bytes. */
export function drawImage(order: ImageOrder): Promise<DrawnImage> {
	const name = sha256(JSON.stringify(toPlainOrder(order)));
	const cached = cache.get(name);
	if (cached) return cached;
	const image = paint(order, name);
	cache.set(name, image);
	const oldest = cache.keys().next().value;
	if (cache.size > CACHE_SIZE && oldest !== undefined) cache.delete(oldest);
	return image;
}

/** A sample to refer to: colours and its own name, at any size. */
export function drawReference(
	name: string,
	width: number,
	height: number,
	format: ImageFormat,
): Promise<DrawnImage> {
	return drawImage({
		prompt: `Reference ${name}`,
		model: 'sample',
		seed: 0,
		width,
		height,
		format,
	});
}

export function sha256(data: string | Buffer): string {
	return createHash('sha256').update(data).digest('hex');
}

function toPlainOrder(order: ImageOrder): unknown {
	const references = order.references?.map(({ label, bytes }) => label ?? sha256(bytes));
	return { ...order, references };
}

async function paint(order: ImageOrder, name: string): Promise<DrawnImage> {
	const random = randomFrom(name);
	const canvas: Canvas = {
		width: order.width,
		height: order.height,
		palette: paletteFor(order.prompt, random()),
		random,
	};
	const image = order.plain
		? createPlain(canvas)
		: sharp(Buffer.from(await drawSvg(order, canvas)));
	const encoded = await encode(image.removeAlpha(), order.format);
	const bytes = order.bytes === undefined ? encoded : padPng(encoded, order.bytes);
	return {
		bytes,
		sha256: sha256(bytes),
		mimeType: `image/${order.format}`,
		extension: order.format,
		width: order.width,
		height: order.height,
	};
}

function encode(image: Sharp, format: ImageFormat): Promise<Buffer> {
	if (format === 'png') return image.png({ compressionLevel: 3 }).toBuffer();
	if (format === 'webp') return image.webp({ quality: 82, effort: 0 }).toBuffer();
	return image.jpeg({ quality: 88 }).toBuffer();
}

/** Different orders give different colours, as far as three bytes allow. */
function createPlain({ width, height, random }: Canvas): Sharp {
	const [r, g, b] = [random, random, random].map((next) => Math.floor(next() * 256));
	return sharp({ create: { width, height, channels: 3, background: { r, g, b } } });
}

/** The whole image in one drawing: one pass is twice as fast as layers put together. */
async function drawSvg(order: ImageOrder, canvas: Canvas): Promise<string> {
	const { width, height } = order;
	const { defs, shapes } = drawScene(order.prompt, canvas);
	const { data, ...size } = drawBackground(canvas);
	const background = await sharp(data, { raw: { ...size, channels: 3 } })
		.png()
		.toBuffer();
	const content = [
		element('defs', {}, defs.join('')),
		embed(background, { x: 0, y: 0, width, height }),
		...shapes,
		drawBand(order),
		...(await drawReferences(order)),
	];
	return element('svg', { xmlns: 'http://www.w3.org/2000/svg', width, height }, content.join(''));
}

function embed(png: Buffer, place: Attributes): string {
	return element('image', {
		...place,
		preserveAspectRatio: 'none',
		href: `data:image/png;base64,${png.toString('base64')}`,
	});
}

/** The prompt and, smaller, model, seed and size, at the lower edge. */
function drawBand(order: ImageOrder): string {
	const { width, height } = order;
	const size = Math.min(34, Math.max(7, Math.min(width, height) / 30));
	const small = size * 0.62;
	const leading = size * 1.35;
	const [margin, padding] = [size * 0.9, size * 0.85];
	const room = width - 2 * (margin + padding);
	const maxLines = Math.max(1, Math.min(4, Math.floor((height * 0.4) / leading)));
	const lines = wrap(order.prompt, size, room, maxLines, 'prompt');
	const caption = wrap(toCaption(order), small, room, 1, 'caption').join('');
	const box = lines.length * leading + small * 1.5 + 1.6 * padding;
	const [left, top] = [margin + padding, height - margin - box];
	const text = lines.map((line, row) =>
		outline(line, left, top + padding + size * 0.85 + row * leading, size, 'prompt'),
	);
	const widest = Math.max(
		measure(caption, small, 'caption'),
		...lines.map((line) => measure(line, size, 'prompt')),
	);
	const place = { x: margin, y: top, width: widest + 2 * padding, height: box };
	const captionPath = outline(caption, left, height - margin - padding, small, 'caption');
	return [
		element('rect', { ...place, rx: size * 0.7, fill: '#0b0d14', 'fill-opacity': 0.62 }),
		element('path', { d: text.join(''), fill: '#fff' }),
		element('path', { d: captionPath, fill: '#fff', 'fill-opacity': 0.75 }),
	].join('');
}

function toCaption({ model, seed, width, height, format }: ImageOrder): string {
	return [model, `seed ${seed}`, `${width}×${height}`, format].join('  ·  ');
}

interface ReferencePlace {
	left: number;
	top: number;
	side: number;
}

/** References stand side by side along the upper edge, however many there are. */
function placeReferences(order: ImageOrder): ReferencePlace[] {
	const count = order.references?.length ?? 0;
	const unit = Math.min(order.width, order.height);
	const gap = Math.max(2, Math.round(unit / 36));
	const share = Math.floor((order.width - gap) / Math.max(count, 1)) - gap;
	const side = Math.max(1, Math.min(Math.round(unit / 5), share));
	return Array.from({ length: count }, (_, index) => ({
		left: gap + index * (side + gap),
		top: gap,
		side,
	}));
}

async function drawReferences(order: ImageOrder): Promise<string[]> {
	const places = placeReferences(order);
	const drawn = (order.references ?? []).map(async (reference, index) => {
		const { left, top, side } = places[index] as ReferencePlace;
		const edge = Math.max(1, Math.round(side / 28));
		const outer = side + 2 * edge;
		const frame = { x: left - edge, y: top - edge, width: outer, height: outer, rx: edge * 2 };
		const inner = reference.bytes
			? embed(await thumbnail(reference.bytes, side), {
					x: left,
					y: top,
					width: side,
					height: side,
				})
			: drawPlaceholder(reference.label, left, top, side);
		return element('rect', { ...frame, fill: '#fff' }) + inner;
	});
	return Promise.all(drawn);
}

function thumbnail(bytes: Buffer, side: number): Promise<Buffer> {
	return sharp(bytes).resize(side, side, { fit: 'cover' }).png().toBuffer();
}

/** Stands for an image on a host that the emulator does not visit. */
function drawPlaceholder(label: string, left: number, top: number, side: number): string {
	const part = (share: number) => round(share * side);
	const size = Math.max(4, side / 11);
	const lines = wrap(label, size, side * 0.88, 2, 'caption');
	const text = lines.map((line, row) =>
		outline(line, side * 0.06, side * 0.8 + row * size * 1.3, size, 'caption'),
	);
	const peaks =
		`M0 ${part(0.66)}L${part(0.35)} ${part(0.36)}L${part(0.55)} ${part(0.52)}` +
		`L${part(0.75)} ${part(0.3)}L${part(1)} ${part(0.6)}V${part(0.66)}Z`;
	const sun = { cx: side * 0.32, cy: side * 0.28, r: side * 0.09 };
	const content = [
		element('rect', { width: side, height: side, fill: '#3b4252' }),
		element('circle', { ...sun, fill: '#e5e9f0' }),
		element('path', { d: peaks, fill: '#81a1c1' }),
		element('path', { d: text.join(''), fill: '#eceff4' }),
	];
	return element('g', { transform: `translate(${left} ${top})` }, content.join(''));
}
