import type { Restart } from './restart';
import type { Result } from './scenario';
import { formatTable } from './table';
import type { TableResult } from './taskTable';
import type { RecoveryStep } from './trial';

export function formatTables(
	results: Result[],
	restarts: Restart[],
	tables: TableResult[],
): string {
	const parts = results.length > 0 ? [formatImageTable(results), formatResourceTable(results)] : [];
	if (restarts.length > 0) parts.push(formatRestartTable(restarts));
	if (tables.length > 0) parts.push(formatTaskTables(tables));
	return parts.join('\n\n');
}

const formatImageTable = (results: Result[]): string =>
	formatTable(
		[
			'images',
			'executions',
			'finished',
			'per minute',
			'lost',
			'not submitted',
			'by Retry execution',
			'by new execution',
			'paid twice',
		],
		results.map((result) => [
			result.name,
			String(result.scenario.executions),
			String(result.finished),
			result.imagesPerMinute.toFixed(0),
			String(result.lost),
			String(result.neverSubmitted),
			formatRecovery(result.retry),
			formatRecovery(result.startedAgain),
			String(result.paidTwice),
		]),
	);

const formatRecovery = ({ tried, images }: RecoveryStep) =>
	tried === 0 ? '–' : `${images} of ${tried}`;

const formatResourceTable = (results: Result[]): string =>
	formatTable(
		[
			'resources',
			'seconds',
			'max suspended',
			'worker busy s',
			'worker MB',
			'worker CPU s',
			'main MB',
			'main CPU s',
		],
		results.map(({ name, seconds, maxSuspended, workerBusySeconds, worker, main }) => [
			name,
			seconds.toFixed(0),
			String(maxSuspended),
			workerBusySeconds.toFixed(0),
			worker?.peakMegabytes.toFixed(0) ?? '–',
			worker?.processorSeconds.toFixed(1) ?? '–',
			main?.peakMegabytes.toFixed(0) ?? '–',
			main?.processorSeconds.toFixed(1) ?? '–',
		]),
	);

const formatRestartTable = (restarts: Restart[]): string =>
	formatTable(
		[
			'n8n itself killed',
			'executions',
			'finished',
			'lost',
			'not submitted',
			'by Retry execution',
			'by new execution',
			'paid twice',
			'failed deliveries',
			's down',
		],
		restarts.map((restart) => [
			restart.name,
			String(restart.executions),
			String(restart.finished),
			String(restart.lost),
			String(restart.neverSubmitted),
			formatRecovery(restart.retry),
			formatRecovery(restart.startedAgain),
			String(restart.paidTwice),
			String(restart.failedDeliveries),
			restart.downSeconds.toFixed(0),
		]),
	);

const formatTaskTables = (tables: TableResult[]): string =>
	formatTable(
		[
			'every task in a table',
			'executions',
			'accepted',
			'collected',
			'by the collector',
			'unclear',
			'of them accepted',
			'not requested',
			'lost',
			'paid twice',
		],
		tables.map((table) => [
			table.name,
			String(table.plan.executions),
			String(table.accepted),
			String(table.collected),
			String(table.leftOver),
			String(table.unclear),
			String(table.unclearAccepted),
			String(table.notRequested),
			String(table.lost),
			String(table.paidTwice),
		]),
	);
