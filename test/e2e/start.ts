import { parseArgs } from 'node:util';
import { openHost, type Host } from './host';
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
}

function formatGuide(
	{ url, emulator, examples, folder, n8n, server }: Host,
	signIn: string,
): string {
	const width = Math.max(...examples.map(({ name }) => name.length));
	const workflows = examples.map(({ name, id, isPublished }) => {
		const note = isPublished ? '   (listens to its webhook)' : '';
		return `  ${name.padEnd(width)}   ${signIn}/workflow/${id}${note}`;
	});
	return `
Open ${signIn}
It signs you in and leads to ${url} (${OWNER.email}, ${OWNER.password}).

Example workflows, with credentials for the emulator
${workflows.join('\n')}

n8n            ${n8n.release.version} on Node.js ${n8n.node.version}, with this package from its tarball
Log            ${server.logFile}
Emulator       ${emulator.urls.task}, ledger at ${emulator.urls.task}/_emulator/ledger
Sample images  ${emulator.urls.results}/references/mountains.png
Everything is thrown away at the end (${folder}).
Ctrl+C stops it.`;
}

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
