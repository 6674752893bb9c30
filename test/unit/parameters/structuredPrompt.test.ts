import type { IDataObject, IExecuteFunctions } from 'n8n-workflow';
import { Flux2Error } from '../../../nodes/shared/core/errors';
import { toProsePrompt } from '../../../nodes/shared/parameters/prosePrompt';
import { ParameterReader } from '../../../nodes/shared/parameters/reader';
import {
	readPrompt,
	toJsonPrompt,
	toStructuredPrompt,
} from '../../../nodes/shared/parameters/structuredPrompt';

/** The prompt that is sent for these parameters, or the refusal. */
function read(parameters: Record<string, unknown>): string {
	const context = {
		getNodeParameter: (name: string, _index: number, fallback: unknown) =>
			parameters[name] ?? fallback,
	} as unknown as IExecuteFunctions;
	const reader = new ParameterReader(context, 0);
	try {
		const prompt = readPrompt(reader);
		reader.throwIfInvalid();
		return prompt;
	} catch (error) {
		if (error instanceof Flux2Error) return `${error.kind}: ${error.message}`;
		throw error;
	}
}

const structured = (form: unknown, sendAs?: string) =>
	read({ promptType: 'structured', structuredPrompt: form, sendAs });

const subject = (...entries: IDataObject[]) => ({ subjects: { subject: entries } });
const words = (...entries: IDataObject[]) => ({ text: { text: entries } });
const colors = (...entries: IDataObject[]) => ({ colorPalette: { color: entries } });
const camera = (values: IDataObject) => ({ camera: { camera: values } });

const tumbler = {
	scene: 'studio product photograph on a seamless backdrop',
	...subject({
		description: 'matte ceramic coffee tumbler',
		position: 'slightly below the middle',
		action: 'standing upright',
	}),
	...words({
		content: 'NORDWIND',
		position: 'on the body of the tumbler',
		style: 'small embossed capitals',
		color: '#F2B134',
	}),
	style: 'clean commercial photography',
	...colors(
		{ color: '#0B3D2E', name: 'deep green', appliesTo: 'the body of the tumbler' },
		{ color: '#F2B134', name: 'amber', appliesTo: 'the lid' },
		{ color: '#F7F3EA', name: '', appliesTo: '' },
	),
	lighting: 'a large softbox from the left',
	mood: 'calm and premium',
	background: 'a smooth gradient',
	composition: 'centered, with empty space above',
	...camera({
		angle: 'eye level',
		distance: 'medium close-up',
		lens: '85 mm',
		aperture: 'f/8',
		focus: 'the lettering',
		depthOfField: 'shallow',
	}),
};

describe('each field alone', () => {
	test.each<[string, IDataObject, IDataObject, string]>([
		['scene', { scene: 'a lake' }, { scene: 'a lake' }, 'A lake.'],
		[
			'a subject',
			subject({ description: 'a heron', position: 'on the left', action: 'fishing' }),
			{ subjects: [{ description: 'a heron', position: 'on the left', action: 'fishing' }] },
			'A heron, fishing, on the left.',
		],
		[
			'two subjects',
			subject({ description: 'a heron' }, { description: 'a boat', position: 'behind it' }),
			{ subjects: [{ description: 'a heron' }, { description: 'a boat', position: 'behind it' }] },
			'A heron. A boat, behind it.',
		],
		[
			'text',
			words({ content: 'SALE', position: 'at the top', style: 'bold serif', color: '#FF0000' }),
			{
				text: [{ content: 'SALE', position: 'at the top', style: 'bold serif', color: '#FF0000' }],
			},
			'The text "SALE" appears at the top, in bold serif, in color #FF0000.',
		],
		[
			'text alone',
			words({ content: 'SALE' }),
			{ text: [{ content: 'SALE' }] },
			'The text "SALE" appears in the image.',
		],
		['style', { style: 'gouache' }, { style: 'gouache' }, 'The style is gouache.'],
		[
			'a color',
			colors({ color: '#0b3d2e', name: 'deep green', appliesTo: 'the lid' }),
			{ color_palette: ['#0b3d2e (deep green) for the lid'] },
			'Use color #0b3d2e (deep green) for the lid.',
		],
		[
			'colors with less than all',
			colors({ color: '#fff' }, { name: 'amber', appliesTo: 'the lid' }, { color: '#0B3D2E80' }),
			{ color_palette: ['#fff', 'amber for the lid', '#0B3D2E80'] },
			'Use color #fff, amber for the lid and color #0B3D2E80.',
		],
		['lighting', { lighting: 'noon sun' }, { lighting: 'noon sun' }, 'The lighting is noon sun.'],
		['mood', { mood: 'calm' }, { mood: 'calm' }, 'The mood is calm.'],
		['background', { background: 'fog' }, { background: 'fog' }, 'The background is fog.'],
		[
			'composition',
			{ composition: 'centered' },
			{ composition: 'centered' },
			'The composition is centered.',
		],
		[
			'camera',
			camera({ angle: 'low', aperture: 'f/2', depthOfField: 'shallow' }),
			{ camera: { angle: 'low', 'f-number': 'f/2', depth_of_field: 'shallow' } },
			'The camera angle is low, the f-number f/2, the depth of field shallow.',
		],
		['a lens', camera({ lens: '35 mm' }), { camera: { lens: '35 mm' } }, 'The lens is 35 mm.'],
	])('%s', (_name, form, json, prose) => {
		expect(JSON.parse(structured(form))).toEqual(json);
		expect(structured(form, 'prose')).toBe(prose);
	});
});

test('all fields together are one JSON object, by the keys of the documents', () => {
	const sent = structured(tumbler, 'json');

	expect(sent).not.toContain('\n');
	expect(Object.keys(JSON.parse(sent) as object)).toEqual([
		'scene',
		'subjects',
		'text',
		'style',
		'color_palette',
		'lighting',
		'mood',
		'background',
		'composition',
		'camera',
	]);
	expect(JSON.parse(sent)).toEqual({
		scene: tumbler.scene,
		subjects: tumbler.subjects.subject,
		text: tumbler.text.text,
		style: tumbler.style,
		color_palette: [
			'#0B3D2E (deep green) for the body of the tumbler',
			'#F2B134 (amber) for the lid',
			'#F7F3EA',
		],
		lighting: tumbler.lighting,
		mood: tumbler.mood,
		background: tumbler.background,
		composition: tumbler.composition,
		camera: {
			angle: 'eye level',
			distance: 'medium close-up',
			lens: '85 mm',
			'f-number': 'f/8',
			focus: 'the lettering',
			depth_of_field: 'shallow',
		},
	});
});

test('all fields together are English sentences, the words in the image early', () => {
	expect(structured(tumbler, 'prose')).toBe(
		[
			'Studio product photograph on a seamless backdrop.',
			'The text "NORDWIND" appears on the body of the tumbler, in small embossed capitals, in color #F2B134.',
			'Matte ceramic coffee tumbler, standing upright, slightly below the middle.',
			'Use color #0B3D2E (deep green) for the body of the tumbler, color #F2B134 (amber) for the lid and color #F7F3EA.',
			'The style is clean commercial photography.',
			'The lighting is a large softbox from the left.',
			'The mood is calm and premium.',
			'The background is a smooth gradient.',
			'The composition is centered, with empty space above.',
			'The camera angle is eye level, the distance medium close-up, the lens 85 mm, the f-number f/8, the focus the lettering, the depth of field shallow.',
		].join(' '),
	);
});

describe('what is empty is left out', () => {
	const empties = { scene: ' ', style: null, mood: undefined, lighting: '\n', subjects: {} };

	test.each<[string, IDataObject]>([
		['fields', { ...tumbler, additionalFields: '{}' }],
		['the additional fields', { ...tumbler, additionalFields: '' }],
		['entries', { ...tumbler, ...words(tumbler.text.text[0]!, { content: '', style: 'bold' }) }],
		[
			'a subject without a description',
			{
				...tumbler,
				...subject(tumbler.subjects.subject[0]!, { description: ' ', position: 'left' }),
			},
		],
		[
			'a color that is bound to something only',
			{
				...tumbler,
				...colors(...tumbler.colorPalette.color, { color: null, name: ' ', appliesTo: 'the sky' }),
			},
		],
	])('%s', (_name, form) => {
		expect(structured({ ...empties, ...form })).toBe(structured(tumbler));
		expect(structured({ ...empties, ...form }, 'prose')).toBe(structured(tumbler, 'prose'));
	});

	test.each<[string, unknown]>([
		['nothing', undefined],
		['an empty form', {}],
		['empty fields', empties],
		[
			'entries without their main field',
			{ ...subject({ position: 'left' }), ...words({ style: 'bold' }) },
		],
		['empty additional fields', { additionalFields: { title: '', sections: [{}] } }],
	])('and %s is refused', (_name, form) => {
		expect(structured(form)).toBe('invalidInput: Structured Prompt: must not be empty');
	});
});

describe('quotation marks and letters of any script stay as they are', () => {
	test.each([
		['She said "hi"', 'The text “She said "hi"” appears in the image.'],
		["It's “new”", 'The text "It\'s “new”" appears in the image.'],
		['北風 ☕️', 'The text "北風 ☕️" appears in the image.'],
		['Größe\nÜber', 'The text "Größe\nÜber" appears in the image.'],
		['50 % off!', 'The text "50 % off!" appears in the image.'],
	])('%s', (content, prose) => {
		expect(JSON.parse(structured(words({ content })))).toEqual({ text: [{ content }] });
		expect(structured(words({ content }), 'prose')).toBe(prose);
	});

	test.each([
		['iPhone on a table', 'iPhone on a table.'],
		['a fox. It sleeps.', 'A fox. It sleeps.'],
		['what is that?', 'What is that?'],
		['élan', 'élan.'],
		['狐が眠る。', '狐が眠る。'],
		['a sign that says "OPEN."', 'A sign that says "OPEN."'],
	])('a sentence from %s', (scene, prose) => {
		expect(structured({ scene }, 'prose')).toBe(prose);
	});

	test('a clause that was ended with a full stop goes on', () => {
		const form = subject({ description: 'A fox.', position: 'left; ', action: 'asleep,' });
		expect(structured(form, 'prose')).toBe('A fox, asleep, left.');
	});

	test('a preposition that is there already is not said twice', () => {
		expect(structured(words({ content: 'A', style: 'in italics' }), 'prose')).toBe(
			'The text "A" appears in the image, in italics.',
		);
	});
});

describe('colors', () => {
	test.each([
		['0B3D2E', '#0B3D2E'],
		[112233, '#112233'],
		[' #0b3d2e ', '#0b3d2e'],
		['deep green', 'deep green'],
		['RAL 6005', 'RAL 6005'],
	])('%p is %s', (color, shown) => {
		expect(JSON.parse(structured(colors({ color })))).toEqual({ color_palette: [shown] });
		expect(JSON.parse(structured(words({ content: 'A', color })))).toEqual({
			text: [{ content: 'A', color: shown }],
		});
	});

	test.each(['#12', '#GGGGGG', '1122', '#0B3D2E (green)'])(
		'%s is refused by its place',
		(color) => {
			const problem = `"${color}" is not a hex color such as #0B3D2E`;
			expect(
				structured({ ...words({ content: 'A', color }), ...colors({ name: 'x' }, { color }) }),
			).toBe(
				`invalidInput: Structured Prompt, Text in the Image (entry 1): ${problem}; Structured Prompt, Color Palette (entry 2): ${problem}`,
			);
		},
	);
});

describe('additional fields', () => {
	test('stand beside the others, add to them and replace them', () => {
		const form = {
			...tumbler,
			additionalFields: JSON.stringify({
				typography: 'bold sans serif',
				mood: 'loud',
				camera: { ISO: 200 },
				subjects: [{ color_match: 'exact' }],
				color_palette: ['amber'],
				sections: [
					{ heading: '1 Collect', steps: [1, 2] },
					{ heading: '2 Go', wide: false },
				],
			}),
		};

		expect(JSON.parse(structured(form))).toMatchObject({
			typography: 'bold sans serif',
			mood: 'loud',
			camera: { angle: 'eye level', ISO: 200 },
			subjects: [{ description: 'matte ceramic coffee tumbler', color_match: 'exact' }],
			color_palette: ['amber'],
			sections: [
				{ heading: '1 Collect', steps: [1, 2] },
				{ heading: '2 Go', wide: false },
			],
		});
		const prose = structured(form, 'prose');
		expect(prose).toContain('slightly below the middle, color match exact.');
		expect(prose).toContain(' Use amber. ');
		expect(prose).toContain('The mood is loud.');
		expect(prose).toContain(
			'the depth of field shallow, the ISO 200. Typography: bold sans serif.',
		);
		expect(prose).toMatch(
			/ Sections: heading 1 Collect, steps 1 and 2; heading 2 Go, wide false\.$/,
		);
	});

	test('may be what an expression yields, and other shapes than ours', () => {
		const additionalFields = {
			scene: { setting: 'a kitchen', time: 'dawn' },
			subjects: ['a cat', 'a dog'],
			text: 'OPEN',
			style: { medium: 'oil' },
			camera: 'handheld',
		};

		expect(JSON.parse(structured({ additionalFields }))).toEqual(additionalFields);
		expect(structured({ additionalFields }, 'prose')).toBe(
			'Setting a kitchen, time dawn. The text "OPEN" appears in the image. A cat. A dog. Style: medium oil. The camera is handheld.',
		);
	});

	test.each(['[1]', '{"a":', 'words', 5])('%p is refused', (additionalFields) => {
		expect(structured({ scene: 'x', additionalFields })).toBe(
			'invalidInput: Structured Prompt, Additional Fields: must be a JSON object',
		);
	});
});

test('values that are no text are kept: expressions yield numbers, lists, objects and dates', () => {
	const form = {
		scene: new Date(0),
		style: { medium: 'oil', layers: 3 },
		mood: ['calm', 'warm'],
		lighting: 0,
		composition: Number.NaN,
		...camera({ lens: 85 }),
		...words({ content: 50 }),
	};

	expect(JSON.parse(structured(form))).toEqual({
		scene: '1970-01-01T00:00:00.000Z',
		text: [{ content: 50 }],
		style: { medium: 'oil', layers: 3 },
		lighting: 0,
		mood: ['calm', 'warm'],
		camera: { lens: 85 },
	});
	expect(structured(form, 'prose')).toBe(
		'1970-01-01T00:00:00.000Z. The text "50" appears in the image. Style: medium oil, layers 3. The lighting is 0. The mood is calm and warm. The lens is 85.',
	);
});

describe('the prompt type', () => {
	test('is text unless it is chosen', () => {
		expect(read({ prompt: 'a fox', structuredPrompt: tumbler })).toBe('a fox');
		expect(read({ promptType: 'text', prompt: { scene: 'a fox' } })).toBe('{"scene":"a fox"}');
		expect(read({ promptType: 'text', prompt: ' ' })).toBe(
			'invalidInput: Prompt: must not be empty',
		);
	});

	test('structured needs no prompt, and is JSON unless prose is chosen', () => {
		expect(read({ promptType: 'structured', structuredPrompt: { scene: 'a fox' } })).toBe(
			'{"scene":"a fox"}',
		);
	});

	test('and how to send it are refused where they are unknown', () => {
		expect(structured({ scene: 'x' }, 'yaml')).toBe(
			'invalidInput: Send As: must be one of json, prose',
		);
		expect(read({ promptType: 'image', prompt: 'x' })).toBe(
			'invalidInput: Prompt Type: must be one of structured, text',
		);
	});
});

test('the functions that write a prompt leave what they are given as it was', () => {
	const form = structuredClone(tumbler);
	const prompt = toStructuredPrompt(form, { camera: { ISO: 200 } });
	const before = structuredClone(prompt);
	toJsonPrompt(prompt);
	toProsePrompt(prompt);

	expect(form).toEqual(tumbler);
	expect(prompt).toEqual(before);
});
