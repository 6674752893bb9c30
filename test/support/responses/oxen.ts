import type { GoodResponse } from '../goodResponses';

/** https://docs.oxen.ai/inference-api */

const IMAGE_URL = 'https://images.example/1.png';

const syncResponse = (image: object, needs: string[]): [GoodResponse] => [
	{
		route: 'oxen.sync',
		call: 'POST /api/ai/images/edit',
		body: { model: 'flux-2-pro', created: 1, images: [image] },
		needs,
	},
];
export const syncResponses = syncResponse({ url: IMAGE_URL }, ['images.0.url']);
export const base64Responses = syncResponse({ b64_json: 'aGVsbG8=' }, ['images.0.b64_json']);

const submitted: GoodResponse = {
	route: 'oxen.enqueue',
	call: 'POST /api/ai/queue',
	body: { generations: [{ generation_id: 'g1', status: 'queued' }] },
	needs: ['generations.0.generation_id'],
};

const finished = {
	result_url: IMAGE_URL,
	error_message: null,
	enqueued_at: 1,
	started_at: 1,
	completed_at: 9,
};

const inQueue = {
	generation_id: 'g1',
	model_name: 'flux-2-pro',
	prompt: 'A fox',
	media_type: 'image',
	status: 'succeeded',
	...finished,
	aspect_ratio: '1:1',
};

export const queueResponses: readonly GoodResponse[] = [
	submitted,
	{
		route: 'oxen.queue',
		call: 'GET /api/ai/queue/g1',
		body: inQueue,
		needs: ['result_url'],
		taskId: 'generation_id',
	},
];

/** An older state of the documents: the generation has left the queue. */
export const historyResponses: readonly GoodResponse[] = [
	submitted,
	{
		route: 'oxen.history',
		call: 'GET /api/ai/generations/g1',
		body: {
			status: 'success',
			status_message: 'resource_found',
			generation: {
				generation_id: 'g1',
				model_name: 'flux-2-pro',
				cost: '0.03',
				...finished,
				target_namespace: 'somebody',
				target_repo: 'generations',
				target_directory: 'images',
				user_id: '3c90c3cc-0d44-4b50-8888-8dd25736052a',
				username: 'somebody',
				user_image: null,
				prompt: 'A fox',
			},
		},
		needs: ['generation.result_url'],
		taskId: 'generation.generation_id',
	},
];

export const eventResponses: readonly GoodResponse[] = [
	submitted,
	{
		route: 'oxen.events',
		call: 'GET /api/events',
		event: 'media_generation_completed',
		body: {
			generation_id: 'g1',
			status: 'succeeded',
			media_type: 'image',
			model: 'flux-2-pro',
			url: IMAGE_URL,
		},
		needs: ['generation_id', 'url'],
	},
];

export const lists: Record<string, GoodResponse> = {
	'task:getMany': {
		route: 'oxen.list',
		call: 'GET /api/ai/queue',
		body: { generations: [inQueue] },
		needs: ['generations.0'],
	},
	'model:getMany': {
		route: 'oxen.models',
		call: 'GET /api/ai/models',
		body: {
			object: 'list',
			data: [
				{
					id: 'flux-2-pro',
					object: 'model',
					created: 1790000000,
					owned_by: 'Black Forest Labs',
					display_name: 'FLUX 2 PRO',
					description: 'The model flux-2-pro.',
					summary: 'flux-2-pro by Black Forest Labs',
					model_type: 'image',
					endpoint: '/images/edit',
					capabilities: { input: ['text', 'image'], output: ['image'] },
					pricing: { method: 'per_image', cost_per_image: 0.03 },
					fine_tuning: null,
					deployments: [],
					developer: { name: 'Black Forest Labs', logo: null },
					source_model: null,
					image_url: null,
					released_at: '2025-11-25',
				},
			],
		},
		needs: ['data.0'],
	},
};
