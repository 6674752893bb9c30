import { Readable } from 'node:stream';
import type { IExecuteFunctions } from 'n8n-workflow';
import { bfl } from '../../nodes/Flux2Bfl/provider';
import { cloudflare } from '../../nodes/Flux2Cloudflare/provider';
import { oxen } from '../../nodes/Flux2Oxen/provider';
import { taskApi } from '../../nodes/Flux2Task/provider';
import { throttle } from '../../nodes/shared/core/async';
import { Flux2Error } from '../../nodes/shared/core/errors';
import { createRedactor } from '../../nodes/shared/core/redact';
import { AdaptiveLimiter, Permit } from '../../nodes/shared/http/limiter';
import type { ApiClient } from '../../nodes/shared/http/types';
import type { ProviderDefinition } from '../../nodes/shared/operations/types';
import type { ImageRequest } from '../../nodes/shared/parameters/imageRequest';
import { Settings } from '../../nodes/shared/parameters/param';
import { ParameterReader } from '../../nodes/shared/parameters/reader';
import { mutate } from '../chaos/mutate';
import { randomFrom } from '../emulator/images/random';
import { KINDS } from '../support/failureKinds';
import fc from '../support/properties';
import { providers } from '../support/providers';

/** Whatever a provider responds with, it is a state of the task or an error with a kind; and it is asked once only. */

const TASK_ID = 'one';
const IMAGE_URL = 'https://images.example/1.png';
/** What the documents say about the response to a submit, and to a poll. */
const routes: Array<[string, ProviderDefinition, Record<string, unknown>, object, object?]> = [
	[
		'the task API',
		taskApi,
		{ dialect: 'task' },
		{ id: TASK_ID, status: 'pending', progress: 0, model: 'flux_2_pro' },
		{
			id: TASK_ID,
			status: 'completed',
			output: [{ content: [{ url: IMAGE_URL }] }],
			usage: { cost: '1' },
		},
	],
	[
		'its queue',
		taskApi,
		{ dialect: 'queue' },
		{ request_id: TASK_ID, status_url: 'https://api.example/model/v1/queue/x/requests/one/status' },
		{ request_id: TASK_ID, status: 'COMPLETED', outputs: [{ url: IMAGE_URL }] },
	],
	[
		'the catalogue',
		cloudflare,
		{ model: 'black-forest-labs/flux-2-max' },
		{ state: 'Completed', result: { image: IMAGE_URL }, gatewayMetadata: {} },
	],
	[
		'Workers AI',
		cloudflare,
		{ model: '@cf/black-forest-labs/flux-2-klein-4b' },
		{ result: { image: 'aGVsbG8=' }, success: true, errors: [] },
	],
	[
		'Oxen.ai',
		oxen,
		{ mode: 'sync' },
		{ model: 'flux-2-pro', created: 1, images: [{ url: IMAGE_URL }] },
	],
	[
		"Oxen.ai's queue",
		oxen,
		{ mode: 'queue' },
		{ generations: [{ generation_id: TASK_ID, status: 'queued' }] },
		{ generation_id: TASK_ID, status: 'succeeded', result_url: IMAGE_URL, error_message: null },
	],
	[
		'Black Forest Labs',
		bfl,
		{},
		{ id: TASK_ID, polling_url: 'https://api.example/v1/get_result?id=one', cost: 3 },
		{ id: TASK_ID, status: 'Ready', result: { sample: IMAGE_URL, seed: 1 }, progress: 1 },
	],
];

test('no provider is left out', () => {
	expect(new Set(routes.map(([, { name }]) => name))).toEqual(
		new Set(providers.map(({ definition }) => definition.name)),
	);
});

/** Never 429, which certainly refuses. */
const STATUSES = [
	200, 200, 201, 202, 204, 302, 400, 401, 402, 403, 404, 408, 410, 418, 422, 500, 502, 503, 520,
];

const jsonLike = (document: object) =>
	fc.oneof(
		fc.integer().map((seed) => JSON.stringify(mutate(document, randomFrom(String(seed))))),
		fc.json(),
	);

const anyResponse = (document: object): fc.Arbitrary<SentResponse> =>
	fc.record({
		status: fc.constantFrom(...STATUSES),
		body: fc.oneof(jsonLike(document), fc.string()),
		type: fc.constantFrom('application/json', 'text/html', 'image/png', undefined),
	});

/** What is no JSON is read again, after pauses that no test has time for. */
const jsonResponse = (document: object): fc.Arbitrary<SentResponse> =>
	fc.record({
		status: fc.constantFrom(...STATUSES),
		body: jsonLike(document),
		type: fc.constant('application/json'),
	});

interface SentResponse {
	status: number;
	body: string;
	type: string | undefined;
}

const { signal } = new AbortController();

function connect(
	provider: ProviderDefinition,
	parameters: Record<string, unknown>,
	sent: SentResponse,
) {
	let calls = 0;
	const context = {
		getNodeParameter: (name: string, _index: number, fallback: unknown) =>
			parameters[name] ?? fallback,
		helpers: {
			httpRequestWithAuthentication: async () => {
				calls++;
				return {
					statusCode: sent.status,
					headers: { 'content-type': sent.type, 'retry-after': '0.01' },
					body: Readable.from([Buffer.from(sent.body)]),
				};
			},
		},
	} as unknown as IExecuteFunctions;
	const client: ApiClient = {
		context,
		credentialType: provider.credentialType,
		label: provider.label,
		baseUrl: 'https://api.example',
		credentials: { accountId: 'account' },
		cancelSignal: signal,
		redact: createRedactor([]),
		redactItem: createRedactor([]),
		readError: provider.readError,
		permit: new Permit(new AdaptiveLimiter(1)),
		readThrottle: throttle(0),
	};
	const { models, protocol } = provider.routeFor(new ParameterReader(context, 0));
	const request: ImageRequest = {
		model: models.find(({ id }) => id === parameters.model) ?? models[0]!,
		prompt: 'A fox',
		body: {},
		headers: {},
		settings: new Settings(),
		references: [],
	};
	return { client, protocol, request, calls: () => calls };
}

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

describe.each(routes)('%s', (_name, provider, parameters, submitted, finished) => {
	const documented = (body: object): SentResponse => ({
		status: 200,
		body: JSON.stringify(body),
		type: 'application/json',
	});

	test('is understood when it responds as its documents say', async () => {
		const { client, protocol, request } = connect(provider, parameters, documented(submitted));
		expect(await outcomeOf(protocol.submit(client, request, signal))).toBe(
			finished ? 'pending' : 'done',
		);
	});

	test('is sent a submit once, whatever it responds with', async () => {
		await fc.assert(
			fc.asyncProperty(anyResponse(submitted), async (sent) => {
				const { client, protocol, request, calls } = connect(provider, parameters, sent);
				await outcomeOf(protocol.submit(client, request, signal));
				expect(calls()).toBe(1);
			}),
		);
	});

	if (!finished) return;

	const poll = async (sent: SentResponse) => {
		const { client, protocol } = connect(provider, parameters, sent);
		const task = { id: TASK_ID, model: 'flux_2_pro' };
		return await outcomeOf(protocol.status!(client, task, signal));
	};

	test('has finished the task when it responds as its documents say', async () => {
		expect(await poll(documented(finished))).toBe('done');
	});

	test('says nothing about the task when it names another one', async () => {
		const ends = [finished, { ...finished, status: 'failed' }, { ...finished, status: 'Error' }];
		const ids = fc.oneof(fc.string({ minLength: 1 }), fc.integer());
		await fc.assert(
			fc.asyncProperty(fc.constantFrom(...ends), ids, async (end, id) => {
				fc.pre(id !== TASK_ID);
				const about = Object.fromEntries(
					Object.entries(end).map(([name, value]) => [name, value === TASK_ID ? id : value]),
				);
				expect(await poll(documented(about))).toBe('unclear');
			}),
			{ numRuns: 40 },
		);
	});

	test.each([undefined, null, '', { id: 'x' }])(
		'has finished the task when the ID is %j',
		async (id) => {
			const about = Object.fromEntries(
				Object.entries(finished).map(([name, value]) => [name, value === TASK_ID ? id : value]),
			);
			expect(await poll(documented(about))).toBe('done');
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
