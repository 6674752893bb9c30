import { parseArgs } from 'node:util';
import { startEmulator, type Emulator, type ProviderName } from '.';
import { PROVIDERS } from './registry';

const USAGE = `The providers' APIs on this computer, without keys or costs.

  tsx test/emulator/cli.ts [options]

  --port N           the APIs (8787)
  --results-port N   result images (8788)
  --polling-port N   where a polling_url leads (8789)
  --seconds N        how long each image takes (2)
  --envelope FORM    form of Cloudflare's catalogue responses: bare (default) or wrapped
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
	console.log(describe(emulator));
	const close = () => void emulator.close();
	process.once('SIGINT', close);
	process.once('SIGTERM', close);
}

function describe({ urls }: Emulator): string {
	const providers = Object.entries(PROVIDERS).map(([name, { label, credential }]) =>
		[label, ...toLines({ 'Base URL': urls[name as ProviderName], ...credential }, '  ')].join('\n'),
	);
	const rest = toLines({ Images: urls.results, Ledger: `${urls.task}/_emulator/ledger` });
	return [...providers, ...rest, 'Ctrl+C stops it.'].join('\n');
}

const toLines = (facts: Record<string, string>, indent = '') =>
	Object.entries(facts).map(([name, value]) => `${(indent + name).padEnd(13)} ${value}`);

main().catch((error: unknown) => {
	console.error((error as Error).message);
	process.exitCode = 1;
});
