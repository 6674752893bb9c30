import { QUICK, type Lab, type NodeUnderTest } from './lab';
import { placed } from './placed';
import { LANES, type LaneName } from './providers';

export { LANES, type LaneName };

/** Generates an image for each item's own prompt, twenty at once. */
export const making = (
	lane: LaneName,
	settings: NodeUnderTest['settings'] = {},
	options: object = {},
): NodeUnderTest => ({
	type: LANES[lane].type,
	parameters: {
		...LANES[lane].parameters,
		prompt: '={{ $json.prompt }}',
		...placed(LANES[lane].type, {
			...LANES[lane].options,
			maxConcurrent: 20,
			...QUICK,
			...options,
		}),
	},
	settings,
});

/** Whatever is asked for, the images are small: drawing them takes time. */
export function drawSmall({ emulator }: Lab): void {
	const routes = new Set(Object.values(LANES).map(({ submit }) => submit));
	for (const route of routes) emulator.rule({ route }, { as: { width: 64, height: 64 } });
}
