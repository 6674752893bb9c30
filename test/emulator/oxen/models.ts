import { toResponse, type ApiResponse, type Call, type Route } from '../types';
import { recordUnknownQuery, type World } from '../world';
import { documentedErrors } from './documentedErrors';
import { OXEN_MODELS } from './parameters';
import { priceImage } from './prices';

/** Oxen.ai's list of models, which is public. */

export function createModelRoutes(world: World): Route[] {
	const createRoute = (path: string, handle: (call: Call) => ApiResponse): Route => ({
		name: 'oxen.models',
		method: 'GET',
		path: `/api/ai/models${path}`,
		kind: 'account',
		handle,
	});
	return [
		createRoute('', (call) => listModels(world, call)),
		createRoute('/search', (call) => searchModels(world, call)),
		createRoute('/:id', (call) => getModel(call.params.id)),
	];
}

const BFL = 'Black Forest Labs';

/** Models of others, so that filters have something to leave out. */
const OTHERS = [
	toModelObject('another-image-model', 'Another Developer', '/images/generate', 0.02),
	toModelObject('a-video-model', 'Another Developer', '/videos/generate', 0.5),
];

const MODELS = [
	...[...OXEN_MODELS].map(([id, { schema }]) => ({
		...toModelObject(id, BFL, '/images/edit', priceImage(id, { width: 1024, height: 1024 })),
		request_schema: schema,
	})),
	...OTHERS,
];

function toModelObject(id: string, developer: string, endpoint: string, cost_per_image: number) {
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

/** The values of `action` are not documented; here it is the end of the model's endpoint. */
function listModels(world: World, call: Call): ApiResponse {
	recordUnknownQuery(world, call, ['developer_name', 'action']);
	const { developer_name, action } = call.query;
	const data = MODELS.filter(
		({ developer, endpoint }) =>
			(developer_name === undefined || developer.name === developer_name) &&
			(action === undefined || endpoint.endsWith(`/${action}`)),
	);
	return toResponse(200, { object: 'list', data });
}

function searchModels(world: World, call: Call): ApiResponse {
	recordUnknownQuery(world, call, ['search']);
	const text = (call.query.search ?? '').toLowerCase();
	const data = MODELS.filter(({ id, display_name }) =>
		[id, display_name].some((name) => name.toLowerCase().includes(text)),
	);
	return toResponse(200, { object: 'list', data });
}

function getModel(id: string | undefined): ApiResponse {
	const model = MODELS.find((listed) => listed.id === id);
	return model ? toResponse(200, model) : documentedErrors['oxen.notFound'];
}
