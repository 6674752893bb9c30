import { NODE, openLab, prompts, type Lab, type NodeUnderTest } from '../support/lab';

/** Where the secret comes from that Black Forest Labs signs its calls with. */

const SECRET = 'made-up-notify-secret-0123456789';
const credential = (name: string) => ({ id: name, name });

let lab: Lab;

beforeAll(async () => {
	lab = await openLab();
});

beforeEach(() => {
	lab.credentials.flux2WebhookApi = { secret: ` ${SECRET} ` };
});

afterEach(() => lab.emulator.reset());
afterAll(async () => await lab.close());

function submitting(options: object, withSecret: boolean): NodeUnderTest {
	return {
		type: 'flux2Bfl',
		parameters: {
			resource: 'task',
			operation: 'submit',
			prompt: '={{ $json.prompt }}',
			options: { webhookUrl: 'http://127.0.0.1:9/webhook/made-up', ...options },
		},
		settings: {
			credentials: {
				flux2BflApi: credential('flux2BflApi'),
				...(withSecret && { flux2WebhookApi: credential('flux2WebhookApi') }),
			},
		},
	};
}

/** The secret that the provider was given, and what the item shows. */
async function run(options: object, withSecret: boolean) {
	const result = await lab.run(submitting({ simplify: false, ...options }, withSecret), {
		items: prompts(1),
	});
	expect(result.status).toBe('success');
	const [submission] = lab.emulator.ledger.submissions;
	const body = submission?.body as { webhook_secret?: string };
	return { secret: body.webhook_secret, shown: JSON.stringify(result.items(NODE)) };
}

test.each<[string, object, boolean, string | undefined]>([
	['the credential of the trigger, trimmed', {}, true, SECRET],
	[
		'the option, which counts more',
		{ webhookSecret: 'another-made-up-secret' },
		true,
		'another-made-up-secret',
	],
	['nowhere', {}, false, undefined],
])('takes the secret from %s', async (_where, options, withSecret, expected) => {
	const { secret, shown } = await run(options, withSecret);

	expect(secret).toBe(expected);
	expect(shown).not.toContain('made-up-notify-secret');
	expect(shown).not.toContain('another-made-up-secret');
});

test.each<[string, { secret: string } | undefined, string]>([
	['is empty', { secret: '' }, 'is too short. Make the secret at least 16 characters long'],
	[
		'is blank',
		{ secret: ' '.repeat(20) },
		'is too short. Make the secret at least 16 characters long',
	],
	[
		'is short',
		{ secret: 'fifteen-letters' },
		'is too short. Make the secret at least 16 characters long',
	],
	['cannot be read', undefined, 'cannot be read: '],
])('refuses a credential that %s, before anything is submitted', async (_what, data, message) => {
	if (data) lab.credentials.flux2WebhookApi = data;
	else delete lab.credentials.flux2WebhookApi;
	const result = await lab.run(submitting({}, true), { items: prompts(1) });

	expect(result.error?.message).toContain(`Notify Secret: the credential ${message}`);
	expect(result.error?.context).toMatchObject({ kind: data ? 'invalidInput' : 'auth' });
	expect(lab.emulator.ledger.requests).toEqual([]);
});

test('needs no credential that works where there is no Notify URL', async () => {
	delete lab.credentials.flux2WebhookApi;
	const result = await lab.run(submitting({ webhookUrl: '' }, true), { items: prompts(1) });

	expect(result.status).toBe('success');
	expect(lab.emulator.ledger.submissions).toHaveLength(1);
});

test('leaves alone the credential that Image: Generate has kept of Task: Submit', async () => {
	const node = submitting({ pollInterval: 0.02 }, true);
	Object.assign(node.parameters, { resource: 'image', operation: 'generate' });
	const result = await lab.run(node, { items: prompts(1) });

	expect(result.status).toBe('success');
	expect(lab.emulator.ledger.submissions[0]?.body).not.toHaveProperty('webhook_secret');
});
