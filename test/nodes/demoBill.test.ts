import { compareBill, refusePricing, toEstimates, type Bill } from '../demo/bill';
import { countImages, findLanes, readWorkflow, withReferenceBase } from '../demo/lanes';
import { findTasks } from '../demo/results';
import { openLab, type Lab } from '../support/lab';
import { drawSmall } from '../support/lanes';
import { standIns } from '../support/standIns';

/** The demo's workflow, asked what its images will cost, and then run: the emulator's bill must be the same. */

let lab: Lab;
let bill: Bill;

const workflow = readWorkflow();
const lanes = findLanes(workflow);
const requests = lanes.flatMap((lane) => lane.requests);
const named = (name: string) => requests.find((request) => request.name === name)!;
const tasksOf = (name: string) => findTasks(lab.emulator.ledger, named(name));

beforeAll(async () => {
	lab = await openLab({ nodeTypes: standIns });
	drawSmall(lab);
	refusePricing(lab.emulator);
	const { engine, emulator } = lab;
	const local = withReferenceBase(workflow, `${emulator.urls.results}/references`);
	const estimates = await engine.run(toEstimates(local));
	expect(emulator.ledger.tasks).toEqual([]);
	await engine.run(local);
	bill = compareBill(lanes, estimates, emulator.ledger);
});

afterAll(async () => await lab.close());

test('the sum of the exact estimates is what the emulator has charged for these images', () => {
	expect(bill).toMatchObject({ estimated: bill.charged, problems: [] });
	expect(bill.requests).toBeGreaterThanOrEqual(8);
	expect(bill.charged).toBeGreaterThan(0.3);
});

test('a bill that differs from an exact estimate is a problem', () => {
	const { ledger } = lab.emulator;
	const estimate = { amount: 0.02, currency: 'USD', exact: true };
	const items = () => [{ json: { estimate }, pairedItem: { item: 0 } }];
	const lane = { node: 'One', type: 'any', requests: [named('lavender-hills')] };

	expect(compareBill([lane], { items, runData: {} }, ledger).problems).toEqual([
		'lavender-hills: $0.020 was the exact estimate, $0.030 was charged',
	]);
	expect(compareBill([lane], { items: () => [], runData: {} }, ledger).problems).toEqual([
		'lavender-hills, estimate: no estimate came out',
	]);
});

test('every image that the demo asks for was made', () => {
	const { tasks } = lab.emulator.ledger;
	expect(tasks).toHaveLength(requests.reduce((sum, request) => sum + countImages(request), 0));
});

test('four images of one prompt have a seed each', () => {
	expect(tasksOf('lacquer-balls').map(({ seed }) => seed)).toEqual([22, 23, 24, 25]);
});

test('an edit asks for the size of its reference image', () => {
	expect(tasksOf('travel-poster')).toMatchObject([{ width: 64, height: 64 }]);
	const { submissions } = lab.emulator.ledger;
	const { body } = submissions.find(({ taskId }) => taskId === tasksOf('travel-poster')[0]!.id)!;
	expect(body).toMatchObject({ width: 512, height: 512 });
});

test('a row of a table becomes a structured prompt', () => {
	const [task] = tasksOf('tumbler-ad');
	expect(JSON.parse(task!.prompt)).toMatchObject({
		text: [{ content: 'NORDWIND', color: '#0B3D2E' }],
		color_palette: ['#0B3D2E (deep green) for the matte ceramic coffee tumbler with an amber lid'],
	});
});
