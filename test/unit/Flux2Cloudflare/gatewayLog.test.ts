import { createCostLookUp, toLogKey } from '../../../nodes/Flux2Cloudflare/gatewayLog';
import { cloudflare } from '../../../nodes/Flux2Cloudflare/provider';
import type { ApiResponse } from '../../../nodes/shared/http/types';
import { connect, type ScriptedResponse } from '../../support/scriptedClient';

/** The cost in the AI Gateway's log, which comes late or never. */

const { signal } = new AbortController();
const PATH = '/accounts/account/ai-gateway/gateways/my%20gateway/logs/0A1B';
const priceKey = { logId: '0A1B', gatewayId: 'my gateway' };

const respond = (status: number, body: unknown): ScriptedResponse => ({
	status,
	body: JSON.stringify(body),
	type: 'application/json',
});
const log = (result: object) => respond(200, { success: true, errors: [], result });
const missing = respond(404, { success: false, errors: [{ code: 7002, message: 'Not found' }] });

/** Looks the cost up, with these responses to one try after the other. */
async function lookUp(...responses: ScriptedResponse[]) {
	const waiting = [...responses];
	const { client, calls } = connect(cloudflare, {}, () => waiting.shift()!);
	const price = await createCostLookUp([1, 2, 3])(client, { priceKey }, signal);
	return { price, calls };
}

const usd = (amount: number) => ({ cost: { amount, currency: 'USD' } });

test('is looked up where the response and the request have said', async () => {
	const { price, calls } = await lookUp(log({ cost: 0.03, cached: false }));
	expect(price).toEqual(usd(0.03));
	expect(calls).toEqual([`GET ${PATH}`]);
});

test('is waited for, three tries long', async () => {
	expect(await lookUp(missing, missing, log({ cost: 0.03 }))).toEqual({
		price: usd(0.03),
		calls: Array(3).fill(`GET ${PATH}`),
	});
	expect(await lookUp(missing, missing, missing)).toEqual({
		price: undefined,
		calls: Array(3).fill(`GET ${PATH}`),
	});
});

test.each([
	['is not there', {}],
	['is nothing', { cost: null }],
	['is no number', { cost: '0.03' }],
	['is 0, as of models whose price the gateway does not know', { cost: 0, cached: false }],
])('is not known where it %s', async (_what, result) => {
	const { price } = await lookUp(log(result), log(result), log(result));
	expect(price).toBeUndefined();
});

test('is 0 for what came from the cache', async () => {
	expect((await lookUp(log({ cost: 0, cached: true }))).price).toEqual(usd(0));
});

test('is not known where the log cannot be read', async () => {
	const forbidden = respond(403, { errors: [{ code: 10000, message: 'Authentication error' }] });
	const page: ScriptedResponse = { status: 200, body: '<html>', type: 'text/html' };
	const { price } = await lookUp(
		forbidden,
		respond(200, { result: 'none' }),
		page,
		page,
		page,
		page,
	);
	expect(price).toBeUndefined();
});

test('is not looked up without a key, nor after a stop', async () => {
	const { client, calls } = connect(cloudflare, {}, () => missing);
	expect(await createCostLookUp([1])(client, {}, signal)).toBeUndefined();
	const stopped = createCostLookUp([1])(client, { priceKey }, AbortSignal.abort());
	await expect(stopped).rejects.toMatchObject({ name: 'AbortedError' });
	expect(calls).toEqual([]);
});

test('is under the ID that the response names, in the gateway that the request named', () => {
	const response = (id: unknown) =>
		({ headers: { 'cf-aig-log-id': id } }) as unknown as ApiResponse;
	expect(toLogKey(response('0A1B'), {})).toEqual({ logId: '0A1B', gatewayId: 'default' });
	expect(toLogKey(response('0A1B'), { 'cf-aig-gateway-id': 'mine' })).toEqual({
		logId: '0A1B',
		gatewayId: 'mine',
	});
	for (const id of [undefined, '', '../../x', ['a']]) {
		expect(toLogKey(response(id), {})).toBeUndefined();
	}
});
