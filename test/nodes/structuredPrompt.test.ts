import type { INodeTypeDescription } from 'n8n-workflow';
import { agentsOf } from '../support/agent';
import { complete } from '../support/engine';
import { hintsBeforeRun } from '../support/hintsBeforeRun';
import {
	items,
	NODE,
	openLab,
	QUICK,
	workflowWith,
	type Lab,
	type NodeUnderTest,
} from '../support/lab';
import { LANES, type LaneName } from '../support/providers';

/** The form of a structured prompt, in n8n's own engine. */

let lab: Lab;

const agents = agentsOf(() => lab);

beforeAll(async () => {
	lab = await openLab({ nodeTypes: agents.nodeTypes });
});

afterEach(() => {
	const { unexpected, leaks } = lab.emulator.ledger;
	expect({ unexpected, leaks }).toEqual({ unexpected: [], leaks: [] });
	lab.emulator.reset();
});

afterAll(async () => await lab.close());

/** A node whose form takes every field from the columns of a table. */
const withForm = (lane: LaneName, parameters: object = {}): NodeUnderTest => ({
	type: LANES[lane].type,
	parameters: {
		...LANES[lane].parameters,
		promptType: 'structured',
		structuredPrompt: {
			scene: '={{ $json.scene }}',
			subjects: {
				subject: [
					{ description: '={{ $json.product }}', position: 'in the center', action: '' },
					{ description: '={{ $json.prop }}', position: 'behind it' },
				],
			},
			text: {
				text: [{ content: '={{ $json.headline }}', style: 'bold', color: '={{ $json.hex }}' }],
			},
			colorPalette: {
				color: [
					{
						color: '={{ $json.hex }}',
						name: '={{ $json.color }}',
						appliesTo: '={{ $json.product }}',
					},
				],
			},
			camera: { camera: { lens: '={{ $json.lens }}' } },
			additionalFields: '={{ $json.more }}',
		},
		sendAs: '={{ $json.sendAs ?? "json" }}',
		options: { maxConcurrent: 1, ...(LANES[lane].hasTasks ? QUICK : {}) },
		...parameters,
	},
});

const rows = items(
	{
		scene: 'a studio',
		product: 'a mug',
		prop: 'a bowl',
		headline: 'He said "hi"',
		hex: '0B3D2E',
		color: 'green',
		lens: 85,
		more: { typography: 'serif' },
	},
	{
		scene: '',
		product: 'a lamp',
		prop: '',
		headline: null,
		hex: '',
		color: '',
		lens: '',
		more: '',
	},
	{ product: 'a chair', headline: 'SALE', hex: '#F2B134', sendAs: 'prose' },
);

const sent = [
	JSON.stringify({
		scene: 'a studio',
		subjects: [
			{ description: 'a mug', position: 'in the center' },
			{ description: 'a bowl', position: 'behind it' },
		],
		text: [{ content: 'He said "hi"', style: 'bold', color: '#0B3D2E' }],
		color_palette: ['#0B3D2E (green) for a mug'],
		camera: { lens: 85 },
		typography: 'serif',
	}),
	JSON.stringify({ subjects: [{ description: 'a lamp', position: 'in the center' }] }),
	'The text "SALE" appears in the image, in bold, in color #F2B134. A chair, in the center. Use color #F2B134 for a chair.',
];

test.each(Object.keys(LANES) as LaneName[])(
	'each row of a table is a prompt of its own, and its item tells what was sent (%s)',
	async (lane) => {
		const run = await lab.run(withForm(lane), { items: rows });

		expect(run.error).toBeUndefined();
		expect(lab.emulator.ledger.tasks.map(({ prompt }) => prompt)).toEqual(sent);
		expect(run.items(NODE).map(({ json }) => json.prompt)).toEqual(sent);
		expect(run.items(NODE).map(({ pairedItem }) => pairedItem)).toEqual(
			sent.map((_prompt, item) => ({ item })),
		);
	},
);

test('what is wrong with a form is reported for every item, before anything is sent', async () => {
	const wrong = items({ product: 'a mug' }, { product: '' }, { product: 'a cup', hex: '#12' });
	const node = withForm('task');
	const run = await lab.run(
		{ ...node, settings: { onError: 'continueRegularOutput' } },
		{ items: wrong },
	);

	expect(
		run
			.items(NODE)
			.map(({ json: { error } }) => (error as { message?: string } | undefined)?.message),
	).toEqual([
		undefined,
		'Structured Prompt: must not be empty',
		expect.stringMatching(
			/^Structured Prompt, Text in the Image \(entry 1\): "#12" is not a hex color/,
		),
	]);
	expect(lab.emulator.ledger.tasks).toHaveLength(1);
});

test('a workflow from before the form sends its prompt as ever', async () => {
	const { type, parameters } = withForm('bfl');
	const { promptType: _type, structuredPrompt: _form, sendAs: _sendAs, ...before } = parameters;
	const run = await lab.run({
		type,
		parameters: { ...before, prompt: '={{ { scene: "a fox" } }}' },
	});

	expect(run.items(NODE)[0]?.json.prompt).toBe('{"scene":"a fox"}');
});

test('the form blocks nothing: neither way to write a prompt is missing a required parameter', () => {
	const issuesOf = (parameters: Record<string, unknown>) => {
		const workflow = lab.engine.workflow(complete(workflowWith({ type: 'flux2Bfl', parameters })));
		const { NodeHelpers } = lab.engine.n8n.workflow;
		const { description } = lab.engine.loader.getNode('flux2Bfl').type as {
			description: INodeTypeDescription;
		};
		const node = workflow.getNode(NODE)!;
		return NodeHelpers.getNodeParametersIssues(description.properties, node, description);
	};

	expect(issuesOf({ promptType: 'structured', structuredPrompt: { scene: 'a fox' } })).toBeNull();
	expect(issuesOf({ prompt: 'a fox' })).toBeNull();
	expect(issuesOf({ prompt: '' })).toEqual({ parameters: { prompt: expect.any(Array) } });
});

test('an agent fills in fields of the form', async () => {
	const node = withForm('task', {
		structuredPrompt: {
			scene: "={{ $fromAI('Scene', 'The whole image', 'string') }}",
			subjects: {
				subject: [{ description: "={{ $fromAI('Subject', 'What it shows', 'string') }}" }],
			},
			text: {
				text: [
					{ content: "={{ $fromAI('Words', 'What is to be read', 'string') }}", color: '#0B3D2E' },
				],
			},
		},
		sendAs: 'json',
	});
	let response = '';
	const run = await agents.run(node, async (call) => {
		response = await call({ Scene: 'a market', Subject: 'a fish', Words: 'FRESH' });
	});

	const prompt =
		'{"scene":"a market","subjects":[{"description":"a fish"}],"text":[{"content":"FRESH","color":"#0B3D2E"}]}';
	expect(run.error).toBeUndefined();
	expect(lab.emulator.ledger.tasks.map((task) => task.prompt)).toEqual([prompt]);
	expect(JSON.parse(response)).toEqual([expect.objectContaining({ prompt })]);
});

describe('a hint about prompts that the model may reword', () => {
	const hintsOf = (
		type: 'flux2Bfl' | 'flux2Cloudflare',
		parameters: Record<string, unknown>,
	): string[] => hintsBeforeRun(lab.engine, type, parameters);

	const advice = 'The model may reword the prompt. To keep exact words and JSON, add the option';
	const disable = `${advice} Disable Prompt Upsampling and turn it on.`;
	const flexible = `${advice} Prompt Upsampling and turn it off.`;
	const form = { promptType: 'structured', structuredPrompt: { scene: 'a fox' } };

	test.each<[string, Record<string, unknown>, string[]]>([
		['a form', { model: 'flux-2-pro', ...form }, [disable]],
		['a form, and another way to switch it off', { model: 'flux-2-flex', ...form }, [flexible]],
		['a model that rewords nothing', { model: 'flux-2-klein-4b', ...form }, []],
		['a model that nobody knows', { model: 'custom', customModel: 'flux-3', ...form }, []],
		['a form that is kept', { model: 'flux-2-max', ...form, options: { disablePup: true } }, []],
		[
			'a form that is not kept',
			{ model: 'flux-2-max', ...form, options: { disablePup: false } },
			[disable],
		],
		['a plain prompt', { model: 'flux-2-pro', prompt: 'A fox in the snow' }, []],
		[
			'words in quotation marks',
			{ model: 'flux-2-pro', prompt: 'A sign that says "OPEN"' },
			[disable],
		],
		['typographic ones', { model: 'flux-2-pro', prompt: 'A sign that says “OPEN”' }, [disable]],
		['JSON', { model: 'flux-2-pro', prompt: '{"scene": 1}' }, [disable]],
		['an object', { model: 'flux-2-pro', prompt: '={{ { scene: 1 } }}' }, [disable]],
		['another operation', { resource: 'task', operation: 'get', taskId: 'x' }, []],
	])('%s', (_name, parameters, expected) => {
		expect(hintsOf('flux2Bfl', parameters)).toEqual(expected);
	});

	test('stands where the service has such a switch', () => {
		const model = 'black-forest-labs/flux-2-flex';
		expect(hintsOf('flux2Cloudflare', { model, ...form })).toEqual([flexible]);
		expect(
			hintsOf('flux2Cloudflare', { model, ...form, options: { promptUpsampling: false } }),
		).toEqual([]);
	});
});
