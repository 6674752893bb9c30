import { deepEqual, equal, ok } from 'node:assert/strict';
import type { IBinaryData } from 'n8n-workflow';
import { sha256 } from '../../emulator/images';
import type { Host } from '../host';
import { download, isOurs, outputsOf, type Execution, type Output } from '../host/executions';
import type { Claims } from './claims';

export interface Evidence {
	/** Items that our nodes have put out. */
	items: number;
	/** Hashes of their pictures. */
	pictures: string[];
	/** Kinds of the errors among the items. */
	errors: string[];
	submissions: number;
}

interface ItemJson {
	taskId?: string;
	image?: { fileSize?: number; url?: string };
	error?: { kind?: string; taskId?: string };
}

/** Longer than any address or prompt of the examples, shorter than any picture. */
const MOST_CHARACTERS = 4000;

/** Compares what our nodes have put out with the emulator's ledger, picture by picture. */
export async function examine(host: Host, execution: Execution, claims: Claims): Promise<Evidence> {
	const jobs = new Set<string>();
	const evidence: Evidence = { items: 0, pictures: [], errors: [], submissions: 0 };
	for (const output of outputsOf(execution).filter(isOurs)) {
		const found = output.isForAgent
			? await examineTool(host, output, claims)
			: [await examineItem(host, output, claims, evidence)];
		found.forEach((job) => job && jobs.add(job.id));
	}
	const { submissions } = host.emulator.ledger;
	evidence.submissions = submissions.filter(({ taskId: jobId = '' }) => jobs.has(jobId)).length;
	return evidence;
}

async function examineItem(host: Host, { item }: Output, claims: Claims, evidence: Evidence) {
	const json = item.json as ItemJson;
	const [binary, ...more] = Object.values(item.binary ?? {});
	equal(more.length, 0, 'an item has one picture');
	evidence.items++;
	if (json.error) evidence.errors.push(json.error.kind ?? 'unknown');
	const taskId = json.taskId ?? json.error?.taskId;
	const ofTask = taskId === undefined ? undefined : claims.ofTask(taskId);
	if (!binary) return ofTask;
	const bytes = await stored(host, binary);
	const hash = sha256(bytes);
	const job = ofTask ?? claims.ofPicture(hash);
	equal(hash, job?.sha256, `${binary.fileName} is the picture that the service has made`);
	equal(bytes.length, json.image?.fileSize, `${binary.fileName} has the size that its item says`);
	evidence.pictures.push(hash);
	return job;
}

/** In the store that this n8n was started with, not in the execution's own data. */
async function stored(host: Host, binary: IBinaryData): Promise<Buffer> {
	const mode = host.environment.N8N_DEFAULT_BINARY_DATA_MODE ?? 'filesystem';
	ok(binary.id?.startsWith(mode), `${binary.id} is in the ${mode} store`);
	return await download(host.rest, binary);
}

/** An agent gets facts to work with and never the picture itself. */
async function examineTool({ emulator }: Host, { item, node }: Output, claims: Claims) {
	equal(item.binary, undefined, `${node.name} hands no file to the agent`);
	const text = JSON.stringify(item.json);
	ok(text.length < MOST_CHARACTERS, `${node.name} hands no picture in text to the agent`);
	const results = [item.json.response ?? item.json].flat(2) as ItemJson[];
	const jobs = results.map(async ({ taskId = '', image }) => {
		const job = claims.ofTask(taskId);
		ok(job, `${node.name} tells the agent the task: ${text}`);
		const { bytes } = await emulator.ledger.image(job.id);
		deepEqual(
			[withoutSignature(image?.url), image?.fileSize],
			[job.url, bytes.length],
			"the picture's address and size",
		);
		return job;
	});
	return await Promise.all(jobs);
}

const withoutSignature = (url = '') => url.split('?')[0];
