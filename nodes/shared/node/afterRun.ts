import type { NodeExecutionHint } from 'n8n-workflow';
import { hintsOf } from './hints';
import type { RunReport } from './report';
import { traceOf } from './tracing';

/** What older hosts lack. */
interface TellingHost {
	addExecutionHints?(...hints: NodeExecutionHint[]): void;
	setMetadata?(metadata: object): void;
}

/** Tells n8n what a run has come to: hints in the editor, which an agent does not read, and facts in its traces. */
export function tellResults(
	host: TellingHost,
	provider: string,
	report: RunReport,
	isToolCall: boolean,
): void {
	const tracing = traceOf(provider, report);
	if (tracing) host.setMetadata?.({ tracing });
	const hints = isToolCall ? [] : hintsOf(report);
	if (hints.length > 0) host.addExecutionHints?.(...hints);
}
