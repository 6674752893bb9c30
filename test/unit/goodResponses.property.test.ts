import type { ItemContext } from '../../nodes/shared/operations/types';
import { RunEvents } from '../../nodes/shared/tasks/eventStream';
import type { TaskState } from '../../nodes/shared/tasks/protocol';
import { inOtherWords, type GoodResponse } from '../support/goodResponses';
import fc from '../support/properties';
import { providers } from '../support/providers';
import {
	connect,
	type Script,
	type ScriptedProvider,
	type ScriptedResponse,
} from '../support/scriptedClient';

/**
 * From each documented good response, any field that is not needed removed, null, empty or of another type, and unknown
 * ones added: the image arrives.
 */

const { signal } = new AbortController();
const RUNS = { numRuns: 150 };
const UNKNOWN_CALL: ScriptedResponse = { status: 404, body: '{}', type: 'application/json' };

/** Each way to an image, with the responses that lead to it. */
const dialogues = providers.flatMap(({ definition, lanes }) =>
	Object.entries(lanes).flatMap(([lane, { responses, parameters, options }]) =>
		Object.entries(responses).map(([form, ofForm]) => ({
			name: `${lane}, ${form}`,
			responses: ofForm,
			ask: async (script: Script) =>
				await imagesOf(connect(definition, { ...parameters, ...(options && { options }) }, script)),
		})),
	),
);
type Dialogue = (typeof dialogues)[number];

/** What a submit leads to at once, by an event, or by one poll. */
async function imagesOf({ client, protocol, request }: ScriptedProvider): Promise<unknown> {
	const events = new RunEvents(signal);
	if (protocol.status) await events.beforeSubmit(protocol, client)?.ready;
	const [state, ...others] = await protocol.submit(client, request, signal);
	expect(others).toEqual([]);
	if (!protocol.status || state?.status === 'done') return toImages(state);
	const task = state!.task!;
	const end = await events.of(protocol, client, task)?.next(task.id, signal);
	return toImages(end ?? (await protocol.status(client, task, signal)));
}

const toImages = (state: TaskState | undefined) =>
	state?.status === 'done' ? state.images : { 'no image': state };

function sent({ body, event }: Pick<GoodResponse, 'body' | 'event'>): ScriptedResponse {
	const facts = { status: 200, type: 'application/json' };
	if (Buffer.isBuffer(body)) return { ...facts, body };
	const json = JSON.stringify(body);
	return { ...facts, body: event === undefined ? json : `event: ${event}\ndata: ${json}\n\n` };
}

/** The response as somebody may send it: in other words, under another success, with a strange type or a byte order mark. */
const sentAnyhow = (response: GoodResponse): fc.Arbitrary<ScriptedResponse> =>
	fc
		.record({
			body: inOtherWords(response),
			status: fc.constantFrom(200, 201),
			type: fc.constantFrom('application/json', 'text/plain', 'Image/PNG', '', undefined),
			mark: fc.constantFrom('', '\ufeff'),
		})
		.map(({ body, status, type, mark }) => {
			const { body: text } = sent({ ...response, body });
			// an image has none, and a stream of events is opened with 200
			if (typeof text !== 'string') return { status, type, body: text };
			return response.event
				? { status: 200, type, body: text }
				: { status, type, body: mark + text };
		});

const scriptOf = ({ responses }: Dialogue, changed: Record<string, ScriptedResponse> = {}) => {
	const script = new Map([
		...responses.map((response) => [response.call, sent(response)] as const),
		...Object.entries(changed),
	]);
	return (call: string) => script.get(call) ?? UNKNOWN_CALL;
};

describe.each(providers.map((provider) => [provider.type, provider] as const))(
	'%s declares its good responses',
	(_type, { definition, lanes, payload, lists = {} }) => {
		test.each(Object.entries(lanes))(
			'(%s)',
			(_lane, { submit, responses, hasTasks, hasEvents }) => {
				const [usual = []] = Object.values(responses);
				expect(usual[0]?.route).toBe(submit);
				// whatever brings the image is not the response to the submit
				if (hasTasks) expect(usual.length).toBeGreaterThan(1);
				if (hasEvents) expect(usual.map(({ event }) => event)).toContainEqual(expect.any(String));
			},
		);

		test('of its webhook and its lists, where it has them', () => {
			expect(payload !== undefined).toBe(definition.webhook !== undefined);
			const operations = Object.keys(definition.operations);
			expect(Object.keys(lists).sort()).toEqual(
				operations.filter((name) => name.endsWith(':getMany')).sort(),
			);
		});
	},
);

describe.each(dialogues.map((dialogue) => [dialogue.name, dialogue] as const))(
	'the image arrives (%s)',
	(_name, dialogue) => {
		test('when the responses are as the documents say', async () => {
			const image = { url: expect.stringMatching(/^https:/) as string };
			const bytes = { base64: expect.any(String) as string };
			const images = await dialogue.ask(scriptOf(dialogue));
			expect([[image], [bytes]]).toContainEqual(images);
		});

		test.each(dialogue.responses.map((response) => [response.call, response] as const))(
			'whatever nobody needs of the response to %s',
			async (call, response) => {
				const images = await dialogue.ask(scriptOf(dialogue));
				await fc.assert(
					fc.asyncProperty(sentAnyhow(response), async (changed) => {
						expect(await dialogue.ask(scriptOf(dialogue, { [call]: changed }))).toEqual(images);
					}),
					RUNS,
				);
			},
		);
	},
);

const withWebhook = providers.flatMap(({ type, definition: { webhook }, payload }) =>
	webhook && payload ? [[type, { webhook, payload }] as const] : [],
);

test.each(withWebhook)(
	'the image arrives, whatever nobody needs of the payload (%s)',
	(_type, { webhook, payload }) => {
		const read = (body: unknown) => {
			const parsed = webhook.parsePayload(JSON.parse(JSON.stringify(body)));
			return parsed && [parsed.taskId, toImages(parsed.toTaskState({ id: parsed.taskId }))];
		};
		const expected = read(payload.body);
		expect(expected).toEqual([expect.any(String), [{ url: expect.any(String) }]]);
		fc.assert(
			fc.property(inOtherWords(payload), (body) => expect(read(body)).toEqual(expected)),
			RUNS,
		);
	},
);

const everyList = providers.flatMap(({ definition, lists = {} }) =>
	Object.entries(lists).map(
		([name, list]) => [`${definition.name}, ${name}`, { definition, name, list }] as const,
	),
);

test.each(everyList)(
	'the row arrives, whatever else is in it and in its list (%s)',
	async (_what, { definition, name, list }) => {
		await fc.assert(
			fc.asyncProperty(sentAnyhow(list), async (response) => {
				const { client, reader } = connect(definition, {}, (call) =>
					call === list.call ? response : UNKNOWN_CALL,
				);
				const item = { client, reader, provider: definition, signal } as unknown as ItemContext;
				const operations = [definition.operations[name]!(item)].flat();
				const [results] = await Promise.all(operations.map(async (each) => await each.run()));
				expect(results).toContainEqual({
					item: { json: expect.objectContaining({ provider: definition.name }) as object },
				});
			}),
			RUNS,
		);
	},
);
