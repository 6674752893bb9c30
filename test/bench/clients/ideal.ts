import { Agent, request } from 'undici';
import { MODEL, SIZE, type EmulatorProcess } from '../processes/start';
import type { TaskSpec } from '../tasks';

/**
 * A client that cannot exist: it knows how long each task takes, polls once at that moment and reuses its connections.
 * Its lateness is that of the network and of this computer.
 */

export interface IdealResult {
	/** From the request for the image to its last byte. */
	downloadMs: number;
	bytes: number;
}

/** A timer may fire a little early. */
const POLL_RETRY_MS = 2;

const delay = async (ms: number) => await new Promise((resolve) => setTimeout(resolve, ms));

export function createIdealClient({ urls, keys }: EmulatorProcess) {
	const dispatcher = new Agent();
	const headers = { 'x-key': keys.bflKey };
	const submit = async (prompt: string): Promise<string> => {
		const { body } = await request(`${urls.bfl}/v1/${MODEL}`, {
			dispatcher,
			method: 'POST',
			headers: { ...headers, 'content-type': 'application/json' },
			body: JSON.stringify({ prompt, ...SIZE }),
		});
		return ((await body.json()) as { polling_url: string }).polling_url;
	};
	const poll = async (url: string): Promise<string | undefined> => {
		const { body } = await request(url, { dispatcher, headers });
		return ((await body.json()) as { result: { sample: string } | null }).result?.sample;
	};
	return {
		generate: async ({ prompt, seconds }: TaskSpec): Promise<IdealResult> => {
			const pollingUrl = await submit(prompt);
			await delay(seconds * 1000);
			let sample = await poll(pollingUrl);
			while (sample === undefined) {
				await delay(POLL_RETRY_MS);
				sample = await poll(pollingUrl);
			}
			const started = performance.now();
			const { body } = await request(sample, { dispatcher });
			const { byteLength: bytes } = await body.arrayBuffer();
			return { downloadMs: performance.now() - started, bytes };
		},
		close: async () => await dispatcher.close(),
	};
}
