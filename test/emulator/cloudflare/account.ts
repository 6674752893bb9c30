import { Refusal, toResponse, type ApiResponse, type Call, type Route } from '../types';
import { authenticate, authorize, requireAccount } from './access';
import { v4Error } from './documentedErrors';
import type { Grant } from './keys';
import { GRANTS } from './keys';

/**
 * Cloudflare's calls that cost nothing: the list of hosted models, and the check of a token.
 */

interface ListedModel {
	id: string;
	name: string;
	description: string;
	author: string;
}

const TASK = {
	id: '3d6e1f35-341b-4915-a6c8-9a7142a9033a',
	name: 'Text-to-Image',
	description: 'Generates images from input text.',
};

/** The list has hosted models only, not the catalogue's. */
const HOSTED: readonly ListedModel[] = [
	['11111111-1111-4111-8111-111111111111', 'black-forest-labs/flux-1-schnell'],
	['22222222-2222-4222-8222-222222222222', 'black-forest-labs/flux-2-dev'],
	['33333333-3333-4333-8333-333333333333', 'black-forest-labs/flux-2-klein-4b'],
	['44444444-4444-4444-8444-444444444444', 'black-forest-labs/flux-2-klein-9b'],
	['55555555-5555-4555-8555-555555555555', 'leonardo/phoenix-1.0'],
].map(([id = '', name = '']) => ({
	id,
	name: `@cf/${name}`,
	description: `The model ${name}.`,
	author: name.split('/')[0] ?? '',
}));

export function createAccountRoutes(): Route[] {
	return [
		{
			name: 'cloudflare.search',
			method: 'GET',
			path: '/client/v4/accounts/:account/ai/models/search',
			kind: 'account',
			handle: search,
		},
		{
			name: 'cloudflare.verify',
			method: 'GET',
			path: '/client/v4/user/tokens/verify',
			kind: 'account',
			handle: (call) => verify(call, 'user'),
		},
		{
			name: 'cloudflare.verify',
			method: 'GET',
			path: '/client/v4/accounts/:account/tokens/verify',
			kind: 'account',
			handle: (call) => {
				authenticateForVerify(call);
				requireAccount(call);
				return verify(call, 'account');
			},
		},
	];
}

function search(call: Call): ApiResponse {
	authorize(call, ['workersAi']);
	const { search: text = '', author = '', task = '' } = call.query;
	const page = Number(call.query.page ?? 1);
	const perPage = Number(call.query.per_page ?? 50);
	const found = HOSTED.filter(
		(model) =>
			model.name.includes(text) &&
			(author === '' || model.author === author) &&
			(task === '' || task === TASK.name),
	);
	const result = found
		.slice((page - 1) * perPage, page * perPage)
		.map(({ id, name, description }) => ({
			id,
			name,
			description,
			task: TASK,
			properties: [{ property_id: 'partner', value: 'true' }],
		}));
	return toResponse(200, {
		success: true,
		errors: [],
		messages: [],
		result,
		result_info: { count: result.length, page, per_page: perPage, total_count: found.length },
	});
}

/** The verify endpoints have a code of their own for a token that they do not know. */
function authenticateForVerify(call: Call): Grant {
	if (call.key !== undefined && call.scheme === 'Bearer' && !GRANTS.has(call.key))
		throw invalidTokenError();
	return authenticate(call);
}

function verify(call: Call, owner: Grant['owner']): ApiResponse {
	const grant = authenticateForVerify(call);
	if (grant.owner !== owner) throw invalidTokenError();
	return toResponse(200, {
		result: {
			id: 'f1e2d3c4b5a697886950413223140516',
			status: grant.active ? 'active' : 'disabled',
		},
		success: true,
		errors: [],
		messages: grant.active
			? [{ code: 10000, message: 'This API Token is valid and active', type: null }]
			: [],
	});
}

function invalidTokenError(): Refusal {
	return new Refusal(v4Error(401, 1000, 'Invalid API Token'));
}
