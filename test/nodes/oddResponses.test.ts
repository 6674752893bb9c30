import type { ApiResponse } from '../emulator';
import { inOtherWords, isGood, pathsIn, type GoodResponse } from '../support/goodResponses';
import { imagesIn, imagesOf, NODE, openLab, prompts, type Lab } from '../support/lab';
import { drawSmall, LANES, making, type LaneName } from '../support/lanes';
import fc from '../support/properties';
import type { Lane } from '../support/providers';

/** What nobody needs of the responses costs no image, in n8n's engine. Every form of them: `goodResponses.property`. */

let lab: Lab;

beforeAll(async () => {
	lab = await openLab();
});

beforeEach(() => drawSmall(lab));

afterEach(() => {
	const { unexpected, leaks } = lab.emulator.ledger;
	expect({ unexpected, leaks }).toEqual({ unexpected: [], leaks: [] });
	lab.emulator.reset();
});

afterAll(async () => await lab.close());

const ITEMS = 8;
const lanes = Object.entries<Lane>(LANES).map(([name, { responses }]) => {
	// the emulator's streams are no bodies that a rule could change
	const usual = Object.values(responses)[0]!.filter(({ event }) => event === undefined);
	return [name as LaneName, usual] as const;
});

/** Hands each good response of these to `change`, and sends what that returns. */
function changeGood(
	responses: readonly GoodResponse[],
	change: (response: ApiResponse, good: GoodResponse) => unknown,
): void {
	for (const good of responses) {
		const mutate = (response: ApiResponse) =>
			isGood(response.body, good) ? { ...response, body: change(response, good) } : response;
		lab.emulator.rule({ route: good.route }, { mutate });
	}
}

const holdsNull = (value: unknown): boolean =>
	value === null ||
	(typeof value === 'object' && Object.values(value).some((field) => holdsNull(field)));

test.each(lanes)('(%s)', async (lane, responses) => {
	let seed = Number(process.env.FC_SEED ?? 2026);
	let changed = 0;
	changeGood(responses, ({ body }, good) => {
		changed++;
		return fc.sample(inOtherWords({ ...good, body: body as GoodResponse['body'] }), {
			seed: seed++,
			numRuns: 1,
		})[0];
	});
	const run = await lab.run(making(lane), { items: prompts(ITEMS) });

	expect(changed).toBeGreaterThanOrEqual(ITEMS * responses.length);
	expect(run.error).toBeUndefined();
	expect(lab.emulator.ledger.submissions).toHaveLength(ITEMS);
	expect(await imagesIn(lab, run)).toEqual(await imagesOf(lab, prompts(ITEMS)));
	expect(run.items(NODE).filter(({ json }) => holdsNull(json))).toEqual([]);
});

test.each(lanes)(
	'the responses that the tests declare have the fields of the emulator (%s)',
	async (lane, responses) => {
		const seen: Record<string, string[]> = {};
		changeGood(responses, ({ body }, { route }) => {
			seen[route] = pathsIn(body).sort();
			return body;
		});
		await lab.run(making(lane), { items: prompts(1) });

		expect(seen).toEqual(
			Object.fromEntries(responses.map(({ route, body }) => [route, pathsIn(body).sort()])),
		);
	},
);
