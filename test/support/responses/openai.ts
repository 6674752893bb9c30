import type { GoodResponse } from '../goodResponses';

const response = (facts: Pick<GoodResponse, 'body' | 'needs'>): [GoodResponse] => [
	{ route: 'openai.generate', call: 'POST /images/generations', ...facts },
];
const entry = { revised_prompt: null };
const facts = { created: 1, output_format: 'png', size: '1024x1024' };

/** As vLLM-Omni's documents show it. */
export const responses = response({
	body: { ...facts, data: [{ ...entry, b64_json: 'aGVsbG8=', url: null }] },
	needs: ['data.0.b64_json'],
});

/** Where a server keeps the image. */
export const urlResponses = response({
	body: { created: 1, data: [{ index: 0, url: 'https://images.example/1.png' }] },
	needs: ['data.0.url'],
});

/** The smallest PNG: some servers can respond with the image itself. */
export const bytesResponses = response({
	body: Buffer.from(
		'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNkYAAAAAYAAjCB0C8AAAAASUVORK5CYII=',
		'base64',
	),
	needs: [],
});
