import { choice, inPanel, integer, toggle, withValues } from '../shared/parameters/param';
import {
	fileLifetime,
	outputFormat,
	queuePriority,
	startTimeout,
	webhookUrl,
	type FalModel,
} from './models';

const growth = (edge: 'top' | 'bottom' | 'left' | 'right', label: string) =>
	inPanel(
		integer(`expand_${edge}`, {
			label,
			description: 'By how many pixels the image grows at this edge, at most 2048',
			hint: 'In pixels',
			min: 0,
			max: 2048,
			default: 0,
		}),
	);

/** By how much the image grows at each edge. */
export const growths = [
	growth('top', 'Expand Top'),
	growth('bottom', 'Expand Bottom'),
	growth('left', 'Expand Left'),
	growth('right', 'Expand Right'),
];

/** An operation that is a model of its own. Its price depends on a size that only fal works out. */
export const outpaint: FalModel = {
	id: 'fal-ai/flux-2-pro/outpaint',
	editEndpoint: 'fal-ai/flux-2-pro/outpaint',
	name: 'Outpaint',
	description: 'Extends an image beyond its edges; about $0.03 for the first megapixel',
	prompt: 'none',
	images: [
		{
			wireName: 'image_url',
			name: 'image',
			label: 'Image',
			description: 'The image that becomes a part of a larger one',
			field: 'data',
		},
	],
	maxReferences: 0,
	parameters: [
		...growths,
		toggle('auto_crop', {
			label: 'Auto Crop',
			description: 'Whether fal cuts the edges of the finished image. Off when unset.',
			default: false,
		}),
		choice('mode', {
			label: 'Quality',
			description: 'High when unset',
			name: 'quality',
			options: { fast: 'Fast', high: 'High' },
			default: 'high',
		}),
		withValues(outputFormat, 'jpeg', 'png'),
		queuePriority,
		startTimeout,
		fileLifetime,
		webhookUrl,
	],
	typicalSeconds: 15,
};
