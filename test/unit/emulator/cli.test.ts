import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createInterface } from 'node:readline';
import { join } from 'node:path';
import { closeAfterTest, emulator, send, useEmulator } from './support';

useEmulator();

describe('the command line', () => {
	it('prints every base URL and key, and closes on SIGTERM', async () => {
		const cli = join(__dirname, '../../emulator/cli.ts');
		const child = spawn(
			process.execPath,
			['--import', 'tsx', cli, '--port', '0', '--results-port', '0'],
			{ stdio: ['ignore', 'pipe', 'inherit'] },
		);
		closeAfterTest({ close: async () => void child.kill('SIGKILL') });
		const lines: string[] = [];
		for await (const line of createInterface(child.stdout)) {
			lines.push(line);
			if (line.startsWith('Ctrl+C')) break;
		}
		const ledger = lines.find((line) => line.startsWith('Ledger'))?.split(/\s+/)[1] ?? '';
		expect((await send(ledger)).body).toMatchObject({ submissions: [] });
		expect(lines.join('\n')).toContain(emulator.keys.cloudflareToken);
		child.kill('SIGTERM');
		expect(await once(child, 'exit')).toEqual([0, null]);
	});
});
