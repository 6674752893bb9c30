import type { INodeExecutionData } from 'n8n-workflow';
import sharp from 'sharp';
import type { TaskRecord, Ledger } from '../emulator';
import { sha256 } from '../emulator/images';
import type { Engine, Run } from '../support/engine';
import { format } from './format';
import { countImages, isPromptOf, type Lane, type ImageRequest } from './lanes';

/** The parts of an item's JSON that are shown. */
export interface ItemJson {
	prompt?: string;
	model?: string;
	image?: { width?: number; height?: number; mimeType?: string; fileSize?: number };
	cost?: { amount: number };
	timing?: { seconds?: number; polls?: number };
	error?: { message: string };
}

/** All that is known of one image. */
export interface Evidence {
	/** The name of the node that generates it. */
	lane: string;
	request: ImageRequest;
	item?: INodeExecutionData;
	bytes?: Buffer;
	/** The emulator's record. */
	task?: Pick<TaskRecord, 'sha256' | 'cost'>;
	/** Why the node returned no items, if it failed as a whole. */
	failure?: string;
}

export interface Result extends Evidence {
	json: ItemJson;
	/** The image's file name. */
	file?: string;
	/** Why the image does not count; empty if all is well. */
	problems: string[];
}

/** The parts of a run that are read; a run that failed has only an error. */
export type RunOutput = Pick<Run, 'error' | 'items' | 'runData'>;

export const isGood = ({ problems }: Result): boolean => problems.length === 0;

/** The dollars that the items name; not every provider says what an image cost. */
export const sumCosts = (results: readonly Result[]): number =>
	results.reduce((sum, { json }) => sum + (json.cost?.amount ?? 0), 0);

/** The tasks of a request, an image each, in the order of their seeds. */
export const findTasks = ({ tasks }: Ledger, request: ImageRequest): TaskRecord[] =>
	tasks
		// an edit of fal has an endpoint of its own below the model's
		.filter(({ model, prompt }) => model.startsWith(request.model) && isPromptOf(request, prompt))
		.sort((a, b) => a.seed - b.seed);

/** One result for each image that the lane's requests ask for, with or without the image. */
export async function collectResults(
	{ node, requests }: Lane,
	run: RunOutput,
	engine: Engine,
	ledger: Ledger,
): Promise<Result[]> {
	const failure = (run.runData[node]?.at(-1)?.error ?? run.error)?.message;
	const results = requests.flatMap((request, index) => {
		const items = run.items(node).filter((one) => readInputIndex(one) === index);
		const tasks = findTasks(ledger, request);
		return Array.from({ length: countImages(request) }, async (_, image) => {
			const { [image]: item } = items;
			const binary = item?.binary?.data;
			const bytes = binary && (await engine.binary(binary));
			return await checkResult({ lane: node, request, item, bytes, task: tasks[image], failure });
		});
	});
	return await Promise.all(results);
}

export const readInputIndex = ({ pairedItem }: INodeExecutionData) =>
	(pairedItem as { item: number } | undefined)?.item;

/** Compares the image with its item's JSON and with what the emulator sent. */
export async function checkResult(evidence: Evidence): Promise<Result> {
	const json = (evidence.item?.json ?? {}) as ItemJson;
	const file = evidence.item?.binary?.data?.fileName;
	return { ...evidence, json, file, problems: await findProblems(evidence, json) };
}

async function findProblems({ item, request, bytes, task, failure }: Evidence, json: ItemJson) {
	if (!item) return [failure ?? 'no item came out'];
	if (json.error) return [json.error.message];
	if (!bytes) return ['the item has no image'];
	const found = await decode(bytes);
	if (typeof found === 'string') return [`cannot be decoded: ${found}`];
	const { width, height, mimeType, fileSize } = json.image ?? {};
	return findDifferences({
		model: [json.model, request.model],
		pixels: [`${width} × ${height}`, `${found.width} × ${found.height}`],
		format: [mimeType, `image/${found.format}`],
		'number of bytes': [fileSize, bytes.length],
		// not every provider says what an image cost
		cost: [format.dollars(json.cost?.amount ?? task?.cost), format.dollars(task?.cost)],
		'hash of what the emulator sent': [task?.sha256, sha256(bytes)],
	});
}

/** Decodes every pixel, not only the header; returns the message where that fails. */
async function decode(bytes: Buffer) {
	try {
		const image = sharp(bytes, { failOn: 'warning' });
		const { format } = await image.metadata();
		const { info } = await image.raw().toBuffer({ resolveWithObject: true });
		return { width: info.width, height: info.height, format };
	} catch (error) {
		return (error as Error).message;
	}
}

const findDifferences = (pairs: Record<string, [expected: unknown, found: unknown]>): string[] =>
	Object.entries(pairs)
		.filter(([, [expected, found]]) => expected !== found)
		.map(
			([what, [expected, found]]) =>
				`${what}: ${String(expected)} expected, ${String(found)} found`,
		);
