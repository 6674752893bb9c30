import { createHmac } from 'node:crypto';
import type { INodeExecutionData } from 'n8n-workflow';
import { sha256 } from '../emulator/images';
import type { Effect } from '../emulator';
import type { Run, WorkflowJson } from '../support/engine';
import { items, openLab, shortId, until, type Lab } from '../support/lab';
import { placed } from '../support/placed';
import { openWebhooks, type Webhooks } from '../support/webhooks';

const SECRET = 'made-up-webhook-secret-of-ours';
const TRIGGER = 'FLUX.2 Trigger';

let lab: Lab;
let webhooks: Webhooks;

beforeAll(async () => {
	lab = await openLab({ emulator: { webhookUnitMs: 5 } });
	lab.credentials.flux2WebhookApi = { secret: SECRET };
	webhooks = await openWebhooks(lab.engine);
});
beforeEach(() => {
	lab.emulator.reset();
	webhooks.started.length = 0;
});
afterAll(async () => {
	await webhooks.close();
	await lab.close();
});

let workflows = 0;

/** A published workflow of its own, so that no test knows another's tasks. */
const triggered = (parameters: object = {}, settings: object = {}): WorkflowJson => ({
	id: `triggered-${++workflows}`,
	nodes: [
		{
			name: TRIGGER,
			type: 'n8n-nodes-flux2.flux2Trigger',
			parameters,
			credentials: { flux2WebhookApi: { id: 'flux2WebhookApi', name: 'flux2WebhookApi' } },
			...settings,
		},
		{ name: 'After', type: 'n8n-nodes-base.noOp' },
	],
	connections: { [TRIGGER]: { main: [[{ node: 'After', type: 'main', index: 0 }]] } },
});

const submit = async (webhookUrl: string, options: object = {}) =>
	await lab.run(
		{
			type: 'flux2Bfl',
			parameters: {
				resource: 'task',
				operation: 'submit',
				prompt: '={{ $json.prompt }}',
				...placed('flux2Bfl', {
					width: 256,
					height: 256,
					webhookUrl,
					webhookSecret: SECRET,
					...options,
				}),
			},
		},
		{ items: items({ prompt: 'announced' }) },
	);

const faultTask = (fault: Effect['task']) =>
	lab.emulator.rule({ route: 'bfl.submit' }, { task: fault });
const statuses = () => lab.emulator.ledger.deliveries.map(({ status }) => status);
const sign = (body: string, secret = SECRET) =>
	createHmac('sha256', secret).update(body).digest('hex');

/** What BFL would post about a task that is done. */
const payload = (facts: object = {}) =>
	JSON.stringify({
		id: 'd5ba37dc-ba09-4658-852e-deea7e176439',
		status: 'Error',
		message: 'no luck',
		timestamp: new Date().toISOString(),
		...facts,
	});

/** With an image. */
const done = (facts: object = {}) =>
	payload({
		status: 'Ready',
		result: { sample: `${lab.emulator.urls.results}/none.png` },
		...facts,
	});

async function post(
	url: string,
	body: string,
	signature: string | undefined = `sha256=${sign(body)}`,
	headers: Record<string, string> = {},
) {
	const response = await fetch(url, {
		method: 'POST',
		headers: {
			'content-type': 'application/json',
			...(signature && { 'x-bfl-signature': signature }),
			...headers,
		},
		body,
	});
	return { status: response.status, text: await response.text() };
}

async function emitted(): Promise<INodeExecutionData[]> {
	const runs = await Promise.all(webhooks.started);
	expect(runs.map(({ status }) => status)).toEqual(runs.map(() => 'success'));
	return runs.flatMap((run: Run) => run.items('After'));
}

describe('what was submitted elsewhere', () => {
	test('has a link to its image, where one is asked for', async () => {
		const url = webhooks.publish(triggered({ options: { linkLifetime: '7 days' } }));
		await submit(url);
		await until(() => webhooks.started.length > 0);
		const [item] = await emitted();

		expect(item?.json.image).toMatchObject({
			link: expect.stringMatching(/\/rest\/binary-data\/signed\?token=\S+$/),
		});
	});

	test('starts the workflow with the item of Generate', async () => {
		const url = webhooks.publish(triggered());
		await submit(url, { seed: 5 });
		await until(() => statuses().length > 0 && statuses().every(Boolean), 'the delivery');

		const { id, url: imageUrl } = lab.emulator.ledger.tasks[0]!;
		const [item] = await emitted();
		expect(item).toEqual({
			json: {
				provider: 'bfl',
				model: 'flux-2-pro',
				status: 'completed',
				taskId: id,
				// [pro] lengthens prompts, and the delivery knows no other
				prompt: 'announced, in fine detail',
				seed: 5,
				image: {
					width: 256,
					height: 256,
					mimeType: 'image/jpeg',
					fileSize: expect.any(Number),
					url: expect.stringContaining(`${imageUrl}?`),
				},
				timing: { completedAt: expect.any(String) },
			},
			binary: {
				data: expect.objectContaining({
					fileName: `announced-in-fine-detail-${shortId(id)}.jpg`,
				}),
			},
			pairedItem: { item: 0 },
		});
		expect(sha256(await lab.engine.binary(item!.binary!.data!))).toBe(
			lab.emulator.ledger.tasks[0]?.sha256,
		);
		expect(statuses()).toEqual([200]);
		expect(lab.emulator.ledger.polls).toEqual([]);
	});

	test('is submitted as a task item, which never shows the secret', async () => {
		lab.emulator.rule(
			{ route: 'bfl.submit' },
			{
				mutate: (response) => ({
					...response,
					body: { ...(response.body as object), webhook_secret: SECRET, echo: `<${SECRET}>` },
				}),
			},
		);
		const run = await submit(webhooks.publish(triggered()), { simplify: false });

		const { id } = lab.emulator.ledger.tasks[0]!;
		const { json } = run.items('FLUX.2')[0]!;
		expect(json).toMatchObject({
			provider: 'bfl',
			model: 'flux-2-pro',
			taskId: id,
			raw: { id, echo: '<***>' },
		});
		expect(JSON.stringify(run.raw)).not.toContain(`<${SECRET}`);
		expect(json.raw).not.toHaveProperty('webhook_secret');
		await until(() => webhooks.started.length === 1);
		await emitted();
	});

	test('keeps its message when the secret is too short to be one', async () => {
		lab.emulator.rule({ route: 'bfl.submit' }, { status: 400, body: { detail: 'bad webhook' } });
		const run = await submit(webhooks.publish(triggered()), { webhookSecret: 'a' });

		expect(run.error?.message).toBe(
			'Black Forest Labs did not accept this request: bad webhook (HTTP 400)',
		);
	});

	test('is refused without the secret in the message, when the provider repeats it', async () => {
		lab.emulator.rule(
			{ route: 'bfl.submit' },
			{ status: 400, body: { detail: `bad webhook ${SECRET}` } },
		);
		const run = await submit(webhooks.publish(triggered()));

		expect(run.error?.message).toBe(
			'Black Forest Labs did not accept this request: bad webhook *** (HTTP 400)',
		);
	});

	test.each([
		[
			{ fail: { message: 'out of steam' } },
			{ status: 'failed', kind: 'unavailable', message: expect.stringContaining('out of steam') },
		],
		[
			{ status: 'Content Moderated' },
			{
				status: 'failed',
				kind: 'moderated',
				message: expect.stringContaining('Content Moderated'),
			},
		],
	])('starts it with the failure %j', async (fault, facts) => {
		faultTask(fault);
		await submit(webhooks.publish(triggered()));
		await until(() => webhooks.started.length === 1);

		const [item] = await emitted();
		expect(item?.json).toEqual({
			provider: 'bfl',
			model: 'flux-2-pro',
			taskId: lab.emulator.ledger.tasks[0]?.id,
			...facts,
		});
	});

	test('fails when the image cannot be had, and names its task and its URL', async () => {
		lab.emulator.rule({ route: 'download' }, { image: 'expired' });
		await submit(webhooks.publish(triggered()));
		await until(() => webhooks.started.length === 1);

		const { status, error } = (await webhooks.started[0])!;
		const { id, url } = lab.emulator.ledger.tasks[0]!;
		expect(status).toBe('error');
		expect(error).toMatchObject({
			message: "The image's URL is no longer valid (its host responded with 403)",
			context: { kind: 'expired', taskId: id },
		});
		expect(error?.description).toContain(id);
		expect(error?.description).toContain(url);
	});

	test('makes an error item of it where the workflow goes on', async () => {
		lab.emulator.rule({ route: 'download' }, { image: 'expired' });
		await submit(webhooks.publish(triggered({}, { onError: 'continueRegularOutput' })));
		await until(() => webhooks.started.length === 1);

		const { id, url } = lab.emulator.ledger.tasks[0]!;
		expect(await emitted()).toEqual([
			{
				json: {
					error: {
						message: "The image's URL is no longer valid (its host responded with 403)",
						description: expect.stringContaining(url),
						kind: 'expired',
						taskId: id,
						provider: 'bfl',
						model: 'flux-2-pro',
						httpCode: 403,
					},
				},
				pairedItem: { item: 0 },
			},
		]);
	});

	test('fetches the image again with Retry On Fail', async () => {
		lab.emulator.rule({ route: 'download', times: 1 }, { image: 'expired' });
		const retry = { retryOnFail: true, maxTries: 2, waitBetweenTries: 1 };
		await submit(webhooks.publish(triggered({}, retry)));
		await until(() => webhooks.started.length === 1);

		expect((await emitted())[0]?.binary).toHaveProperty('data');
		expect(lab.emulator.ledger.downloads.map(({ status }) => status)).toEqual([403, 200]);
	});

	test('says by its label which option cannot be used', async () => {
		await submit(webhooks.publish(triggered({ options: { download: 'maybe' } })));
		await until(() => webhooks.started.length === 1);

		const { error } = (await webhooks.started[0])!;
		expect(error).toMatchObject({
			name: 'NodeOperationError',
			message: expect.stringMatching(/^Download\b.*: /),
			context: { kind: 'invalidInput' },
		});
	});

	test('fetches the image again when that may pass', async () => {
		lab.emulator.rule({ route: 'download', times: 1 }, { status: 503 });
		await submit(
			webhooks.publish(triggered({ options: { binaryField: 'photo', fileName: 'cover' } })),
		);
		await until(() => webhooks.started.length === 1);

		const [item] = await emitted();
		expect(item?.binary).toEqual({ photo: expect.objectContaining({ fileName: 'cover.jpg' }) });
		expect(lab.emulator.ledger.downloads.map(({ status }) => status)).toEqual([503, 200]);
	});
});

describe('a delivery that is not genuine is refused, and nothing is started', () => {
	const hour = 3_600_000;
	test.each([
		['signed with another secret', payload(), `sha256=${sign(payload(), 'another')}`, 401],
		['not signed', payload(), '', 401],
		['signed with something else', payload(), 'sha256=abc', 401],
		['changed on the way', payload(), `sha256=${sign(payload({ message: 'luck' }))}`, 401],
		[
			'recorded long ago',
			payload({ timestamp: new Date(Date.now() - 2 * hour).toISOString() }),
			undefined,
			401,
		],
		[
			'recorded long ago, in seconds',
			payload({ timestamp: (Date.now() - 2 * hour) / 1000 }),
			undefined,
			401,
		],
		['from the future', payload({ timestamp: Date.now() + 2 * hour }), undefined, 401],
		['too large', payload({ padding: 'x'.repeat(1_000_000) }), undefined, 413],
		['no JSON', 'id=1', undefined, 400],
		['about no task', '{"status":"Ready"}', undefined, 400],
		['a list', '[]', undefined, 400],
	])('%s', async (_what, body, signature, status) => {
		const response = await post(webhooks.publish(triggered()), body, signature);

		expect(response.status).toBe(status);
		expect(response.text).not.toContain(SECRET);
		expect(webhooks.started).toEqual([]);
	});

	test.each([
		['wrong', 'another-made-up-secret'],
		['cut', SECRET.slice(0, -1)],
		['empty', ''],
	])('with the secret itself in a header, but %s', async (_what, secret) => {
		const url = webhooks.publish(triggered());
		const response = await post(url, payload(), '', { 'x-webhook-secret': secret });

		expect(response.status).toBe(401);
		expect(webhooks.started).toEqual([]);
	});

	test('and the response names the headers that came, but not what they hold', async () => {
		const headers = { 'x-bfl-hmac': sign(payload(), 'another'), 'x-custom': 'made-up-value' };
		const { text } = await post(webhooks.publish(triggered()), payload(), '', headers);

		expect(text).toContain('Neither X-BFL-Signature nor X-Webhook-Secret proves the secret');
		expect(text).toMatch(/Headers received: .*\bx-bfl-hmac, x-custom\b/);
		expect(text).not.toContain('made-up-value');
	});

	test('and delivered again by the provider until it gives up', async () => {
		const url = webhooks.publish(triggered());
		faultTask({ webhook: 'wrongSignature' });
		await submit(url);
		await until(() => statuses().length === 4 && statuses().every(Boolean));

		expect(statuses()).toEqual([401, 401, 401, 401]);
		expect(lab.emulator.ledger.deliveries.map(({ attempt }) => attempt)).toEqual([1, 2, 3, 4]);
		expect(webhooks.started).toEqual([]);
	});
});

describe('a genuine delivery starts the workflow', () => {
	test.each([
		['with the prefix of the documents', (hex: string) => `sha256=${hex}`],
		['as bare hex', (hex: string) => hex],
		['in capitals', (hex: string) => `SHA256=${hex.toUpperCase()}`],
	])('signed %s', async (_how, form) => {
		const body = payload();
		const response = await post(webhooks.publish(triggered()), body, form(sign(body)));

		expect(response.status).toBe(200);
		expect(await emitted()).toHaveLength(1);
	});

	test('with the secret itself in a header, as a newer document has it', async () => {
		const url = webhooks.publish(triggered());
		const response = await post(url, payload(), '', { 'x-webhook-secret': SECRET });

		expect(response.status).toBe(200);
		expect(await emitted()).toHaveLength(1);
	});

	test.each([
		['without a time', { timestamp: undefined }, {}],
		['with a time that is none', { timestamp: 'soon' }, {}],
		['with its time in seconds', { timestamp: Date.now() / 1000 }, {}],
		[
			'within the age that is set',
			{ timestamp: Date.now() - 2 * 3_600_000 },
			{ options: { longestAge: 180 } },
		],
	])('%s', async (_what, facts, parameters) => {
		await post(webhooks.publish(triggered(parameters)), payload(facts));
		expect(await emitted()).toHaveLength(1);
	});
});

describe('a delivery that comes again', () => {
	test('starts nothing', async () => {
		faultTask({ webhook: 'twice' });
		await submit(webhooks.publish(triggered()));
		await until(() => statuses().length === 2 && statuses().every(Boolean));

		expect(statuses()).toEqual([200, 200]);
		expect(await emitted()).toHaveLength(1);
	});

	test('starts nothing while the first is in progress, and is asked for once more', async () => {
		const url = webhooks.publish(triggered());
		const body = payload();
		const responses = await Promise.all([post(url, body), post(url, body), post(url, body)]);

		expect(responses.map(({ status }) => status).filter((status) => status !== 409)).toContain(200);
		expect(await emitted()).toHaveLength(1);
		expect((await post(url, body)).status).toBe(200);
		expect(webhooks.started).toHaveLength(1);
	});

	test('starts nothing after n8n was restarted: what was processed is saved with the workflow', async () => {
		const url = webhooks.publish(triggered());
		const ids = ['made-up-1', 'made-up-2', 'made-up-3'];
		for (const id of ids) {
			await post(url, payload({ id }));
			await emitted();
		}
		const keys = ids.map((id) => `${id} failed`);
		expect(webhooks.staticDataOf(url)[`node:${TRIGGER}`]).toEqual({
			flux2ProcessedDeliveries: { version: 1, keys },
		});
		// another workflow's ID: this process remembers nothing of it
		const again = { ...triggered(), staticData: webhooks.staticDataOf(url) } as WorkflowJson;
		const later = webhooks.publish(again);

		for (const id of ids) expect((await post(later, payload({ id }))).status).toBe(200);
		expect(webhooks.started).toHaveLength(ids.length);
	});

	test('with another outcome starts the workflow once more', async () => {
		const url = webhooks.publish(triggered({ options: { download: false } }));
		const bodies = [payload(), done(), payload(), done()];
		for (const body of bodies) expect((await post(url, body)).status).toBe(200);

		const statusOf = ({ json }: INodeExecutionData) => json.status;
		expect((await emitted()).map(statusOf)).toEqual(['failed', 'completed']);
	});

	test('after a status that no document explains starts the workflow: nothing was processed before', async () => {
		const url = webhooks.publish(triggered({ options: { download: false } }));
		expect((await post(url, payload({ status: 'Frozen', message: undefined }))).status).toBe(200);
		expect(webhooks.started).toEqual([]);
		expect((await post(url, done())).status).toBe(200);

		expect((await emitted()).map(({ json }) => json.status)).toEqual(['completed']);
	});

	test('is not taken for processed when the workflow could not be started', async () => {
		const url = webhooks.publish(triggered());
		webhooks.failNext();
		expect((await post(url, payload())).status).toBe(500);
		expect((await post(url, payload())).status).toBe(200);
		expect(await emitted()).toHaveLength(1);
	});

	test('starts a test in the editor each time', async () => {
		const url = webhooks.publish(triggered(), 'manual');
		await post(url, payload());
		await post(url, payload());
		expect(await emitted()).toHaveLength(2);
	});
});

describe('filters', () => {
	test.each([
		[['completed'], done, true],
		[['completed'], payload, false],
		[['failed'], payload, true],
		[['moderated'], payload, false],
		[['moderated'], () => payload({ status: 'Request Moderated' }), true],
		[['moderated', 'failed'], () => payload({ error: 'content_policy_violation' }), true],
		[['failed'], () => payload({ error: 'content_policy_violation' }), false],
		[[], payload, true],
	])('by outcome: %j', async (outcomes, body, starts) => {
		const options = { download: false };
		const { status } = await post(webhooks.publish(triggered({ outcomes, options })), body());

		expect({ status, started: webhooks.started.length }).toEqual({
			status: 200,
			started: starts ? 1 : 0,
		});
		await emitted();
	});

	test.each([
		['?model=flux-2-max', true],
		['?model=flux-2-pro', false],
		['', false],
	])('by model: %s', async (query, starts) => {
		const url = webhooks.publish(triggered({ models: ['flux-2-max', 'flux-2-flex'] }));
		await post(url + query, payload());

		expect(webhooks.started).toHaveLength(starts ? 1 : 0);
		await emitted();
	});

	test('by model: as the node submits it', async () => {
		const url = webhooks.publish(triggered({ models: ['flux-2-pro'] }));
		await submit(`${url}?mine=1#part`);
		await until(() => webhooks.started.length === 1);

		const [submission] = lab.emulator.ledger.submissions;
		expect(submission?.body).toMatchObject({
			webhook_url: `${url}?mine=1&model=flux-2-pro#part`,
			webhook_secret: SECRET,
		});
		await emitted();
	});

	test('a delivery about a task that still runs starts nothing', async () => {
		const { status } = await post(webhooks.publish(triggered()), payload({ status: 'Pending' }));
		expect({ status, started: webhooks.started }).toEqual({ status: 200, started: [] });
	});

	test('an image under a status that no document explains is an image', async () => {
		await post(
			webhooks.publish(triggered({ options: { download: false } })),
			done({ status: 'SUCCESS' }),
		);
		expect((await emitted())[0]?.json).toMatchObject({ status: 'completed' });
	});
});

test.each([
	['short', 'Error'],
	['long-enough-and-made-up', 'OK'],
])('the credential test says whether the secret "%s" can be guessed', async (secret, status) => {
	const { type } = lab.engine.loader.getNode('flux2Trigger');
	const { methods } = type as unknown as {
		methods: { credentialTest: { testSecret(this: void, credential: object): Promise<object> } };
	};
	expect(await methods.credentialTest.testSecret({ data: { secret } })).toMatchObject({ status });
});
