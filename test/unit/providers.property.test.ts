import { Flux2Error } from '../../nodes/shared/core/errors';
import { mutate } from '../chaos/mutate';
import { randomFrom } from '../emulator/images/random';
import { KINDS } from '../support/failureKinds';
import fc from '../support/properties';
import { valueAt } from '../support/goodResponses';
import { providers } from '../support/providers';
import { connect, type ScriptedResponse } from '../support/scriptedClient';

/** Whatever a provider responds with, it is a state of the task or an error with a kind; and it is asked once only. */

/** What the documents say about the response to a submit, and to the polls, which all get the same one here. */
const lanes = providers.flatMap(({ definition, lanes: ofProvider }) =>
	Object.entries(ofProvider)
		// submits and polls as the lane without events does
		.filter(([, { hasEvents }]) => !hasEvents)
		.map(([name, { parameters: own, options, responses }]) => {
			const parameters = { ...own, ...(options && { options }) };
			const [submitted = {}, ...polled] = Object.values(responses)[0]!.map(({ body }) => body);
			const finished: object | undefined =
				polled.length > 0 ? Object.assign({}, ...polled) : undefined;
			// not every response on the way names the task
			const [taskId = ''] = Object.values(responses)[0]!.flatMap((one) => one.taskId ?? []);
			return [name, { definition, parameters, submitted, finished, taskId }] as const;
		}),
);

/** Never 429, which certainly refuses. */
const STATUSES = [
	200, 200, 201, 202, 204, 302, 400, 401, 402, 403, 404, 408, 410, 418, 422, 500, 502, 503, 520,
];

const jsonLike = (document: object) =>
	fc.oneof(
		fc.integer().map((seed) => JSON.stringify(mutate(document, randomFrom(String(seed))))),
		fc.json(),
	);

const anyResponse = (document: object): fc.Arbitrary<ScriptedResponse> =>
	fc.record({
		status: fc.constantFrom(...STATUSES),
		body: fc.oneof(jsonLike(document), fc.string()),
		type: fc.constantFrom('application/json', 'text/html', 'image/png', undefined),
	});

/** What is no JSON is read again, after pauses that no test has time for. */
const jsonResponse = (document: object): fc.Arbitrary<ScriptedResponse> =>
	fc.record({
		status: fc.constantFrom(...STATUSES),
		body: jsonLike(document),
		type: fc.constant('application/json'),
	});

const { signal } = new AbortController();

/** What came of it: a status or a kind of error. Fails for anything that the operations do not know. */
async function outcomeOf(work: Promise<unknown>): Promise<string> {
	try {
		const states = [await work].flat() as Array<{ status: string; kind?: string }>;
		expect(states).not.toEqual([]);
		for (const { status, kind } of states) {
			expect(['pending', 'unclear', 'done', 'failed']).toContain(status);
			if (status === 'failed') expect(KINDS).toContain(kind);
		}
		return states[0]!.status;
	} catch (error) {
		if (!(error instanceof Flux2Error)) throw error;
		expect(KINDS).toContain(error.kind);
		return error.kind;
	}
}

describe.each(lanes)('%s', (_name, { definition, parameters, submitted, finished, taskId }) => {
	const connectTo = (sent: ScriptedResponse) => connect(definition, parameters, () => sent);

	test('is sent a submit once, whatever it responds with', async () => {
		await fc.assert(
			fc.asyncProperty(anyResponse(submitted), async (sent) => {
				const { client, protocol, request, calls } = connectTo(sent);
				await outcomeOf(protocol.submit(client, request, signal));
				expect(calls).toHaveLength(1);
			}),
		);
	});

	if (!finished) return;

	const poll = async (sent: ScriptedResponse) => {
		const { client, protocol } = connectTo(sent);
		const task = { id: String(valueAt(finished, taskId)), model: 'flux_2_pro' };
		return await outcomeOf(protocol.status!(client, task, signal));
	};
	const documented = (body: object): ScriptedResponse => ({
		status: 200,
		body: JSON.stringify(body),
		type: 'application/json',
	});

	test('has finished the task when it responds as its documents say', async () => {
		expect(await poll(documented(finished))).toBe('done');
	});

	test('says nothing about the task when it names another one', async () => {
		const ends = [finished, { ...finished, status: 'failed' }, { ...finished, status: 'Error' }];
		const ids = fc.oneof(fc.string({ minLength: 1 }), fc.integer());
		await fc.assert(
			fc.asyncProperty(fc.constantFrom(...ends), ids, async (end, id) => {
				fc.pre(id !== valueAt(finished, taskId));
				expect(await poll(documented({ ...end, [taskId]: id }))).toBe('unclear');
			}),
			{ numRuns: 40 },
		);
	});

	test.each([undefined, null, '', { id: 'x' }])(
		'has finished the task when the ID is %j',
		async (id) => {
			expect(await poll(documented({ ...finished, [taskId]: id }))).toBe('done');
		},
	);

	test('yields a state or an error, whatever it responds with to a poll', async () => {
		await fc.assert(
			fc.asyncProperty(jsonResponse(finished), async (sent) => {
				await poll(sent);
			}),
			{ numRuns: 40 },
		);
	}, 60_000);
});
