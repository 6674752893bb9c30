import { statSync } from 'node:fs';
import path from 'node:path';
import { Stryker } from '@stryker-mutator/core';

/*
 * Changes the code of a folder or a file in many small ways, and names each change that the unit
 * tests of its folder do not notice. The code must be built. By hand, since it takes minutes:
 *
 *   npm run mutate -- nodes/shared/tasks
 */

const targets = process.argv.slice(2).map((target) => path.relative('.', target));
if (targets.length === 0) throw new Error('Name a folder or a file below nodes/');

const isFolder = (target) => statSync(target).isDirectory();
const sourcesOf = (target) => (isFolder(target) ? `${target}/**/*.ts` : target);

/** The tests of nodes/shared/tasks are in test/unit/tasks. */
function testsOf(target) {
	const folder = isFolder(target) ? target : path.dirname(target);
	return `${folder.replace(/^nodes\/(shared\/)?/, '<rootDir>/test/unit/')}/**/*.test.ts`;
}

const mutants = await new Stryker({
	// the build bundles vendor.ts, and tests never load its source
	mutate: [...targets.map(sourcesOf), '!nodes/shared/core/vendor.ts'],
	testRunner: 'jest',
	jest: { config: { testMatch: targets.map(testsOf) } },
	coverageAnalysis: 'perTest',
	// what runs only while a file is loaded would need every test again, for each change
	ignoreStatic: true,
	concurrency: 1,
	reporters: ['clear-text', 'progress-append-only'],
	tempDirName: '.cache/mutate',
	cleanTempDir: 'always',
	ignorePatterns: ['.cache', 'coverage', 'demo-output', 'test/e2e'],
}).runMutationTest();
if (mutants.length === 0) throw new Error(`Nothing to change in ${targets.join(' ')}`);
