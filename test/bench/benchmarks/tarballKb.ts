import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Benchmark } from '../benchmark';
import { round } from '../statistics';

/** What a user downloads, in units of 1000 bytes, as npm counts. */

const REPOSITORY = path.resolve(__dirname, '../../..');

const run = promisify(execFile);

export const tarballKb: Benchmark<number> = {
	async measure({ log }) {
		log('the size of the package');
		const { stdout } = await run('npm', ['pack', '--dry-run', '--json', '--ignore-scripts'], {
			cwd: REPOSITORY,
			shell: process.platform === 'win32',
		});
		const [packed] = JSON.parse(stdout) as [{ size: number }];
		return round(packed.size / 1000);
	},

	rows: (kb) => [{ figure: 'package', value: `${kb} kB`, meaning: 'what n8n downloads' }],
};
