import type { Verdict } from './judge';
import { formatItem, type ItemReport, type ChaosReport } from './chaos';

/** A report as figures, JSON and text. */

export interface Figures {
	items: number;
	images: number;
	errorItems: number;
	/** Images that the provider has made and that a first execution could have brought; those that it brought. */
	deliverable: number;
	delivered: number;
	lost: number;
	paidTwice: number;
	keysLeaked: number;
	hung: number;
	seed: number;
}

/** Of what was deliverable. */
const MIN_DELIVERED_SHARE = 0.99;

export function countFigures(report: ChaosReport): Figures {
	const { items, leaks, seed } = report;
	const countItems = (test: (item: ItemReport) => boolean) => items.filter(test).length;
	const isLost = ({ verdict }: ItemReport) => verdict.outcome === 'lost';
	const isHung = ({ verdict }: ItemReport) => verdict.outcome === 'hung';
	const images = countItems(({ verdict }) => verdict.outcome === 'image');
	const [lost, hung] = [countItems(isLost), countItems(isHung)];
	return {
		items: items.length,
		images,
		errorItems: items.length - images - lost - hung,
		deliverable: countItems(({ verdict }) => verdict.isDeliverable),
		delivered: countItems(({ verdict }) => verdict.isDelivered),
		lost,
		paidTwice: items.reduce((sum, { verdict }) => sum + verdict.paidTwice, 0),
		keysLeaked: leaks.length,
		hung,
		seed,
	};
}

export function arePromisesKept(report: ChaosReport): boolean {
	const { lost, paidTwice, keysLeaked, hung, delivered, deliverable } = countFigures(report);
	if (delivered < MIN_DELIVERED_SHARE * deliverable) return false;
	return lost + paidTwice + keysLeaked + hung + report.unexpected.length === 0;
}

/** The figures, and more that scripts may need. */
export const toJson = (report: ChaosReport) => ({
	...countFigures(report),
	unexpected: report.unexpected.length,
	executions: report.executions,
	seconds: Number(report.seconds.toFixed(1)),
	responses: sum(report.faults),
	faulty: sum(report.faults) - (report.faults.get('none') ?? 0),
	faults: Object.fromEntries(report.faults),
	fates: Object.fromEntries(report.fates),
	outcomes: Object.fromEntries(countOutcomes(report)),
	fingerprint: report.fingerprint,
});

export function toText(report: ChaosReport): string {
	const figures = Object.entries(countFigures(report)).map(([name, value]): [string, number] => [
		name,
		value,
	]);
	const responses = sum(report.faults);
	const faulty = responses - (report.faults.get('none') ?? 0);
	return [
		`\n${responses} responses, ${faulty} of them faulty (${Math.round((faulty / responses) * 100)} %)\n`,
		formatTable([...report.faults]),
		'\nFates of the tasks at the provider\n',
		formatTable([...report.fates]),
		'\nOutcomes of the items\n',
		formatTable(countOutcomes(report)),
		`\n${report.executions} executions in ${report.seconds.toFixed(0)} s\n`,
		formatTable(figures),
		`\nFingerprint ${report.fingerprint.slice(0, 16)}`,
	].join('\n');
}

function countOutcomes({ items }: ChaosReport): Array<[string, number]> {
	const counts = new Map<string, number>();
	for (const { verdict } of items) {
		const name = verdict.form === 'thrown' ? `${verdict.outcome}, thrown` : verdict.outcome;
		counts.set(name, (counts.get(name) ?? 0) + 1);
	}
	return [...counts].sort(([, a], [, b]) => b - a);
}

/** Each broken promise with the item's calls and the command that replays it. */
export function formatViolations(report: ChaosReport, count: number): string {
	const listProblems = ({ problems, isDeliverable, isDelivered }: Verdict) =>
		isDeliverable && !isDelivered ? [...problems, 'not delivered'] : problems;
	const brokenItems = report.items.filter(({ verdict }) => listProblems(verdict).length > 0);
	const itemTexts = brokenItems.map((item) =>
		[
			`Item ${formatItem(item)}: ${listProblems(item.verdict).join('; ')}`,
			`  scenario ${item.scenario.number}: ${formatSettings(item)}`,
			...item.calls.map(
				({ route, nth, fault, fate, execution }) =>
					`  execution ${execution}, ${route} ${nth}: ${fault}${fate ? `, ${fate}` : ''}`,
			),
			`  replay: npm run chaos -- --jobs ${count} --seed ${report.seed} --job ${item.number}`,
		].join('\n'),
	);
	return [
		...itemTexts,
		...report.leaks.map((leak) => `Key leaked: ${leak}`),
		...report.unexpected.map((request) => `No such request is documented: ${request}`),
		`Replay: npm run chaos -- --jobs ${count} --seed ${report.seed}`,
	].join('\n');
}

function formatSettings({ scenario }: ItemReport): string {
	const { items, continueOnFail, maxTries, maxConcurrent } = scenario;
	const onFail = continueOnFail ? 'continues on fail' : 'stops on fail';
	return `${items.length} items, ${onFail}, ${maxTries} tries, ${maxConcurrent} at once`;
}

function formatTable(rows: ReadonlyArray<readonly [string, number]>): string {
	const width = Math.max(...rows.map(([name]) => name.length));
	return rows
		.map(([name, value]) => `  ${name.padEnd(width)}  ${String(value).padStart(6)}`)
		.join('\n');
}

const sum = (counts: ReadonlyMap<string, number>): number =>
	[...counts.values()].reduce((total, value) => total + value, 0);
