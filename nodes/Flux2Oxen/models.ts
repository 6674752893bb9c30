import type { Model } from '../shared/parameters/model';
import { HOW_TO_WAIT, seed } from '../shared/parameters/options';
import {
	choice,
	decimal,
	integer,
	withValues,
	text,
	toggle,
	type Param,
} from '../shared/parameters/param';
import type { RatioSizes } from '../shared/parameters/size';
import { ratioParameters } from '../shared/parameters/sizeParameters';

/** How the node waits: an option of *Image: Generate*. */
export const mode = choice('mode', {
	label: HOW_TO_WAIT,
	description: 'How the node waits for the image',
	options: {
		events: {
			name: 'Events',
			description: 'Like Poll, but Oxen.ai notifies the node when an image is ready',
		},
		sync: {
			name: 'One Call',
			description: 'One call that waits; if the connection breaks, the image is lost',
		},
		queue: {
			name: 'Poll',
			description: 'Checks at intervals; a retry resumes without paying again',
		},
	},
	default: 'queue',
	in: 'node',
});

const aspectRatio = {
	...choice('aspect_ratio', {
		label: 'Aspect Ratio',
		description:
			"The image's proportions. 16:9 is sent when unset; klein models lack 2:3, 3:2 and Match Input Image.",
		options: {
			'1:1': '1:1',
			'16:9': '16:9',
			'2:3': '2:3',
			'3:2': '3:2',
			'3:4': '3:4',
			'4:3': '4:3',
			'9:16': '9:16',
			match_input_image: 'Match Input Image',
		},
		default: '16:9',
	}),
	// the provider's default has changed from one state of its documents to the next
	sendDefault: true,
} satisfies Param;
const resolution = choice('resolution', {
	label: 'Resolution',
	description: 'How many megapixels the image has. 1 MP when unset.',
	options: { '0.5 MP': '0.5 MP', '1 MP': '1 MP', '2 MP': '2 MP' },
	default: '1 MP',
});
const steps = integer('num_inference_steps', {
	label: 'Inference Steps',
	description:
		'Number of denoising steps, 1 to 50: more detail, but slower. 30 when unset, 28 for klein models.',
	min: 1,
	max: 50,
	default: 30,
});
const guidance = decimal('guidance', {
	label: 'Guidance',
	description:
		'How strictly the image follows the prompt, 0 to 10. 2 when unset; lower is more realistic.',
	min: 0,
	max: 10,
	default: 2,
});
const guidanceScale = decimal('guidance_scale', {
	label: 'Guidance Scale',
	description:
		'How strictly the image follows the prompt, 0 to 10. 2 when unset; lower is more realistic.',
	min: 0,
	max: 10,
	default: 2,
});
const outputFormat = choice('output_format', {
	label: 'Output Format',
	description: "The image's file format. WebP when unset, PNG for klein models.",
	options: { jpg: 'JPEG', png: 'PNG', webp: 'WebP' },
	default: 'webp',
});
const outputQuality = integer('output_quality', {
	label: 'Output Quality',
	description: 'From 0 to 100 (best), without effect on PNG. 80 when unset.',
	min: 0,
	max: 100,
	default: 80,
});
const qualityLevel = choice('output_quality', {
	label: 'Output Quality',
	description: 'Standard when unset',
	options: { standard: 'Standard', high: 'High' },
	default: 'standard',
});
const disableSafetyChecker = toggle('disable_safety_checker', {
	label: 'Disable Safety Checker',
	description: 'Whether to skip the check of the generated image',
	default: false,
});
const targetNamespace = text('target_namespace', {
	label: 'Namespace',
	description: 'The user or organization to save to and to bill. Your own when unset.',
	placeholder: 'e.g. my-organization',
});

// https://docs.oxen.ai/inference-api/reference/models/flux-2-pro; -dev and -flex have the same table
const sizes: RatioSizes = {
	ratios: ['1:1', '16:9', '2:3', '3:2', '3:4', '4:3', '9:16'],
	resolutions: [
		[0.5, '0.5 MP'],
		[1, '1 MP'],
		[2, '2 MP'],
	],
	likeReference: 'match_input_image',
};
const flux2 = {
	parameters: [
		...ratioParameters(sizes, aspectRatio, resolution),
		steps,
		guidance,
		seed,
		outputFormat,
		outputQuality,
		disableSafetyChecker,
		targetNamespace,
	],
	sizes,
	imagesPerRequest: { wireName: 'num_generations', max: 4 },
	// the flex page says "up to 10 references", the others say nothing
	maxReferences: 10,
};

// https://docs.oxen.ai/inference-api/reference/models/black-forest-labs-flux-2-klein-4b
const kleinSizes: RatioSizes = { ratios: ['1:1', '16:9', '9:16', '4:3', '3:4'], resolutions: [] };
const klein = {
	...flux2,
	sizes: kleinSizes,
	parameters: [
		...ratioParameters(
			kleinSizes,
			withValues(aspectRatio, '1:1', '16:9', '9:16', '4:3', '3:4'),
			resolution,
		),
		steps,
		guidanceScale,
		seed,
		outputFormat,
		qualityLevel,
		targetNamespace,
	],
	typicalSeconds: 5,
};

/** Every model of the node, the recommended one first; a new one is one more record. */
export const models: readonly Model[] = [
	{
		...flux2,
		id: 'flux-2-pro',
		name: 'FLUX.2 [pro]',
		description: 'Production quality, with precise control',
		typicalSeconds: 12,
	},
	{
		...flux2,
		id: 'flux-2-dev',
		name: 'FLUX.2 [dev]',
		description: 'Open weights, close to [pro] in quality',
		typicalSeconds: 15,
	},
	{
		...flux2,
		id: 'flux-2-flex',
		name: 'FLUX.2 [flex]',
		description: 'Steps and guidance matter most here; strong at typography',
		typicalSeconds: 25,
	},
	{
		...klein,
		id: 'black-forest-labs-flux-2-klein-4b',
		name: 'FLUX.2 [klein] 4B',
		description: 'Fastest and cheapest',
	},
	{
		...klein,
		id: 'black-forest-labs-flux-2-klein-9b',
		name: 'FLUX.2 [klein] 9B',
		description: 'Fast, with better quality than 4B',
	},
];
