import type { GoodBody, GoodResponse } from '../goodResponses';

/** https://replicate.com/docs/reference/http */

const MODEL = 'black-forest-labs/flux-2-pro';
const PREDICTION_URL = 'https://api.example/predictions/r1';
const IMAGE_URL = 'https://images.example/1.png';

const prediction = {
	id: 'r1',
	model: MODEL,
	version: 'hidden',
	input: { prompt: 'A fox' },
	logs: '',
	output: null,
	data_removed: false,
	error: null,
	source: 'api',
	status: 'starting',
	created_at: '2026-11-21T16:00:00.123Z',
	urls: {
		cancel: `${PREDICTION_URL}/cancel`,
		get: PREDICTION_URL,
		web: 'https://replicate.com/p/r1',
	},
};

const submitted: GoodResponse = {
	route: 'replicate.submit',
	call: `POST /models/${MODEL}/predictions`,
	body: prediction,
	needs: ['id'],
};

const finished = {
	...prediction,
	status: 'succeeded',
	started_at: '2026-11-21T16:00:01.123Z',
	completed_at: '2026-11-21T16:00:10.423Z',
	metrics: { predict_time: 9.3, total_time: 10.3 },
};

const polled = (output: string | string[], needs: string[]): GoodResponse => ({
	route: 'replicate.status',
	call: 'GET /predictions/r1',
	body: { ...finished, output },
	needs,
	taskId: 'id',
});

/** [pro], [max], [flex] and [dev]. */
export const responses: readonly GoodResponse[] = [submitted, polled(IMAGE_URL, ['output'])];

/** [klein], whose output is a list. */
export const listResponses: readonly GoodResponse[] = [
	submitted,
	polled([IMAGE_URL], ['output.0']),
];

export const lists: Record<string, GoodResponse> = {
	'task:getMany': {
		route: 'replicate.list',
		call: 'GET /predictions',
		body: { next: null, previous: null, results: [{ ...finished, output: IMAGE_URL }] },
		needs: ['results.0'],
	},
};

/** https://replicate.com/docs/topics/webhooks/receive-webhook */
export const payload: GoodBody = {
	body: { ...finished, output: IMAGE_URL },
	needs: ['id', 'output'],
};
