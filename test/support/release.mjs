import { readFileSync } from 'node:fs';

/*
 * Ends with an error unless the tag given is the version in package.json and the changelog has a
 * dated section for it. Run in the package's folder:
 *
 *   node test/support/release.mjs 1.2.3
 */

const [, , tag = ''] = process.argv;
const { version } = JSON.parse(readFileSync('package.json', 'utf8'));
const headings = readFileSync('CHANGELOG.md', 'utf8').match(/^## .*$/gm) ?? [];

const problems = [];
if (tag !== version) problems.push(`The tag is "${tag}", and package.json says "${version}"`);
const [heading] = headings.filter((line) => line.startsWith(`## [${version}]`));
if (!heading) problems.push(`CHANGELOG.md has no section "## [${version}] - date"`);
else if (!/ - \d{4}-\d{2}-\d{2}$/.test(heading))
	problems.push(`CHANGELOG.md gives no date: "${heading}"`);

for (const problem of problems) console.error(problem);
process.exitCode = problems.length > 0 ? 1 : 0;
