import { createBlackForestLabs } from '@ai-sdk/black-forest-labs';
import { MODEL, SIZE, type EmulatorProcess } from '../processes/start';
import type { TaskSpec } from '../tasks';

/** Vercel's AI SDK with its defaults: it polls every half second from the start. */
export function createAiSdkClient({ urls, keys }: EmulatorProcess) {
	const sdk = createBlackForestLabs({ apiKey: keys.bflKey, baseURL: `${urls.bfl}/v1` });
	const model = sdk.image(MODEL);
	return {
		generate: async ({ prompt }: TaskSpec): Promise<void> => {
			await model.doGenerate({
				prompt,
				n: 1,
				size: undefined,
				aspectRatio: undefined,
				seed: undefined,
				files: undefined,
				mask: undefined,
				providerOptions: { blackForestLabs: SIZE },
			});
		},
	};
}
