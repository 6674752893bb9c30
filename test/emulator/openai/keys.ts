/** Made-up keys of the OpenAI-compatible servers, and what each may do. The same ones open all of them. */

export const KEYS = {
	openAiKey: 'made-up-openai-compatible-key',
	openAiKeyOfSomebodyElse: 'made-up-foreign-openai-compatible-key',
	openAiKeyWithoutPermission: 'made-up-powerless-openai-compatible-key',
	openAiKeyWithoutCredits: 'made-up-penniless-openai-compatible-key',
};

export interface Grant {
	permission: boolean;
	credits: boolean;
}

export const GRANTS: ReadonlyMap<string, Grant> = new Map([
	[KEYS.openAiKey, { permission: true, credits: true }],
	[KEYS.openAiKeyOfSomebodyElse, { permission: true, credits: true }],
	[KEYS.openAiKeyWithoutPermission, { permission: false, credits: true }],
	[KEYS.openAiKeyWithoutCredits, { permission: true, credits: false }],
]);
