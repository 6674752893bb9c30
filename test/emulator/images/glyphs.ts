import { readFileSync } from 'node:fs';
import { parse, type Font, type PathCommand } from 'opentype.js';

/**
 * Text as outlines, so that images need no fonts on the machine and are the same everywhere.
 */

const WEIGHTS = { prompt: 600, caption: 400 } as const;
const SUBSETS = ['latin', 'latin-ext', 'cyrillic', 'greek'] as const;

export type TextStyle = keyof typeof WEIGHTS;

/** One glyph in units of the font size; y grows downwards, as in SVG. */
interface Glyph {
	advance: number;
	commands: PathCommand[];
}

const fonts = new Map<string, Font>();
const glyphs = new Map<string, Glyph>();

function loadFont(subset: string, style: TextStyle): Font {
	const name = `@fontsource/inter/files/inter-${subset}-${WEIGHTS[style]}-normal.woff`;
	const cached = fonts.get(name);
	if (cached) return cached;
	const file = readFileSync(require.resolve(name));
	const font = parse(file.buffer.slice(file.byteOffset, file.byteOffset + file.byteLength));
	fonts.set(name, font);
	return font;
}

function findFont(character: string, style: TextStyle): Font | undefined {
	for (const subset of SUBSETS) {
		const font = loadFont(subset, style);
		if (font.charToGlyphIndex(character) > 0) return font;
	}
	return undefined;
}

/** A hollow box stands for a character that no subset has. */
const MISSING: Glyph = {
	advance: 0.72,
	commands: [
		...rectangle(0.04, 0.1, 0, 0.7),
		...rectangle(0.54, 0.6, 0, 0.7),
		...rectangle(0.04, 0.6, 0, 0.06),
		...rectangle(0.04, 0.6, 0.64, 0.7),
	],
};

function rectangle(left: number, right: number, bottom: number, top: number): PathCommand[] {
	return [
		{ type: 'M', x: left, y: -bottom },
		{ type: 'L', x: left, y: -top },
		{ type: 'L', x: right, y: -top },
		{ type: 'L', x: right, y: -bottom },
		{ type: 'Z' },
	];
}

function findGlyph(character: string, style: TextStyle): Glyph {
	const name = style + character;
	const cached = glyphs.get(name);
	if (cached) return cached;
	const font = findFont(character, style);
	const found = font?.charToGlyph(character);
	const glyph: Glyph =
		font && found
			? {
					advance: (found.advanceWidth ?? font.unitsPerEm / 2) / font.unitsPerEm,
					commands: found.getPath(0, 0, 1).commands,
				}
			: MISSING;
	glyphs.set(name, glyph);
	return glyph;
}

/** opentype.js can write such a path too, but writes NaN for numbers close to zero. */
function draw(commands: PathCommand[], penX: number, penY: number, size: number): string {
	const point = (x: number, y: number) =>
		`${(penX + x * size).toFixed(1)} ${(penY + y * size).toFixed(1)}`;
	return commands
		.map((command) => {
			if (command.type === 'Z') return 'Z';
			const end = point(command.x, command.y);
			if (command.type === 'Q') return `Q${point(command.x1, command.y1)} ${end}`;
			if (command.type === 'C') {
				return `C${point(command.x1, command.y1)} ${point(command.x2, command.y2)} ${end}`;
			}
			return command.type + end;
		})
		.join('');
}

/** The width of one line, in pixels. */
export function measure(text: string, size: number, style: TextStyle): number {
	return [...text].reduce(
		(width, character) => width + findGlyph(character, style).advance * size,
		0,
	);
}

/** SVG path data of one line that starts at x on the base line y. */
export function outline(
	text: string,
	x: number,
	y: number,
	size: number,
	style: TextStyle,
): string {
	let pen = x;
	let data = '';
	for (const character of text) {
		const glyph = findGlyph(character, style);
		data += draw(glyph.commands, pen, y, size);
		pen += glyph.advance * size;
	}
	return data;
}

function shorten(line: string, size: number, width: number, style: TextStyle): string {
	let room = width - measure('…', size, style);
	let kept = '';
	for (const character of line) {
		room -= measure(character, size, style);
		if (room < 0) break;
		kept += character;
	}
	return `${kept.trimEnd()}…`;
}

/**
 * Breaks text into lines no wider than `width` pixels. What does not fit into
 * `maxLines` is cut with an ellipsis.
 */
export function wrap(
	text: string,
	size: number,
	width: number,
	maxLines: number,
	style: TextStyle,
): string[] {
	const lines: string[] = [];
	let line = '';
	const words = text.split(/\s+/).filter(Boolean);
	for (const [index, word] of words.entries()) {
		const longer = line ? `${line} ${word}` : word;
		if (measure(longer, size, style) <= width) {
			line = longer;
		} else if (lines.length === maxLines - 1) {
			return [
				...lines,
				shorten([line, ...words.slice(index)].join(' ').trim(), size, width, style),
			];
		} else {
			if (line) lines.push(line);
			line = measure(word, size, style) <= width ? word : shorten(word, size, width, style);
		}
	}
	return line ? [...lines, line] : lines;
}
