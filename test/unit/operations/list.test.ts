import type { IDataObject } from 'n8n-workflow';
import { z } from '../../../nodes/shared/core/vendor';
import { getMany } from '../../../nodes/shared/operations/list';
import { text } from '../../../nodes/shared/parameters/param';
import {
	doneOf,
	executionOf,
	inTurn,
	providerWith,
	SECRET,
	type ExecutionFacts,
} from '../../support/madeUpProvider';
import { Readable } from 'node:stream';

/** Get Many: one item for each row of a list. */

const rows = Array.from({ length: 60 }, (_row, index) => ({
	id: index + 1,
	key: SECRET,
	none: null,
}));

function open(
	parameters: object = {},
	query?: Record<string, string>,
	nextPage?: (body: unknown, urls: readonly string[]) => string | undefined,
) {
	const urls: string[] = [];
	const list = getMany({
		path: '/rows',
		query,
		filters: [text('folder', { label: 'Folder', description: 'Only these' })],
		schema: z.array(z.custom<IDataObject>()),
		simplify: ({ id }) => ({ rowId: id, message: undefined }),
		...(nextPage && { nextPage: (body: unknown) => nextPage(body, urls) }),
	});
	const provider = providerWith(
		{ submit: inTurn([doneOf()]) },
		{ operations: { 'row:getMany': list } },
	);
	const facts: ExecutionFacts = {
		continues: true,
		parameters: { resource: 'row', operation: 'getMany', ...parameters },
	};
	const { run, context } = executionOf(provider, facts);
	Object.assign(context.helpers, {
		httpRequestWithAuthentication: async (_type: string, { url }: { url: string }) => {
			urls.push(url);
			const body = Readable.from([Buffer.from(JSON.stringify(rows))]);
			return await Promise.resolve({ statusCode: 200, headers: {}, body });
		},
	});
	return { run: async () => (await run()).map(({ json }) => json), urls };
}

test('has the first 50 rows with what matters of them', async () => {
	const { run, urls } = open();
	const items = await run();
	expect(items).toHaveLength(50);
	expect(items[0]).toEqual({ rowId: 1, provider: 'made-up' });
	expect(urls).toEqual(['https://api.example/rows']);
});

test('has as many as Limit says, or all', async () => {
	expect(await open({ limit: 2 }).run()).toHaveLength(2);
	expect(await open({ limit: 2, returnAll: true }).run()).toHaveLength(60);
});

test('has the whole row with Simplify off, without a secret', async () => {
	const [item] = await open({ simplify: false }).run();
	expect(item).toEqual({ provider: 'made-up', raw: { id: 1, key: '***', none: null } });
});

test('asks for what is always asked for, and for what the filters say', async () => {
	const fixed = open({}, { kind: 'image' });
	await fixed.run();
	expect(fixed.urls).toEqual(['https://api.example/rows?kind=image']);
	const filtered = open({ filters: { folder: 'a b' } }, { kind: 'image' });
	await filtered.run();
	expect(filtered.urls).toEqual(['https://api.example/rows?kind=image&folder=a+b']);
});

test('is refused before anything is asked where a parameter is wrong', async () => {
	const { run, urls } = open({ limit: 0 });
	expect((await run())[0]!.error).toMatchObject({ kind: 'invalidInput' });
	expect(urls).toEqual([]);
});

describe('a list in pages', () => {
	/** Pages of 60 rows; `next` is the query of the page behind each, by its own. */
	const paged = (next: Record<string, string>, parameters: object) =>
		open(parameters, { kind: 'image' }, (_body, urls) => next[urls.at(-1)!.split('?')[1] ?? '']);
	const second = { 'kind=image': 'kind=image&cursor=2' };

	test('is read to its end, or as far as Limit says', async () => {
		const all = paged(second, { returnAll: true });
		expect(await all.run()).toHaveLength(120);
		expect(all.urls).toEqual([
			'https://api.example/rows?kind=image',
			'https://api.example/rows?kind=image&cursor=2',
		]);
		const enough = paged(second, { limit: 60 });
		expect(await enough.run()).toHaveLength(60);
		expect(enough.urls).toHaveLength(1);
		expect(await paged(second, { limit: 61 }).run()).toHaveLength(61);
	});

	test('that leads back to a page that was read has ended', async () => {
		const circle = { ...second, 'kind=image&cursor=2': 'kind=image' };
		const { run, urls } = paged(circle, { returnAll: true });
		expect(await run()).toHaveLength(120);
		expect(urls).toHaveLength(2);
	});
});
