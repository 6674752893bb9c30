import type { Ledger } from '../../emulator';
import type { Restart } from './restart';
import type { Result } from './scenario';
import type { TableResult } from './taskTable';
import type { Recovery, TrialOutcome } from './trial';

/** Finds broken promises; each message describes one. */
export function findBroken(
	results: Result[],
	restarts: Restart[],
	tables: TableResult[],
	ledgers: Ledger[],
): string[] {
	return [
		...results.flatMap((result) =>
			findBrokenByScenario(result).map((what) => `${result.name}: ${what}`),
		),
		...restarts.flatMap((restart) =>
			findBrokenByRestart(restart).map((what) => `${restart.name}: ${what}`),
		),
		...tables.flatMap((table) => findBrokenByTable(table).map((what) => `${table.name}: ${what}`)),
		...ledgers.flatMap(({ unexpected, leaks }) => [
			...unexpected.map(
				({ method, path, reason }) => `undocumented: ${method} ${path} (${reason})`,
			),
			...leaks.map(({ where, path }) => `a key has leaked: ${where} of ${path}`),
		]),
	];
}

function findBrokenByScenario({ scenario, ...result }: Result): string[] {
	const { executions, concurrency, termination } = scenario;
	const missing = result.lost + result.neverSubmitted;
	const maxMissing =
		termination?.signal === 'SIGKILL' && termination.when !== 'suspended' ? concurrency : 0;
	return [
		...unless(missing <= maxMissing, `${missing} have not finished, at most ${maxMissing} may`),
		...findBrokenAtEnd(result, executions),
	];
}

function findBrokenByRestart({ executions, when, ...restart }: Restart): string[] {
	const { finished, failedDeliveries } = restart;
	const afterSuspension = [
		...unless(finished === executions, `${finished} of ${executions} have finished`),
		...unless(
			failedDeliveries >= executions,
			`only ${failedDeliveries} callbacks came while n8n was down`,
		),
	];
	return [
		...(when === 'suspended' ? afterSuspension : []),
		...findBrokenAtEnd(restart, executions),
	];
}

/** Once the collector has run, every image that was paid for is there, or its prompt is reported as unclear. */
function findBrokenByTable({ plan, ...table }: TableResult): string[] {
	const { executions, concurrency, kills } = plan;
	const { collected, unclear, notRequested, lost, paidTwice, collectedInTheEnd } = table;
	const known = collected + unclear + notRequested;
	const maxUnclear = kills * concurrency;
	const all = collectedInTheEnd + unclear;
	return [
		...unless(lost === 0, `${lost} paid images were lost`),
		...unless(paidTwice === 0, `${paidTwice} were paid twice`),
		...unless(known === executions, `${known} of ${executions} prompts are accounted for`),
		...unless(
			unclear <= maxUnclear,
			`${unclear} prompts are unclear, at most ${maxUnclear} may be`,
		),
		...unless(
			all === executions,
			`in the end, ${all} of ${executions} prompts are collected or unclear`,
		),
	];
}

/** After all recovery, every image is delivered, and only lost ones were paid again. */
function findBrokenAtEnd(
	{ finished, lost, retry, startedAgain, paidTwice }: TrialOutcome & Recovery,
	executions: number,
): string[] {
	const all = finished + retry.images + startedAgain.images;
	return [
		...unless(all === executions, `in the end, ${all} of ${executions} images are delivered`),
		...unless(paidTwice <= lost, `${paidTwice} were paid twice, and ${lost} were lost`),
	];
}

const unless = (kept: boolean, otherwise: string): string[] => (kept ? [] : [otherwise]);
