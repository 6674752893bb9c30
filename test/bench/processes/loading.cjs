/* Prints how many milliseconds the package takes to load after n8n-workflow, which n8n loads anyway. */
const path = require('node:path');
const { performance } = require('node:perf_hooks');
require('n8n-workflow');

const root = path.resolve(__dirname, '../../..');
const { credentials, nodes } = require(path.join(root, 'package.json')).n8n;

const started = performance.now();
for (const file of [...credentials, ...nodes]) require(path.join(root, file));
process.stdout.write(String(performance.now() - started));
