import type { INodeExecutionData } from 'n8n-workflow';
import sharp from 'sharp';
import type { TaskRecord, Ledger } from '../emulator';
import { sha256 } from '../emulator/images';
import type { Engine, Run } from '../support/engine';
import { facts } from './facts';
import { promptText, type Lane, type Wish } from './lanes';

/** The parts of an item that are shown. */
export interface ItemJson {
	model?: string;
	image?: { width?: number; height?: number; mimeType?: string; fileSize?: number };
	cost?: { amount: number };
	timing?: { seconds?: number; polls?: number };
	error?: { message: string };
}

/** All that is known of one wish's picture. */
export interface Evidence {
	/** The name of the node that makes it. */
	lane: string;
	wish: Wish;
	item?: INodeExecutionData;
	bytes?: Buffer;
	/** The emulator's record. */
	job?: Pick<TaskRecord, 'sha256' | 'cost'>;
	/** Why the node gave no items, if it failed as a whole. */
	failure?: string;
}

export interface Result extends Evidence {
	json: ItemJson;
	/** The picture's file name. */
	file?: string;
	/** Why the picture does not count; empty when all is well. */
	problems: string[];
}

/** What is read of a run; one that broke off has no more than an error. */
export type Outcome = Pick<Run, 'error' | 'items' | 'runData'>;

export const isGood = ({ problems }: Result): boolean => problems.length === 0;

/** Dollars that the emulator billed. */
export const totalCost = (results: readonly Result[]): number =>
	results.reduce((sum, { job }) => sum + (job?.cost ?? 0), 0);

export const jobOf = ({ tasks: jobs }: Ledger, wish: Wish): TaskRecord | undefined =>
	jobs.find(({ model, prompt }) => model === wish.model && prompt === promptText(wish));

/** One result for each wish of the lane, whether its picture came or not. */
export async function resultsOf(
	{ node, wishes }: Lane,
	run: Outcome,
	engine: Engine,
	ledger: Ledger,
): Promise<Result[]> {
	const failure = (run.runData[node]?.at(-1)?.error ?? run.error)?.message;
	const results = wishes.map(async (wish, index) => {
		const item = run.items(node).find((one) => inputOf(one) === index);
		const binary = item?.binary?.data;
		const bytes = binary && (await engine.binary(binary));
		return await judge({ lane: node, wish, item, bytes, job: jobOf(ledger, wish), failure });
	});
	return await Promise.all(results);
}

const inputOf = ({ pairedItem }: INodeExecutionData) =>
	(pairedItem as { item: number } | undefined)?.item;

/** Compares the picture with what its item says and with what the emulator sent. */
export async function judge(evidence: Evidence): Promise<Result> {
	const json = (evidence.item?.json ?? {}) as ItemJson;
	const file = evidence.item?.binary?.data?.fileName;
	return { ...evidence, json, file, problems: await problemsOf(evidence, json) };
}

async function problemsOf({ item, wish, bytes, job, failure }: Evidence, json: ItemJson) {
	if (!item) return [failure ?? 'no item came out'];
	if (json.error) return [json.error.message];
	if (!bytes) return ['the item has no picture'];
	const found = await decode(bytes);
	if (typeof found === 'string') return [`cannot be decoded: ${found}`];
	const { width, height, mimeType, fileSize } = json.image ?? {};
	return differences({
		model: [json.model, wish.model],
		pixels: [`${width} × ${height}`, `${found.width} × ${found.height}`],
		format: [mimeType, `image/${found.format}`],
		'number of bytes': [fileSize, bytes.length],
		// not every provider says what a picture cost
		cost: [facts.dollars(json.cost?.amount ?? job?.cost), facts.dollars(job?.cost)],
		'hash of what the emulator sent': [job?.sha256, sha256(bytes)],
	});
}

/** Every pixel, not the header alone; the reason where that fails. */
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

const differences = (pairs: Record<string, [expected: unknown, found: unknown]>): string[] =>
	Object.entries(pairs)
		.filter(([, [expected, found]]) => expected !== found)
		.map(
			([what, [expected, found]]) =>
				`${what}: ${String(expected)} expected, ${String(found)} found`,
		);
