import type { JsonObject } from '../types';
import type { ModelSchema } from './inputs';

/**
 * Prompt upsampling: [flex] has a switch for it, and `disable_pup` turns it off where a model has that field. The
 * other models use the prompt as it is.
 */
export function revisePrompt(
	prompt: string,
	{ fields }: ModelSchema,
	{ prompt_upsampling: isOn = true, disable_pup: isOff = false }: JsonObject,
): string {
	const isRevised =
		(fields.includes('prompt_upsampling') && isOn === true) ||
		(fields.includes('disable_pup') && isOff === false);
	return isRevised ? `${prompt}, in fine detail` : prompt;
}
