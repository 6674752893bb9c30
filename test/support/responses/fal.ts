import type { GoodBody, GoodResponse } from '../goodResponses';

/** https://fal.ai/docs/documentation/model-apis/inference/queue */

const ENDPOINT = 'fal-ai/flux-2-pro';
const REQUEST = `/${ENDPOINT}/requests/f1`;
const REQUEST_URL = `https://api.example${REQUEST}`;

const submitted: GoodResponse = {
	route: 'fal.submit',
	call: `POST /${ENDPOINT}`,
	body: {
		request_id: 'f1',
		response_url: REQUEST_URL,
		status_url: `${REQUEST_URL}/status`,
		cancel_url: `${REQUEST_URL}/cancel`,
		status: 'IN_QUEUE',
		queue_position: 0,
		gateway_request_id: 'f1',
	},
	needs: ['request_id'],
};

const completed = {
	status: 'COMPLETED',
	request_id: 'f1',
	response_url: REQUEST_URL,
	logs: [],
	metrics: { inference_time: 3.42 },
};

const image = {
	url: 'https://images.example/1.png',
	content_type: 'image/png',
	file_name: '1.png',
	file_size: 1234,
	width: 64,
	height: 64,
};

const polled = (output: object): GoodResponse[] => [
	{
		route: 'fal.status',
		call: `GET ${REQUEST}/status`,
		body: completed,
		needs: ['status'],
		taskId: 'request_id',
	},
	{
		route: 'fal.result',
		call: `GET ${REQUEST}`,
		body: { images: [image], seed: 1, ...output },
		needs: ['images.0.url'],
	},
];

/** [pro], [flex] and [max]. */
export const responses: readonly GoodResponse[] = [submitted, ...polled({})];

/** [dev] and [klein], whose results say more. */
export const openResponses: readonly GoodResponse[] = [
	submitted,
	...polled({ timings: { inference: 2.41 }, has_nsfw_concepts: [false], prompt: 'A fox' }),
];

/** The event has no name of its own. */
export const eventResponses: readonly GoodResponse[] = [
	submitted,
	{
		route: 'fal.events',
		call: `GET ${REQUEST}/status/stream`,
		event: 'message',
		body: completed,
		needs: [],
	},
	...polled({}),
];

/** https://fal.ai/docs/documentation/model-apis/inference/webhooks */
export const payload: GoodBody = {
	body: {
		request_id: 'f1',
		gateway_request_id: 'f1',
		status: 'OK',
		payload: { images: [image], seed: 1 },
	},
	needs: ['request_id', 'payload.images.0.url'],
};
