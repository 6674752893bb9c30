import { spawnSync } from 'node:child_process';

/** What compiles n8n's SQLite where no binary of it can be downloaded. */
const TOOLS = { python3: 'Python', make: 'make', 'c++': 'a C++ compiler' };

const INSTALL_COMMAND =
	process.platform === 'darwin'
		? 'xcode-select --install'
		: 'sudo apt-get install --yes python3 make g++';

/** Explains why n8n's SQLite is not there; undefined where the reason is another one. */
export function missingToolsError({ message }: Error): Error | undefined {
	const missing = Object.entries(TOOLS)
		.filter(([program]) => spawnSync(program, ['--version']).status !== 0)
		.map(([, name]) => name);
	if (missing.length === 0 || !/sqlite3|node-gyp/.test(message)) return undefined;
	const list = new Intl.ListFormat('en').format(missing);
	return new Error(
		`n8n's SQLite must be compiled here, and this computer lacks ${list}: run "${INSTALL_COMMAND}" and start again.`,
	);
}
