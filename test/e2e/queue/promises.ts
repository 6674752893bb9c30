import type { Ledger } from '../../emulator';
import type { Restart } from './restart';
import type { Result } from './scenario';
import type { Mended, Stock } from './trial';

/** What must be true whatever happens; each sentence is a broken promise. */
export function broken(results: Result[], restarts: Restart[], ledgers: Ledger[]): string[] {
	return [
		...results.flatMap((result) => brokenBy(result).map((what) => `${result.name}: ${what}`)),
		...restarts.flatMap((restart) =>
			brokenByRestart(restart).map((what) => `${restart.name}: ${what}`),
		),
		...ledgers.flatMap(({ unexpected, leaks }) => [
			...unexpected.map(
				({ method, path, reason }) => `undocumented: ${method} ${path} (${reason})`,
			),
			...leaks.map(({ where, path }) => `a key has leaked: ${where} of ${path}`),
		]),
	];
}

function brokenBy({ scenario, ...result }: Result): string[] {
	const { executions, concurrency, blow } = scenario;
	const missing = result.lost + result.neverSubmitted;
	const inHand = blow?.signal === 'SIGKILL' && blow.when !== 'parked' ? concurrency : 0;
	return [
		...said(missing <= inHand, `${missing} have not finished, at most ${inHand} may`),
		...brokenInTheEnd(result, executions),
	];
}

function brokenByRestart({ executions, when, ...restart }: Restart): string[] {
	const { finished, callsInVain } = restart;
	const parked = [
		...said(finished === executions, `${finished} of ${executions} have finished`),
		...said(callsInVain >= executions, `only ${callsInVain} callbacks came while n8n was down`),
	];
	return [...(when === 'parked' ? parked : []), ...brokenInTheEnd(restart, executions)];
}

/** Whoever does what can be done has every picture, and has paid again only for what was lost. */
function brokenInTheEnd(
	{ finished, lost, retry, startedAgain, paidTwice }: Stock & Mended,
	executions: number,
): string[] {
	const all = finished + retry.pictures + startedAgain.pictures;
	return [
		...said(all === executions, `in the end, ${all} of ${executions} pictures are there`),
		...said(paidTwice <= lost, `${paidTwice} were paid twice, and ${lost} were lost`),
	];
}

const said = (kept: boolean, otherwise: string): string[] => (kept ? [] : [otherwise]);
