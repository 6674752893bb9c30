import type { Redact } from '../core/redact';
import { fileName } from '../parameters/options';
import type { Settings } from '../parameters/param';
import type { Done, Task } from '../tasks/protocol';
import type { RequestSummary } from '../tasks/savedResults';

/** What names an image's file where the user does not. */
interface NameFacts extends RequestSummary {
	/** From 1, where the item has several images. */
	imageNumber?: number;
	/** Where there is no task ID. */
	itemIndex?: number;
}

/** Letters of a name that is made of the prompt, without its extension. */
const MAX_NAME_LENGTH = 60;
const SHORT_ID_LENGTH = 8;

/**
 * The file's name without its extension: the user's own, or the prompt with a part of the task ID, or the model with
 * the task ID. A number distinguishes several images of one item.
 */
export function toBaseName(
	{ settings, redact }: { settings: Settings; redact: Redact },
	facts: NameFacts,
	{ task, part }: Pick<Done, 'task' | 'part'>,
): string {
	const { itemIndex = 0, imageNumber = part?.number, prompt = '' } = facts;
	const customName = settings
		.get(fileName)
		?.trim()
		.replace(/\.(png|jpe?g|webp)$/i, '');
	if (customName) return join(toFileName(customName), imageNumber);
	const ending = join(shortIdOf(task) ?? itemIndex + 1, imageNumber);
	const slug = toSlug(redact(withoutKeys(prompt)), MAX_NAME_LENGTH - ending.length - 1);
	if (slug) return join(slug, ending);
	const model = (facts.model ?? task?.model ?? 'flux2').split('/').at(-1);
	return toFileName(join(model, task?.id ?? itemIndex + 1, imageNumber));
}

const join = (...parts: Array<string | number | undefined>): string =>
	parts.filter((part) => part !== undefined).join('-');

/** Letters of all scripts stay, with their accents and vowel signs. */
const toFileName = (name: string): string => name.replace(/[^\p{L}\p{M}\p{N}._ -]+/gu, '-');

/** The end of the ID: many services begin theirs with the time, which the tasks of one run share. */
const shortIdOf = (task: Task | undefined): string | undefined =>
	task?.id.replace(/[^a-z0-9]/gi, '').slice(-SHORT_ID_LENGTH) || undefined;

/** The keys of a prompt in JSON say nothing about the image. */
const withoutKeys = (prompt: string): string =>
	prompt.startsWith('{') ? prompt.replace(/"[\w-]+":/g, ' ') : prompt;

/** The words of a text. A last word that is cut off is left out, unless it is most of the text. */
function toSlug(text: string, maxLength: number): string {
	const words = text
		.normalize('NFC')
		.toLowerCase()
		.match(/[\p{L}\p{M}\p{N}]+/gu);
	const letters = [...(words ?? []).join('-')];
	if (letters.length <= maxLength) return letters.join('');
	const end = letters.lastIndexOf('-', maxLength);
	return letters.slice(0, end > maxLength / 2 ? end : maxLength).join('');
}
