import type { IDataObject } from 'n8n-workflow';
import { isObject } from '../core/json';

/** The fields of which a sentence says what they are. */
const DESCRIBED = ['style', 'lighting', 'mood', 'background', 'composition', 'camera'];

/**
 * A structured prompt as English sentences. The first words weigh most, so the scene comes first, then the words in the
 * image, in quotation marks; each color stands beside what has it.
 */
export function toProsePrompt(structured: IDataObject): string {
	const { scene, text, subjects, color_palette: colors, ...others } = structured;
	const sentences = [
		toWords(scene),
		...toList(text).map(describeText),
		...toList(subjects).map(describeSubject),
		describeColors(toList(colors)),
		...Object.entries(others).map(([key, value]) => describeField(key, value)),
	];
	return sentences
		.filter((sentence) => sentence !== '')
		.map(toSentence)
		.join(' ');
}

function describeText(entry: unknown): string {
	const { content, position, style, color, ...others } = isObject(entry)
		? entry
		: { content: entry };
	const parts = [
		position === undefined ? 'in the image' : toWords(position),
		style === undefined ? '' : withPreposition(toWords(style)),
		color === undefined ? '' : `in color ${toWords(color)}`,
		toWords(others),
	];
	return `The text ${toQuotation(toWords(content))} appears ${joinClauses(parts)}`;
}

function describeSubject(entry: unknown): string {
	if (!isObject(entry)) return toWords(entry);
	const { description, action, position, ...others } = entry;
	return joinClauses([description, action, position, others].map(toWords));
}

function describeColors(colors: unknown[]): string {
	const shown = colors.map(toWords).map((color) => (/^#/.test(color) ? `color ${color}` : color));
	return shown.length > 0 ? `Use ${joinWithAnd(shown)}` : '';
}

function describeField(key: string, value: unknown): string {
	if (key === 'camera' && isObject(value)) return describeCamera(value);
	if (DESCRIBED.includes(key) && !isObject(value)) return `The ${key} is ${toWords(value)}`;
	return `${toLabel(key)}: ${toWords(value)}`;
}

/** "The camera angle is eye level, the lens 85 mm". */
function describeCamera(camera: Record<string, unknown>): string {
	const [first = '', ...others] = Object.entries(camera).map(([key, value], index) => {
		const name = key === 'angle' ? 'camera angle' : toLabel(key);
		return `the ${name}${index === 0 ? ' is' : ''} ${toWords(value)}`;
	});
	return joinClauses([first, ...others]);
}

/** Whatever a field holds, in one line; nothing is left out. */
function toWords(value: unknown): string {
	if (value === undefined || value === null) return '';
	if (Array.isArray(value)) {
		return value.some(isObject) ? value.map(toWords).join('; ') : joinWithAnd(value.map(toWords));
	}
	if (!isObject(value)) return typeof value === 'string' ? value : JSON.stringify(value);
	return joinClauses(
		Object.entries(value).map(([key, entry]) => `${toLabel(key)} ${toWords(entry)}`),
	);
}

const toList = (value: unknown): unknown[] => (value === undefined ? [] : [value].flat());

const toLabel = (key: string): string => key.replaceAll('_', ' ');

/** Words that hold quotation marks themselves stand in other ones. */
const toQuotation = (words: string): string => (words.includes('"') ? `“${words}”` : `"${words}"`);

const withPreposition = (words: string): string => (/^in\b/i.test(words) ? words : `in ${words}`);

const joinClauses = (clauses: string[]): string =>
	clauses
		.map(withoutStop)
		.filter((clause) => clause !== '')
		.join(', ');

/** Without the full stop or comma that people end a clause with. */
function withoutStop(clause: string): string {
	let length = clause.length;
	while (length > 0 && ' \n.,;'.includes(clause.charAt(length - 1))) length--;
	return clause.slice(0, length);
}

const joinWithAnd = (words: string[]): string =>
	words.length > 1 ? `${words.slice(0, -1).join(', ')} and ${words.at(-1)}` : (words[0] ?? '');

/** Begins with a capital letter, unless the first word has capitals of its own (iPhone), and ends with a stop. */
function toSentence(words: string): string {
	const begun = words.replace(/^[a-z](?=[a-z'’-]*(?:[^\p{L}\p{N}]|$))/u, (letter) =>
		letter.toUpperCase(),
	);
	return /[.!?…。！？]["”’»)]*$/.test(begun) ? begun : `${begun}.`;
}
