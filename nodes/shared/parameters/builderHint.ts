import type { Param } from './param';

/** What n8n's AI builder reads when it makes a workflow. Hosts before 2.10 ignore it, and their types do not know it. */

/** What a node is for; spread it into the description. */
export const searchHint = (text: string): object => ({ builderHint: { searchHint: text } });

/** How a property is best set; spread it into the property. */
export const propertyHint = (text: string): object => ({ builderHint: { propertyHint: text } });

export const withBuilderHint = <T>(param: Param<T>, text: string): Param<T> => ({
	...param,
	property: { ...param.property, ...propertyHint(text) },
});

/** Of every node that makes images. */
export const MAKES_IMAGES =
	'Makes an image of a prompt, or edits images, and passes it on as binary data. The node submits, waits and downloads by itself: add no HTTP Request, Wait or If node. For a list of prompts send one item each; no loop is needed.';
