import { createReplicate } from '@ai-sdk/replicate';
import Replicate from 'replicate';
import { emulator, lastTask, sample, startOther, useEmulator } from './support';

/** Clients that nobody here wrote: Replicate's own pleases the emulator as it is, the AI SDK's sends what no model has. */

useEmulator();

afterEach(() => {
	const { unexpected, leaks } = emulator.ledger;
	expect({ unexpected, leaks }).toEqual({ unexpected: [], leaks: [] });
});

const PRO = 'black-forest-labs/flux-2-pro';
const KLEIN = 'black-forest-labs/flux-2-klein-4b';
const INPUT = { prompt: 'a red cube' };

const createClient = (auth = emulator.keys.replicateKey, at = emulator) =>
	new Replicate({ auth, baseUrl: at.urls.replicate, useFileOutput: false });

const paths = (method: string) =>
	emulator.ledger.requests.filter((one) => one.method === method).map(({ path }) => path);

describe("Replicate's own client", () => {
	it('creates, waits and reads the output', async () => {
		const client = createClient();
		const created = await client.predictions.create({ model: PRO, input: INPUT });
		const { status, output } = await client.wait(created, { interval: 5 });

		expect(created.status).toBe('starting');
		expect({ status, output }).toEqual({ status: 'succeeded', output: lastTask().url });
		expect(paths('POST')).toEqual([`/replicate/v1/models/${PRO}/predictions`]);
		expect(emulator.ledger.submissions[0]?.headers).not.toHaveProperty('prefer');
	});

	it('runs a model in a call that waits', async () => {
		const output = await createClient().run(KLEIN, {
			input: INPUT,
			wait: { mode: 'block', timeout: 5 },
		});

		expect(output).toEqual([lastTask().url]);
		expect(emulator.ledger.submissions[0]?.headers).toMatchObject({ prefer: 'wait=5' });
		expect(emulator.ledger.polls).toEqual([]);
	});

	it('takes the output of what still seems to run', async () => {
		const other = await startOther({ seconds: 0, replicateWaitedStatus: 'processing' });
		const output = await createClient(other.keys.replicateKey, other).run(PRO, { input: INPUT });
		expect(output).toBe(other.ledger.tasks[0]?.url);
	});

	it('polls where it does not wait', async () => {
		emulator.rule({ route: 'replicate.submit' }, { task: { polls: 2 } });
		const wait = { mode: 'poll', interval: 5 } as const;
		expect(await createClient().run(PRO, { input: INPUT, wait })).toBe(lastTask().url);
		expect(emulator.ledger.polls.length).toBeGreaterThan(2);
	});

	it('uploads a file before it names it', async () => {
		const bytes = await sample(300, 200);
		const input = { ...INPUT, images: [bytes], aspect_ratio: 'match_input_image' };
		await createClient().predictions.create({ model: KLEIN, input });

		expect(paths('POST')).toEqual([
			'/replicate/v1/files',
			`/replicate/v1/models/${KLEIN}/predictions`,
		]);
		expect(lastTask()).toMatchObject({ width: 1248, height: 832, cost: expect.any(Number) });
	});

	it('lists, shows and deletes its files', async () => {
		const { files } = createClient();
		const file = await files.create(await sample(30, 20));
		const { results } = await files.list();

		expect(results).toContainEqual(file);
		expect(await files.get(file.id)).toEqual(file);
		expect(await files.delete(file.id)).toBe(true);
	});

	it('cancels, and learns what has become of it', async () => {
		emulator.rule({ route: 'replicate.submit', times: 1 }, { task: { seconds: 60 } });
		const { predictions } = createClient();
		const running = await predictions.create({ model: PRO, input: INPUT });
		const ended = await predictions.create({ model: PRO, input: INPUT });

		expect((await predictions.cancel(running.id)).status).toBe('canceled');
		expect((await predictions.cancel(ended.id)).status).toBe('succeeded');
		expect((await predictions.get(running.id)).status).toBe('canceled');
	});

	it('lists page by page', async () => {
		const other = await startOther({ seconds: 0, replicatePageSize: 2 });
		const client = createClient(other.keys.replicateKey, other);
		for (const prompt of ['one', 'two', 'three']) {
			await client.predictions.create({ model: PRO, input: { prompt } });
		}
		const found: unknown[] = [];
		for await (const page of client.paginate(async () => await client.predictions.list())) {
			found.push(page.map(({ input }) => (input as typeof INPUT).prompt));
		}
		expect(found).toEqual([['three', 'two'], ['one']]);
	});

	it('reads a moderated prediction as a failure', async () => {
		const message = 'The input or output was flagged as sensitive.';
		emulator.rule({ route: 'replicate.submit' }, { task: { fail: { code: 'E005', message } } });

		await expect(createClient().run(PRO, { input: INPUT })).rejects.toThrow(
			`Prediction failed: ${message} (E005)`,
		);
	});

	it('knows the account of its token, and is refused with a wrong one', async () => {
		expect(await createClient().accounts.current()).toMatchObject({ username: 'fox' });
		await expect(createClient('made-up-wrong').accounts.current()).rejects.toThrow(
			'You did not pass a valid authentication token',
		);
	});

	it('sends a create again whose connection was cut, and pays twice: this package must not do as it does', async () => {
		emulator.rule(
			{ route: 'replicate.submit', times: 1 },
			{ reset: 'beforeHeaders', accepted: true },
		);
		await createClient().predictions.create({ model: PRO, input: INPUT });

		expect(emulator.ledger.submissions).toHaveLength(2);
		expect(emulator.ledger.paidBy(emulator.keys.replicateKey).count).toBe(2);
	});
});

describe("the AI SDK's client, which sends fields that no FLUX.2 model here declares,", () => {
	const generate = (at = emulator, files?: Uint8Array) =>
		createReplicate({ apiToken: at.keys.replicateKey, baseURL: at.urls.replicate })
			.image(PRO)
			.doGenerate({
				prompt: 'a red cube',
				n: 1,
				size: undefined,
				aspectRatio: '1:1',
				seed: 7,
				files: files && [{ type: 'file', mediaType: 'image/png', data: files }],
				mask: undefined,
				providerOptions: {},
			});

	it('is refused', async () => {
		await expect(generate()).rejects.toThrow();
		expect(emulator.ledger.submissions).toMatchObject([
			{ accepted: false, status: 422, body: { input: { num_outputs: 1 } } },
		]);
	});

	it('is refused for its names of reference images too', async () => {
		await expect(generate(emulator, new Uint8Array(await sample(64, 32)))).rejects.toThrow();
		expect(emulator.ledger.submissions).toMatchObject([
			{ accepted: false, status: 422, body: { input: { input_image: expect.any(String) } } },
		]);
	});

	it('makes an image where the emulator ignores them', async () => {
		const other = await startOther({ seconds: 0, replicateUndeclared: 'ignored' });
		const { images } = await generate(other);
		const { id } = other.ledger.tasks[0]!;
		expect(images).toEqual([new Uint8Array((await other.ledger.image(id)).bytes)]);
	});
});
