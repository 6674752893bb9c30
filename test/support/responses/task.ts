import type { GoodResponse } from '../goodResponses';

const IMAGE_URL = 'https://images.example/1.png';
const QUEUE = '/model/v1/queue/flux_2_pro';
const REQUEST = `${QUEUE}/requests/m1`;
const REQUEST_URL = `https://api.example${REQUEST}`;

/** https://docs.vtrix.ai */
export const taskResponses: readonly GoodResponse[] = [
	{
		route: 'task.submit',
		call: 'POST /model/v1/generation',
		body: { id: 'd1', created_at: 1, model: 'flux_2_pro', status: 'pending', progress: 0 },
		needs: ['id'],
	},
	{
		route: 'task.status',
		call: 'GET /model/v1/generation/task/d1',
		body: {
			id: 'd1',
			created_at: 1,
			model: 'flux_2_pro',
			status: 'completed',
			progress: 1,
			output: [{ content: [{ type: 'image', url: IMAGE_URL, jobId: 'd1' }] }],
			usage: { cost: '0.02', discount: 1, quantity: 1, unit_price: '0.02', extra_info: {} },
			metadata: {},
		},
		needs: ['output.0.content.0.url'],
		taskId: 'id',
	},
];

/** Its queue. */
export const queueResponses: readonly GoodResponse[] = [
	{
		route: 'queue.submit',
		call: `POST ${QUEUE}`,
		body: {
			request_id: 'm1',
			response_url: `${REQUEST_URL}/response`,
			status_url: `${REQUEST_URL}/status`,
			cancel_url: `${REQUEST_URL}/cancel`,
			queue_position: 0,
		},
		needs: ['request_id'],
	},
	{
		route: 'queue.status',
		call: `GET ${REQUEST}/status`,
		body: { request_id: 'm1', status: 'COMPLETED' },
		needs: ['status'],
		taskId: 'request_id',
	},
	{
		route: 'queue.response',
		call: `GET ${REQUEST}/response`,
		body: {
			request_id: 'm1',
			outputs: [
				{
					type: 'image',
					url: IMAGE_URL,
					content_type: 'image/png',
					file_name: 'm1.png',
					width: 64,
					height: 64,
				},
			],
			metadata: {},
		},
		needs: ['outputs.0.url'],
		taskId: 'request_id',
	},
];
