import type { IDataObject, INodeProperties } from 'n8n-workflow';
import { isObject, mergeJson, omitUndefined } from '../core/json';
import { prompt } from './options';
import {
	additionalFields,
	colorPalette,
	FORM,
	FORM_LABEL,
	promptType,
	sendAs,
	subjects,
	text,
} from './promptProperties';
import { toProsePrompt } from './prosePrompt';
import { messageOf, type ParameterReader } from './reader';

/** What the image shows, by the keys of the model's documents and in the order in which they weigh. */
export type StructuredPrompt = IDataObject;

/** The item's prompt as it is sent: the text, or the form as JSON or prose. */
export function readPrompt(reader: ParameterReader, need?: 'optional'): string {
	if (reader.value(promptType) === 'structured') return readStructuredPrompt(reader);
	const value = prompt.schema().parse(reader.raw(prompt.property.name) ?? '');
	if (value.trim() !== '') return value;
	if (!need) reader.addProblem(prompt.property.displayName, 'must not be empty');
	return '';
}

function readStructuredPrompt(reader: ParameterReader): string {
	// what an expression has made may be no plain JSON yet: a date, for instance
	const form = JSON.parse(JSON.stringify(reader.raw(FORM) ?? {})) as IDataObject;
	const additional = readAdditionalFields(reader, form);
	for (const { label, value } of colorsOf(form)) {
		if (!isColor(value)) {
			reader.addProblem(`${FORM_LABEL}, ${label}`, `"${value}" is not a hex color such as #0B3D2E`);
		}
	}
	const structured = toStructuredPrompt(form, additional);
	if (Object.keys(structured).length === 0) reader.addProblem(FORM_LABEL, 'must not be empty');
	return reader.value(sendAs) === 'prose' ? toProsePrompt(structured) : toJsonPrompt(structured);
}

function readAdditionalFields(reader: ParameterReader, form: IDataObject): IDataObject {
	const { property, schema } = additionalFields;
	const result = schema().safeParse(form[property.name] || {});
	if (result.success) return result.data;
	reader.addProblem(`${FORM_LABEL}, ${property.displayName}`, messageOf(result.error));
	return {};
}

/** The fields' values by the documented keys, and the additional fields on top. Nothing in it is empty. */
export function toStructuredPrompt(
	form: IDataObject,
	additional: IDataObject = {},
): StructuredPrompt {
	const { scene, style, lighting, mood, background, composition } = form;
	const { aperture, focus, depthOfField, ...view } = (form.camera as Group)?.camera ?? {};
	const fields = {
		scene,
		subjects: entriesOf(form, subjects).filter(({ description }) => !isEmpty(description)),
		text: entriesOf(form, text)
			.filter(({ content }) => !isEmpty(content))
			.map((entry) => ({ ...entry, color: withHash(entry.color) })),
		style,
		color_palette: entriesOf(form, colorPalette).map(toColorText),
		lighting,
		mood,
		background,
		composition,
		camera: { ...view, 'f-number': aperture, focus, depth_of_field: depthOfField },
	};
	const given = withoutEmpty(fields) ?? {};
	return (withoutEmpty(mergeJson(given, additional)) ?? {}) as StructuredPrompt;
}

/** One line of JSON: what the prompt of a request holds. */
export const toJsonPrompt = (structured: StructuredPrompt): string => JSON.stringify(structured);

/** A fixed collection's value, by the name of its group. */
type Group = Record<string, IDataObject | undefined> | undefined;
type Groups = Record<string, IDataObject[] | undefined> | undefined;

function entriesOf(form: IDataObject, { name, options = [] }: INodeProperties): IDataObject[] {
	const group = options[0]?.name ?? '';
	return (form[name] as Groups)?.[group] ?? [];
}

/** "#0B3D2E (deep green) for the body"; undefined where no color is said. */
function toColorText({ color: hex, name, appliesTo }: IDataObject): string | undefined {
	const [shown, called, target] = [withHash(hex), name, appliesTo].map((value) =>
		isEmpty(value) ? undefined : String(value as string | number).trim(),
	);
	if (!shown && !called) return undefined;
	const named = shown && called ? `${shown} (${called})` : (shown ?? called);
	return target ? `${named} for ${target}` : named;
}

/** Every color that is given, with what the editor calls its place. */
function colorsOf(form: IDataObject): Array<{ label: string; value: string }> {
	return [text, colorPalette].flatMap((property) =>
		entriesOf(form, property).flatMap((entry, index) => {
			const value = withHash(entry.color);
			const label = `${property.displayName} (entry ${index + 1})`;
			return isEmpty(value) ? [] : [{ label, value: String(value) }];
		}),
	);
}

/** Spreadsheets often leave out the hash. */
const withHash = (value: unknown): unknown =>
	/^\s*[\da-f]{6}\s*$/i.test(String(value)) ? `#${String(value).trim()}` : value;

/** A hex color, or a name in words. */
const isColor = (value: string): boolean =>
	value.includes('#')
		? /^#(?:[\da-f]{3}|[\da-f]{6}|[\da-f]{8})$/i.test(value.trim())
		: /\p{L}/u.test(value);

const isEmpty = (value: unknown): boolean => withoutEmpty(value) === undefined;

/** Undefined for what says nothing: expressions yield empty text for cells that are not filled in. */
function withoutEmpty(value: unknown): unknown {
	if (typeof value === 'string') return value.trim() || undefined;
	if (Array.isArray(value)) {
		const kept = value.map(withoutEmpty).filter((entry) => entry !== undefined);
		return kept.length > 0 ? kept : undefined;
	}
	if (!isObject(value)) return value ?? undefined;
	const kept = omitUndefined(
		Object.fromEntries(Object.entries(value).map(([key, entry]) => [key, withoutEmpty(entry)])),
	);
	return Object.keys(kept).length > 0 ? kept : undefined;
}
