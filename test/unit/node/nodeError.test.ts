import { ExpressionError, type IExecuteFunctions } from 'n8n-workflow';
import { Flux2Error, invalidInput } from '../../../nodes/shared/core/errors';
import { createRedactor } from '../../../nodes/shared/core/redact';
import {
	mostInformative,
	toNodeError,
	withKeptAdvice,
	type Failure,
} from '../../../nodes/shared/node/nodeError';

/** Failures as n8n shows them. */

const SECRET = 'made-up-secret-0123456789';
const node = {
	id: '1',
	name: 'FLUX.2',
	type: 'any',
	typeVersion: 1,
	position: [0, 0],
	parameters: {},
};
const context = { getNode: () => node } as unknown as IExecuteFunctions;
const redact = createRedactor([SECRET]);

const failure = (itemIndex: number, maybeBilled = false): Failure => ({
	itemIndex,
	error: new Flux2Error('timeout', `item ${itemIndex + 1}`, { maybeBilled, description: 'Wait.' }),
});

describe('of several failures', () => {
	test('the first counts, as it is', () => {
		const first = failure(4);
		expect(mostInformative([first])).toBe(first);
		expect(mostInformative([first, failure(1), failure(2)])).toBe(first);
		expect(mostInformative([failure(4, true)]).error.description).toBe('Wait.');
	});

	test('others that may have been billed are named in their order', () => {
		const { itemIndex, error } = mostInformative([
			failure(4),
			failure(9, true),
			failure(1),
			failure(2, true),
		]);
		expect([itemIndex, error.message]).toEqual([4, 'item 5']);
		expect(error.description).toBe(
			'Wait. Also without a usable response: item 3, 10. It may have been billed, and is submitted anew only if you retry this execution.',
		);
	});
});

test.each([
	[0, 'Wait.'],
	[
		1,
		'Wait. 1 other image of this run was already requested. Executions → Retry passes it on at no cost; Execute step makes it anew. To go on after a failure: Settings → On Error.',
	],
	[
		3,
		'Wait. 3 other images of this run were already requested. Executions → Retry passes them on at no cost; Execute step makes them anew. To go on after a failure: Settings → On Error.',
	],
])('with %d other images that are kept it says: %s', (kept, description) => {
	const reported = withKeptAdvice(failure(4), kept);
	expect([reported.itemIndex, reported.error.message, reported.error.description]).toEqual([
		4,
		'item 5',
		description,
	]);
});

describe("n8n's error", () => {
	const shown = (error: Flux2Error, itemIndex = 2) =>
		toNodeError(context, redact, { itemIndex, error });

	test('of a provider has its status, and no secret in any text', () => {
		const cost = { amount: 0.01, currency: 'USD' };
		const error = shown(
			new Flux2Error('credits', `${SECRET} has no credits, canceled`, {
				description: `Pay for ${SECRET}.`,
				httpCode: 402,
				taskId: 't1',
				cost,
			}),
		);
		expect(error).toMatchObject({
			name: 'NodeApiError',
			message: '*** has no credits, cancelled',
			description: 'Pay for ***.',
			httpCode: '402',
			context: { itemIndex: 2, kind: 'credits', taskId: 't1', cost },
		});
	});

	test('of a parameter is one about the node, and says nothing of what is unknown', () => {
		const error = shown(invalidInput(['Width: must be a number']), 0) as Error & {
			context: object;
		};
		expect(error).toMatchObject({ name: 'NodeOperationError', message: 'Width: must be a number' });
		expect(error.context).toMatchObject({ itemIndex: 0, kind: 'invalidInput' });
		expect(Object.keys(error.context)).not.toContain('taskId');
		expect(Object.keys(error.context)).not.toContain('cost');
	});

	test('of a parameter that the provider has refused is one of the provider', () => {
		const error = shown(new Flux2Error('invalidInput', 'no', { httpCode: 422 }));
		expect(error.name).toBe('NodeApiError');
	});

	test('without a status is one of the provider too, where it is about no parameter', () => {
		expect(shown(new Flux2Error('timeout', 'too late'))).toMatchObject({
			name: 'NodeApiError',
			httpCode: null,
		});
	});

	test.each(['ECONNREFUSED', 'ETIMEDOUT', 'ENOENT'])(
		'keeps its message where it holds %s',
		(code) => {
			for (const kind of ['unavailable', 'invalidInput'] as const) {
				expect(shown(new Flux2Error(kind, `the word ${code}`)).message).toBe(`the word ${code}`);
			}
		},
	);

	test('about an expression is the one that n8n has thrown', () => {
		const cause = new ExpressionError('no such node');
		expect(toNodeError(context, redact, { ...failure(1), cause })).toBe(cause);
	});
});
