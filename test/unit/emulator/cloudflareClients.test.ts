import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import Cloudflare from 'cloudflare';
import sharp from 'sharp';
import { FormData, request } from 'undici';
import { startEmulator, type Emulator } from '../../emulator';
import { parseCurl, type CurlRequest } from '../../emulator/cloudflare/examples/parseCurl';

/** Foreign clients and examples: the emulator must accept them as they are. */

let emulator: Emulator;

beforeAll(async () => {
	emulator = await startEmulator({ seconds: 0 });
});

afterAll(() => emulator.close());

afterEach(() => {
	expect(emulator.ledger.unexpected).toEqual([]);
	expect(emulator.ledger.leaks).toEqual([]);
	emulator.reset();
});

function sent(): unknown[] {
	return emulator.ledger.submissions.map(({ model, body, accepted, status }) => ({
		model,
		body,
		accepted,
		status,
	}));
}

describe('Cloudflare’s published examples', () => {
	function examples(file: string): CurlRequest[] {
		const { accountId, cloudflareToken } = emulator.keys;
		const text = readFileSync(join(__dirname, '../../emulator/cloudflare/examples', file), 'utf8')
			.replaceAll('https://api.cloudflare.com/client/v4', emulator.urls.cloudflare)
			.replaceAll('{ACCOUNT}', accountId)
			.replaceAll('{TOKEN}', cloudflareToken);
		return parseCurl(text, {
			CLOUDFLARE_ACCOUNT_ID: accountId,
			CLOUDFLARE_API_TOKEN: cloudflareToken,
		});
	}

	async function run({ url, method, headers, data, form }: CurlRequest) {
		const body = new FormData();
		for (const [name, value] of form) body.append(name, value);
		// curl adds the boundary to the content type of its forms; so does undici, where none is given.
		const { 'content-type': type, ...others } = headers;
		const response = await request(url, {
			method: method as 'POST',
			headers: data === undefined ? others : { ...others, 'content-type': type },
			body: data ?? body,
		});
		return { status: response.statusCode, body: (await response.body.json()) as never };
	}

	it.each(['flux-2-pro-preview.sh', 'flux-2-flex.sh'])(
		'takes every command of %s',
		async (file) => {
			const commands = examples(file);
			expect(commands).toHaveLength(3);
			const expected = commands.map(({ data = '' }) => {
				const body = JSON.parse(data) as { model: string };
				return { model: body.model, body, accepted: true, status: 200 };
			});
			for (const command of commands) {
				const { status, body } = await run(command);
				expect({ status, body }).toEqual({
					status: 200,
					body: {
						state: 'Completed',
						result: { image: expect.stringMatching(/^http:/) as string },
						gatewayMetadata: { keySource: 'Unified' },
					},
				});
			}
			expect(sent()).toEqual(expected);
		},
	);

	it('generate a PNG where the example requests one', async () => {
		const command = examples('flux-2-pro-preview.sh')[2] as CurlRequest;
		const { body } = await run(command);
		const { body: bytes, headers } = await request(
			(body as { result: { image: string } }).result.image,
		);
		const { format, width, height } = await sharp(
			Buffer.from(await bytes.arrayBuffer()),
		).metadata();
		expect({ type: headers['content-type'], format, width, height }).toEqual({
			type: 'image/png',
			format: 'png',
			width: 1024,
			height: 1024,
		});
	});

	it('are accepted as a form (flux-2-dev.sh)', async () => {
		const [command] = examples('flux-2-dev.sh');
		const { status, body } = await run(command as CurlRequest);
		const { result, ...envelope } = body as { result: { image: string } };
		expect({ status, ...envelope }).toEqual({
			status: 200,
			success: true,
			errors: [],
			messages: [],
		});
		const { format, width, height } = await sharp(Buffer.from(result.image, 'base64')).metadata();
		expect({ format, width, height }).toEqual({ format: 'jpeg', width: 1024, height: 1024 });
		expect(sent()).toEqual([
			{
				model: '@cf/black-forest-labs/flux-2-dev',
				body: { prompt: 'a sunset at the alps', steps: '25', width: '1024', height: '1024' },
				accepted: true,
				status: 200,
			},
		]);
	});
});

describe('Cloudflare’s own client', () => {
	function client(apiToken: string): Cloudflare {
		return new Cloudflare({ apiToken, baseURL: emulator.urls.cloudflare, maxRetries: 0 });
	}

	it('lists the hosted models, page by page', async () => {
		const names: string[] = [];
		const { accountId: account_id, cloudflareToken } = emulator.keys;
		const models = client(cloudflareToken).ai.models.list({
			account_id,
			search: 'flux-2',
			per_page: 2,
		});
		for await (const model of models) names.push((model as { name: string }).name);
		expect(names).toEqual([
			'@cf/black-forest-labs/flux-2-dev',
			'@cf/black-forest-labs/flux-2-klein-4b',
			'@cf/black-forest-labs/flux-2-klein-9b',
		]);
	});

	it('verifies a user’s and an account’s token, each at its own endpoint', async () => {
		const { accountId: account_id, cloudflareToken, cloudflareAccountToken } = emulator.keys;
		const ofUser = client(cloudflareToken);
		const ofAccount = client(cloudflareAccountToken);
		expect(await ofUser.user.tokens.verify()).toMatchObject({ status: 'active' });
		expect(await ofAccount.accounts.tokens.verify({ account_id })).toMatchObject({
			status: 'active',
		});
		await expect(ofUser.accounts.tokens.verify({ account_id })).rejects.toBeInstanceOf(
			Cloudflare.AuthenticationError,
		);
		await expect(ofAccount.user.tokens.verify()).rejects.toMatchObject({
			errors: [{ code: 1000, message: 'Invalid API Token' }],
		});
	});

	it('throws its error classes for the refusals', async () => {
		const { accountId, cloudflareToken, cloudflareTokenWithoutPermission } = emulator.keys;
		const search = async (token: string, account_id: string) =>
			client(token).ai.models.list({ account_id });
		await expect(search('wrong', accountId)).rejects.toBeInstanceOf(Cloudflare.AuthenticationError);
		await expect(search(cloudflareTokenWithoutPermission, accountId)).rejects.toBeInstanceOf(
			Cloudflare.PermissionDeniedError,
		);
		await expect(search(cloudflareToken, 'f'.repeat(32))).rejects.toBeInstanceOf(
			Cloudflare.NotFoundError,
		);
	});

	it('gets 5006 for a hosted model that it can only send as JSON', async () => {
		const { accountId: account_id, cloudflareToken } = emulator.keys;
		const run = client(cloudflareToken).ai.run('@cf/black-forest-labs/flux-2-dev', {
			account_id,
			prompt: 'a red cube',
		});
		await expect(run).rejects.toMatchObject({ status: 400, errors: [{ code: 5006 }] });
	});

	it('runs a hosted model with a form', async () => {
		const { accountId, cloudflareToken } = emulator.keys;
		const body = new globalThis.FormData();
		body.append('prompt', 'a red cube');
		const path = `/accounts/${accountId}/ai/run/@cf/black-forest-labs/flux-2-klein-4b`;
		const response = await client(cloudflareToken).post<{ result: { image: string } }>(path, {
			body,
		});
		const { format, width, height } = await sharp(
			Buffer.from(response.result.image, 'base64'),
		).metadata();
		expect({ format, width, height }).toEqual({ format: 'jpeg', width: 1024, height: 768 });
	});
});
