import { generateOptions } from '../../nodes/shared/parameters/options';
import type { OptionGroup } from '../../nodes/shared/parameters/param';
import { PROVIDERS, type NodeType } from './providers';

const CUSTOM_SIZE = ['width', 'height', 'aspectRatio', 'resolution'];

/**
 * Values by the parameters' names, each where the editor has it: in the main panel, among the options, or in a group of
 * them. What a custom size is made of makes the size a custom one.
 */
export function placed(type: NodeType, values: Record<string, unknown>): Record<string, unknown> {
	const places = new Map<string, 'panel' | OptionGroup | undefined>(
		[...PROVIDERS[type].models.flatMap(({ parameters }) => parameters), ...generateOptions].map(
			({ place, property }) => [property.name, place] as const,
		),
	);
	const isCustom = CUSTOM_SIZE.some((name) => values[name] !== undefined);
	const panel: Record<string, unknown> = isCustom ? { size: 'custom' } : {};
	const options: Record<string, unknown> = {};
	for (const [name, value] of Object.entries(values)) {
		const place = places.get(name);
		if (place === 'panel') panel[name] = value;
		else if (place === undefined) options[name] = value;
		else options[place.name] = { ...(options[place.name] as object), [name]: value };
	}
	return { ...panel, options };
}
