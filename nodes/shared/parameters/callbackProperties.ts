import type { IWebhookDescription } from 'n8n-workflow';

/** The address at which the provider resumes the execution: `webhooks` of a node that can be suspended. */
export const resumeWebhook: IWebhookDescription = {
	name: 'default',
	httpMethod: 'POST',
	path: '',
	restartWebhook: true,
	responseMode: 'onReceived',
	responseData: 'noData',
};

/** What the editor says at a node whose execution is suspended. */
export const waitingTooltip = (caller: string): string =>
	`Waiting until ${caller} calls n8n, at most as long as the option Timeout says`;

const succeed = async () => true;

/** Nothing is registered at the provider: each request names the address to call. */
export const noWebhookRegistration = {
	default: { checkExists: succeed, create: succeed, delete: succeed },
};
