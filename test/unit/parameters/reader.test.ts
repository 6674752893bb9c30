import type { IExecuteFunctions } from 'n8n-workflow';
import { Flux2Error } from '../../../nodes/shared/core/errors';
import { integer, toggle } from '../../../nodes/shared/parameters/param';
import { ParameterReader } from '../../../nodes/shared/parameters/reader';

const common = { label: 'Max Rows', description: 'How many' };
const maxRows = integer('max_rows', { ...common, min: 1, max: 10, default: 5 });

/** A reader of an item whose parameters have these values. */
function readerOf(values: Record<string, unknown>): ParameterReader {
	const context = {
		getNodeParameter: (name: string, itemIndex: number, fallback: unknown) =>
			itemIndex === 3 && name in values ? values[name] : fallback,
	};
	return new ParameterReader(context as unknown as IExecuteFunctions, 3);
}

/** All that the reader has found wrong, or nothing. */
function problemsOf(reader: ParameterReader): string | undefined {
	try {
		reader.throwIfInvalid();
		return undefined;
	} catch (error) {
		expect(error).toBeInstanceOf(Flux2Error);
		expect((error as Flux2Error).kind).toBe('invalidInput');
		return (error as Flux2Error).message;
	}
}

test('collects every problem by its label, and throws them together', () => {
	const reader = readerOf({ maxRows: 11, mode: 'fast' });
	expect(problemsOf(reader)).toBeUndefined();
	reader.addProblem('Prompt', 'must not be empty');
	reader.value(maxRows);
	reader.choice('mode', 'Mode', ['sync', 'queue']);

	expect(problemsOf(reader)).toBe(
		'Prompt: must not be empty; Max Rows: 11 is not between 1 and 10; try 10; Mode: must be one of sync, queue',
	);
});

test.each([
	[' t1 ', 't1'],
	[42, '42'],
	[0, '0'],
	['', ''],
	[null, ''],
	[undefined, ''],
	[true, ''],
	[{ id: 't1' }, ''],
	[['t1'], ''],
])('reads %p as the text %p', (value, expected) => {
	expect(readerOf({ taskId: value }).text('taskId')).toBe(expected);
});

test.each([
	[7, 7],
	['7', 7],
	['', 5],
	[null, 5],
])('reads %p as the value %p', (value, expected) => {
	const reader = readerOf({ maxRows: value });
	expect(reader.value(maxRows)).toBe(expected);
	expect(problemsOf(reader)).toBeUndefined();
});

test('goes on with the default for a parameter that does not exist or is wrong', () => {
	expect(readerOf({}).value(maxRows)).toBe(5);
	expect(readerOf({}).value(toggle('all', { ...common, default: false }))).toBe(false);
	const reader = readerOf({ maxRows: 'many' });
	expect(reader.value(maxRows)).toBe(5);
	expect(problemsOf(reader)).toBe('Max Rows: "many" is not a number');
});

test('a choice is the first of its list where the parameter does not exist, is empty or is wrong', () => {
	const modes = ['queue', 'sync'] as const;
	const read = (values: Record<string, unknown>) => {
		const reader = readerOf(values);
		return [reader.choice('mode', 'Mode', modes), problemsOf(reader)];
	};

	expect(read({})).toEqual(['queue', undefined]);
	expect(read({ mode: '' })).toEqual(['queue', undefined]);
	expect(read({ mode: 'sync' })).toEqual(['sync', undefined]);
	expect(read({ mode: 'constructor' })).toEqual(['queue', 'Mode: must be one of queue, sync']);
});

test('a collection holds what is set: false and 0, but neither null nor empty text', () => {
	const options = { on: false, count: 0, name: '', seed: null, width: undefined, list: [] };
	expect([...readerOf({ options }).collection('options')]).toEqual([
		['on', false],
		['count', 0],
		['list', []],
	]);
	expect([...readerOf({}).collection('options')]).toEqual([]);
});

test.each([
	[{ model: 'flux-2-pro' }, 'flux-2-pro'],
	[{ model: 'flux-2-pro', customModel: 'other' }, 'flux-2-pro'],
	[{ model: 'custom', customModel: ' vendor/new ' }, 'vendor/new'],
	[{ model: 'custom' }, ''],
	[{}, ''],
])('%p chooses the model %p', (values, expected) => {
	expect(readerOf(values).modelId()).toBe(expected);
});

test.each([
	['flux-2-pro', 'flux-2-pro'],
	['custom', 'my-model'],
	[{ __rl: true, mode: 'list', value: ' a/b ' }, 'a/b'],
	[{ __rl: true, mode: 'id', value: 'custom' }, 'custom'],
	[{ __rl: true, mode: 'id', value: null }, ''],
	[undefined, ''],
])('reads the model %j as %j', (model, expected) => {
	expect(readerOf({ model, customModel: 'my-model' }).modelId()).toBe(expected);
});
