import { css, type Colour } from './palette';

export type Attributes = Record<string, string | number | undefined>;

/** One SVG element; numbers are rounded to a tenth of a pixel, what is undefined is left out. */
export function element(name: string, attributes: Attributes, content = ''): string {
	const written = Object.entries(attributes)
		.filter(([, value]) => value !== undefined)
		.map(([key, value]) => `${key}="${typeof value === 'number' ? round(value) : value}"`);
	return `<${[name, ...written].join(' ')}>${content}</${name}>`;
}

export function round(value: number): string {
	return String(Number(value.toFixed(2)));
}

export type Stop = readonly [offset: number, colour: Colour, opacity?: number];

function stops(list: readonly Stop[]): string {
	return list
		.map(([offset, colour, opacity]) =>
			element('stop', { offset, 'stop-color': css(colour), 'stop-opacity': opacity }),
		)
		.join('');
}

/** From the upper to the lower edge of the shape. */
export function downwards(id: string, ...list: Stop[]): string {
	return element('linearGradient', { id, x1: 0, y1: 0, x2: 0, y2: 1 }, stops(list));
}

export function radial(id: string, centre: Attributes, ...list: Stop[]): string {
	return element('radialGradient', { id, ...centre }, stops(list));
}
