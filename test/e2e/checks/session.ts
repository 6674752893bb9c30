import { deepEqual } from 'node:assert/strict';
import { openHost, type Host } from '../host';
import { Cleanup } from '../host/cleanup';
import { WAIT } from '../host/workflows';
import type { Check } from './check';
import { PaidTasks } from './paidTasks';
import { commandLineCheck } from './commandLine';
import { credentialChecks } from './credentials';
import { runExample, type Row } from './examples';
import { linkChecks } from './links';
import { moneyChecks } from './money';
import { findMissingProgram } from './programs';
import { stopChecks } from './stop';

export interface Session {
	version: string;
	binaryMode: 'filesystem' | 'database';
	/** Only checks whose name contains this text. */
	only: string;
	log: (line: string) => void;
}

export interface Totals {
	passed: number;
	failed: number;
	skipped: number;
	rows: Row[];
}

/** Starts one n8n, runs every check in it, and ends it. */
export async function runSession(session: Session, outer: Cleanup): Promise<Totals> {
	const cleanup = new Cleanup();
	await outer.add(async () => await cleanup.run());
	const totals: Totals = { passed: 0, failed: 0, skipped: 0, rows: [] };
	try {
		const host = await openHost(
			{
				version: session.version,
				environment: { N8N_DEFAULT_BINARY_DATA_MODE: session.binaryMode },
				emulator: { seconds: 0.5, webhookUnitMs: 100 },
				log: session.log,
			},
			cleanup,
		);
		await runChecks(planChecks(host, session, totals), host, session, totals);
	} finally {
		await cleanup.run();
	}
	return totals;
}

interface CheckPlan {
	/** Started first; their results are awaited last. */
	slow: Check[];
	/** One after the other. */
	quick: Check[];
	last: Check[];
}

function planChecks(host: Host, { binaryMode }: Session, { rows }: Totals): CheckPlan {
	const paidTasks = new PaidTasks(host.emulator.ledger);
	// they wait for more than a minute: n8n keeps shorter waits in memory
	const isSlow = ({ nodes }: Host['examples'][number]) => nodes.some(({ type }) => type === WAIT);
	const asCheck = (example: Host['examples'][number]): Check => ({
		name: `example ${example.slug}`,
		skipped: findMissingProgram(example),
		run: async () => void rows.push(...(await runExample(host, example, paidTasks))),
	});
	const quick = host.examples.filter((example) => !isSlow(example)).map(asCheck);
	const allShownCheck: Check = {
		name: 'no example has paid for an image that it does not show',
		run: async () => paidTasks.assertAllShown(),
	};
	if (binaryMode === 'database')
		return { slow: [], quick: [...quick, allShownCheck], last: [noLeaksCheck] };
	return {
		slow: host.examples.filter(isSlow).map(asCheck),
		quick,
		last: [
			allShownCheck,
			commandLineCheck,
			...credentialChecks,
			...linkChecks,
			...moneyChecks,
			...stopChecks,
			noLeaksCheck,
		],
	};
}

const noLeaksCheck: Check = {
	name: 'no key has left its service, and nothing undocumented was called',
	async run({ emulator }) {
		const { unexpected, leaks } = emulator.ledger;
		deepEqual({ unexpected, leaks }, { unexpected: [], leaks: [] });
	},
};

async function runChecks(
	plan: CheckPlan,
	host: Host,
	session: Session,
	totals: Totals,
): Promise<void> {
	const check = async (one: Check) => await runCheck(one, host, session, totals);
	const selectChecks = (checks: Check[]) =>
		checks.filter(({ name }) => name.includes(session.only));
	const slow = selectChecks(plan.slow).map(check);
	for (const one of selectChecks(plan.quick)) await check(one);
	await Promise.all(slow);
	for (const one of selectChecks(plan.last)) await check(one);
}

/** Runs one check and prints its result; throws only if n8n itself has ended. */
export async function runCheck(
	check: Check,
	host: Host,
	{ log }: Pick<Session, 'log'>,
	totals: Omit<Totals, 'rows'>,
): Promise<void> {
	const { name, skipped } = check;
	if (skipped !== undefined) {
		totals.skipped++;
		return log(`  – ${name} is skipped: ${skipped}`);
	}
	const started = Date.now();
	const seconds = () => `${((Date.now() - started) / 1000).toFixed(1)} s`;
	try {
		await check.run(host);
		totals.passed++;
		log(`  ✓ ${name} (${seconds()})`);
	} catch (error) {
		totals.failed++;
		log(`  ✗ ${name} (${seconds()})\n      ${indent((error as Error).message)}`);
		if (host.server.hasEnded())
			throw new Error(`n8n has ended:\n${await host.server.readLastLines()}`);
	}
}

const indent = (text: string) => text.trim().replaceAll('\n', '\n      ');
