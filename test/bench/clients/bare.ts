import { sleep, type IDataObject, type IExecuteFunctions, type INodeType } from 'n8n-workflow';
import type { WorkflowJson } from '../../support/engine';
import { NODE } from '../../support/lab';
import { MODEL, SIZE } from '../processes/start';
import { mapConcurrently } from '../tasks';

/**
 * A node that does nothing but call n8n's own helper: it submits each item and polls it at a fixed interval. Whatever
 * its polls cost is n8n's.
 */

interface BareOptions {
	maxConcurrent: number;
	/** Seconds. */
	pollInterval: number;
}

export const BARE_NODE_TYPE = 'bench.bare';
const CREDENTIAL = 'flux2BflApi';

export const bareNode: INodeType = {
	description: {
		displayName: 'Bare',
		name: 'bare',
		description: "Calls n8n's helper",
		group: ['transform'],
		version: 1,
		defaults: { name: 'Bare' },
		inputs: ['main'],
		outputs: ['main'],
		credentials: [{ name: CREDENTIAL, required: true }],
		properties: [
			{ displayName: 'Max Concurrent', name: 'maxConcurrent', type: 'number', default: 1 },
			{ displayName: 'Poll Interval', name: 'pollInterval', type: 'number', default: 1 },
		],
	},
	async execute() {
		const { baseUrl } = await this.getCredentials<{ baseUrl: string }>(CREDENTIAL);
		const read = (name: keyof BareOptions) => this.getNodeParameter(name, 0) as number;
		const intervalMs = read('pollInterval') * 1000;
		const results = await mapConcurrently(
			this.getInputData(),
			read('maxConcurrent'),
			async ({ json: { prompt } }) => {
				const body = { prompt, ...SIZE };
				const url = `${baseUrl}/v1/${MODEL}`;
				const task = await call(this, { method: 'POST', url, body });
				for (;;) {
					await sleep(intervalMs);
					const json = await call(this, { method: 'GET', url: task.polling_url as string });
					if (json.status === 'Ready') return { json };
				}
			},
		);
		return [results];
	},
};

const call = async (
	context: IExecuteFunctions,
	request: { method: 'GET' | 'POST'; url: string; body?: IDataObject },
): Promise<IDataObject> =>
	(await context.helpers.httpRequestWithAuthentication.call(context, CREDENTIAL, {
		...request,
		json: true,
	})) as IDataObject;

/** A manual trigger and the bare node behind it. */
export const bareWorkflow = (parameters: BareOptions): WorkflowJson => ({
	nodes: [
		{ name: 'Start', type: 'n8n-nodes-base.manualTrigger' },
		{
			name: NODE,
			type: BARE_NODE_TYPE,
			parameters,
			credentials: { [CREDENTIAL]: { id: CREDENTIAL, name: CREDENTIAL } },
		},
	],
	connections: { Start: { main: [[{ node: NODE, type: 'main', index: 0 }]] } },
});
