import {
	NodeConnectionTypes,
	type IExecuteFunctions,
	type INodeType,
	type INodeTypeDescription,
} from 'n8n-workflow';
import { MAKES_IMAGES, searchHint } from '../shared/parameters/builderHint';
import { downloadOffHint, hintBeforeRun, manyImagesHint } from '../shared/parameters/hints';
import { operationProperties, subtitleOf } from '../shared/parameters/operationProperties';
import { syncOptions } from '../shared/parameters/options';
import { priceHints } from '../shared/parameters/priceHints';
import { requestProperties } from '../shared/parameters/properties';
import { exactPromptHint } from '../shared/parameters/promptProperties';
import { models, promptUpsampling } from './models';

const generate = { resource: ['image'], operation: ['generate', 'edit', 'estimateCost'] };

const isWorkersAi = 'String($parameter.model).startsWith("@cf/")';

/** Nobody expects an edit of an upright photo to be a wide one. */
const automaticSizeHint = hintBeforeRun(
	'Workers AI makes every automatic size 1024 × 768, also of an upright image. To keep its proportions, set Size to Like the Reference Image.',
	['$parameter.operation === "edit"', '$parameter.size === "automatic"', isWorkersAi],
);

export class Flux2Cloudflare implements INodeType {
	description: INodeTypeDescription = {
		displayName: 'FLUX.2 (Cloudflare)',
		name: 'flux2Cloudflare',
		icon: { light: 'file:flux2Cloudflare.svg', dark: 'file:flux2Cloudflare.dark.svg' },
		group: ['transform'],
		version: [1],
		subtitle: subtitleOf(models),
		description:
			'Generate and edit images with Black Forest Labs FLUX.2 on Cloudflare (AI Gateway catalog and Workers AI)',
		defaults: { name: 'FLUX.2 (Cloudflare)' },
		usableAsTool: true,
		...searchHint(MAKES_IMAGES),
		inputs: [NodeConnectionTypes.Main],
		outputs: [NodeConnectionTypes.Main],
		hints: [
			manyImagesHint,
			// Workers AI responds with the image itself
			downloadOffHint(`!${isWorkersAi}`),
			exactPromptHint(models, promptUpsampling, false),
			automaticSizeHint,
			...priceHints(models),
		],
		credentials: [
			{
				name: 'flux2CloudflareApi',
				required: true,
				displayOptions: { hide: { operation: ['estimateCost'] } },
			},
		],
		properties: [
			...operationProperties(['image:generate', 'image:edit', 'image:estimateCost']),
			...requestProperties(models, syncOptions, generate),
		],
	};

	async execute(this: IExecuteFunctions) {
		const { runItems } = await import('../shared/node/execute');
		const { cloudflare } = await import('./provider');
		return await runItems(this, cloudflare);
	}
}
