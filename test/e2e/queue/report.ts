import type { Restart } from './restart';
import type { Result } from './scenario';
import { table } from './table';
import type { Repair } from './trial';

export function tables(results: Result[], restarts: Restart[]): string {
	const parts = results.length > 0 ? [picturesTable(results), costsTable(results)] : [];
	if (restarts.length > 0) parts.push(restartTable(restarts));
	return parts.join('\n\n');
}

const picturesTable = (results: Result[]): string =>
	table(
		[
			'pictures',
			'asked for',
			'finished',
			'per minute',
			'lost',
			'not submitted',
			'by Retry execution',
			'by starting again',
			'paid twice',
		],
		results.map((result) => [
			result.name,
			String(result.scenario.executions),
			String(result.finished),
			result.picturesPerMinute.toFixed(0),
			String(result.lost),
			String(result.neverSubmitted),
			told(result.retry),
			told(result.startedAgain),
			String(result.paidTwice),
		]),
	);

const told = ({ tried, pictures }: Repair) => (tried === 0 ? '–' : `${pictures} of ${tried}`);

const costsTable = (results: Result[]): string =>
	table(
		[
			'what it took',
			'seconds',
			'most parked',
			'slot seconds',
			'worker MB',
			'worker CPU s',
			'main MB',
			'main CPU s',
		],
		results.map(({ name, seconds, mostParked, slotSeconds, worker, main }) => [
			name,
			seconds.toFixed(0),
			String(mostParked),
			slotSeconds.toFixed(0),
			worker?.peakMegabytes.toFixed(0) ?? '–',
			worker?.processorSeconds.toFixed(1) ?? '–',
			main?.peakMegabytes.toFixed(0) ?? '–',
			main?.processorSeconds.toFixed(1) ?? '–',
		]),
	);

const restartTable = (restarts: Restart[]): string =>
	table(
		[
			'n8n itself killed',
			'asked for',
			'finished',
			'lost',
			'not submitted',
			'by Retry execution',
			'by starting again',
			'paid twice',
			'calls in vain',
			's down',
		],
		restarts.map((restart) => [
			restart.name,
			String(restart.executions),
			String(restart.finished),
			String(restart.lost),
			String(restart.neverSubmitted),
			told(restart.retry),
			told(restart.startedAgain),
			String(restart.paidTwice),
			String(restart.callsInVain),
			restart.downSeconds.toFixed(0),
		]),
	);
