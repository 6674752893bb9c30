import {
	readPrompt,
	Refusal,
	type ApiResponse,
	type Call,
	type JsonObject,
	type Route,
} from '../types';
import { recordUnexpected } from '../world';
import { documentedErrors } from './documentedErrors';
import { TOKEN_GRANTS } from './keys';
import { BASE, getStatus, submit } from './queue';
import { findRequest, ROUTED } from './requests';
import { toResult } from './results';
import type { FalWorld } from './world';

/**
 * Hugging Face's router, `router.huggingface.co/fal-ai`, as its own client calls it: submit, status and result below
 * the path that fal has, with a token of Hugging Face. The addresses in its responses are fal's own.
 */

const ROUTER = `${BASE}/router/fal-ai`;
const REQUEST = `${ROUTER}/:owner/:alias/requests/:id`;

/** What a client was seen to reach; the list is Hugging Face's, and moves. */
const MAPPED = [
	'fal-ai/flux-2',
	'fal-ai/flux-2/edit',
	'fal-ai/flux-2/klein/4b',
	'fal-ai/flux-2/klein/9b/edit',
];

export function createRouterRoutes(world: FalWorld): Route[] {
	const about = { task: (call: Call) => world.tasks.find(call.params.id) };
	const submission = {
		name: 'fal.submit',
		method: 'POST',
		kind: 'submission',
		prompt: readPrompt,
	} as const;
	const poll = { method: 'GET', kind: 'poll', ...about } as const;
	return [
		...MAPPED.map(
			(id): Route => ({
				...submission,
				path: `${ROUTER}/${id}`,
				handle: async (call, effect) =>
					toAddressesOfFal(world, await submit(world, passOn(world, call), effect, id)),
			}),
		),
		{
			...submission,
			path: `${ROUTER}/*`,
			handle(call) {
				passOn(world, call);
				return documentedErrors['fal.unmapped'];
			},
		},
		{
			...poll,
			name: 'fal.status',
			path: `${REQUEST}/status`,
			handle: (call) => toAddressesOfFal(world, getStatus(world, passOn(world, call))),
		},
		{
			...poll,
			name: 'fal.result',
			path: REQUEST,
			handle(call) {
				const { task, request } = findRequest(world, passOn(world, call));
				return toResult(world, task, request);
			},
		},
	];
}

/** The call as fal gets it. */
function passOn(world: FalWorld, call: Call): Call {
	const { _subdomain: subdomain, fal_webhook: webhook, ...query } = call.query;
	const grant = call.scheme === 'Bearer' ? TOKEN_GRANTS.get(call.key ?? '') : undefined;
	if (!grant) throw new Refusal(documentedErrors['fal.token']);
	if (subdomain !== 'queue') recordUnexpected(world, call, `query _subdomain: ${subdomain}`);
	if (webhook !== undefined) recordUnexpected(world, call, 'query fal_webhook');
	for (const name of Object.keys(call.headers)) {
		if (name.startsWith('x-fal-')) recordUnexpected(world, call, `header ${name}`);
	}
	const isSubmit = call.method === 'POST';
	if (isSubmit && !grant.credits) throw new Refusal(documentedErrors['fal.tokenCredits']);
	return { ...call, scheme: ROUTED, query };
}

function toAddressesOfFal(world: FalWorld, response: ApiResponse): ApiResponse {
	const own = `${world.urls.api}${BASE}/`;
	const body = Object.entries(response.body as JsonObject).map(([name, value]) => [
		name,
		typeof value === 'string' ? value.replace(own, 'https://queue.fal.run/') : value,
	]);
	return { ...response, body: Object.fromEntries(body) };
}
