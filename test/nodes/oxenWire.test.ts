import { models } from '../../nodes/Flux2Oxen/models';
import { generateOptions, submitOptions } from '../../nodes/shared/parameters/options';
import { RATIOS } from '../../nodes/shared/parameters/size';
import { NODE, openLab, QUICK, type Lab, type NodeUnderTest } from '../support/lab';
import { placed } from '../support/placed';
import {
	bodiesOf,
	fromItems,
	itemsOf,
	namesOf,
	settings,
	type Row,
	type Rows,
} from '../support/wire';

const SAFE = Number.MAX_SAFE_INTEGER;

/** Rows for values that are sent as they are. */
const verbatim = (wireName: string, ...values: string[]): Row[] =>
	values.map((value) => [value, { [wireName]: value }]);

const shared: Rows = {
	numInferenceSteps: [
		[1, { num_inference_steps: 1 }],
		['50', { num_inference_steps: 50 }],
	],
	seed: [
		[0, { seed: 0 }],
		['-1', { seed: -1 }],
		[-SAFE, { seed: -SAFE }],
		[SAFE, { seed: SAFE }],
	],
	outputFormat: verbatim('output_format', 'jpg', 'png', 'webp'),
	targetNamespace: [['my-organization', { target_namespace: 'my-organization' }]],
	size: [
		['automatic'],
		['custom'],
		['1:1', { aspect_ratio: '1:1' }],
		['16:9'],
		['9:16', { aspect_ratio: '9:16' }],
		['4:3', { aspect_ratio: '4:3' }],
		['3:4', { aspect_ratio: '3:4' }],
		['3:2', { aspect_ratio: '4:3' }],
		['2:3', { aspect_ratio: '3:4' }],
		['4:5', { aspect_ratio: '3:4' }],
		['5:4', { aspect_ratio: '4:3' }],
		['21:9'],
	],
};

/** A ratio that the model lacks becomes the nearest one. */
const flux2: Rows = {
	...shared,
	size: [
		['automatic'],
		['custom'],
		...RATIOS.map((ratio): Row => {
			const nearest = { '4:5': '3:4', '5:4': '4:3', '21:9': '16:9' }[ratio as string] ?? ratio;
			return [ratio, { aspect_ratio: nearest, resolution: '1 MP' }];
		}),
	],
	megapixels: [
		[0.5, { aspect_ratio: '1:1', resolution: '0.5 MP' }],
		[1.99, { aspect_ratio: '1:1', resolution: '1 MP' }],
		['2', { aspect_ratio: '1:1', resolution: '2 MP' }],
	],
	aspectRatio: verbatim('aspect_ratio', '1:1', '16:9', '2:3', '3:2', '3:4', '4:3', '9:16'),
	resolution: verbatim('resolution', '0.5 MP', '1 MP', '2 MP'),
	guidance: [
		[0, { guidance: 0 }],
		['3.5', { guidance: 3.5 }],
		[10, { guidance: 10 }],
	],
	outputQuality: [
		[0, { output_quality: 0 }],
		['100', { output_quality: 100 }],
	],
	disableSafetyChecker: [
		[true, { disable_safety_checker: true }],
		['false', { disable_safety_checker: false }],
	],
};

const klein: Rows = {
	...shared,
	aspectRatio: verbatim('aspect_ratio', '1:1', '16:9', '3:4', '4:3', '9:16'),
	guidanceScale: [
		[0, { guidance_scale: 0 }],
		['3.5', { guidance_scale: 3.5 }],
		[10, { guidance_scale: 10 }],
	],
	outputQuality: verbatim('output_quality', 'standard', 'high'),
};

const rowsOf: Record<string, Rows> = {
	'flux-2-pro': flux2,
	'flux-2-dev': flux2,
	'flux-2-flex': flux2,
	'black-forest-labs-flux-2-klein-4b': klein,
	'black-forest-labs-flux-2-klein-9b': klein,
};

let lab: Lab;

beforeAll(async () => {
	lab = await openLab({ emulator: { seconds: 0 } });
});
beforeEach(() => {
	lab.emulator.reset();
	for (const route of ['oxen.sync', 'oxen.enqueue'] as const)
		lab.emulator.rule({ route }, { as: { width: 16, height: 16 } });
});
afterAll(async () => await lab.close());

const always = (model: string) => ({ model, aspect_ratio: '16:9' });

const numberOf = ({ prompt = '' }: { prompt?: string }) => Number(/\d+/.exec(prompt)?.[0] ?? 0);

/** The bodies on the wire, in the order of the items, and where they went. */
async function sent(parameters: NodeUnderTest['parameters'], rows: Rows, options: object = {}) {
	const node = { ...parameters, ...fromItems('flux2Oxen', Object.keys(rows)) };
	Object.assign(node.options as object, options);
	const continuing = { onError: 'continueRegularOutput' as const };
	const items = itemsOf(rows);
	await lab.run({ type: 'flux2Oxen', parameters: node, settings: continuing }, { items });
	const { requests, submissions } = lab.emulator.ledger;
	const bodies = [...submissions].sort((a, b) => numberOf(a) - numberOf(b)).map(({ body }) => body);
	const posts = requests.filter(({ method }) => method === 'POST');
	return { bodies, paths: [...new Set(posts.map(({ path }) => path))] };
}

const { pollInterval: _unused, ...withoutPolls } = settings;

/** A task that fails for its parameters costs nothing. */
const allMade = () => {
	const { submissions, tasks } = lab.emulator.ledger;
	return submissions.every(({ accepted }) => accepted) && tasks.every(({ cost }) => cost > 0);
};

describe('the table has every parameter and nothing else', () => {
	test.each(models.map((model) => [model.id, model] as const))('%s', (id, { parameters }) => {
		expect(Object.keys(rowsOf[id] ?? {}).sort()).toEqual(namesOf(parameters));
	});

	test('every model', () => {
		expect(models.map(({ id }) => id)).toEqual(Object.keys(rowsOf));
	});
});

describe('each parameter alone is on the wire as documented, and the aspect ratio always', () => {
	test.each(Object.entries(rowsOf))('by Task: Submit (%s)', async (model, own) => {
		const submitNames = namesOf(submitOptions);
		const mine = Object.entries(settings).filter(([name]) => submitNames.includes(name));
		const rows = { ...own, ...Object.fromEntries(mine) };
		const { bodies, paths } = await sent({ resource: 'task', operation: 'submit', model }, rows);

		expect(bodies).toEqual(bodiesOf(rows, always(model)));
		expect(paths).toEqual(['/api/ai/queue']);
		expect(allMade()).toBe(true);
	});

	test.each(Object.entries(rowsOf))(
		'by the call that waits, which makes one image (%s)',
		async (model, own) => {
			const rows = { ...own, ...withoutPolls };
			const { bodies, paths } = await sent({ model }, rows, { mode: 'sync' });

			expect(bodies).toEqual(bodiesOf(rows, always(model)));
			expect(paths).toEqual(['/api/ai/images/edit']);
			expect(allMade()).toBe(true);
		},
	);

	test('by Image: Generate with events, as Task: Submit does', async () => {
		const rows = { ...klein, ...withoutPolls };
		const model = 'black-forest-labs-flux-2-klein-9b';
		const { bodies, paths } = await sent({ model }, rows, { mode: 'events' });

		expect(bodies).toEqual(bodiesOf(rows, always(model)));
		expect(paths).toEqual(['/api/ai/queue']);
		expect(allMade()).toBe(true);
	});
});

test("the node's own options are all in the table", () => {
	expect([...Object.keys(settings), 'customBody'].sort()).toEqual(namesOf(generateOptions));
});

test('a custom model has the parameters of all models, and is sent nothing that was not asked for', async () => {
	const rows = { ...klein, ...flux2, guidanceScale: klein.guidanceScale! };
	const parameters = {
		resource: 'task',
		operation: 'submit',
		model: 'custom',
		customModel: 'flux-9',
	};
	const { bodies } = await sent(parameters, rows);

	expect(bodies).toEqual(bodiesOf(rows, { model: 'flux-9' }));
});

test('references are a list of URLs and data URIs, and can give the image its shape', async () => {
	const url = `${lab.emulator.urls.results}/references/a.png?width=64&height=32`;
	const binary = await lab.engine.store(
		Buffer.from(await (await fetch(url)).arrayBuffer()),
		'image/png',
		'a.png',
	);
	const parameters = {
		prompt: 'edit @Image1',
		referenceImages: {
			image: [
				{ source: 'url', url },
				{ source: 'binary', binaryPropertyName: 'data' },
			],
		},
		...placed('flux2Oxen', { aspectRatio: 'match_input_image', ...QUICK }),
	};
	const run = await lab.run(
		{ type: 'flux2Oxen', parameters },
		{ items: [{ json: {}, binary: { data: binary } }] },
	);

	expect(run.items(NODE)).toMatchObject([{ json: { status: 'completed' } }]);
	expect(lab.emulator.ledger.submissions.map(({ body }) => body)).toEqual([
		{
			model: 'flux-2-pro',
			prompt: 'edit @Image1',
			aspect_ratio: 'match_input_image',
			resolution: '1 MP',
			input_image: [url, expect.stringMatching(/^data:image\/png;base64,iVBORw0KGgo/)],
		},
	]);
});

test('Custom Body is merged in last', async () => {
	const options = { seed: 1, customBody: '{"seed": 7, "response_format": "url"}', ...QUICK };
	await lab.run({ type: 'flux2Oxen', parameters: { prompt: 'merged', options } });

	expect(lab.emulator.ledger.submissions.map(({ body }) => body)).toEqual([
		{
			...always('flux-2-pro'),
			prompt: 'merged',
			seed: 7,
			response_format: 'url',
		},
	]);
});

test('what the model of an expression lacks is refused by its label, and nothing is sent', async () => {
	const options = {
		resolution: '2 MP',
		guidance: 3,
		guidanceScale: 3,
		aspectRatio: '3:2',
		outputQuality: 90,
	};
	const parameters = {
		model: '={{ "black-forest-labs-flux-2-klein-4b" }}',
		prompt: 'refused',
		...placed('flux2Oxen', options),
	};
	const run = await lab.run({ type: 'flux2Oxen', parameters });

	expect(run.error?.message.split('; ').sort()).toEqual([
		'Aspect Ratio: must be one of 1:1, 16:9, 9:16, 4:3, 3:4',
		'Guidance: FLUX.2 [klein] 4B has no such parameter here',
		'Output Quality: must be one of standard, high',
		'Resolution: FLUX.2 [klein] 4B has no such parameter here',
	]);
	expect(lab.emulator.ledger.requests).toEqual([]);
});

test.each(['best', true, [80], -1])(
	'an Output Quality of a custom model that no model knows (%p) is refused by its label, and nothing is sent',
	async (outputQuality) => {
		const parameters = {
			model: 'custom',
			customModel: 'flux-9',
			prompt: 'refused',
			options: { outputQuality },
		};
		const run = await lab.run({ type: 'flux2Oxen', parameters });

		expect(run.error?.message).toMatch(/^Output Quality: /);
		expect(lab.emulator.ledger.requests).toEqual([]);
	},
);

/** Fields of the requests that say how many images they make. */
const asked = () =>
	lab.emulator.ledger.submissions.map(({ body }) => {
		const { num_generations: count, seed } = body as Record<string, unknown>;
		return [count, seed];
	});

test.each<[string, number, object, unknown[][]]>([
	['one', 1, {}, [[undefined, undefined]]],
	['up to four in one request', 4, {}, [[4, undefined]]],
	[
		'ten in three',
		10,
		{},
		[
			[4, undefined],
			[4, undefined],
			[2, undefined],
		],
	],
	[
		'nine in three, the last of which makes one',
		9,
		{},
		[
			[4, undefined],
			[4, undefined],
			[undefined, undefined],
		],
	],
	[
		'each with its seed in a request of its own',
		3,
		{ seed: 7 },
		[
			[undefined, 7],
			[undefined, 8],
			[undefined, 9],
		],
	],
	[
		'each in a call of its own',
		2,
		{ mode: 'sync' },
		[
			[undefined, undefined],
			[undefined, undefined],
		],
	],
])('several images are asked for: %s', async (_what, numberOfImages, options, expected) => {
	const parameters = {
		prompt: 'several',
		numberOfImages,
		options: { maxConcurrent: 1, ...QUICK, ...options },
	};
	const run = await lab.run({ type: 'flux2Oxen', parameters });

	expect(run.error).toBeUndefined();
	expect(asked()).toEqual(expected);
	expect(run.items(NODE)).toHaveLength(numberOfImages);
	expect(allMade()).toBe(true);
});
