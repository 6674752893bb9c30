/** A version of n8n that can be installed here, and its requirements. */
export interface N8nVersion {
	version: string;
	/** The minimum version of Node.js. */
	node: readonly [major: number, minor: number];
	/** Dependencies that are installed in another version than n8n requires. */
	overrides: Readonly<Record<string, string>>;
	/** Environment that only this version needs. */
	environment: Readonly<Record<string, string>>;
}

export const NEWEST = '2.41.1';

/** The versions of end-to-end runs without `--n8n-version`. */
export const TESTED: readonly string[] = [NEWEST, '2.8.4'];

/** n8n 2 has run on this major version of Node.js from the beginning. */
export const NODE_FOR_ALL = { major: 24, version: '24.21.0' } as const;

/** By n8n's minor version: the last row whose `from` is not above it counts. */
const NODE_REQUIREMENTS = [
	{ from: 0, node: [20, 19] },
	{ from: 10, node: [22, 16] },
	{ from: 23, node: [22, 22] },
	{ from: 36, node: [24, 0] },
] as const;

/** The npm registry lacks some of the versions that n8n requires. */
const PROFILES = [
	{
		from: 0,
		overrides: {
			'@langchain/langgraph': '1.0.2',
			'@langchain/langgraph-checkpoint': '1.0.0',
			'@langchain/langgraph-sdk': '1.0.3',
			'@langchain/protocol': '0.0.19',
			linkedom: '0.18.12',
			xlsx: 'npm:@e965/xlsx@0.20.3',
		},
		environment: {},
	},
	{
		from: 36,
		overrides: {
			'@langchain/langgraph': '1.4.18',
			'@langchain/langgraph-checkpoint': '1.1.5',
			'@langchain/langgraph-sdk': '1.12.4',
			'@langchain/protocol': '0.0.19',
			linkedom: '0.18.12',
		},
		// it would call a registry on the internet
		environment: { N8N_DISABLED_MODULES: 'mcp-registry' },
	},
] as const;

export function toN8nVersion(version: string): N8nVersion {
	const minor = /^2\.(\d+)\.\d+$/.exec(version)?.[1];
	if (minor === undefined) throw new Error(`n8n ${version}: only 2.x.y is supported`);
	const { overrides, environment } = findLastUpTo(PROFILES, Number(minor));
	return {
		version,
		node: findLastUpTo(NODE_REQUIREMENTS, Number(minor)).node,
		overrides,
		environment,
	};
}

function findLastUpTo<Row extends { from: number }>(rows: readonly Row[], minor: number): Row {
	return rows.filter(({ from }) => from <= minor).at(-1) as Row;
}
