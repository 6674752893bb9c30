import { deepEqual, equal, ok } from 'node:assert/strict';
import type { IBinaryData } from 'n8n-workflow';
import { sha256 } from '../../emulator/images';
import type { Host } from '../host';
import { download, isOurs, listOutputs, type Execution, type Output } from '../host/executions';
import type { PaidTasks } from './paidTasks';

export interface Evidence {
	/** Number of our nodes' output items. */
	items: number;
	/** Hashes of their images. */
	images: string[];
	/** Kinds of the errors among the items. */
	errors: string[];
	submissions: number;
}

interface ItemJson {
	taskId?: string;
	image?: { fileSize?: number; url?: string; link?: string };
	error?: { kind?: string; taskId?: string };
}

/** More than any URL or prompt of the examples has, fewer than any image. */
const MAX_TEXT_LENGTH = 4000;

/** Compares our nodes' output with the emulator's ledger, image by image. */
export async function examine(
	host: Host,
	execution: Execution,
	paidTasks: PaidTasks,
): Promise<Evidence> {
	const tasks = new Set<string>();
	const evidence: Evidence = { items: 0, images: [], errors: [], submissions: 0 };
	for (const output of listOutputs(execution).filter(isOurs)) {
		const found = output.isForAgent
			? await examineTool(host, output, paidTasks)
			: [await examineItem(host, output, paidTasks, evidence)];
		found.forEach((task) => task && tasks.add(task.id));
	}
	const { submissions } = host.emulator.ledger;
	evidence.submissions = submissions.filter(({ taskId = '' }) => tasks.has(taskId)).length;
	return evidence;
}

async function examineItem(host: Host, { item }: Output, paidTasks: PaidTasks, evidence: Evidence) {
	const json = item.json as ItemJson;
	const [binary, ...more] = Object.values(item.binary ?? {});
	equal(more.length, 0, 'an item has one image');
	evidence.items++;
	if (json.error) evidence.errors.push(json.error.kind ?? 'unknown');
	const taskId = json.taskId ?? json.error?.taskId;
	const ofTask = taskId === undefined ? undefined : paidTasks.takeTask(taskId);
	if (!binary) return ofTask;
	const bytes = await readStored(host, binary);
	const hash = sha256(bytes);
	const task = ofTask ?? paidTasks.takeByImage(hash);
	equal(hash, task?.sha256, `${binary.fileName} is the image that the provider has generated`);
	equal(bytes.length, json.image?.fileSize, `${binary.fileName} has the size that its item says`);
	evidence.images.push(hash);
	return task;
}

/** Reads the file from the store that this n8n was started with; it must not be in the execution's data. */
async function readStored(host: Host, binary: IBinaryData): Promise<Buffer> {
	const mode = host.environment.N8N_DEFAULT_BINARY_DATA_MODE ?? 'filesystem';
	ok(binary.id?.startsWith(mode), `${binary.id} is in the ${mode} store`);
	return await download(host.rest, binary);
}

/** An agent gets data about the image and never the image itself; its link opens without a login. */
async function examineTool({ emulator }: Host, { item, node }: Output, paidTasks: PaidTasks) {
	equal(item.binary, undefined, `${node.name} hands no file to the agent`);
	const text = JSON.stringify(item.json);
	ok(text.length < MAX_TEXT_LENGTH, `${node.name} hands no image as text to the agent`);
	const results = [item.json.response ?? item.json].flat(2) as ItemJson[];
	const tasks = results.map(async ({ taskId = '', image }) => {
		const task = paidTasks.takeTask(taskId);
		ok(task, `${node.name} gives the agent the task: ${text}`);
		const { bytes } = await emulator.ledger.image(task.id);
		deepEqual(
			[withoutSignature(image?.url), image?.fileSize],
			[task.url, bytes.length],
			"the image's URL and size",
		);
		equal(sha256(await openLink(image?.link)), task.sha256, 'the link leads to the image');
		return task;
	});
	return await Promise.all(tasks);
}

/** The file behind n8n's own link, as anybody gets it who has the link. */
async function openLink(link = ''): Promise<Buffer> {
	const response = await fetch(link);
	equal(response.status, 200, `${link} opens without a login`);
	return Buffer.from(await response.arrayBuffer());
}

const withoutSignature = (url = '') => url.split('?')[0];
