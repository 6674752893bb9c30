import type { IExecuteFunctions } from 'n8n-workflow';
import { bfl } from '../../nodes/Flux2Bfl/provider';
import { cloudflare } from '../../nodes/Flux2Cloudflare/provider';
import { oxen } from '../../nodes/Flux2Oxen/provider';
import { taskApi } from '../../nodes/Flux2Task/provider';
import { Flux2Error } from '../../nodes/shared/core/errors';
import type { ApiClient } from '../../nodes/shared/http/client';
import type { ImageRequest } from '../../nodes/shared/parameters/model';
import { Permit, AdaptiveLimiter } from '../../nodes/shared/http/limiter';
import type { ProviderDefinition } from '../../nodes/shared/node/execute';
import { mutate } from '../chaos/mutate';
import { randomFrom } from '../emulator/images/random';
import { KINDS } from '../support/failureKinds';
import fc from '../support/properties';

/** Whatever a provider answers, it is a state of the task or an error with a kind; and it is asked once only. */

const PICTURE = 'https://pictures.example/1.png';
/** What the documents say about the answer to a submit, and to a look. */
const ways: Array<[string, ProviderDefinition, Record<string, unknown>, object, object?]> = [
	[
		'the task API',
		taskApi,
		{ dialect: 'task' },
		{ id: 'd1', status: 'pending', progress: 0, model: 'flux_2_pro' },
		{
			id: 'd1',
			status: 'completed',
			output: [{ content: [{ url: PICTURE }] }],
			usage: { cost: '1' },
		},
	],
	[
		'its queue',
		taskApi,
		{ dialect: 'queue' },
		{ request_id: 'm1', status_url: 'https://api.example/model/v1/queue/x/requests/m1/status' },
		{ request_id: 'm1', status: 'COMPLETED', outputs: [{ url: PICTURE }] },
	],
	[
		'the catalogue',
		cloudflare,
		{ model: 'black-forest-labs/flux-2-max' },
		{ state: 'Completed', result: { image: PICTURE }, gatewayMetadata: {} },
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
		{ model: 'flux-2-pro', created: 1, images: [{ url: PICTURE }] },
	],
	[
		"Oxen.ai's queue",
		oxen,
		{ mode: 'queue' },
		{ generations: [{ generation_id: 'g1', status: 'queued' }] },
		{ generation_id: 'g1', status: 'succeeded', result_url: PICTURE, error_message: null },
	],
	[
		'Black Forest Labs',
		bfl,
		{},
		{ id: 'b1', polling_url: 'https://api.example/v1/get_result?id=b1', cost: 3 },
		{ id: 'b1', status: 'Ready', result: { sample: PICTURE, seed: 1 }, progress: 1 },
	],
];

/** Never 429, which certainly refuses. */
const STATUSES = [
	200, 200, 201, 202, 204, 302, 400, 401, 402, 403, 404, 408, 410, 418, 422, 500, 502, 503, 520,
];

const jsonLike = (document: object) =>
	fc.oneof(
		fc.integer().map((seed) => JSON.stringify(mutate(document, randomFrom(String(seed))))),
		fc.json(),
	);

const anyAnswer = (document: object): fc.Arbitrary<Given> =>
	fc.record({
		status: fc.constantFrom(...STATUSES),
		body: fc.oneof(jsonLike(document), fc.string()),
		type: fc.constantFrom('application/json', 'text/html', 'image/png', undefined),
	});

/** What is no JSON is looked at again, after pauses that no test has time for. */
const jsonAnswer = (document: object): fc.Arbitrary<Given> =>
	fc.record({
		status: fc.constantFrom(...STATUSES),
		body: jsonLike(document),
		type: fc.constant('application/json'),
	});

interface Given {
	status: number;
	body: string;
	type: string | undefined;
}

function connect(service: ProviderDefinition, parameters: Record<string, unknown>, given: Given) {
	let calls = 0;
	const context = {
		getNodeParameter: (name: string, _index: number, fallback: unknown) =>
			parameters[name] ?? fallback,
		helpers: {
			httpRequestWithAuthentication: async () => {
				calls++;
				return {
					statusCode: given.status,
					headers: { 'content-type': given.type, 'retry-after': '0.01' },
					body: Buffer.from(given.body),
				};
			},
		},
	} as unknown as IExecuteFunctions;
	const { signal } = new AbortController();
	const api: ApiClient = {
		context,
		credentialType: service.credentialType,
		label: service.label,
		baseUrl: 'https://api.example',
		credentials: { accountId: 'account' },
		stop: signal,
		signal,
		explain: service.explain,
		place: new Permit(new AdaptiveLimiter(1)),
	};
	const { models, provider } = service.routeFor(context, 0);
	const request: ImageRequest = {
		model: models.find(({ id }) => id === parameters.model) ?? models[0]!,
		prompt: 'A fox',
		body: {},
		headers: {},
		settings: new Map(),
		references: [],
	};
	return { api, provider, request, calls: () => calls };
}

/** What came of it, in a word; fails for anything that the engine does not know. */
async function outcome(work: Promise<unknown>): Promise<string> {
	try {
		const states = [await work].flat() as Array<{ status: string; kind?: string }>;
		expect(states).not.toEqual([]);
		for (const { status, kind } of states) {
			expect(['pending', 'done', 'failed']).toContain(status);
			if (status === 'failed') expect(KINDS).toContain(kind);
		}
		return states[0]!.status;
	} catch (error) {
		if (!(error instanceof Flux2Error)) throw error;
		expect(KINDS).toContain(error.kind);
		return error.kind;
	}
}

describe.each(ways)('%s', (_name, service, parameters, accepted, finished) => {
	test('takes what the documents say', async () => {
		const given = { status: 200, body: JSON.stringify(accepted), type: 'application/json' };
		const { api, provider, request } = connect(service, parameters, given);
		expect(await outcome(provider.submit(api, request))).toBe(finished ? 'pending' : 'done');
	});

	test('is sent a submit once, whatever it answers', async () => {
		await fc.assert(
			fc.asyncProperty(anyAnswer(accepted), async (given) => {
				const { api, provider, request, calls } = connect(service, parameters, given);
				await outcome(provider.submit(api, request));
				expect(calls()).toBe(1);
			}),
		);
	});

	if (!finished) return;

	test('tells a state or an error, whatever it answers to a look', async () => {
		await fc.assert(
			fc.asyncProperty(jsonAnswer(finished), async (given) => {
				const { api, provider } = connect(service, parameters, given);
				await outcome(provider.check!(api, { id: 'one', model: 'flux_2_pro' }));
			}),
			{ numRuns: 40 },
		);
	}, 60_000);
});
