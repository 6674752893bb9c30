import { parseArgs } from 'node:util';
import { openHost, type Host } from './host';
import { cacheFolder } from './host/cache';
import type { Cleanup } from './host/cleanup';
import { runProgram } from './host/program';
import { OWNER } from './host/rest';
import { startSignIn } from './host/signIn';
import { NEWEST } from './host/versions';

const USAGE = `A real n8n with this package, and the services' emulator behind it: no keys, no costs.

  npm run n8n -- [options]

  --n8n-version V   which n8n (${NEWEST})
  --port N          where the editor listens (5678)
  --seconds N       how long each image takes (2)
`;

async function main(cleanup: Cleanup, signal: AbortSignal): Promise<void> {
	const { values } = parseArgs({
		options: {
			'n8n-version': { type: 'string', default: NEWEST },
			port: { type: 'string', default: '5678' },
			seconds: { type: 'string', default: '2' },
			help: { type: 'boolean', default: false },
		},
	});
	if (values.help) {
		console.log(USAGE);
		return;
	}
	console.log(`Starting n8n ${values['n8n-version']} …`);
	const host = await openHost(
		{
			version: values['n8n-version'],
			port: Number(values.port),
			emulator: { seconds: Number(values.seconds) },
			log: (line) => console.log(line),
		},
		cleanup,
	);
	const signIn = await startSignIn(host.url, host.rest.cookie);
	await cleanup.add(async () => await signIn.close());
	console.log(formatGuide(host, signIn.url));
	await waitForExit(host, signal);
	console.log(formatFarewell(host));
}

const RULE = '─'.repeat(72);

/** What people need first stands last: that is where they look. */
function formatGuide({ url, emulator, examples, n8n, server }: Host, signIn: string): string {
	const width = Math.max(...examples.map(({ name }) => name.length));
	const workflows = examples.map(({ name, id, isPublished }) => {
		const note = isPublished ? '   (published)' : '';
		return `  ${name.padEnd(width)}   ${signIn}/workflow/${id}${note}`;
	});
	return `
Example workflows, with credentials for the emulator
${workflows.join('\n')}

n8n            ${n8n.release.version} on Node.js ${n8n.node.version}, with this package from its tarball
Log            ${server.logFile}
Emulator       ${emulator.urls.task}, ledger at ${emulator.urls.task}/_emulator/ledger
Sample images  ${emulator.urls.results}/references/mountains.png

${RULE}
  Open ${signIn}

  It signs you in at ${url} (${OWNER.email}, ${OWNER.password}).
  Ctrl+C ends it.
${RULE}`;
}

const formatFarewell = ({ folder }: Host) => `
Ending n8n and the emulator, and removing their workflows and images (${folder}).
n8n stays installed in ${cacheFolder()}.`;

async function waitForExit({ server }: Host, signal: AbortSignal): Promise<void> {
	await new Promise<void>((resolve) => {
		signal.addEventListener('abort', () => resolve(), { once: true });
		void server.ended.then(() => resolve());
		if (signal.aborted) resolve();
	});
	if (!signal.aborted)
		throw new Error(`n8n has ended. Its last output:\n${await server.readLastLines()}`);
}

void runProgram(main);
