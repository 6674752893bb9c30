import { QUICK, type Lab, type NodeUnderTest } from './lab';
import { placed } from './placed';
import { LANES, type Lane, type LaneName } from './providers';

export { LANES, type LaneName };

/** The names of the lanes that the test needs; of all of them when left out. */
export const laneNames = (isWanted: (lane: Lane) => boolean = () => true): LaneName[] =>
	(Object.entries(LANES) as Array<[LaneName, Lane]>).flatMap(([name, lane]) =>
		isWanted(lane) ? [name] : [],
	);

/** The first of these lanes of each provider, for what does not depend on the lane and takes long. */
export const firstOfEachProvider = (names: readonly LaneName[]): LaneName[] =>
	names.filter((name) => name === names.find((other) => LANES[other].type === LANES[name].type));

export const acceptedStatusOf = (name: LaneName): number => LANES[name].acceptedStatus ?? 200;

export const hasTasks = (lane: Lane): boolean => lane.hasTasks;

/** Whose tasks are polled, and nothing else says how they are. */
export const isPolled = (lane: Lane): boolean => lane.hasTasks && !lane.hasEvents;

export const isDownloaded = (lane: Lane): boolean => !lane.isInline;

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
