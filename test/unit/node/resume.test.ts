import type { IDataObject, IWebhookFunctions } from 'n8n-workflow';
import { Flux2Error } from '../../../nodes/shared/core/errors';
import { resumeExecution } from '../../../nodes/shared/node/resume';
import type { WebhookProtocol } from '../../../nodes/shared/operations/types';
import type { Done, Failed, TaskState } from '../../../nodes/shared/tasks/protocol';
import {
	doneOf,
	executionOf,
	IMAGE_URL,
	inTurn,
	PNG,
	providerWith,
	SECRET,
	taskOf,
	type ExecutionFacts,
} from '../../support/madeUpProvider';

/** A call of the provider for an execution that waits for it: what is believed, and what comes of it. */

const REQUEST_SECRET = 'secret-of-this-request';
const OWN_URL = 'https://made-up.example/1.png';
const task = taskOf();
const pending: TaskState = { status: 'pending', task, raw: {} };
const failed: Failed = {
	status: 'failed',
	task,
	kind: 'moderated',
	message: 'flagged',
	raw: { any: 1 },
};
const unclear: TaskState = { status: 'unclear', task, message: 'odd', raw: {} };
const missing: Failed = { ...failed, lost: 'missing' };
const done = (more: Partial<Done> = {}) => doneOf(task, more);
const away = new Flux2Error('unavailable', 'away');
const provider = providerWith({
	submit: inTurn([pending]),
	status: inTurn<TaskState>(pending),
});

interface Call {
	/** What the call says about the task. */
	claims?: TaskState;
	/** What a poll says. An error is thrown. */
	polled?: TaskState | Error;
	id?: string;
	body?: Buffer;
	headers?: IDataObject;
	/** What n8n has kept of the suspended execution; undefined for nothing. */
	saved?: unknown;
	node?: object;
	facts?: ExecutionFacts;
}

const suspended = (more: object = {}) => ({
	version: 1,
	task,
	baseUrl: 'https://api.example',
	secret: REQUEST_SECRET,
	prompt: 'A fox',
	seed: 7,
	settings: [['fileName', 'fox']],
	...more,
});

/** One call, and how it is responded to. */
function open({ claims = done(), polled = done(), node = {}, facts, ...call }: Call = {}) {
	const { id = 't1', headers = {}, saved = JSON.stringify(suspended()) } = call;
	const status = jest.fn(async () => {
		if (polled instanceof Error) throw polled;
		return await Promise.resolve(polled);
	});
	const signatureProblem: WebhookProtocol['signatureProblem'] = async (given) => {
		if (given.headers.signature === 'keys are away') throw away;
		return await Promise.resolve(given.headers.signature === given.secret ? undefined : 'forged');
	};
	const webhook: WebhookProtocol = {
		parsePayload: (body) =>
			(body as { id?: string } | undefined)?.id === undefined
				? undefined
				: { taskId: (body as { id: string }).id, body: {}, toTaskState: () => claims },
		signatureProblem,
		ownsImageUrl: (url) => url.startsWith('https://made-up.example/'),
		status,
	};
	const responses: Array<[number, string]> = [];
	const { context, files, urls } = executionOf(provider, facts);
	const evaluateExpression = jest.fn(() => ('saved' in call ? call.saved : saved));
	Object.assign(context, {
		getRequestObject: () => ({ rawBody: call.body ?? Buffer.from(JSON.stringify({ id })) }),
		getResponseObject: () => ({
			status: (code: number) => ({
				json: ({ message }: { message: string }) => void responses.push([code, message]),
			}),
		}),
		getHeaderData: () => headers,
		getNode: () => ({ name: 'FLUX.2', ...node }),
		evaluateExpression,
	});
	const receive = async () =>
		await resumeExecution(context as unknown as IWebhookFunctions, provider, webhook);
	const items = async () => (await receive()).workflowData?.[0] ?? [];
	return { receive, items, responses, status, files, urls, evaluateExpression };
}

/** The response to the call; 200 where the execution goes on. */
async function responseTo(call: Call): Promise<[number, string]> {
	const { receive, responses } = open(call);
	const { workflowData, noWebhookResponse } = await receive();
	if (workflowData) return [200, 'goes on'];
	expect(noWebhookResponse).toBe(true);
	expect(responses).toHaveLength(1);
	return responses[0]!;
}

describe('a call', () => {
	const unknown = [404, 'No execution waits for this task'];

	test.each<[string, Call, unknown[]]>([
		['of too many bytes', { body: Buffer.alloc(1_000_001) }, [413, 'The body is too large']],
		['that is no JSON', { body: Buffer.from('{') }, [400, 'The body is about no task']],
		['about no task', { body: Buffer.from('{}') }, [400, 'The body is about no task']],
		['about another task', { id: 't2' }, unknown],
		['for which nothing waits', { saved: undefined }, unknown],
		[
			'for what another version has saved',
			{ saved: JSON.stringify(suspended({ version: 2 })) },
			unknown,
		],
		[
			'for what is saved without a secret',
			{ saved: JSON.stringify(suspended({ secret: undefined })) },
			unknown,
		],
		['for what is saved as an object', { saved: suspended() }, unknown],
		[
			'that says that the task still runs',
			{ claims: pending },
			[200, 'The execution goes on waiting'],
		],
	])('%s is sent away', async (_what, call, expected) => {
		expect(await responseTo(call)).toEqual(expected);
	});

	test('finds what its own node has saved, whatever its name', async () => {
		const { receive, evaluateExpression } = open({ node: { name: 'a "b" }} c' } });
		await receive();
		expect(evaluateExpression.mock.calls).toEqual([
			['{{ $node["a \\"b\\" \\u007d\\u007d c"].context["flux2Suspended"] }}'],
		]);
	});
});

describe('what counts', () => {
	const GOES_ON = [200, 'goes on'];
	const NOT_YET = [503, 'The task does not confirm this yet'];
	const signature = REQUEST_SECRET;
	const own = done({ images: [{ url: OWN_URL }] });
	const mixed = done({ images: [{ url: OWN_URL }, { url: IMAGE_URL }] });
	const bytes = done({ images: [{ base64: PNG.toString('base64') }] });

	test.each<[string, Call, unknown[]]>([
		['a poll that says the same', {}, GOES_ON],
		['a poll that knows of a failure', { polled: failed }, GOES_ON],
		['a poll that denies it', { polled: pending, headers: { signature }, claims: own }, NOT_YET],
		['nothing where the poll fails', { polled: away }, NOT_YET],
		['nothing where the task is missing', { polled: missing }, NOT_YET],
		['nothing where the poll fails by a mistake', { polled: new TypeError('odd') }, NOT_YET],
		['the signature where the poll fails', { polled: away, headers: { signature } }, GOES_ON],
		[
			'the signature where the task is missing',
			{ polled: missing, headers: { signature } },
			GOES_ON,
		],
		[
			'the signature of a failure',
			{ polled: away, headers: { signature }, claims: failed },
			GOES_ON,
		],
		['no other signature', { polled: away, headers: { signature: 'other' } }, NOT_YET],
		[
			'no signature that cannot be checked',
			{ polled: away, headers: { signature: 'keys are away' } },
			NOT_YET,
		],
		[
			'nothing that says too little',
			{ claims: unclear, polled: away, headers: { signature } },
			NOT_YET,
		],
		['a poll after a call that says too little', { claims: unclear }, GOES_ON],
		[
			'no call that says too little while the task runs',
			{ claims: unclear, polled: pending },
			[200, 'The execution goes on waiting'],
		],
		["an image on the provider's own host", { polled: away, claims: own }, GOES_ON],
		['no image on any other host', { polled: away, claims: mixed }, NOT_YET],
		['no bytes that anybody can send', { polled: away, claims: bytes }, NOT_YET],
		['no failure that anybody can claim', { polled: away, claims: failed }, NOT_YET],
	])('is %s', async (_what, call, expected) => {
		expect(await responseTo(call)).toEqual(expected);
	});

	test('is the image of the poll, not that of the call', async () => {
		const { items, urls } = open({ claims: own });
		await items();
		expect(urls).toEqual([IMAGE_URL]);
	});

	test('is the call where the credential is gone: then nothing can be polled', async () => {
		const facts = { credentials: new Error('no such credential') };
		const signed = open({ facts, headers: { signature } });
		expect(await signed.items()).toMatchObject([{ json: { status: 'completed' } }]);
		expect(signed.status).not.toHaveBeenCalled();
		expect(await responseTo({ facts })).toEqual(NOT_YET);
	});

	test('is the call where the poll takes more than ten seconds', async () => {
		jest.useFakeTimers();
		const { receive, responses, status } = open();
		status.mockImplementation(async () => await new Promise(() => {}));
		const received = receive();
		await jest.advanceTimersByTimeAsync(9999);
		expect(responses).toEqual([]);
		await jest.advanceTimersByTimeAsync(1);
		await received;
		expect(responses).toEqual([NOT_YET]);
		jest.useRealTimers();
	});
});

describe('the execution goes on', () => {
	test('with the item of Generate, as its options say', async () => {
		const { items, files } = open({ polled: done({ raw: { key: SECRET } }) });
		expect(await items()).toEqual([
			{
				json: expect.objectContaining({
					provider: 'made-up',
					model: 'vendor/flux',
					status: 'completed',
					taskId: 't1',
					prompt: 'A fox',
					seed: 7,
				}) as object,
				binary: { data: expect.objectContaining({ fileName: 'fox.png' }) as object },
				pairedItem: { item: 0 },
			},
		]);
		expect(files.map(({ bytes }) => bytes)).toEqual([PNG]);
	});

	test.each<[string, string, object]>([
		['with Simplify off', SECRET, {}],
		[
			'where the credential is gone',
			REQUEST_SECRET,
			{ facts: { credentials: new Error('no') }, headers: { signature: REQUEST_SECRET } },
		],
	])('without a secret %s', async (_when, secret, call) => {
		const raw = { key: secret };
		const saved = JSON.stringify(suspended({ settings: [['simplify', false]] }));
		const { items } = open({ polled: done({ raw }), claims: done({ raw }), saved, ...call });
		expect((await items())[0]!.json.raw).toEqual({ key: '***' });
	});

	const facts = {
		model: 'vendor/flux',
		taskId: 't1',
		submittedAt: task.submittedAt,
		provider: 'made-up',
	};
	const asItem = { ...facts, status: 'failed', kind: 'moderated', message: 'flagged' };

	test.each<[object, boolean]>([
		[{}, false],
		[{ onError: 'stopWorkflow' }, false],
		[{ onError: 'continueRegularOutput' }, true],
		[{ onError: 'continueErrorOutput' }, true],
		[{ continueOnFail: true }, true],
		[{ continueOnFail: false }, false],
		[{ onError: 'stopWorkflow', continueOnFail: true }, false],
	])(
		'with a failure as an item, or as an error item where the node has %j',
		async (node, isError) => {
			const { items } = open({ polled: failed, node });
			const [item] = await items();
			expect(item!.pairedItem).toEqual({ item: 0 });
			if (isError) {
				expect(item!.json).toEqual({
					error: {
						message: 'flagged',
						description: expect.stringContaining('The task ID is t1.'),
						kind: 'moderated',
						taskId: 't1',
						provider: 'made-up',
						model: 'vendor/flux',
					},
				});
			} else expect(item!.json).toEqual(asItem);
		},
	);

	test('only when its image can be had: the provider calls again', async () => {
		const later = [503, 'The image could not be fetched'];
		for (const downloads of [[404], [503], [418]]) {
			expect(await responseTo({ facts: { downloads } })).toEqual(later);
		}
		const { items } = open({ polled: done({ images: [{ url: 'http://made-up.example/1.png' }] }) });
		expect(await items()).toMatchObject([
			{ json: { status: 'failed', kind: 'badResponse', taskId: 't1' } },
		]);
	});
});

test('two calls that come together fetch the image once; after that the next may come', async () => {
	const first = open();
	let answer = (_state: TaskState) => {};
	first.status.mockImplementation(
		async () => await new Promise<TaskState>((resolve) => (answer = resolve)),
	);
	const going = first.items();
	while (first.status.mock.calls.length === 0) await new Promise((next) => setImmediate(next));
	expect(await responseTo({})).toEqual([409, 'The image is being fetched']);
	expect(
		await responseTo({ id: 't2', saved: JSON.stringify(suspended({ task: taskOf('t2') })) }),
	).toEqual([200, 'goes on']);
	answer(done());
	expect(await going).toHaveLength(1);
	expect(await responseTo({})).toEqual([200, 'goes on']);
});

test('a call that fails does not keep the next one away', async () => {
	expect(await responseTo({ polled: pending })).toEqual([
		503,
		'The task does not confirm this yet',
	]);
	expect(await responseTo({})).toEqual([200, 'goes on']);
});
