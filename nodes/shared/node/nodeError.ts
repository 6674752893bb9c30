import {
	NodeApiError,
	NodeOperationError,
	type ExpressionError,
	type IExecuteFunctions,
} from 'n8n-workflow';
import { withAdvice, type ErrorKind, type Flux2Error } from '../core/errors';
import { omitUndefined } from '../core/json';
import { toDisplayText, type Redact } from '../core/redact';

/** The failure of one item. */
export interface Failure {
	readonly itemIndex: number;
	readonly error: Flux2Error;
	/** n8n's own error about an expression, which the editor explains better than we could. */
	readonly cause?: ExpressionError;
}

/** What the node itself refuses. */
const OUR_KINDS: readonly ErrorKind[] = ['invalidInput', 'budget'];

/** The first failure. Others that may have been paid for are named, because a retry would submit them anew. */
export function mostInformative([first, ...others]: readonly [Failure, ...Failure[]]): Failure {
	const uncertain = others.filter(({ error }) => error.maybeBilled);
	if (uncertain.length === 0) return first;
	const numbers = uncertain.map(({ itemIndex }) => itemIndex + 1).sort((a, b) => a - b);
	const advice = `Also without a usable response: item ${numbers.join(', ')}. It may have been billed, and is submitted anew only if you retry this execution.`;
	return { ...first, error: withAdvice(first.error, advice) };
}

/** The failure that ends the run, with what else was paid for. */
export function withKeptAdvice(failure: Failure, kept: number): Failure {
	if (kept === 0) return failure;
	const [images, were, them] = kept === 1 ? ['image', 'was', 'it'] : ['images', 'were', 'them'];
	const advice = `${kept} other ${images} of this run ${were} already requested. Executions → Retry passes ${them} on at no cost; Execute step makes ${them} anew. To go on after a failure: Settings → On Error.`;
	return { ...failure, error: withAdvice(failure.error, advice) };
}

/** The one place where a failure becomes n8n's error. */
export function toNodeError(
	context: IExecuteFunctions,
	redact: Redact,
	{ itemIndex, error, cause }: Failure,
): Error {
	if (cause) return cause;
	const node = context.getNode();
	const message = toDisplayText(redact, error.message);
	const description = toDisplayText(redact, error.description);
	const isFromProvider = error.httpCode !== undefined || !OUR_KINDS.includes(error.kind);
	const httpCode = error.httpCode?.toString();
	const nodeError = isFromProvider
		? new NodeApiError(node, {}, { message, description, httpCode, itemIndex })
		: new NodeOperationError(node, message, { description, itemIndex });
	Object.assign(
		nodeError.context,
		omitUndefined({ kind: error.kind, taskId: error.taskId, cost: error.cost }),
	);
	// n8n replaces a message that happens to hold a system error code by a sentence of its own
	nodeError.message = message;
	return nodeError;
}
