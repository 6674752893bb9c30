/**
 * The colours of an image: those that the prompt names as hex codes, or a palette that suits its words.
 */

export type Colour = readonly [red: number, green: number, blue: number];

/** From the lightest (sky, paper) to the darkest (ground, ink). */
export type Palette = readonly Colour[];

const PALETTES = {
	dawn: ['#fde8d0', '#f9b18a', '#e8716d', '#96516f', '#3a2a4d'],
	sea: ['#dff3f0', '#8fd3d1', '#3f9fb5', '#1f5f85', '#0d2c4a'],
	forest: ['#eef3d8', '#b9cf8c', '#6f9f6b', '#34685a', '#16332f'],
	night: ['#b9c6ff', '#7a7fe0', '#4a45a8', '#2a2468', '#100d2e'],
	desert: ['#fff1d6', '#f6c887', '#dd8d55', '#a5523f', '#4a2630'],
	rose: ['#ffeaf0', '#f7b7c9', '#d97aa0', '#8f4a7a', '#3a2147'],
	citrus: ['#fff7cf', '#ffd55e', '#ff9a3d', '#e4573d', '#5a1f3d'],
	mint: ['#effcf3', '#a8ecca', '#58c9a4', '#23867f', '#0c3c47'],
	slate: ['#eef1f5', '#b9c4d2', '#7d8da3', '#465467', '#1b2430'],
	orchid: ['#f6eaff', '#d3b0f5', '#a074db', '#65459f', '#281a4d'],
	copper: ['#fbe9dc', '#e8b08a', '#bd7350', '#74453c', '#2b1d24'],
	ember: ['#ffe9dd', '#ffb199', '#f2604b', '#b32637', '#3d0f26'],
	aurora: ['#e7fff4', '#8af0c5', '#4cb6d6', '#5a5fc4', '#1c1547'],
} as const;

type PaletteName = keyof typeof PALETTES;

const NAMES = Object.keys(PALETTES) as PaletteName[];

const HINTS: ReadonlyArray<readonly [RegExp, PaletteName]> = [
	[/\b(?:night|space|stars?|neon|cyber\w*)\b/i, 'night'],
	[/\b(?:sunset|sunrise|golden|dawn|warm)\b/i, 'dawn'],
	[/\b(?:pastel|flowers?|roses?|pink|fashion)\b/i, 'rose'],
	[/\b(?:red|fire|lava|poppy|strawberr\w+)\b/i, 'ember'],
	[/\b(?:sea|ocean|water|lake|river|pond|blue|rain)\b/i, 'sea'],
	[/\b(?:forest|gardens?|trees?|leaf|green|jungle)\b/i, 'forest'],
	[/\b(?:desert|sand|canyon|autumn|brown)\b/i, 'desert'],
	[/\b(?:titanium|steel|phone|product|minimal\w*|gr[ae]y|sketch)\b/i, 'slate'],
	[/\b(?:purple|violet|magic)\b/i, 'orchid'],
	[/\b(?:oil painting|portrait|renaissance|copper|wood)\b/i, 'copper'],
	[/\b(?:alps|mountains?|ice|snow|arctic)\b/i, 'aurora'],
	[/\b(?:fruit|lemon|orange|citrus|yellow)\b/i, 'citrus'],
];

export function colourOf(hex: string): Colour {
	const digits = hex.length === 4 ? hex.slice(1).replace(/./g, '$&$&') : hex.slice(1);
	const value = parseInt(digits, 16);
	return [(value >> 16) & 255, (value >> 8) & 255, value & 255];
}

export function css(colour: Colour): string {
	return `rgb(${colour.map((part) => Math.round(part)).join(',')})`;
}

export function mix(from: Colour, to: Colour, share: number): Colour {
	const part = (index: 0 | 1 | 2) => from[index] + (to[index] - from[index]) * share;
	return [part(0), part(1), part(2)];
}

function lightness([red, green, blue]: Colour): number {
	return 0.299 * red + 0.587 * green + 0.114 * blue;
}

/** Fills up to five colours between and around the ones that the prompt names. */
function stretch(named: Colour[]): Palette {
	const sorted = [...named].sort((a, b) => lightness(b) - lightness(a));
	const lightest = sorted[0] as Colour;
	const darkest = sorted[sorted.length - 1] as Colour;
	const scale: Colour[] = [
		mix(lightest, [255, 255, 255], 0.55),
		...sorted,
		mix(darkest, [0, 0, 0], 0.55),
	];
	return Array.from({ length: 5 }, (_, index) => {
		const at = (index / 4) * (scale.length - 1);
		const below = Math.floor(at);
		const above = Math.min(below + 1, scale.length - 1);
		return mix(scale[below] as Colour, scale[above] as Colour, at - below);
	});
}

/** @param pick 0 … 1, decides where the prompt names no colours */
export function paletteFor(prompt: string, pick: number): Palette {
	const named = prompt.match(/#[0-9a-f]{6}\b|#[0-9a-f]{3}\b/gi);
	if (named) return stretch(named.map(colourOf));
	const hinted = HINTS.find(([words]) => words.test(prompt))?.[1];
	const name = hinted ?? NAMES[Math.floor(pick * NAMES.length)] ?? 'dawn';
	return PALETTES[name].map(colourOf);
}
