import { execFile } from 'node:child_process';
import path from 'node:path';
import { promisify } from 'node:util';
import type { Benchmark } from '../benchmark';
import { median, round } from '../statistics';

/** How long Node.js takes to load all nodes and credentials after n8n-workflow. */

const PROGRAM = path.join(__dirname, '../processes/loading.cjs');

const run = promisify(execFile);

export const load: Benchmark<{ ms: number }> = {
	async measure({ sizes, log }) {
		const { runs } = sizes.load;
		log(`load: ${runs} times`);
		const durationsMs: number[] = [];
		for (let n = 0; n < runs; n++) {
			durationsMs.push(Number((await run(process.execPath, [PROGRAM])).stdout));
		}
		return { ms: round(median(durationsMs)) };
	},

	rows: ({ ms }) => [
		{
			figure: 'loading',
			value: `${ms} ms`,
			meaning: "what the package adds to n8n's start",
		},
	],
};
