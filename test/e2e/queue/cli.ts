import { once } from 'node:events';
import { cpus, loadavg } from 'node:os';
import { parseArgs } from 'node:util';
import type { Ledger } from '../../emulator';
import type { Cleanup } from '../host/cleanup';
import { runProgram } from '../host/program';
import { openCluster } from './cluster';
import { FULL, QUICK, listRestarts, listScenarios, listTablePlans, type Sizes } from './plan';
import { findBroken } from './promises';
import { formatTables } from './report';
import { RegularN8n, toRestartName, runRestart, type Restart } from './restart';
import { toScenarioName, runScenario, type Result } from './scenario';
import { runTablePlan, toTableName, type TableResult } from './taskTable';
import type { Recovery, TrialOutcome } from './trial';

const USAGE = `Queue mode: n8n with workers, some of which are killed. Takes about 40 minutes; --quick, a quarter of it.

  npm run test:queue -- [options]
  npm run --silent test:queue -- --json

  --executions N     in most scenarios (${FULL.executions})
  --concurrency N    of most workers (${FULL.concurrency})
  --suspended N      executions that are suspended at once, and as many that poll (${FULL.suspended})
  --restarted N      executions in the midst of which n8n itself is killed (${FULL.restarted})
  --kills N          workers that are killed while every task is in a table (${FULL.kills})
  --late-seconds N   how late callbacks come where all executions are suspended at once (${FULL.lateSeconds})
  --only TEXT        only the scenarios whose name contains it; --list shows the names
  --quick            few executions: proves that it works, its figures mean nothing
  --json             prints one JSON object instead of the tables

Needs redis-server (in PATH). Uses PostgreSQL where it is there (in PATH or /usr/lib/postgresql/*/bin),
SQLite otherwise. Everything listens on 127.0.0.1 and is removed at the end.
`;

interface Options extends Sizes {
	only: string;
	json: boolean;
}

interface Session {
	options: Options;
	cleanup: Cleanup;
	signal: AbortSignal;
	log: (text: string) => void;
}

async function main(cleanup: Cleanup, signal: AbortSignal): Promise<void> {
	const { values } = parseArgs({
		options: {
			executions: { type: 'string' },
			concurrency: { type: 'string' },
			suspended: { type: 'string' },
			restarted: { type: 'string' },
			kills: { type: 'string' },
			'late-seconds': { type: 'string' },
			only: { type: 'string', default: '' },
			list: { type: 'boolean', default: false },
			quick: { type: 'boolean', default: false },
			json: { type: 'boolean', default: false },
			help: { type: 'boolean', default: false },
		},
	});
	const defaults = values.quick ? QUICK : FULL;
	const readSize = (name: keyof Sizes, value?: string) => Number(value ?? defaults[name]);
	const sizes: Sizes = {
		executions: readSize('executions', values.executions),
		concurrency: readSize('concurrency', values.concurrency),
		suspended: readSize('suspended', values.suspended),
		restarted: readSize('restarted', values.restarted),
		kills: readSize('kills', values.kills),
		lateSeconds: readSize('lateSeconds', values['late-seconds']),
	};
	if (values.help) return console.log(USAGE);
	if (values.list) return console.log(listNames(sizes).join('\n'));
	const options = { ...sizes, only: values.only, json: values.json };
	const session = { options, cleanup, signal, log: createLog() };
	await Promise.race([runAll(session), once(signal, 'abort')]);
}

const listNames = (sizes: Sizes) => [
	...listScenarios(sizes).map(toScenarioName),
	...listTablePlans(sizes).map(toTableName),
	...listRestarts(sizes).map(toRestartName),
];

/** Prints lines with the seconds since the start. */
function createLog(): (text: string) => void {
	const started = Date.now();
	return (text) => {
		const seconds = String(Math.round((Date.now() - started) / 1000)).padStart(4);
		console.error(`${seconds} s  ${text}`);
	};
}

async function runAll(session: Session): Promise<void> {
	const report: Report = {
		results: [],
		restarts: [],
		tables: [],
		ledgers: [],
		database: '',
		failures: [],
	};
	await runScenarios(report, session);
	await runRestarts(report, session);
	if (session.signal.aborted) return;
	const load = `load average ${loadavg()[0]!.toFixed(1)} on ${cpus().length} processors`;
	session.log(['done', report.database, load].filter(Boolean).join('; '));
	printReport(report, session.options);
}

interface Report {
	results: Result[];
	restarts: Restart[];
	tables: TableResult[];
	ledgers: Ledger[];
	database: string;
	/** Scenarios that did not come to their end. */
	failures: string[];
}

async function runScenarios(report: Report, session: Session): Promise<void> {
	const { options, cleanup, signal, log } = session;
	const scenarios = listScenarios(options).filter((one) =>
		toScenarioName(one).includes(options.only),
	);
	const tables = listTablePlans(options).filter((one) => toTableName(one).includes(options.only));
	if (scenarios.length + tables.length === 0) return;
	const cluster = await openCluster(options.lateSeconds, cleanup, log);
	report.database = cluster.database;
	report.ledgers.push(cluster.host.emulator.ledger);
	for (const scenario of scenarios) {
		if (signal.aborted) return;
		await attempt(report, session, toScenarioName(scenario), async () => {
			const result = await runScenario(cluster, scenario);
			report.results.push(result);
			return describeOutcome(result);
		});
	}
	for (const plan of tables) {
		if (signal.aborted) return;
		await attempt(report, session, toTableName(plan), async () => {
			const table = await runTablePlan(cluster, plan);
			report.tables.push(table);
			return describeTable(table);
		});
	}
}

async function runRestarts(report: Report, session: Session): Promise<void> {
	const { options, cleanup, signal, log } = session;
	const plans = listRestarts(options).filter((one) => toRestartName(one).includes(options.only));
	if (plans.length === 0 || signal.aborted) return;
	const regular = await RegularN8n.open(options.lateSeconds, cleanup, log);
	report.ledgers.push(regular.emulator.ledger);
	for (const plan of plans) {
		if (signal.aborted) return;
		await attempt(report, session, toRestartName(plan), async () => {
			const restart = await runRestart(regular, plan);
			report.restarts.push(restart);
			return describeOutcome(restart);
		});
	}
}

/** A failed scenario does not prevent the others. */
async function attempt(
	{ failures }: Report,
	{ log }: Session,
	name: string,
	run: () => Promise<string>,
): Promise<void> {
	log(name);
	try {
		log(`  ${await run()}`);
	} catch (error) {
		failures.push(`${name}: ${(error as Error).message}`);
		log(`  ${(error as Error).message}`);
	}
}

const describeOutcome = (outcome: TrialOutcome & Recovery): string => {
	const { finished, lost, neverSubmitted, paidTwice } = outcome;
	return `${finished} finished, ${lost} lost, ${neverSubmitted} not submitted; ${paidTwice} paid twice`;
};

const describeTable = ({ collected, leftOver, unclear, lost, paidTwice }: TableResult): string =>
	`${collected} collected, ${leftOver} of them left over; ${unclear} unclear, ${lost} lost; ${paidTwice} paid twice`;

function printReport(report: Report, options: Options): void {
	const { results, restarts, tables, ledgers, database } = report;
	const failures = [...report.failures, ...findBroken(results, restarts, tables, ledgers)];
	if (results.length + restarts.length + tables.length + failures.length === 0)
		failures.push(`no scenario's name contains "${options.only}"`);
	if (options.json) {
		console.log(
			JSON.stringify({ options, database, results, restarts, tables, failures }, null, 2),
		);
	} else {
		console.log(`\n${formatTables(results, restarts, tables)}\n\n${formatFailures(failures)}`);
	}
	if (failures.length > 0) process.exitCode = 1;
}

const formatFailures = (failures: string[]) =>
	failures.length === 0 ? 'Every promise is kept.' : `Broken:\n${failures.join('\n')}`;

// a pending wait must not keep the process alive
void runProgram(main).finally(() => process.exit());
