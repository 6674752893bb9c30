import type { IDataObject, IExecuteFunctions } from 'n8n-workflow';
import { invalidInput } from '../core/errors';
import { CUSTOM_MODEL } from './model';
import type { Param } from './param';

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
		const value = this.raw(name, '');
		return typeof value === 'string' || typeof value === 'number' ? String(value).trim() : '';
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

	/** The values of a collection that are set; null and empty text count as unset. */
	collection(name: string): Map<string, unknown> {
		const values = this.raw(name, {}) as IDataObject;
		return new Map(Object.entries(values).filter(([, value]) => isSet(value)));
	}

	/** The chosen model's ID, whether it is on the list or not. */
	modelId(): string {
		const chosen = this.text('model');
		return chosen === CUSTOM_MODEL ? this.text('customModel') : chosen;
	}
}

const isSet = (value: unknown) => value !== undefined && value !== null && value !== '';

/** The first thing that is wrong with a value. */
export const messageOf = ({ issues }: { issues: Array<{ message: string }> }): string =>
	issues[0]?.message ?? 'is not valid';
