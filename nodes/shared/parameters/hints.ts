import type { NodeHint } from 'n8n-workflow';
import { CALLBACK, download, HOW_TO_WAIT, maxCost, numberOfImages, OPTIONS } from './options';

/** A run of more images than this is worth a word before it starts. */
const MANY_IMAGES = 10;

/** The value of an option, as an expression. */
export const optionValue = (name: string) => `$parameter.${OPTIONS}?.${name}`;

const isWaiting = '$parameter.resource === "image" && $parameter.operation !== "estimateCost"';
const isOr = (operation: string) => `(${isWaiting} || $parameter.operation === "${operation}")`;

/** What the editor says above the still empty output, where all of these expressions are true. */
export const hintBeforeRun = (
	message: string,
	conditions: readonly string[],
	type: NodeHint['type'] = 'info',
): NodeHint => ({
	message,
	type,
	location: 'outputPane',
	whenToDisplay: 'beforeExecution',
	displayCondition: `={{ ${conditions.join(' && ')} }}`,
});

const images = `Number($parameter.${numberOfImages.property.name} ?? 1)`;

export const manyImagesHint = hintBeforeRun(
	`These items make more than ${MANY_IMAGES} images, and each image is billed. The operation Estimate Cost says what they will cost; the option ${maxCost.property.displayName} sets a limit.`,
	[
		isOr('submit'),
		`!(${optionValue(maxCost.property.name)} >= 0)`,
		`$input.all().length * ${images} > ${MANY_IMAGES}`,
	],
);

/** @param isUrl an expression that says whether the provider keeps the image at a URL */
export const downloadOffHint = (isUrl = 'true') =>
	hintBeforeRun(
		`${download.property.displayName} is off: the output has the image's URL instead of the image, and the provider keeps it for a short time only. Fetch it in the next node.`,
		[isOr('get'), `${optionValue(download.property.name)} === false`, isUrl],
	);

/**
 * What *Callback* needs, where the provider can call n8n.
 * @param option the name of *How to Wait*
 */
export function callbackHints(caller: string, option: string): NodeHint[] {
	const isCallback = `${optionValue(option)} === "${CALLBACK}"`;
	return [
		hintBeforeRun(
			`The execution waits until ${caller} calls n8n: n8n needs a public https address, which WEBHOOK_URL tells it.`,
			[isWaiting, isCallback],
		),
		hintBeforeRun(
			`Callback takes one item and one image at a time. Set ${HOW_TO_WAIT} to Poll, or put a Loop Over Items node in front.`,
			[isWaiting, isCallback, `$input.all().length * ${images} > 1`],
			'warning',
		),
	];
}

export const oneCallHint = hintBeforeRun(
	'One Call has no task that could be resumed: if the connection breaks, the image is lost although it is billed, and a retry makes another one. Poll loses nothing.',
	[isWaiting, `${optionValue('mode')} === "sync"`],
	'warning',
);
