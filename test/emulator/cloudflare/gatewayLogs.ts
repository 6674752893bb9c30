import { randomBytes } from 'node:crypto';
import type { Task } from '../tasks';
import { Refusal, toResponse, type ApiResponse, type Call, type Route } from '../types';
import { authorize } from './access';
import { v4Error } from './documentedErrors';
import type { GatewaySettings } from './gatewayHeaders';
import type { CloudflareWorld, GatewayLog } from './world';

/** The AI gateway's logs: what a request has cost, some time after its response. */

/** @returns the log's ID, which the response names whether there is a log or not */
export function writeLog(
	world: CloudflareWorld,
	task: Task,
	{ gateway, collectLog }: GatewaySettings,
	isCached: boolean,
): string {
	const id = randomBytes(13).toString('hex').toUpperCase();
	const log = { gateway, taskId: task.record.id, createdAt: Date.now(), isCached };
	if (collectLog) world.gatewayLogs.set(id, log);
	return id;
}

export const createLogRoutes = (world: CloudflareWorld): Route[] => [
	{
		name: 'cloudflare.log',
		method: 'GET',
		path: '/client/v4/accounts/:account/ai-gateway/gateways/:gateway/logs/:id',
		kind: 'account',
		handle: (call) => readLog(world, call),
	},
];

function readLog(world: CloudflareWorld, call: Call): ApiResponse {
	authorize(call, ['gateway']);
	const { id = '', gateway } = call.params;
	const log = world.gatewayLogs.get(id);
	if (!log || log.gateway !== gateway || isTooEarly(world, log)) {
		throw new Refusal(v4Error(404, 7002, 'Log not found'));
	}
	return toResponse(200, {
		success: true,
		errors: [],
		messages: [],
		result: toLog(world, id, log),
	});
}

const isTooEarly = ({ gatewayLogSeconds }: CloudflareWorld, { createdAt }: GatewayLog) =>
	Date.now() - createdAt < gatewayLogSeconds * 1000;

function toLog(world: CloudflareWorld, id: string, { taskId, createdAt, isCached }: GatewayLog) {
	const record = world.tasks.find(taskId)?.record;
	return {
		id,
		cached: isCached,
		created_at: new Date(createdAt).toISOString(),
		duration: (record?.seconds ?? 0) * 1000,
		model: record?.model,
		path: 'ai/run',
		provider: 'black-forest-labs',
		success: true,
		tokens_in: null,
		tokens_out: null,
		...(world.gatewayLogCosts && { cost: isCached ? 0 : record?.cost, custom_cost: false }),
		metadata: '{}',
		status_code: 200,
	};
}
