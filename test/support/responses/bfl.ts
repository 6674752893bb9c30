import type { GoodBody, GoodResponse } from '../goodResponses';

/** https://docs.bfl.ai */

const result = {
	sample: 'https://delivery-eu4.bfl.ai/1.png',
	prompt: 'A red fox',
	seed: 7,
	start_time: 1,
	end_time: 9,
	duration: 8,
};

const pollResponse = (call: string): GoodResponse => ({
	route: 'bfl.result',
	call,
	body: {
		id: 'b1',
		status: 'Ready',
		result,
		progress: null,
		details: null,
		preview: null,
		cost: 3,
	},
	needs: ['result.sample'],
	taskId: 'id',
});

const bill = { cost: 3, input_mp: 0, output_mp: 1 };
const SUBMIT = 'POST /v1/flux-2-pro';

export const responses: readonly GoodResponse[] = [
	{
		route: 'bfl.submit',
		call: SUBMIT,
		body: { id: 'b1', polling_url: 'https://api.example/v1/get_result?id=b1', ...bill },
		needs: ['id'],
	},
	pollResponse('GET /v1/get_result'),
];

/** To a request with a webhook of its own. */
export const responsesWithWebhook: readonly GoodResponse[] = [
	{
		route: 'bfl.submit',
		call: SUBMIT,
		body: { id: 'b1', status: 'Pending', webhook_url: 'https://n8n.example/hook', ...bill },
		needs: ['id'],
	},
	pollResponse('GET /v1/get_result'),
];

export const payload: GoodBody = {
	body: { id: 'b1', status: 'Ready', result, timestamp: '2026-02-03T10:00:00Z' },
	needs: ['id', 'result.sample'],
};
