import type { IDataObject } from 'n8n-workflow';
import { Flux2Error } from '../../../nodes/shared/core/errors';
import { estimateCost, estimateCostWithoutKey } from '../../../nodes/shared/operations/estimate';
import type { ListPrice } from '../../../nodes/shared/parameters/price';
import type { AsyncProtocol } from '../../../nodes/shared/tasks/protocol';
import {
	executionOf,
	inTurn,
	MODEL,
	providerWith,
	SECRET,
	type ExecutionFacts,
} from '../../support/madeUpProvider';

/** Image: Estimate Cost: whom to ask, in which order, and what comes of it. */

const price: ListPrice = {
	unit: 'image',
	first: 0.04,
	certain: 'all',
	source: 'https://made-up.example/prices',
	date: '2026-11-21',
};
const byFormula = { amount: 0.04, currency: 'USD', exact: true, basis: 'formula' };
const byProvider = { amount: 0.05, currency: 'USD', exact: false, basis: 'precharge' } as const;

type Quote = NonNullable<AsyncProtocol['quote']>;

interface Case {
	first?: string;
	priced?: boolean;
	quote?: Quote;
	facts?: ExecutionFacts;
	operation?: typeof estimateCostWithoutKey;
}

/** The estimate of one request, or its error; and how often the provider was asked. */
async function estimate({ first = 'formula', priced = true, ...more }: Case) {
	const { quote, facts, operation = estimateCost } = more;
	const submit = inTurn<never>(new Error('nothing is submitted'));
	const model = priced ? { ...MODEL, price } : MODEL;
	const protocol: AsyncProtocol = { submit, status: submit, ...(quote && { quote }) };
	const provider = providerWith(protocol, {
		operations: { 'image:estimateCost': operation },
		routeFor: () => ({ models: [model], customModel: () => model, protocol }),
	});
	const parameters = { operation: 'estimateCost', priceFrom: first, ...facts?.parameters };
	const { run } = executionOf(provider, { continues: true, ...facts, parameters });
	const [item] = await run();
	expect(submit).not.toHaveBeenCalled();
	return item!.json;
}

const quoting = () => jest.fn(async () => await Promise.resolve(byProvider));

test.each<[string, Case, object | undefined, number]>([
	['the list price first', {}, byFormula, 0],
	['the provider where there is no list price', { priced: false }, byProvider, 1],
	['the provider first', { first: 'provider' }, byProvider, 1],
])('asks %s', async (_what, facts, expected, asked) => {
	const quote = quoting();
	expect(await estimate({ quote, ...facts })).toEqual({
		model: MODEL.id,
		estimate: expected,
		provider: 'made-up',
	});
	expect(quote).toHaveBeenCalledTimes(asked);
});

test.each<[string, Quote | undefined]>([
	['says nothing', jest.fn(async () => await Promise.resolve(undefined))],
	['fails', jest.fn(async () => await Promise.reject(new Flux2Error('unavailable', 'no')))],
	['cannot be asked', undefined],
])('goes by the list price where the provider %s', async (_what, quote) => {
	const asked = { first: 'provider', quote };
	expect(await estimate(asked)).toMatchObject({ estimate: byFormula });
	expect(await estimate({ ...asked, priced: false })).toEqual({
		model: MODEL.id,
		provider: 'made-up',
	});
});

test('waits for the provider no longer than five seconds', async () => {
	jest.useFakeTimers();
	const quote = jest.fn(async () => await new Promise<never>(() => undefined));
	const estimated = estimate({ first: 'provider', quote });
	let json: IDataObject | undefined;
	void estimated.then((value) => (json = value));
	await jest.advanceTimersByTimeAsync(4900);
	expect(json).toBeUndefined();
	await jest.advanceTimersByTimeAsync(200);
	expect(json).toMatchObject({ estimate: byFormula });
	jest.useRealTimers();
});

test('needs no credential where the operation says so, and asks nobody then', async () => {
	const quote = quoting();
	const facts = { credentials: new Error('no credential is selected') };
	const without = { first: 'provider', quote, facts, operation: estimateCostWithoutKey };
	expect(await estimate(without)).toMatchObject({ estimate: byFormula });
	expect(quote).not.toHaveBeenCalled();
});

test('checks the request as Generate does', async () => {
	const parameters = { prompt: '', priceFrom: 'nobody' };
	const { error } = await estimate({ facts: { parameters } });
	expect(error).toMatchObject({ kind: 'invalidInput', message: expect.stringContaining('Prompt') });
	expect(JSON.stringify(error)).not.toContain(SECRET);
});
