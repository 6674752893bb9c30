import {
	NodeConnectionTypes,
	type IExecuteFunctions,
	type ILoadOptionsFunctions,
	type INodeProperties,
	type INodeType,
	type INodeTypeDescription,
} from 'n8n-workflow';
import { MAKES_IMAGES, searchHint } from '../shared/parameters/builderHint';
import { manyImagesHint } from '../shared/parameters/hints';
import { operationProperties, subtitleOf } from '../shared/parameters/operationProperties';
import { syncOptions } from '../shared/parameters/options';
import { requestProperties } from '../shared/parameters/properties';
import { models } from './models';

const generate = { resource: ['image'], operation: ['generate', 'edit', 'estimateCost'] };

const chooseModel: INodeProperties = {
	displayName: 'Model',
	name: 'model',
	type: 'resourceLocator',
	default: { mode: 'id', value: models[0]?.id },
	description: 'The model that makes the image, as the server calls it',
	displayOptions: { show: generate },
	modes: [
		{
			displayName: 'From List',
			name: 'list',
			type: 'list',
			hint: 'The models that the server itself lists, those of FLUX.2 first',
			typeOptions: { searchListMethod: 'searchModels', searchable: true },
		},
		{
			displayName: 'By ID',
			name: 'id',
			type: 'string',
			placeholder: `e.g. ${models[0]?.id}`,
		},
	],
};

const notice: INodeProperties = {
	displayName:
		'The server responds with the image itself, so nothing can be resumed: when the connection breaks, the image is lost. The node then says so and does not send the request again by itself.',
	name: 'oneCallNotice',
	type: 'notice',
	default: '',
	displayOptions: { show: { resource: ['image'], operation: ['generate', 'edit'] } },
};

export class Flux2OpenAi implements INodeType {
	description: INodeTypeDescription = {
		displayName: 'FLUX.2 (OpenAI-Compatible)',
		name: 'flux2OpenAi',
		icon: { light: 'file:flux2OpenAi.svg', dark: 'file:flux2OpenAi.dark.svg' },
		group: ['transform'],
		version: [1],
		subtitle: subtitleOf(models),
		description:
			'Generate and edit images with Black Forest Labs FLUX.2 on your own server or any other with an OpenAI-compatible API: vLLM-Omni, LocalAI, stable-diffusion.cpp, DeepInfra, Together, OpenRouter, Azure AI Foundry',
		defaults: { name: 'FLUX.2 (OpenAI-Compatible)' },
		usableAsTool: true,
		...searchHint(MAKES_IMAGES),
		inputs: [NodeConnectionTypes.Main],
		outputs: [NodeConnectionTypes.Main],
		hints: [manyImagesHint],
		credentials: [{ name: 'flux2OpenAiApi', required: true }],
		properties: [
			...operationProperties(['image:generate', 'image:edit', 'image:estimateCost']),
			...requestProperties(models, syncOptions, generate, [chooseModel]),
			notice,
		],
	};

	methods = {
		listSearch: {
			async searchModels(this: ILoadOptionsFunctions, filter?: string) {
				const { searchModels } = await import('./modelList');
				return await searchModels.call(this, filter);
			},
		},
	};

	async execute(this: IExecuteFunctions) {
		const { runItems } = await import('../shared/node/execute');
		const { openAi } = await import('./provider');
		return await runItems(this, openAi);
	}
}
