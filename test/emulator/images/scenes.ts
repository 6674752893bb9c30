import { css, mix, type Colour, type Palette } from './palette';
import { between, pickOne, type Random } from './random';
import { downwards, element, radial, round } from './svg';

/**
 * The subject of an image as SVG shapes over the background. No filters: librsvg draws
 * gradients and paths quickly, blurs slowly.
 */
export interface Canvas {
	width: number;
	height: number;
	palette: Palette;
	random: Random;
}

/** `defs` are gradients, `shapes` refer to them. */
export interface Scene {
	defs: string[];
	shapes: string[];
}

const WHITE: Colour = [255, 255, 255];
const BLACK: Colour = [0, 0, 0];

const at = (palette: Palette, index: number): Colour => palette[index] as Colour;

function glow(id: string, colour: Colour, strength: number): string {
	return radial(id, {}, [0, colour, strength], [0.4, colour, strength * 0.35], [1, colour, 0]);
}

function ridgeLine(canvas: Canvas, base: number, height: number): string {
	const { width, random } = canvas;
	const waves = Array.from({ length: 5 }, (_, octave) => ({
		frequency: between(random, 0.8, 1.6) * 2 ** octave,
		phase: between(random, 0, Math.PI * 2),
		size: height / 1.9 ** octave,
	}));
	const lift = (share: number) =>
		waves.reduce(
			(sum, { frequency, phase, size }) =>
				sum + Math.abs(Math.sin(share * Math.PI * frequency + phase)) * size,
			0,
		);
	const points = Array.from({ length: 65 }, (_, step) => {
		const share = step / 64;
		return `${round(share * width)} ${round(base - lift(share))}`;
	});
	return `M0 ${canvas.height}L${points.join('L')}L${width} ${canvas.height}Z`;
}

function ridges(canvas: Canvas): Scene {
	const { width, height, palette, random } = canvas;
	const sun = { cx: between(random, 0.2, 0.8) * width, cy: between(random, 0.2, 0.38) * height };
	const r = Math.min(width, height) * between(random, 0.07, 0.12);
	const defs = [glow('halo', at(palette, 0), 0.9)];
	const shapes = [
		element('circle', { ...sun, r: r * 4.5, fill: 'url(#halo)' }),
		element('circle', { ...sun, r, fill: css(mix(at(palette, 0), WHITE, 0.5)) }),
	];
	for (let layer = 0; layer < 5; layer++) {
		const depth = (layer + 1) / 5;
		const colour = mix(at(palette, 1), at(palette, 4), depth);
		const haze = mix(colour, at(palette, 0), 0.35 * (1 - depth));
		const base = height * (0.5 + 0.11 * layer);
		defs.push(downwards(`ridge${layer}`, [0, colour], [1, haze]));
		const d = ridgeLine(canvas, base, height * 0.15 * (1.1 - depth * 0.6));
		shapes.push(element('path', { d, fill: `url(#ridge${layer})` }));
	}
	return { defs, shapes };
}

function orbs(canvas: Canvas): Scene {
	const { width, height, palette, random } = canvas;
	const defs = [glow('shade', BLACK, 0.5)];
	const shapes: string[] = [];
	for (let index = 0; index < 6; index++) {
		const colour = pickOne(random, palette.slice(0, 4));
		const r = Math.min(width, height) * between(random, 0.07, 0.24) * (1 - index * 0.06);
		const cx = between(random, 0.12, 0.88) * width;
		const cy = between(random, 0.14, 0.66) * height;
		const shadow = { cx: cx + r * 0.15, cy: cy + r * 1.12, rx: r * 1.15, ry: r * 0.4 };
		defs.push(
			radial(
				`orb${index}`,
				{ cx: 0.35, cy: 0.3, r: 0.8 },
				[0, mix(colour, WHITE, 0.75)],
				[0.45, colour],
				[1, mix(colour, at(palette, 4), 0.8)],
			),
		);
		shapes.push(
			element('ellipse', { ...shadow, fill: 'url(#shade)' }),
			element('circle', { cx, cy, r, fill: `url(#orb${index})` }),
		);
	}
	return { defs, shapes };
}

function ribbons(canvas: Canvas): Scene {
	const { width, height, palette, random } = canvas;
	const curve = () => Array.from({ length: 4 }, () => between(random, 0.1, 0.85) * height);
	const [first, last] = [curve(), curve()];
	const lines = 46;
	const shapes = Array.from({ length: lines }, (_, line) => {
		const share = line / (lines - 1);
		const [a, b, c, d] = first.map((y, index) => round(y + ((last[index] as number) - y) * share));
		const colour =
			share < 0.5
				? mix(at(palette, 0), at(palette, 2), share * 2)
				: mix(at(palette, 2), at(palette, 4), share * 2 - 1);
		return element('path', {
			d: `M${-0.05 * width} ${a}C${0.3 * width} ${b} ${0.65 * width} ${c} ${1.05 * width} ${d}`,
			stroke: css(colour),
			'stroke-opacity': 0.75,
			'stroke-width': height * 0.008,
			fill: 'none',
		});
	});
	return { defs: [], shapes };
}

function tile({ palette, random }: Canvas, left: number, top: number, side: number): string {
	const half = side / 2;
	const [back, front] = [pickOne(random, palette), pickOne(random, palette)];
	const turn = Math.floor(random() * 4) * 90;
	const [low, high] = [round(-half), round(half)];
	const fan = `M${low} ${low}H${high}A${round(side)} ${round(side)} 0 0 1 ${low} ${high}Z`;
	return element(
		'g',
		{ transform: `translate(${round(left + half)} ${round(top + half)}) rotate(${turn})` },
		[
			// A little larger than its place, so that no seam shows.
			element('rect', {
				x: -half,
				y: -half,
				width: side + 0.6,
				height: side + 0.6,
				fill: css(back),
				'fill-opacity': 0.8,
			}),
			element('path', { d: fan, fill: css(front), 'fill-opacity': 0.9 }),
			element('circle', {
				cx: -half,
				cy: -half,
				r: side * 0.45,
				fill: css(mix(front, back, 0.6)),
				'fill-opacity': 0.9,
			}),
		].join(''),
	);
}

function tiles(canvas: Canvas): Scene {
	const { width, height } = canvas;
	const side = Math.max(width, height) / 6;
	const shapes: string[] = [];
	for (let top = 0; top < height; top += side) {
		for (let left = 0; left < width; left += side) shapes.push(tile(canvas, left, top, side));
	}
	return { defs: [], shapes };
}

/** One petal, from the origin upwards. */
function petalPath(length: number): string {
	const [wide, narrow, low, high, tip] = [0.34, 0.2, -0.35, -0.85, -1].map((part) =>
		round(part * length),
	);
	return `M0 0C${wide} ${low} ${narrow} ${high} 0 ${tip}C-${narrow} ${high} -${wide} ${low} 0 0Z`;
}

function petals(canvas: Canvas): Scene {
	const { width, height, palette, random } = canvas;
	const [cx, cy] = [width * between(random, 0.38, 0.62), height * between(random, 0.36, 0.48)];
	const unit = Math.min(width, height);
	const defs: string[] = [];
	const shapes: string[] = [];
	for (let ring = 0; ring < 3; ring++) {
		const count = 16 - ring * 4;
		const d = petalPath(unit * (0.46 - ring * 0.13));
		const [tip, heart] = [at(palette, 2 - ring), at(palette, 3)];
		defs.push(downwards(`petal${ring}`, [0, tip, 0.95], [1, heart, 0.55]));
		for (let petal = 0; petal < count; petal++) {
			const angle = (petal / count) * 360 + ring * 11;
			shapes.push(
				element('path', {
					transform: `translate(${round(cx)} ${round(cy)}) rotate(${round(angle)})`,
					d,
					fill: `url(#petal${ring})`,
					stroke: css(at(palette, 0)),
					'stroke-opacity': 0.35,
				}),
			);
		}
	}
	shapes.push(element('circle', { cx, cy, r: unit * 0.035, fill: css(at(palette, 0)) }));
	return { defs, shapes };
}

const SCENES = [ridges, orbs, ribbons, tiles, petals] as const;

const HINTS: ReadonlyArray<readonly [RegExp, (typeof SCENES)[number]]> = [
	[/\b(?:mountains?|landscape|alps|hills?|desert|sunset|horizon|valley|fog)\b/i, ridges],
	[/\b(?:water\w*|sea|ocean|river|waves?|wind|fabric|silk|music|pond)\b/i, ribbons],
	[/\b(?:flowers?|gardens?|leaf|plants?|roses?|bloom\w*)\b/i, petals],
	[/\b(?:city|posters?|pattern|typography|tiles?|architecture|buildings?|cubes?)\b/i, tiles],
	[/\b(?:products?|planets?|balls?|fruit|perfume|bottle|still life)\b/i, orbs],
];

/** The scene that suits the prompt's words, else one by chance. */
export function drawScene(prompt: string, canvas: Canvas): Scene {
	const hinted = HINTS.find(([words]) => words.test(prompt))?.[1];
	return (hinted ?? pickOne(canvas.random, SCENES))(canvas);
}

/**
 * A soft mesh of colours, one eighth of the image's size, to be enlarged.
 * @returns raw RGB
 */
export function drawBackground(canvas: Canvas): { data: Buffer; width: number; height: number } {
	const width = Math.max(2, Math.round(canvas.width / 8));
	const height = Math.max(2, Math.round(canvas.height / 8));
	const { palette, random } = canvas;
	const blobs = Array.from({ length: 7 }, (_, index) => {
		const y = between(random, -0.1, 1.1);
		const level = Math.min(4, Math.max(0, y * 3 + between(random, -0.8, 0.8)));
		const below = Math.floor(level);
		const colour = mix(at(palette, below), at(palette, Math.min(4, below + 1)), level - below);
		return { x: between(random, -0.1, 1.1), y: index === 0 ? 0 : y, colour };
	});
	const data = Buffer.alloc(width * height * 3);
	for (let pixel = 0; pixel < width * height; pixel++) {
		const [x, y] = [(pixel % width) / width, Math.floor(pixel / width) / height];
		let [red, green, blue, total] = [0, 0, 0, 0];
		for (const blob of blobs) {
			const weight = 1 / ((x - blob.x) ** 2 + (y - blob.y) ** 2 + 0.03) ** 1.6;
			red += blob.colour[0] * weight;
			green += blob.colour[1] * weight;
			blue += blob.colour[2] * weight;
			total += weight;
		}
		data.set([red / total, green / total, blue / total], pixel * 3);
	}
	return { data, width, height };
}
