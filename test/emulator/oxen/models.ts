import { documentedErrors } from './documentedErrors';
import { OXEN_MODELS } from './parameters';
import { priceOf } from './prices';
import { toResponse, type ApiResponse, type Call, type Route } from '../types';
import { recordUnknownQuery, type World } from '../world';

/** Oxen.ai's list of models, which is public. */

export function createModelRoutes(world: World): Route[] {
	const get = (path: string, handle: (call: Call) => ApiResponse): Route => ({
		name: 'oxen.models',
		method: 'GET',
		path: `/api/ai/models${path}`,
		kind: 'account',
		handle,
	});
	return [
		get('', (call) => list(world, call)),
		get('/search', (call) => search(world, call)),
		get('/:id', (call) => one(call.params.id)),
	];
}

const BFL = 'Black Forest Labs';

/** Models of others, so that filters have something to leave out. */
const OTHERS = [
	modelObject('another-image-model', 'Another Developer', '/images/generate', 0.02),
	modelObject('a-video-model', 'Another Developer', '/videos/generate', 0.5),
];

const MODELS = [
	...[...OXEN_MODELS].map(([id, { schema }]) => ({
		...modelObject(id, BFL, '/images/edit', priceOf(id, { width: 1024, height: 1024 })),
		request_schema: schema,
	})),
	...OTHERS,
];

function modelObject(id: string, developer: string, endpoint: string, cost_per_image: number) {
	return {
		id,
		object: 'model',
		created: 1790000000,
		owned_by: developer,
		display_name: id.toUpperCase().replaceAll('-', ' '),
		description: `The model ${id}.`,
		summary: `${id} by ${developer}`,
		model_type: 'image',
		endpoint,
		capabilities: { input: ['text', 'image'], output: ['image'] },
		pricing: { method: 'per_image', cost_per_image },
		fine_tuning: null,
		deployments: [],
		developer: { name: developer, logo: null },
		source_model: null,
		image_url: null,
		released_at: '2025-11-25',
	};
}

/** What `action` may say is not documented; here it is the end of the model's endpoint. */
function list(world: World, call: Call): ApiResponse {
	recordUnknownQuery(world, call, ['developer_name', 'action']);
	const { developer_name, action } = call.query;
	const data = MODELS.filter(
		({ developer, endpoint }) =>
			(developer_name === undefined || developer.name === developer_name) &&
			(action === undefined || endpoint.endsWith(`/${action}`)),
	);
	return toResponse(200, { object: 'list', data });
}

function search(world: World, call: Call): ApiResponse {
	recordUnknownQuery(world, call, ['search']);
	const words = (call.query.search ?? '').toLowerCase();
	const data = MODELS.filter(({ id, display_name }) =>
		[id, display_name].some((name) => name.toLowerCase().includes(words)),
	);
	return toResponse(200, { object: 'list', data });
}

function one(id: string | undefined): ApiResponse {
	const model = MODELS.find((known) => known.id === id);
	return model ? toResponse(200, model) : documentedErrors['oxen.notFound'];
}
