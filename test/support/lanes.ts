import type { RouteName } from '../emulator';
import { QUICK, ROUTES, type Lab, type NodeType, type NodeUnderTest } from './lab';

interface Lane {
	type: NodeType;
	submit: RouteName;
	parameters: object;
}

/** Every way on which this package makes a picture, at all four services. */
export const LANES = {
	...ROUTES,
	oxen: { type: 'flux2Oxen', submit: 'oxen.enqueue', parameters: { mode: 'queue' } },
	events: { type: 'flux2Oxen', submit: 'oxen.enqueue', parameters: { mode: 'events' } },
	sync: { type: 'flux2Oxen', submit: 'oxen.sync', parameters: { mode: 'sync' } },
	bfl: { type: 'flux2Bfl', submit: 'bfl.submit', parameters: {} },
} as const satisfies Record<string, Lane>;

export type LaneName = keyof typeof LANES;

/** Makes a picture for each item's own prompt, twenty at once. */
export const making = (
	lane: LaneName,
	settings: NodeUnderTest['settings'] = {},
	options: object = {},
): NodeUnderTest => ({
	type: LANES[lane].type,
	parameters: {
		...LANES[lane].parameters,
		prompt: '={{ $json.prompt }}',
		options: { maxConcurrent: 20, ...QUICK, ...options },
	},
	settings,
});

/** Whatever is asked for, the pictures are small: drawing them takes time. */
export function drawSmall({ emulator }: Lab): void {
	const routes = new Set(Object.values(LANES).map(({ submit }) => submit));
	for (const route of routes) emulator.rule({ route }, { as: { width: 64, height: 64 } });
}
