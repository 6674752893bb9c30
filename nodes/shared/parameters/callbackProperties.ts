import type { INodeTypeDescription, IWebhookDescription, NodeHint } from 'n8n-workflow';
import { CALLBACK, OPTIONS } from './options';

/** The address at which the provider resumes the execution: `webhooks` of a node that can be suspended. */
export const resumeWebhook: IWebhookDescription = {
	name: 'default',
	httpMethod: 'POST',
	path: '',
	restartWebhook: true,
	responseMode: 'onReceived',
	responseData: 'noData',
};

/**
 * What the editor says about a suspended execution.
 * @param option the name of *How to Wait*
 */
export function callbackNotes(
	caller: string,
	option: string,
): Required<Pick<INodeTypeDescription, 'waitingNodeTooltip'>> & { hints: NodeHint[] } {
	return {
		waitingNodeTooltip: `Waiting until ${caller} calls n8n, at most as long as the option Timeout says`,
		hints: [
			{
				message: `The execution waits until ${caller} calls n8n: n8n needs a public https address, which WEBHOOK_URL tells it.`,
				type: 'info',
				location: 'outputPane',
				whenToDisplay: 'beforeExecution',
				displayCondition: `={{ $parameter["${OPTIONS}"]?.["${option}"] === "${CALLBACK}" }}`,
			},
		],
	};
}

const succeed = async () => true;

/** Nothing is registered at the provider: each request names the address to call. */
export const noWebhookRegistration = {
	default: { checkExists: succeed, create: succeed, delete: succeed },
};
