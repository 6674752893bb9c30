import type { NodeExecutionHint } from 'n8n-workflow';
import type { ErrorKind } from '../core/errors';
import { formatAmount } from '../parameters/price';
import {
	costsOf,
	failuresOf,
	imagesOf,
	isPaidHere,
	type CostSum,
	type FinishedImage,
	type RunReport,
} from './report';

/** What the editor shows above the output. It reads a hint as HTML. */

const LABELS: Record<ErrorKind, string> = {
	auth: 'credential refused',
	credits: 'no credits',
	moderated: 'moderated',
	rateLimited: 'too many requests',
	invalidInput: 'wrong input',
	notFound: 'not found',
	expired: 'expired',
	timeout: 'too slow',
	unavailable: 'provider unavailable',
	badResponse: 'unusable response',
	budget: 'not submitted because of Max Cost',
};
const MAX_LISTED = 3;
const SECONDS_PER_MINUTE = 60;

/** The hints after a run: a summary, and one hint for each fact that deserves a look. */
export function hintsOf(report: RunReport): NodeExecutionHint[] {
	const images = imagesOf(report);
	const failures = summarizeFailures(report);
	const summary = [...summarizeImages(report, images), ...failures].join(' · ');
	const type = failures.length > 0 ? 'warning' : 'info';
	const others = [sizeHint(images), unclearHint(report), priceHint(images), linkHint(report)];
	return [
		...(summary === '' ? [] : [toHint(summary, type)]),
		...others.flatMap((message) => (message === undefined ? [] : [toHint(message, 'info')])),
	];
}

const toHint = (message: string, type: 'info' | 'warning'): NodeExecutionHint => ({
	message,
	type,
	location: 'outputPane',
});

function summarizeImages(report: RunReport, images: readonly FinishedImage[]): string[] {
	const resumed = images.filter((image) => !isPaidHere(image)).length;
	const isPartOfCost = images.some((image) => isPaidHere(image) && !image.cost);
	return [
		...(images.length > 0 ? [`<b>${count(images.length, 'image')}</b>`] : []),
		...(resumed > 0 ? [`${resumed} passed on free of charge`] : []),
		...costsOf(report).map((sum) => `${isPartOfCost ? 'at least ' : ''}${formatCost(sum)}`),
		...summarizeSeconds(images),
	];
}

function formatCost({ currency, settled, estimated, forFailures }: CostSum): string {
	const parts = [
		...(settled > 0 || estimated === 0 ? [formatAmount(settled, currency)] : []),
		...(estimated > 0 ? [`about ${formatAmount(estimated, currency)} (estimated)`] : []),
	];
	const ofFailures =
		forFailures > 0 ? `, ${formatAmount(forFailures, currency)} of it for what failed` : '';
	return toHtml(`${parts.join(' + ')}${ofFailures}`);
}

/** Only of what this execution has submitted: the others' time says when somebody has asked for them. */
function summarizeSeconds(images: readonly FinishedImage[]): string[] {
	const seconds = images.flatMap(({ paid, seconds: each }) =>
		paid === 'here' && each !== undefined ? [each] : [],
	);
	if (seconds.length === 0) return [];
	const longest = formatSeconds(Math.max(...seconds));
	return [seconds.length > 1 ? `slowest ${longest}` : longest];
}

function formatSeconds(seconds: number): string {
	if (seconds < SECONDS_PER_MINUTE) return `${seconds.toFixed(1)} s`;
	const rounded = Math.round(seconds);
	return `${Math.floor(rounded / SECONDS_PER_MINUTE)} min ${rounded % SECONDS_PER_MINUTE} s`;
}

function summarizeFailures(report: RunReport): string[] {
	const failures = failuresOf(report);
	if (failures.length === 0) return [];
	const kinds = countEach(failures.map(({ error }) => LABELS[error.kind]))
		.map(([label, times]) => `${times} ${label}`)
		.join(', ');
	const maybeBilled = failures.filter((each) => each.error.maybeBilled && isPaidHere(each)).length;
	const billed = maybeBilled > 0 ? [`${maybeBilled} of them may have been billed`] : [];
	return [`<b>${failures.length} failed</b> (${kinds})`, ...billed];
}

function sizeHint(images: readonly FinishedImage[]): string | undefined {
	const sizes = images.flatMap(({ size, requestedSize: requested }) =>
		size && requested && (size.width !== requested.width || size.height !== requested.height)
			? [`${formatSize(size)} instead of ${formatSize(requested)}`]
			: [],
	);
	if (sizes.length === 0) return undefined;
	const have = sizes.length === 1 ? 'has' : 'have';
	return `<b>${count(sizes.length, 'image')}</b> ${have} another size than asked for: ${listEach(sizes)}.`;
}

const formatSize = ({ width, height }: { width: number; height: number }): string =>
	`${width} × ${height}`;

function unclearHint({ unclearTasks }: RunReport): string | undefined {
	if (unclearTasks.size === 0) return undefined;
	const reasons = listEach([...unclearTasks.values()].map(toHtml));
	return `The node waited for <b>${count(unclearTasks.size, 'task')}</b> whose state was unclear for a while: ${reasons}.`;
}

function priceHint(images: readonly FinishedImage[]): string | undefined {
	const unknown = images.filter((image) => isPaidHere(image) && !image.cost).length;
	if (unknown === 0) return undefined;
	return `The price of <b>${count(unknown, 'image')}</b> is not known here: look at the provider's own usage page.`;
}

function linkHint({ linkProblems }: RunReport): string | undefined {
	if (linkProblems.length === 0) return undefined;
	const images = count(linkProblems.length, 'image');
	const have = linkProblems.length === 1 ? 'has' : 'have';
	return `<b>${images}</b> ${have} no link: ${listEach(linkProblems.map(toHtml))}.`;
}

const count = (number: number, noun: string): string =>
	`${number} ${noun}${number === 1 ? '' : 's'}`;

/** The different texts with how often each comes, the most frequent first. */
function listEach(texts: readonly string[]): string {
	const each = countEach(texts);
	const listed = each
		.slice(0, MAX_LISTED)
		.map(([text, times]) => (each.length > 1 ? `${text} (${times})` : text));
	return [...listed, ...(each.length > MAX_LISTED ? ['and others'] : [])].join('; ');
}

function countEach(texts: readonly string[]): Array<[string, number]> {
	const times = new Map<string, number>();
	for (const text of texts) times.set(text, (times.get(text) ?? 0) + 1);
	return [...times].sort(([, a], [, b]) => b - a);
}

const ENTITIES: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;' };

/** A provider's words. */
const toHtml = (text: string): string =>
	text.replace(/[&<>]/g, (letter) => ENTITIES[letter] ?? letter);
