import { drawReference } from '../emulator/images';
import {
	generating,
	checkpointsOf,
	NODE,
	openLab,
	imagesIn,
	imagesOf,
	prompts,
	ROUTES,
	type Lab,
	type Route,
} from '../support/lab';

/** Images in and out where n8n keeps them in memory: binary data has no id there. */

const everyRoute = Object.keys(ROUTES) as Route[];
const CONTINUE = { onError: 'continueRegularOutput' } as const;

let lab: Lab;

beforeAll(async () => {
	lab = await openLab({ binaryMode: 'memory' });
});

afterEach(() => {
	const { unexpected, leaks } = lab.emulator.ledger;
	expect({ unexpected, leaks }).toEqual({ unexpected: [], leaks: [] });
	lab.emulator.reset();
});

afterAll(async () => await lab.close());

test.each(everyRoute)('images come out byte for byte (%s)', async (route) => {
	const run = await lab.run(generating(route), { items: prompts(3) });

	expect(run.items(NODE)[0]?.binary?.data?.id).toBeUndefined();
	expect(await imagesIn(lab, run)).toEqual(await imagesOf(lab, prompts(3)));
	expect(checkpointsOf(run)).toEqual({});
});

test('an image that did not arrive whole is fetched again', async () => {
	lab.emulator.rule({ route: 'download', prompt: 'item 1', times: 1 }, { image: 'truncated' });
	lab.emulator.rule({ route: 'download', prompt: 'item 2', times: 1 }, { reset: 'midBody' });
	const run = await lab.run(generating('task'), { items: prompts(2) });

	expect(await imagesIn(lab, run)).toEqual(await imagesOf(lab, prompts(2)));
	expect(lab.emulator.ledger.downloads).toHaveLength(4);
});

test('reference images arrive byte for byte', async () => {
	const a = await drawReference('a', 300, 200, 'png');
	const b = await drawReference('b', 64, 64, 'webp');
	const binary = {
		a: await lab.engine.store(a.bytes, a.mimeType, 'a.png'),
		b: await lab.engine.store(b.bytes, b.mimeType, 'b.webp'),
	};
	const node = generating('queue');
	node.parameters.referenceImages = { image: [{ source: 'binary', binaryPropertyName: 'b,a' }] };
	const run = await lab.run(node, { items: [{ json: { prompt: 'item 1' }, binary }] });

	expect(run.status).toBe('success');
	expect(lab.emulator.ledger.submissions[0]?.body).toMatchObject({
		input_image: b.bytes.toString('base64'),
		input_image_2: a.bytes.toString('base64'),
	});
});

test.each(everyRoute)(
	'images of items that ended well are there again when n8n runs the node once more (%s)',
	async (route) => {
		const { submit } = ROUTES[route];
		const refusal = { status: 400, body: { error: 'no' } };
		lab.emulator.rule({ route: submit, prompt: 'item 1', times: 1 }, refusal);
		const settings = { ...CONTINUE, retryOnFail: true, maxTries: 2, waitBetweenTries: 1 };
		const run = await lab.run(generating(route, settings), { items: prompts(3) });

		expect(lab.emulator.ledger.tasks).toHaveLength(3);
		expect(await imagesIn(lab, run)).toEqual(await imagesOf(lab, prompts(3)));
		expect(checkpointsOf(run)).toEqual({});
	},
);

test("images of items that ended well are there again after the editor's Retry execution", async () => {
	const refusal = { status: 400, body: { error: 'no' } };
	lab.emulator.rule({ route: 'task.submit', prompt: 'item 2', times: 1 }, refusal);
	const node = generating('task', {}, { maxConcurrent: 1 });
	const failed = await lab.run(node, { items: prompts(3) });
	expect(failed.status).toBe('error');
	const run = await lab.retry(failed, node);

	expect(lab.emulator.ledger.tasks).toHaveLength(3);
	expect(await imagesIn(lab, run)).toEqual(await imagesOf(lab, prompts(3)));
});
