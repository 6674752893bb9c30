import type { IDataObject, IExecuteFunctions, INodeExecutionData, INodeType } from 'n8n-workflow';
import { agentsOf } from '../support/agent';
import type { Run } from '../support/engine';
import { NODE, openLab, prompts, QUICK, type Lab, type NodeUnderTest } from '../support/lab';
import { LANES, type LaneName } from '../support/providers';

/** n8n's own signed address of a stored image. */

const lanes = Object.keys(LANES) as LaneName[];

const SECONDS_PER_DAY = 86_400;

let lab: Lab;

const agents = agentsOf(() => lab);

const generating = (
	lane: LaneName,
	options: object = {},
	settings: object = {},
): NodeUnderTest => ({
	type: LANES[lane].type,
	parameters: {
		...LANES[lane].parameters,
		prompt: '={{ $json.prompt }}',
		options: { ...(LANES[lane].hasTasks ? QUICK : {}), ...options },
	},
	settings,
});

const messagesOf = ({ runData }: Run) =>
	(runData[NODE]!.at(-1)!.hints ?? []).map(({ message }) => message);

const linkOf = ({ json }: Pick<INodeExecutionData, 'json'>) =>
	(json.image as IDataObject).link as string | undefined;

/** The file that a link leads to, as n8n's own route finds it, and for how long. */
function followLink(link: string): { id: string; seconds: number } {
	const { container, core } = lab.engine.n8n;
	const url = new URL(link);
	expect(url.pathname).toBe('/rest/binary-data/signed');
	const token = url.searchParams.get('token')!;
	const [, payload = ''] = token.split('.');
	const { iat, exp } = JSON.parse(Buffer.from(payload, 'base64url').toString()) as {
		iat: number;
		exp: number;
	};
	return {
		id: container.get(core.BinaryDataService).validateSignedToken(token),
		seconds: exp - iat,
	};
}

describe('where n8n keeps files', () => {
	beforeAll(async () => {
		lab = await openLab({ nodeTypes: agents.nodeTypes });
	});
	afterEach(() => lab.emulator.reset());
	afterAll(async () => await lab.close());

	test.each(lanes)(
		'a link leads to the stored image for as long as was asked for (%s)',
		async (lane) => {
			const run = await lab.run(generating(lane, { linkLifetime: '7 days' }), {
				items: prompts(2),
			});

			expect(run.items(NODE)).toHaveLength(2);
			for (const item of run.items(NODE)) {
				expect(followLink(linkOf(item)!)).toEqual({
					id: item.binary!.data!.id,
					seconds: 7 * SECONDS_PER_DAY,
				});
			}
		},
	);

	test.each(lanes)('nobody gets a link who has not asked (%s)', async (lane) => {
		const run = await lab.run(generating(lane), { items: prompts(1) });

		expect(run.items(NODE).map(({ json }) => 'link' in (json.image as object))).toEqual([false]);
	});

	test.each(lanes)('an agent gets a link for one day (%s)', async (lane) => {
		let response = '';
		const run = await agents.run(generating(lane), async (call) => {
			response = await call();
		});

		expect(run.error).toBeUndefined();
		const [json] = JSON.parse(response) as [IDataObject];
		const { id, seconds } = followLink(linkOf({ json })!);
		expect(seconds).toBe(SECONDS_PER_DAY);
		const bytes = await lab.engine.binary({ id, data: '', mimeType: 'image/png' });
		expect(bytes).toHaveLength((json.image as { fileSize: number }).fileSize);
	});

	test('an agent gets the link that was chosen', async () => {
		let response = '';
		await agents.run(generating('task', { linkLifetime: '15 minutes' }), async (call) => {
			response = await call();
		});

		const [json] = JSON.parse(response) as [IDataObject];
		expect(followLink(linkOf({ json })!).seconds).toBe(900);
	});

	test('Task: Get makes links too', async () => {
		const submitting = generating('task');
		const task = { resource: 'task', dialect: 'task' };
		const submitted = await lab.run(
			{ ...submitting, parameters: { ...task, operation: 'submit', prompt: 'a fox' } },
			{ items: prompts(1) },
		);
		const parameters = {
			...task,
			operation: 'get',
			taskId: submitted.items(NODE)[0]!.json.taskId,
			options: { ...QUICK, linkLifetime: '1 hour' },
		};
		const run = await lab.run({ ...submitting, parameters });

		expect(followLink(linkOf(run.items(NODE)[0]!)!).seconds).toBe(3600);
	});

	test('an image of an earlier run gets a new link', async () => {
		lab.emulator.rule({ route: 'task.submit', prompt: 'item 2', times: 1 }, { status: 400 });
		const failed = await lab.run(generating('task', { maxConcurrent: 1, linkLifetime: '1 hour' }), {
			items: prompts(2),
		});
		expect(failed.status).toBe('error');
		const run = await lab.retry(failed, generating('task', { linkLifetime: '2 hours' }));

		expect(lab.emulator.ledger.tasks).toHaveLength(2);
		expect(run.items(NODE).map((item) => followLink(linkOf(item)!))).toEqual(
			run.items(NODE).map((item) => ({ id: item.binary!.data!.id, seconds: 7200 })),
		);
	});

	test('without a download there is no file to link to', async () => {
		const run = await lab.run(generating('task', { linkLifetime: '1 day', download: false }), {
			items: prompts(1),
		});

		expect(run.status).toBe('success');
		expect(run.items(NODE).map(({ json }) => Object.keys(json.image as object))).toEqual([['url']]);
		expect(messagesOf(run)).toContain('<b>1 image</b> has no link: Download is off.');
	});

	test('what is no time is refused before anything is sent', async () => {
		const run = await lab.run(generating('task', { linkLifetime: '7' }), { items: prompts(1) });

		expect(run.error?.message).toBe(
			'Link Lifetime: must be a time from 1 second to 365 days, such as 15 minutes, 1 hour, 7 days or 30 days',
		);
		expect(lab.emulator.ledger.submissions).toEqual([]);
	});

	describe('an older n8n that makes no links', () => {
		const nodeType = () => lab.engine.loader.getNode('flux2Task').type as INodeType;

		beforeAll(() => {
			const node = nodeType();
			node.execute = async function (this: IExecuteFunctions) {
				Object.assign(this.helpers, { createBinarySignedUrl: undefined });
				return await (Object.getPrototypeOf(node) as INodeType).execute!.call(this);
			};
		});
		afterAll(() => {
			delete nodeType().execute;
		});

		test('passes the image on without one', async () => {
			const run = await lab.run(generating('task', { linkLifetime: '1 day' }), {
				items: prompts(1),
			});

			expect(run.status).toBe('success');
			const [item] = run.items(NODE);
			expect(linkOf(item!)).toBeUndefined();
			expect(item!.binary?.data).toBeDefined();
			expect(messagesOf(run)).toContain(
				'<b>1 image</b> has no link: This version of n8n makes no links.',
			);
		});
	});
});

describe('where n8n keeps files in memory', () => {
	beforeAll(async () => {
		lab = await openLab({ binaryMode: 'memory', nodeTypes: agents.nodeTypes });
	});
	afterAll(async () => await lab.close());

	test.each(lanes)('the image comes without a link, and a hint says why (%s)', async (lane) => {
		const run = await lab.run(generating(lane, { linkLifetime: '7 days' }), { items: prompts(2) });

		expect(run.status).toBe('success');
		expect(run.items(NODE)).toHaveLength(2);
		for (const item of run.items(NODE)) {
			expect(linkOf(item)).toBeUndefined();
			expect(item.binary?.data).toBeDefined();
		}
		expect(messagesOf(run)).toContain(
			'<b>2 images</b> have no link: URL signing is not available in memory mode.',
		);
	});

	test('who has not asked for a link hears nothing of it', async () => {
		const run = await lab.run(generating('task'), { items: prompts(1) });

		expect(messagesOf(run).filter((message) => message.includes('link'))).toEqual([]);
	});

	test('an agent gets the image that was paid for, without a link', async () => {
		let response = '';
		const run = await agents.run(generating('workersAi'), async (call) => {
			response = await call();
		});

		expect(run.error).toBeUndefined();
		const [json] = JSON.parse(response) as [IDataObject];
		expect(json.image).toEqual(expect.not.objectContaining({ link: expect.anything() }));
	});
});
