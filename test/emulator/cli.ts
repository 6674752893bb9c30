import { parseArgs } from 'node:util';
import { startEmulator } from '.';

const USAGE = `The providers' APIs on this computer, without keys or costs.

  tsx test/emulator/cli.ts [options]

  --port N           the APIs (8787)
  --results-port N   result pictures (8788)
  --polling-port N   where BFL tells about its tasks (8789)
  --seconds N        how long each picture takes (2)
  --envelope WORD    form of Cloudflare's catalogue answers: bare (default) or wrapped
`;

async function main(): Promise<void> {
	const { values } = parseArgs({
		options: {
			port: { type: 'string', default: '8787' },
			'results-port': { type: 'string', default: '8788' },
			'polling-port': { type: 'string', default: '8789' },
			seconds: { type: 'string', default: '2' },
			envelope: { type: 'string', default: 'bare' },
			help: { type: 'boolean', default: false },
		},
	});
	if (values.help) {
		console.log(USAGE);
		return;
	}
	const emulator = await startEmulator({
		port: Number(values.port),
		resultsPort: Number(values['results-port']),
		pollingPort: Number(values['polling-port']),
		seconds: Number(values.seconds),
		envelope: values.envelope === 'wrapped' ? 'wrapped' : 'bare',
	});
	const { urls, keys } = emulator;
	console.log(`Cloudflare
  Base URL    ${urls.cloudflare}
  Account ID  ${keys.accountId}
  API Token   ${keys.cloudflareToken}
Task API and its queue
  Base URL    ${urls.task}
  API Key     ${keys.taskKey}
Oxen.ai
  Base URL    ${urls.oxen}
  API Key     ${keys.oxenKey}
Black Forest Labs (Region: Custom)
  Base URL    ${urls.bfl}
  API Key     ${keys.bflKey}
Pictures      ${urls.results}
Ledger        ${urls.task}/_emulator/ledger
Ctrl+C stops it.`);
	const stop = () => void emulator.close();
	process.once('SIGINT', stop);
	process.once('SIGTERM', stop);
}

main().catch((error: unknown) => {
	console.error((error as Error).message);
	process.exitCode = 1;
});
