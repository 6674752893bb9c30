import type { GoodResponse } from '../goodResponses';

const IMAGE_URL = 'https://images.example/1.png';
const BASE64 = 'aGVsbG8=';
/** The smallest PNG, of which nothing but its header matters here. */
const PNG = Buffer.from(
	'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNkYAAAAAYAAjCB0C8AAAAASUVORK5CYII=',
	'base64',
);

const run = {
	state: 'Completed',
	result: { image: IMAGE_URL },
	gatewayMetadata: { keySource: 'Unified' },
};
const envelope = { success: true, errors: [], messages: [] };

const catalogueResponse = (facts: Pick<GoodResponse, 'body' | 'needs'>): [GoodResponse] => [
	{ route: 'cloudflare.run', call: 'POST /accounts/account/ai/run', ...facts },
];
const workersAiResponse = (facts: Pick<GoodResponse, 'body' | 'needs'>): [GoodResponse] => [
	{
		route: 'cloudflare.workersAi',
		call: 'POST /accounts/account/ai/run/@cf/black-forest-labs/flux-2-klein-4b',
		...facts,
	},
];

/** https://developers.cloudflare.com/ai/models/black-forest-labs/flux-2-pro-preview/ */
export const catalogueResponses = catalogueResponse({ body: run, needs: ['result.image'] });

/** As Cloudflare's other APIs wrap theirs. */
export const wrappedResponses = catalogueResponse({
	body: { ...envelope, result: run },
	needs: ['result.result.image'],
});

/** https://developers.cloudflare.com/workers-ai/models/flux-2-klein-4b/ */
export const workersAiResponses = workersAiResponse({
	body: { ...envelope, result: { image: BASE64 } },
	needs: ['result.image'],
});

export const bareResponses = workersAiResponse({ body: { image: BASE64 }, needs: ['image'] });

/** Some of its models respond with the image itself. */
export const bytesResponses = workersAiResponse({ body: PNG, needs: [] });
