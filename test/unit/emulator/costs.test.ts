import { account, PRO, run } from './cloudflareCalls';
import { emulator, send, startOther, useEmulator, withJson, type JsonResponse } from './support';
import { submit, task } from './taskCalls';

/** The calls that only say what an image costs: Black Forest Labs' prices, Vtrix' precharge, the gateway's logs. */

useEmulator();

/** Nothing was made, and nothing was paid. */
const expectNothingPaid = () => {
	const { submissions, tasks } = emulator.ledger;
	expect({ submissions, tasks }).toEqual({ submissions: [], tasks: [] });
};

describe("Black Forest Labs' pricing call", () => {
	const quote = (body: unknown, key = emulator.keys.bflKey): Promise<JsonResponse> =>
		send(`${emulator.urls.bfl}/v1/pricing`, {
			method: 'POST',
			headers: { 'x-key': key, 'content-type': 'application/json' },
			body: JSON.stringify(body),
		});

	afterEach(expectNothingPaid);

	it.each([
		['flux-2-pro', { width: 1024, height: 1024 }, 3],
		['flux-2-pro', { width: 1376, height: 768 }, 4.5],
		['flux-2-max', { width: 2048, height: 2048 }, 16],
		['flux-2-klein-4b', { width: 2048, height: 1024 }, 1.5],
		['flux-2-flex', {}, 5],
	])('says what %s costs with %j, in credits and in dollars', async (model, size, cost) => {
		expect(await quote({ model, ...size })).toMatchObject({
			status: 200,
			body: { cost, cost_usd: cost / 100, breakdown: {} },
		});
	});

	it('counts each reference image by its own size', async () => {
		const input_images = [
			{ width: 1024, height: 1024 },
			{ width: 1600, height: 1200 },
		];
		const { body } = await quote({ model: 'flux-2-pro', width: 1024, height: 1024, input_images });
		expect(body.cost).toBe(7.5);
	});

	it('asks for the key, and takes no field that is not documented', async () => {
		expect(await quote({ model: 'flux-2-pro' }, 'another-key')).toMatchObject({ status: 403 });
		const bodies = [
			{},
			{ model: 'flux-9' },
			{ model: 'flux-2-pro', width: 0 },
			{ model: 'flux-2-pro', prompt: 'A fox' },
			{ model: 'flux-2-pro', input_images: [{ width: 64 }] },
		];
		for (const body of bodies) expect(await quote(body)).toMatchObject({ status: 422 });
	});
});

describe('the precharge of Vtrix', () => {
	const precharge = (body: unknown, key = emulator.keys.taskKey): Promise<JsonResponse> =>
		task('/model/v1/generation/precharge', withJson(body, key), key);
	const params = { prompt: 'A dog', width: 1024, height: 1024 };

	it.each([
		['wrapped', { model: 'flux_2_pro', input: [{ params }], moderation: false }],
		['flat', { model: 'flux_2_pro', ...params, moderation: false }],
	])('takes the body of a submit (%s), and says a price as text', async (_form, body) => {
		expect(await precharge(body)).toMatchObject({
			status: 200,
			body: {
				status: 'success',
				data: { model: 'flux_2_pro', cost: '0.030000000000', currency: 'USD' },
			},
		});
		expectNothingPaid();
	});

	it('says the price that a submit is billed', async () => {
		const { body } = await precharge({ model: 'flux_2_pro', input: [{ params }] });
		await submit(params);
		expect(emulator.ledger.tasks.map(({ cost }) => cost)).toEqual([Number(body.data.cost)]);
	});

	it('refuses what a submit would refuse', async () => {
		const wrong = [
			await precharge({ model: 'flux_2_pro', input: [{ params }] }, 'another-key'),
			await precharge({ model: 'flux_9', input: [{ params }] }),
			await precharge({ model: 'flux_2_pro', input: [{ params: { ...params, width: -1 } }] }),
		];
		expect(wrong.map(({ status }) => status)).toEqual([401, 400, 400]);
		expectNothingPaid();
	});

	it('has no price where a rule says that there was no call like it', async () => {
		emulator.rule({ route: 'task.precharge' }, { error: 'task.precharge.miss' });
		expect(await precharge({ model: 'flux_2_pro', input: [{ params }] })).toMatchObject({
			status: 200,
			body: { data: { cost: null, reason: 'COST_CACHE_MISS' }, status: 'failed' },
		});
	});
});

describe("the AI Gateway's log", () => {
	const logOf = (
		{ headers }: Pick<JsonResponse, 'headers'>,
		{ gateway = 'default', key = emulator.keys.cloudflareToken, from = emulator } = {},
	): Promise<JsonResponse> => {
		const path = `/ai-gateway/gateways/${gateway}/logs/${headers.get('cf-aig-log-id')}`;
		const url = account(path).replace(emulator.urls.cloudflare, from.urls.cloudflare);
		return send(url, { headers: { authorization: `Bearer ${key}` } });
	};
	const NOT_FOUND = {
		status: 404,
		body: { success: false, errors: [{ code: 7002, message: 'Log not found' }] },
	};

	it('says what the request has cost, under the ID that its response names', async () => {
		const response = await run({ prompt: 'a', width: 2048, height: 1024 });
		expect(response.headers.get('cf-aig-log-id')).toMatch(/^[0-9A-F]{26}$/);
		expect(await logOf(response)).toMatchObject({
			status: 200,
			body: {
				success: true,
				result: {
					id: response.headers.get('cf-aig-log-id'),
					model: PRO,
					cached: false,
					cost: 0.045,
				},
			},
		});
		expect(emulator.ledger.tasks.map(({ cost }) => cost)).toEqual([0.045]);
	});

	it('belongs to its gateway', async () => {
		const response = await run({ prompt: 'a' }, { headers: { 'cf-aig-gateway-id': 'my-gateway' } });
		expect(await logOf(response)).toMatchObject(NOT_FOUND);
		expect(await logOf(response, { gateway: 'my-gateway' })).toMatchObject({ status: 200 });
	});

	it('is not kept where the request asks for that', async () => {
		const response = await run({ prompt: 'a' }, { headers: { 'cf-aig-collect-log': 'false' } });
		expect(await logOf(response)).toMatchObject(NOT_FOUND);
	});

	it('costs nothing for a response from the cache', async () => {
		const headers = { 'cf-aig-cache-ttl': '60' };
		await run({ prompt: 'a' }, { headers });
		const again = await run({ prompt: 'a' }, { headers });
		expect(again.headers.get('cf-aig-cache-status')).toBe('HIT');
		expect((await logOf(again)).body.result).toMatchObject({ cached: true, cost: 0 });
	});

	it('needs a token that may see it', async () => {
		const response = await run({ prompt: 'a' });
		const key = emulator.keys.cloudflareTokenWithoutPermission;
		expect(await logOf(response, { key })).toMatchObject({ status: 403 });
	});

	it('comes late, or without a cost, where an option says so', async () => {
		const late = await startOther({ seconds: 0, gatewayLogSeconds: 3600 });
		const silent = await startOther({ seconds: 0, gatewayLogCosts: false });
		const on = async (other: typeof late) => {
			const response = await send(
				account('/ai/run').replace(emulator.urls.cloudflare, other.urls.cloudflare),
				withJson({ model: PRO, input: { prompt: 'a' } }, other.keys.cloudflareToken),
			);
			return await logOf(response, { from: other });
		};
		expect(await on(late)).toMatchObject(NOT_FOUND);
		expect((await on(silent)).body.result).not.toHaveProperty('cost');
	});
});
