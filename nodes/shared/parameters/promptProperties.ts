import type {
	IDisplayOptions,
	INodeProperties,
	INodePropertyTypeOptions,
	NodeHint,
} from 'n8n-workflow';
import { withBuilderHint } from './builderHint';
import { hintBeforeRun, optionValue } from './hints';
import type { Model } from './model';
import { prompt } from './options';
import { choice, jsonObject, type Param } from './param';

/** The form of a structured prompt. */
export const FORM = 'structuredPrompt';
export const FORM_LABEL = 'Structured Prompt';

/** The node's own: none of it is a field of the request. */
const own = { in: 'node' } as const;

export const promptType = withBuilderHint(
	choice('promptType', {
		label: 'Prompt Type',
		description: 'How you say what the image shows',
		options: { structured: 'Structured', text: 'Text' },
		default: 'text',
		...own,
	}),
	'structured where columns of a table describe the image: every field takes an expression, and exact colors and words are kept. Otherwise text.',
);

export const sendAs = choice('sendAs', {
	label: 'Send As',
	description:
		'How the fields reach the model. FLUX.2 understands both equally well; short prose suits the small [klein] models.',
	options: { json: 'JSON', prose: 'Prose' },
	default: 'json',
	...own,
});

export const additionalFields = jsonObject('additionalFields', {
	label: 'Additional Fields',
	description:
		'More fields as a JSON object, such as {"typography": "bold geometric sans serif"}. A field that is above already is replaced or added to.',
	...own,
});

interface Texts {
	label: string;
	description: string;
	placeholder: string;
	rows?: number;
}

const field = (
	name: string,
	{ label, description, placeholder, rows }: Texts,
): INodeProperties => ({
	displayName: label,
	name,
	type: 'string',
	...(rows && { typeOptions: { rows } }),
	default: '',
	placeholder: `e.g. ${placeholder}`,
	description,
});

const color = (description: string): INodeProperties => ({
	displayName: 'Color',
	name: 'color',
	type: 'color',
	default: '',
	description,
});

/** The title of an entry in the editor; hosts that do not know it number the entries. */
const titled = (value: string): INodePropertyTypeOptions => ({
	fixedCollection: { itemTitle: `={{ ${value} }}` },
});

/** Several entries of the same fields. */
const list = (
	name: string,
	group: { name: string; label: string; title: string; values: INodeProperties[] },
	{ label, description }: Pick<Texts, 'label' | 'description'>,
): INodeProperties => ({
	displayName: label,
	name,
	type: 'fixedCollection',
	typeOptions: { multipleValues: true, sortable: true, ...titled(group.title) },
	default: {},
	placeholder: `Add ${group.label}`,
	description,
	options: [{ displayName: group.label, name: group.name, values: group.values }],
});

export const subjects = list(
	'subjects',
	{
		name: 'subject',
		label: 'Subject',
		title: '$collection.item.value.description',
		values: [
			field('description', {
				label: 'Description',
				description:
					'What it is, with its material and details. Without it, the entry is left out.',
				placeholder: 'matte ceramic coffee tumbler with an amber lid',
				rows: 2,
			}),
			field('position', {
				label: 'Position',
				description: 'Where it is in the image',
				placeholder: 'in the center, slightly below the middle',
			}),
			field('action', {
				label: 'Action',
				description: 'What it does, or the state it is in',
				placeholder: 'standing upright, one drop of water on the lid',
			}),
		],
	},
	{ label: 'Subjects', description: 'The people and things in the image, the main one first' },
);

export const text = list(
	'text',
	{
		name: 'text',
		label: 'Text',
		title: '$collection.item.value.content',
		values: [
			field('content', {
				label: 'Text',
				description:
					'The exact words, without quotation marks. Short texts succeed best. Without it, the entry is left out.',
				placeholder: 'NORDWIND',
			}),
			field('position', {
				label: 'Position',
				description: 'Where the words are',
				placeholder: 'on the body of the tumbler',
			}),
			field('style', {
				label: 'Lettering',
				description: 'Typeface, weight, size and the like',
				placeholder: 'small embossed capitals',
			}),
			color(
				'The color of the letters: pick it, or let an expression yield a hex value such as #F2B134',
			),
		],
	},
	{ label: 'Text in the Image', description: 'Words that are to be read in the image' },
);

export const colorPalette = list(
	'colorPalette',
	{
		name: 'color',
		label: 'Color',
		title: '$collection.item.value.name || $collection.item.value.color',
		values: [
			color(
				'Pick it, or let an expression yield a hex value such as #0B3D2E. Without a color and a name, the entry is left out.',
			),
			field('name', {
				label: 'Name',
				description: 'What people call the color: it helps the model to match it',
				placeholder: 'deep green',
			}),
			field('appliesTo', {
				label: 'Applies To',
				description: 'What has this color. A color that is bound to something is matched best.',
				placeholder: 'the body of the tumbler',
			}),
		],
	},
	{ label: 'Color Palette', description: 'Three to five colors work best' },
);

const camera: INodeProperties = {
	displayName: 'Camera',
	name: 'camera',
	type: 'fixedCollection',
	default: {},
	placeholder: 'Add Camera',
	description: 'How the scene is photographed',
	options: [
		{
			displayName: 'Camera',
			name: 'camera',
			values: [
				field('angle', {
					label: 'Angle',
					description: 'From where the camera looks',
					placeholder: 'eye level',
				}),
				field('aperture', {
					label: 'Aperture',
					description: 'The f-number',
					placeholder: 'f/8',
				}),
				field('depthOfField', {
					label: 'Depth of Field',
					description: 'How far the sharpness reaches',
					placeholder: 'shallow, soft background',
				}),
				field('distance', {
					label: 'Distance',
					description: 'How much of the subject is in the frame',
					placeholder: 'medium close-up',
				}),
				field('focus', {
					label: 'Focus',
					description: 'What is sharp',
					placeholder: 'the lettering',
				}),
				field('lens', {
					label: 'Lens',
					description: 'Focal length or kind of lens',
					placeholder: '85 mm',
				}),
			],
		},
	],
};

/** In the order of the alphabet, as the editor wants them. */
const formFields: INodeProperties[] = [
	additionalFields.property,
	field('background', {
		label: 'Background',
		description: 'What is behind the subjects',
		placeholder: 'a smooth gradient starting with color #F7F3EA and finishing with color #E5DCC8',
	}),
	camera,
	colorPalette,
	field('composition', {
		label: 'Composition',
		description: 'How the image is laid out',
		placeholder: 'centered, with empty space above for a headline',
	}),
	field('lighting', {
		label: 'Lighting',
		description: 'Where the light comes from, and how hard it is',
		placeholder: 'a large softbox from the left, a thin rim light from the right',
	}),
	field('mood', {
		label: 'Mood',
		description: 'The feeling of the image',
		placeholder: 'calm and premium',
	}),
	field('scene', {
		label: 'Scene',
		description: 'The whole image in one phrase. The first words weigh most.',
		placeholder: 'studio product photograph on a seamless backdrop',
		rows: 2,
	}),
	field('style', {
		label: 'Style',
		description: 'Medium and technique: photograph, watercolor, flat vector illustration, …',
		placeholder: 'clean commercial photography',
	}),
	subjects,
	text,
];

/** The editor's Prompt Type, and what it shows: one text, or a form. */
export function promptProperties(show?: IDisplayOptions['show']): INodeProperties[] {
	const structured = { show: { ...show, promptType: ['structured'] } };
	return [
		{ ...promptType.property, noDataExpression: true, ...(show && { displayOptions: { show } }) },
		{
			...prompt.property,
			required: true,
			displayOptions: { show: { ...show, promptType: ['text'] } },
		},
		{
			displayName: FORM_LABEL,
			name: FORM,
			type: 'collection',
			placeholder: 'Add Field',
			default: { scene: '', subjects: {}, style: '' },
			description:
				'What the image shows, field by field. Fields and entries that are empty are left out.',
			displayOptions: structured,
			options: formFields,
		},
		{ ...sendAs.property, displayOptions: structured },
	];
}

/**
 * A hint before the run, for prompts whose words or JSON the model is not to change.
 * @param param what decides whether the model rewords prompts, and `keeps` the value with which it does not
 */
export function exactPromptHint(
	models: readonly Model[],
	{ wireName, property }: Param<boolean>,
	keeps: boolean,
): NodeHint {
	const ids = models
		.filter(({ parameters }) => parameters.some((param) => param.wireName === wireName))
		.map(({ id }) => id);
	const conditions = [
		`${JSON.stringify(ids)}.includes($parameter.model)`,
		`${optionValue(property.name)} !== ${keeps}`,
		// an object from an expression becomes JSON, and reads "[object Object]" here
		'($parameter.promptType === "structured" || /^\\s*[{[]|["“„«]/.test($parameter.prompt ?? ""))',
	];
	return hintBeforeRun(
		`The model may reword the prompt. To keep exact words and JSON, add the option ${property.displayName} and turn it ${keeps ? 'on' : 'off'}.`,
		conditions,
	);
}
