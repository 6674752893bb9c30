import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Benchmark } from '../benchmark';
import { median, rounded } from '../statistics';

/** How long Node needs for all nodes and credentials, once n8n-workflow is there. */

const PROGRAM = path.join(__dirname, '../processes/loading.cjs');

const run = promisify(execFile);

export const load: Benchmark<{ ms: number }> = {
	async measure({ sizes, say }) {
		const { times } = sizes.load;
		say(`load: ${times} times`);
		const tookMs: number[] = [];
		for (let n = 0; n < times; n++) {
			tookMs.push(Number((await run(process.execPath, [PROGRAM])).stdout));
		}
		return { ms: rounded(median(tookMs)) };
	},

	rows: ({ ms }) => [
		{
			figure: 'loading',
			value: `${ms} ms`,
			meaning: "what the package adds to n8n's start",
		},
	],
};
