import { deepEqual } from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { openHost, type Host } from '../host';
import { Cleanup } from '../host/cleanup';
import type { Check } from './check';
import { Claims } from './claims';
import { commandLineCheck } from './commandLine';
import { credentialChecks } from './credentials';
import { runExample, type Row } from './examples';
import { moneyChecks } from './money';
import { stopChecks } from './stop';

export interface Session {
	version: string;
	binaryMode: 'filesystem' | 'database';
	/** Only checks whose name contains this. */
	only: string;
	say: (line: string) => void;
}

export interface Tally {
	passed: number;
	failed: number;
	skipped: number;
	rows: Row[];
}

/** Where examples wait for more than a minute, as n8n takes them off its memory only then. */
const WAIT = 'n8n-nodes-base.wait';

/** One n8n from its start to its end, and every check in it. */
export async function runSession(session: Session, outer: Cleanup): Promise<Tally> {
	const cleanup = new Cleanup();
	await outer.add(async () => await cleanup.run());
	const tally: Tally = { passed: 0, failed: 0, skipped: 0, rows: [] };
	try {
		const host = await openHost(
			{
				version: session.version,
				environment: { N8N_DEFAULT_BINARY_DATA_MODE: session.binaryMode },
				emulator: { seconds: 0.5, webhookUnitMs: 100 },
				say: session.say,
			},
			cleanup,
		);
		await runChecks(checksOf(host, session, tally), host, session, tally);
	} finally {
		await cleanup.run();
	}
	return tally;
}

interface Plan {
	/** Started first and looked at last. */
	slow: Check[];
	/** One after the other. */
	quick: Check[];
	last: Check[];
}

function checksOf(host: Host, { binaryMode }: Session, { rows }: Tally): Plan {
	const claims = new Claims(host.emulator.ledger);
	const isSlow = ({ nodes }: Host['examples'][number]) => nodes.some(({ type }) => type === WAIT);
	const asCheck = (example: Host['examples'][number]): Check => ({
		name: `example ${example.slug}`,
		skipped: needsProgram(example),
		run: async () => void rows.push(...(await runExample(host, example, claims))),
	});
	const quick = host.examples.filter((example) => !isSlow(example)).map(asCheck);
	const settled: Check = {
		name: 'no example has paid for a picture that it does not show',
		run: async () => claims.settle(),
	};
	if (binaryMode === 'database') return { slow: [], quick: [...quick, settled], last: [clean] };
	return {
		slow: host.examples.filter(isSlow).map(asCheck),
		quick,
		last: [settled, commandLineCheck, ...credentialChecks, ...moneyChecks, ...stopChecks, clean],
	};
}

/** n8n's Docker image brings this program along, its npm package does not. */
function needsProgram({ nodes }: Host['examples'][number]): string | undefined {
	if (!nodes.some(({ type }) => type === 'n8n-nodes-base.editImage') || isInstalled('gm')) return;
	return "n8n's Edit Image needs GraphicsMagick, and there is no gm on the PATH";
}

const isInstalled = (program: string) => spawnSync(program, ['version']).status === 0;

const clean: Check = {
	name: 'no key has left its service, and nothing undocumented was called',
	async run({ emulator }) {
		const { unexpected, leaks } = emulator.ledger;
		deepEqual({ unexpected, leaks }, { unexpected: [], leaks: [] });
	},
};

async function runChecks(plan: Plan, host: Host, session: Session, tally: Tally): Promise<void> {
	const check = async (one: Check) => await runCheck(one, host, session, tally);
	const wanted = (checks: Check[]) => checks.filter(({ name }) => name.includes(session.only));
	const slow = wanted(plan.slow).map(check);
	for (const one of wanted(plan.quick)) await check(one);
	await Promise.all(slow);
	for (const one of wanted(plan.last)) await check(one);
}

/** Runs one check and says how it went; throws only when n8n itself has ended. */
export async function runCheck(
	check: Check,
	host: Host,
	{ say }: Pick<Session, 'say'>,
	tally: Omit<Tally, 'rows'>,
): Promise<void> {
	const { name, skipped } = check;
	if (skipped !== undefined) {
		tally.skipped++;
		return say(`  – ${name} is skipped: ${skipped}`);
	}
	const started = Date.now();
	const seconds = () => `${((Date.now() - started) / 1000).toFixed(1)} s`;
	try {
		await check.run(host);
		tally.passed++;
		say(`  ✓ ${name} (${seconds()})`);
	} catch (error) {
		tally.failed++;
		say(`  ✗ ${name} (${seconds()})\n      ${indented((error as Error).message)}`);
		if (host.server.hasEnded()) throw new Error(`n8n has ended:\n${await host.server.lastWords()}`);
	}
}

const indented = (text: string) => text.trim().replaceAll('\n', '\n      ');
