import { randomBytes } from 'node:crypto';
import type { IExecuteFunctions, IWebhookFunctions } from 'n8n-workflow';
import { invalidInput } from '../core/errors';
import { parseJson } from '../core/json';
import { isLoopback } from '../core/urls';
import { z } from '../core/vendor';
import { CALLBACK, collectOptions, HOW_TO_WAIT, timeout } from '../parameters/options';
import type { Param, Settings } from '../parameters/param';
import type { Task } from '../tasks/protocol';
import type { OutputItem } from '../tasks/savedResults';
import { generate, type Suspension } from './generate';
import type { ItemContext, PreparedOperation } from './types';

/** All that is needed when the callback comes. It is saved as text, because a webhook reads it through an expression. */
const suspendedSchema = z.object({
	version: z.literal(1),
	task: z.object({ id: z.string() }).passthrough(),
	baseUrl: z.string(),
	secret: z.string(),
	prompt: z.string(),
	seed: z.unknown(),
	estimatedCost: z
		.object({ amount: z.number(), currency: z.string(), estimated: z.boolean().optional() })
		.optional(),
	settings: z.array(z.tuple([z.string(), z.unknown()])),
});

export type SuspendedExecution = Omit<z.infer<typeof suspendedSchema>, 'task'> & { task: Task };

const STORE = 'flux2Suspended';
const SECRET_BYTES = 24;

/**
 * How long an execution waits for its callback, unless "Timeout" says otherwise: the last delivery finds it even at a
 * slow model, and an image that is kept for 10 minutes can still be collected afterwards.
 */
const DEFAULT_WAIT_SECONDS = 300;

/**
 * Image: Generate, where the provider can call back: by polling, or by suspending the execution until it calls.
 * @param howToWait the option that has the choice
 */
export const generateOrSuspend =
	(howToWait: Param) =>
	(item: ItemContext): PreparedOperation[] =>
		generate(item, item.reader.option(howToWait) === CALLBACK ? suspensionOf(item) : undefined);

/** @throws Flux2Error `invalidInput` where nobody could be called back */
function suspensionOf(item: ItemContext): Suspension {
	const { context, client, itemIndex } = item;
	const { $execution } = context.getWorkflowDataProxy(itemIndex);
	const { resumeUrl } = $execution as { resumeUrl: string };
	checkSuspendable(item, resumeUrl);
	const callback = { url: resumeUrl, secret: randomBytes(SECRET_BYTES).toString('hex') };
	return {
		callback,
		async suspend({ request, checkpoint }, task, taskItem) {
			const { prompt, body, settings } = request;
			saveSuspended(context, taskItem, {
				version: 1,
				task,
				baseUrl: client.baseUrl,
				secret: callback.secret,
				prompt,
				seed: body.seed,
				estimatedCost: checkpoint.request?.estimatedCost,
				settings: settingsForCollecting(settings),
			});
			const seconds = settings.get(timeout) ?? DEFAULT_WAIT_SECONDS;
			await context.putExecutionToWait(new Date(Date.now() + seconds * 1000));
		},
	};
}

function checkSuspendable(
	{ context, client, provider, isToolCall }: ItemContext,
	resumeUrl: string,
): void {
	const { length } = context.getInputData();
	if (length !== 1) {
		throw invalidInput([
			`${HOW_TO_WAIT}: Callback suspends the whole execution, so it takes one item at a time, and there are ${length}; choose Poll, or put a Loop Over Items node in front`,
		]);
	}
	if (isToolCall) {
		throw invalidInput([`${HOW_TO_WAIT}: an agent's tool cannot be suspended; choose Poll`]);
	}
	if (!isReachable(resumeUrl, client.baseUrl)) {
		throw invalidInput([
			`${HOW_TO_WAIT}: ${provider.label} cannot call ${new URL(resumeUrl).origin}; set n8n's WEBHOOK_URL to its public https address, or choose Poll`,
		]);
	}
}

/** A provider on this machine may call it; any other needs https and a host that it can reach. */
function isReachable(resumeUrl: string, baseUrl: string): boolean {
	const isHttps = new URL(resumeUrl).protocol === 'https:';
	return isLoopback(baseUrl) ? isHttps || isLoopback(resumeUrl) : isHttps && !isLoopback(resumeUrl);
}

/** The other settings are of no use any more, and may be large. */
const settingsForCollecting = ({ values }: Settings): Array<[string, unknown]> =>
	[...values].filter(([name]) => collectOptions.some(({ property }) => property.name === name));

/**
 * When the wait times out, n8n forwards the node's *input* as its output. Replace the input with the task item, so that
 * a following *Task: Get* can collect the image.
 */
function saveSuspended(
	context: IExecuteFunctions,
	item: OutputItem,
	suspended: SuspendedExecution,
): void {
	context.getContext('node')[STORE] = JSON.stringify(suspended);
	context.getExecuteData().data.main = [[{ ...item, pairedItem: { item: 0 } }]];
}

/** A webhook has no node context of its own, but its expressions do. Undefined for what another version has saved. */
export function loadSuspended(context: IWebhookFunctions): SuspendedExecution | undefined {
	const name = JSON.stringify(context.getNode().name).replaceAll('}', '\\u007d');
	const saved = context.evaluateExpression(`{{ $node[${name}].context["${STORE}"] }}`);
	return typeof saved === 'string' ? suspendedSchema.safeParse(parseJson(saved)).data : undefined;
}
