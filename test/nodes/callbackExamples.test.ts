import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { INodeExecutionData, INodeType } from 'n8n-workflow';
import type { Run, WorkflowJson } from '../support/engine';
import { items, openLab, until, type Lab } from '../support/lab';
import { noOp } from '../support/nodeTypes';
import { standIns } from '../support/standIns';
import { openWebhooks, type Webhooks } from '../support/webhooks';

const SECRET = 'made-up-webhook-secret-of-ours';

/** If, with one condition: whether an expression is true. */
const ifTrue: INodeType = {
	description: {
		...noOp.description,
		outputs: ['main', 'main'],
		properties: [{ displayName: 'Conditions', name: 'conditions', type: 'json', default: '{}' }],
	},
	async execute() {
		const branches: INodeExecutionData[][] = [[], []];
		this.getInputData().forEach((item, index) => {
			const { conditions } = this.getNodeParameter('conditions', index) as {
				conditions: [{ leftValue: boolean }];
			};
			branches[conditions[0].leftValue ? 0 : 1]!.push(item);
		});
		return branches;
	},
};

let lab: Lab;
let webhooks: Webhooks;

beforeAll(async () => {
	const nodeTypes = { ...standIns, 'n8n-nodes-base.if': ifTrue };
	lab = await openLab({ emulator: { webhookUnitMs: 20 }, nodeTypes });
	lab.credentials.flux2WebhookApi = { secret: SECRET };
	webhooks = await openWebhooks(lab.engine);
});
beforeEach(() => lab.emulator.reset());
afterAll(async () => {
	await webhooks.close();
	await lab.close();
});

const read = (file: string) =>
	JSON.parse(readFileSync(path.resolve(__dirname, '../workflows', file), 'utf8')) as WorkflowJson;

function expectImage(run: Run, node: string): void {
	expect(run.error).toBeUndefined();
	const { id } = lab.emulator.ledger.tasks[0]!;
	expect(run.items(node)).toEqual([
		expect.objectContaining({
			json: expect.objectContaining({ status: 'completed', taskId: id }),
			binary: { data: expect.anything() },
		}),
	]);
}

describe('callback.json', () => {
	test('goes on with the image when the provider calls, which one poll confirms', async () => {
		const { first, resumed } = await webhooks.run(read('callback.json'), items({}));

		expect(first.status).toBe('waiting');
		expectImage(await resumed, 'Image');
		expect(lab.emulator.ledger.polls).toHaveLength(1);
	});

	test('collects the image when nobody calls', async () => {
		lab.emulator.rule({ route: 'bfl.submit' }, { task: { webhook: 'never' } });
		const suspended = await webhooks.run(read('callback.json'), items({}));

		expectImage(await webhooks.resumeByTimer(suspended), 'Image');
		expect(lab.emulator.ledger.submissions).toHaveLength(1);
	});

	test('stops with the reason when the task has failed', async () => {
		lab.emulator.rule({ route: 'bfl.submit' }, { task: { status: 'Request Moderated' } });
		const { resumed } = await webhooks.run(read('callback.json'), items({}));
		const run = await resumed;

		expect(run.error?.message).toContain(
			"Black Forest Labs' content filter refused this request: Derivative Works Filter",
		);
	});
});

test.each([
	['trigger.json', ['flux2BflApi', 'flux2WebhookApi']],
	['trigger-fal.json', ['flux2FalApi']],
	['trigger-replicate.json', ['flux2ReplicateApi']],
])('%s submits, and starts again with the image', async (file, credentials) => {
	const { nodes, connections } = read(file);
	const isTrigger = ({ name }: { name: string }) => name === 'FLUX.2 Trigger';
	const trigger = nodes.filter(isTrigger);
	const others = nodes.filter((node) => !isTrigger(node));
	// what a reader of the note enters by hand
	const url = webhooks.publish({ nodes: [...trigger, ...others.slice(2)], connections });
	const submit = others.find(({ name }) => name === 'Submit') as unknown as {
		parameters: { options: object };
		credentials: object;
	};
	submit.parameters.options = { webhookUrl: url };
	submit.credentials = Object.fromEntries(
		credentials.map((type) => [type, { id: type, name: type }]),
	);
	const run = await lab.engine.run({ nodes: others, connections });
	expect(run.items('Submit')).toHaveLength(1);
	await until(() => webhooks.started.length > 0, 'the call');

	expectImage(await webhooks.started.shift()!, 'Images');
});
