import { omitUndefined } from '../core/json';
import { roundUsd } from '../parameters/price';
import { costsOf, failuresOf, imagesOf, isPaidHere, type RunReport } from './report';

/** What becomes an attribute of the node's span in n8n's traces. */
export type Trace = Record<string, string | number | boolean>;

/**
 * The facts of a run for n8n's traces, one total each, by the names that n8n's own nodes give them. No prompts.
 * Undefined for a run that was about no image.
 */
export function traceOf(provider: string, report: RunReport): Trace | undefined {
	const images = imagesOf(report);
	const failures = failuresOf(report).length;
	if (images.length === 0 && failures === 0) return undefined;
	const usd = costsOf(report).find(({ currency }) => currency === 'USD');
	const isUnknown = !usd && images.some(isPaidHere);
	return omitUndefined({
		'llm.model.provider': provider,
		'llm.model.id': toList(images.flatMap(({ model }) => model ?? [])),
		'llm.cost.total': usd && roundUsd(usd.settled + usd.estimated),
		'llm.cost.source': usd && (usd.estimated > 0 ? 'estimate' : 'provider'),
		'llm.cost.unavailable_reason': isUnknown ? 'not-reported' : undefined,
		'flux2.images': images.length,
		'flux2.failures': failures,
		'flux2.seconds': Math.max(0, ...images.map(({ seconds = 0 }) => seconds)),
		'flux2.polls': images.reduce((sum, { polls = 0 }) => sum + polls, 0),
	}) as Trace;
}

const toList = (models: readonly string[]): string | undefined =>
	[...new Set(models)].sort().join(', ') || undefined;
