import { pricesBeforeRun } from '../support/hintsBeforeRun';
import { openLab, prompts, type Lab, type NodeType } from '../support/lab';

/** What an image and a list of them will cost, in sight before they are paid for. */

let lab: Lab;

beforeAll(async () => {
	lab = await openLab();
});
afterAll(async () => await lab.close());

const costsOf = (type: NodeType, parameters: Record<string, unknown>, items = 0) =>
	pricesBeforeRun(lab.engine, type, { prompt: 'A fox', ...parameters }, prompts(items)).map(
		({ message, type: severity }) => [message.replace(' by the price list.', ''), severity],
	);

const image = (usd: string) => [`An image costs about ${usd}`, 'info'];
const more = (usd: string, severity = 'info') => [`This run will cost more than ${usd}`, severity];

const photo = { image: [{ source: 'binary', binaryPropertyName: 'data' }] };
const FAL = 'fal-ai/flux-2-pro';

test.each<[NodeType, Record<string, unknown>, string]>([
	['flux2Bfl', {}, '$0.03'],
	['flux2Bfl', { model: 'flux-2-max', size: '16:9', megapixels: 2 }, '$0.10'],
	['flux2Bfl', { model: 'flux-2-klein-4b', size: '1:1', megapixels: 1.5 }, '$0.015'],
	['flux2Bfl', { size: 'custom', width: 1376, height: 768 }, '$0.045'],
	['flux2Bfl', { size: 'custom', width: 0, height: 0 }, '$0.03'],
	['flux2Bfl', { resource: 'task', operation: 'submit' }, '$0.03'],
	['flux2Cloudflare', { model: 'black-forest-labs/flux-2-flex' }, '$0.05'],
	['flux2Fal', { model: FAL, size: '4:3', megapixels: 4 }, '$0.075'],
])('%s, %j: an image costs %s', (type, parameters, usd) => {
	expect(costsOf(type, parameters)).toEqual([image(usd)]);
});

test.each<[string, NodeType, Record<string, unknown>]>([
	['no price list', 'flux2Oxen', {}],
	['a model of the user', 'flux2Bfl', { model: 'custom', customModel: 'flux-3' }],
	['a model without a price', 'flux2Fal', { model: 'fal-ai/flux-2/klein/4b/lora' }],
	['a price by tiles and steps', 'flux2Cloudflare', { model: '@cf/black-forest-labs/flux-2-dev' }],
	['reference images', 'flux2Bfl', { referenceImages: photo }],
	['an edit', 'flux2Bfl', { operation: 'edit', referenceImages: photo }],
	['a question about the price', 'flux2Bfl', { operation: 'estimateCost' }],
])('nothing is said with %s', (_what, type, parameters) => {
	expect(costsOf(type, parameters, 100)).toEqual([]);
});

test.each([
	[33, 1, []],
	[34, 1, [more('$1.00')]],
	[34, 2, [more('$2.00')]],
	[200, 2, [more('$10.00', 'warning')]],
	[2000, 10, [more('$100.00', 'warning')]],
])('%d items of %d images each', (items, numberOfImages, expected) => {
	expect(costsOf('flux2Bfl', { numberOfImages }, items)).toEqual([image('$0.03'), ...expected]);
});
