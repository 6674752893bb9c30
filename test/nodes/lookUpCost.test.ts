import type { IDataObject } from 'n8n-workflow';
import { NODE, openLab, type Lab } from '../support/lab';
import { placed } from '../support/placed';

/** The option Look Up Cost: the figure of the AI Gateway's log, in place of an estimate. */

let lab: Lab;

beforeAll(async () => {
	lab = await openLab();
});

afterEach(() => lab.emulator.reset());

afterAll(async () => await lab.close());

const PRO = 'black-forest-labs/flux-2-pro-preview';

const generating = (options: object, model = PRO) => ({
	type: 'flux2Cloudflare' as const,
	parameters: {
		model,
		prompt: 'A fox',
		...placed('flux2Cloudflare', { width: 1024, height: 1024, ...options }),
	},
});

const logReads = () =>
	lab.emulator.ledger.requests.filter(({ path }) => path.includes('/ai-gateway/gateways/'));

test('without it, the cost is an estimate and no log is read', async () => {
	const run = await lab.run(generating({}));

	expect(run.items(NODE)[0]?.json.cost).toEqual({ amount: 0.03, currency: 'USD', estimated: true });
	expect(logReads()).toEqual([]);
});

test('with it, the cost is what the log of its gateway says', async () => {
	lab.emulator.rule(
		{ route: 'cloudflare.log' },
		{ mutate: (response) => withCost(response, 0.0275) },
	);
	const run = await lab.run(generating({ lookUpCost: true, gatewayId: 'my-gateway' }));

	expect(run.items(NODE)[0]?.json.cost).toEqual({ amount: 0.0275, currency: 'USD' });
	expect(logReads()).toMatchObject([
		{ path: expect.stringMatching(/\/gateways\/my-gateway\/logs\/[0-9A-F]{26}$/), status: 200 },
	]);
});

test('Workers AI has no such option: no gateway passes its images on', async () => {
	const model = '={{ "@cf/black-forest-labs/flux-2-klein-4b" }}';
	const run = await lab.run(generating({ lookUpCost: true }, model));
	expect(run.error?.message).toBe(
		'Look Up Cost: FLUX.2 [klein] 4B (Workers AI) has no such parameter here',
	);
});

const withCost = <R extends { body: unknown }>(response: R, cost: number): R => {
	const { result, ...body } = response.body as { result: IDataObject };
	return { ...response, body: { ...body, result: { ...result, cost } } };
};
