import type { JsonObject } from '../types';

/** What stable-diffusion.cpp cuts out of a prompt before it uses it: settings in a tag. */

const TAG = /<sd_cpp_extra_args>(.*?)<\/sd_cpp_extra_args>/s;

export interface SplitPrompt {
	prompt: string;
	/** What stood in the tag; undefined where there was none. */
	settings?: JsonObject;
}

export function splitPrompt(text: string): SplitPrompt {
	const [tag, json = ''] = TAG.exec(text) ?? [];
	if (tag === undefined) return { prompt: text };
	return { prompt: text.replace(tag, '').trim(), settings: JSON.parse(json) as JsonObject };
}
