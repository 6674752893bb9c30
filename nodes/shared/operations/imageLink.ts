import type { IBinaryData, IExecuteFunctions } from 'n8n-workflow';
import { isObject } from '../core/json';
import { linkLifetime } from '../parameters/linkLifetime';
import type { Settings } from '../parameters/param';
import type { OutputItem } from '../tasks/savedResults';

/** What n8n's own link to a stored image needs. */
export interface LinkTarget {
	readonly helpers: Partial<Pick<IExecuteFunctions['helpers'], 'createBinarySignedUrl'>>;
	readonly settings: Settings;
	/** Whether an agent has called the node as its tool: binary data does not reach it, a link does. */
	readonly isToolCall?: boolean;
	/** Receives the reason why there is no link. */
	onUnlinked?(this: void, reason: string): void;
}

/** The item with a link to its image, signed by n8n, where one is asked for and n8n can make it. */
export function withLink(target: LinkTarget, item: OutputItem): OutputItem {
	const seconds =
		target.settings.get(linkLifetime) ?? (target.isToolCall ? linkLifetime.default : undefined);
	const { image } = item.json;
	if (seconds === undefined || !isObject(image)) return item;
	try {
		const [binary] = Object.values(item.binary ?? {});
		const link = signLink(target, binary, seconds);
		return { ...item, json: { ...item.json, image: { ...image, link } } };
	} catch (error) {
		target.onUnlinked?.((error as Error).message);
		return item;
	}
}

/** @throws Error that says why there is no link: n8n's own where it keeps binary data in memory */
function signLink(
	{ helpers }: LinkTarget,
	binary: IBinaryData | undefined,
	seconds: number,
): string {
	if (!binary) throw new Error('Download is off');
	if (!helpers.createBinarySignedUrl) throw new Error('This version of n8n makes no links');
	return helpers.createBinarySignedUrl(binary, `${seconds}s`);
}
