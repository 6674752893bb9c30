import { startListener, type Listener } from '../emulator';
import {
	generating,
	NODE,
	openLab,
	imagesIn,
	imagesOf,
	prompts,
	ROUTES,
	traffic,
	type Lab,
	type Route,
} from '../support/lab';

/** Promise 5: keys stay home. */

let lab: Lab;
/** A host of somebody else: `localhost` reaches it, and `127.0.0.1` too, which is the base URL's host. */
let stranger: Listener;

beforeAll(async () => {
	lab = await openLab();
});

beforeEach(async () => {
	stranger = await startListener();
});

afterEach(async () => {
	const { unexpected, leaks } = lab.emulator.ledger;
	expect({ unexpected, leaks }).toEqual({ unexpected: [], leaks: [] });
	lab.emulator.reset();
	await stranger.close();
});

afterAll(async () => await lab.close());

const everyRoute = Object.keys(ROUTES) as Route[];

/** The response with something else in its JSON. */
const responding = (change: (body: Record<string, never>) => object) => ({
	mutate: <A extends { body: unknown }>(response: A): A => ({
		...response,
		body: { ...(response.body as object), ...change(response.body as Record<string, never>) },
	}),
});

const secrets = () => [lab.emulator.keys.taskKey, lab.emulator.keys.cloudflareToken];

test('a status address on a foreign host is not followed: the task is asked for at home', async () => {
	lab.emulator.rule(
		{ route: 'queue.submit' },
		responding(() => ({ status_url: `${stranger.url}/model/v1/queue/x/requests/1/status` })),
	);
	const run = await lab.run(generating('queue'), { items: prompts(1) });

	expect(stranger.requests).toEqual([]);
	expect(await imagesIn(lab, run)).toEqual(await imagesOf(lab, prompts(1)));
});

test('a poll address on a foreign host in an item gets no key', async () => {
	const pollUrl = `${stranger.url}/model/v1/queue/flux_2_pro/requests/1/status`;
	const parameters = { resource: 'task', operation: 'get', dialect: 'queue' };
	const run = await lab.run(
		{ type: 'flux2Task', parameters },
		{ items: [{ json: { taskId: '1', pollUrl } }] },
	);

	expect(stranger.requests).toEqual([]);
	expect(traffic(lab)).toEqual([]);
	expect(run.error).toMatchObject({
		message: 'Poll URL: is no address of Task API that may see the key',
		context: { itemIndex: 0, kind: 'invalidInput' },
	});
});

test.each([
	['task', 'task.status', { output: [{ content: [{ url: 'FOREIGN' }] }] }],
	['queue', 'queue.response', { outputs: [{ url: 'FOREIGN' }] }],
	['catalogue', 'cloudflare.run', { result: { image: 'FOREIGN' } }],
] as const)(
	'an image on a foreign plain http host is not fetched (%s)',
	async (route, on, body) => {
		const url = `${stranger.url}/image.png`;
		const foreign = JSON.parse(JSON.stringify(body).replace('FOREIGN', url)) as object;
		const whenDone = ({ status }: Record<string, string>) =>
			status === undefined || status === 'completed' ? foreign : {};
		lab.emulator.rule({ route: on }, responding(whenDone));
		const run = await lab.run(generating(route), { items: prompts(1) });

		expect(stranger.requests).toEqual([]);
		expect(run.error?.message).toBe(
			`The address http://${new URL(stranger.url).host} was not opened, because it is not https`,
		);
	},
);

test.each([
	['file:///etc/passwd', 'file://'],
	['ftp://127.0.0.1/image.png', 'ftp://127.0.0.1'],
])('an image at %s is not opened', async (url, address) => {
	const output = [{ content: [{ url }] }];
	lab.emulator.rule(
		{ route: 'task.status' },
		responding(() => ({ status: 'completed', output })),
	);
	const run = await lab.run(generating('task'), { items: prompts(1) });

	expect(run.error?.message).toBe(`The address ${address} was not opened, because it is not https`);
	expect(traffic(lab)).toEqual(['submit', 'poll']);
});

describe('a redirect', () => {
	test.each(everyRoute)('of a submit is not followed, and not sent again (%s)', async (route) => {
		const { port } = new URL(stranger.url);
		for (const host of ['localhost', '127.0.0.1']) {
			lab.emulator.rule(
				{ route: ROUTES[route].submit, times: 1 },
				{ redirect: `http://${host}:${port}/`, status: 307 },
			);
			const run = await lab.run(generating(route), { items: prompts(1) });
			expect(run.error?.message).toContain('(HTTP 307)');
		}

		expect(stranger.requests).toEqual([]);
		expect(traffic(lab)).toEqual(['submit', 'submit']);
	});

	test.each([
		['task', 'task.status'],
		['queue', 'queue.status'],
		['queue', 'queue.response'],
	] as const)('of a poll is not followed (%s, %s)', async (route, on) => {
		lab.emulator.rule({ route: on }, { redirect: `${stranger.url}/` });
		const run = await lab.run(generating(route), { items: prompts(1) });

		expect(stranger.requests).toEqual([]);
		expect(run.error?.message).toContain('(HTTP 302)');
	});

	test('of an image to a foreign plain http host is not followed', async () => {
		lab.emulator.rule({ route: 'download' }, { redirect: `${stranger.url}/image.png` });
		const run = await lab.run(generating('task'), { items: prompts(1) });

		expect(stranger.requests).toEqual([]);
		expect(run.error?.message).toContain('was not opened, because it is not https');
	});

	test.each(['task', 'queue', 'catalogue'] as const)(
		'of an image carries no key, not even to the same host (%s)',
		async (route) => {
			const { port } = new URL(stranger.url);
			lab.emulator.rule(
				{ route: 'download', times: 1 },
				{ redirect: `http://127.0.0.1:${port}/image.png` },
			);
			const run = await lab.run(generating(route), { items: prompts(1) });

			expect(stranger.requests.map(({ path }) => path)).toEqual(['/image.png']);
			const [received] = stranger.requests;
			expect(Object.keys(received?.headers ?? {})).not.toContain('authorization');
			for (const secret of secrets()) expect(JSON.stringify(received)).not.toContain(secret);
			expect(await imagesIn(lab, run)).toEqual(await imagesOf(lab, prompts(1)));
		},
	);

	test('of an image to itself ends', async () => {
		const { ledger } = lab.emulator;
		const toItself = () => ({ location: ledger.tasks[0]?.url ?? '' });
		lab.emulator.rule(
			{ route: 'download' },
			{ mutate: (response) => ({ ...response, status: 302, headers: toItself() }) },
		);
		const run = await lab.run(generating('task'), { items: prompts(1) });

		expect(run.error?.message).toBe("The image's URL redirects more than 5 times");
		// six for each of the two times that the task was polled
		expect(ledger.downloads).toHaveLength(12);
	});
});

test.each(everyRoute)(
	'no message names the key, even when the response does (%s)',
	async (route) => {
		const { taskKey, cloudflareToken } = lab.emulator.keys;
		const key = ROUTES[route].type === 'flux2Task' ? taskKey : cloudflareToken;
		const detail = { message: `bad key ${key}` };
		const body = { error: detail, errors: [detail] };
		lab.emulator.rule({ route: ROUTES[route].submit }, { status: 400, body });
		const stopped = await lab.run(generating(route), { items: prompts(1) });
		const continuing = generating(route, { onError: 'continueRegularOutput' });
		const continued = await lab.run(continuing, { items: prompts(1) });

		expect(stopped.error?.message).toContain('bad key ***');
		expect(JSON.stringify(continued.items(NODE))).toContain('bad key ***');
		expect(JSON.stringify([stopped.raw, continued.raw])).not.toContain(key);
	},
);
