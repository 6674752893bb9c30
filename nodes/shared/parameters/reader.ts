import type { IDataObject, IExecuteFunctions } from 'n8n-workflow';
import { invalidInput } from '../core/errors';
import { isObject } from '../core/json';
import { CUSTOM_MODEL } from './model';
import { OPTIONS } from './options';
import { groupsOf, isSet, type Param } from './param';

/** Reads one item's parameters, and collects what is wrong with them, by label, until all are read. */
export class ParameterReader {
	private readonly problems: string[] = [];

	constructor(
		readonly context: IExecuteFunctions,
		readonly itemIndex: number,
	) {}

	addProblem(label: string, problem: string): void {
		this.problems.push(`${label}: ${problem}`);
	}

	get problemCount(): number {
		return this.problems.length;
	}

	/** @throws Flux2Error `invalidInput` with all problems at once */
	throwIfInvalid(): void {
		if (this.problems.length > 0) throw invalidInput(this.problems);
	}

	/** The parameter as it is, or `fallback` where it does not exist. */
	raw(name: string, fallback?: unknown): unknown {
		return this.context.getNodeParameter(name, this.itemIndex, fallback as IDataObject);
	}

	/** The parameter as trimmed text; numbers from an expression too. Anything else counts as empty. */
	text(name: string): string {
		return toText(this.raw(name, ''));
	}

	/** A parameter outside of the collections; its default where it is unset or wrong. */
	value<T>(param: Param<T>): T {
		const { property, schema } = param;
		const value = this.raw(property.name, null);
		const result = schema().safeParse(value === null || value === '' ? property.default : value);
		if (result.success) return result.data;
		this.addProblem(property.displayName, messageOf(result.error));
		return param.default;
	}

	/** A list parameter's value; the first of the list where the parameter does not exist or is wrong. */
	choice<V extends string>(name: string, label: string, values: readonly [V, ...V[]]): V {
		const value = this.text(name) || values[0];
		const found = values.find((known) => known === value);
		if (!found) this.addProblem(label, `must be one of ${values.join(', ')}`);
		return found ?? values[0];
	}

	/** One of the options; its default where it is unset or wrong, which is reported with the other options. */
	option<T>({ property, schema, default: standard }: Param<T>): T {
		const value = this.collection(OPTIONS).get(property.name);
		const result = schema().safeParse(value);
		return result.success ? result.data : standard;
	}

	/** The values that are set, by name, of parameters in the main panel, the options and their groups. */
	values(params: readonly Param[]): Map<string, unknown> {
		const values = this.collection(OPTIONS);
		for (const { place, property } of params) {
			if (place !== 'panel') continue;
			const value = this.raw(property.name, null);
			if (isSet(value)) values.set(property.name, value);
		}
		for (const { name } of groupsOf(params)) {
			const inGroup = values.get(name);
			values.delete(name);
			for (const [key, value] of setEntries(inGroup)) values.set(key, value);
		}
		return values;
	}

	/** The values of a collection that are set; null and empty text count as unset. */
	collection(name: string): Map<string, unknown> {
		return new Map(setEntries(this.raw(name, {})));
	}

	/** The chosen model's ID, whether it is on the list or not. */
	modelId(): string {
		const model = this.raw('model', '');
		// chosen from a list that the provider has, or typed in
		if (isObject(model)) return toText(model.value);
		const chosen = toText(model);
		return chosen === CUSTOM_MODEL ? this.text('customModel') : chosen;
	}
}

const toText = (value: unknown): string =>
	typeof value === 'string' || typeof value === 'number' ? String(value).trim() : '';

const setEntries = (values: unknown): Array<[string, unknown]> =>
	typeof values === 'object' && values !== null
		? Object.entries(values).filter(([, value]) => isSet(value))
		: [];

/** The first thing that is wrong with a value. */
export const messageOf = ({ issues }: { issues: Array<{ message: string }> }): string =>
	issues[0]?.message ?? 'is not valid';
