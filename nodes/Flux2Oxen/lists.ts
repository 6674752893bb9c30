import type { IDataObject } from 'n8n-workflow';
import { getMany, type List } from '../shared/lists';
import { choice, text } from '../shared/params';
import { z } from '../shared/vendor';

const row = z.record(z.unknown()) as unknown as z.ZodType<IDataObject>;

/** The documents do not show the queue's list; the history and the models wrap theirs differently. */
const rows = z.union([
	z.array(row),
	z.object({ generations: z.array(row) }).transform(({ generations }) => generations),
	z.object({ data: z.array(row) }).transform(({ data }) => data),
]);

/** GET /api/ai/queue: active jobs only, unless a status is asked for. */
export const taskList: List = {
	path: '/api/ai/queue',
	query: { media_type: 'image' },
	schema: rows,
	filters: [
		text('folder', { label: 'Folder', description: 'Only tasks that save to this folder' }),
		text('model', { label: 'Model', description: 'Only tasks of this model ID' }),
		text('namespace', {
			label: 'Namespace',
			description: 'Only tasks of this user or organization',
		}),
		text('repo', { label: 'Repository', description: 'Only tasks that save to this repository' }),
		choice('status', {
			label: 'Status',
			description: 'Only tasks with this status. Active ones when unset.',
			options: {
				cancelled: 'Cancelled',
				failed: 'Failed',
				processing: 'Processing',
				queued: 'Queued',
				succeeded: 'Succeeded',
			},
			default: 'processing',
		}),
	],
	simplify: (task) => ({
		taskId: task.generation_id,
		model: task.model_name,
		status: task.status,
		prompt: task.prompt,
		url: task.result_url ?? undefined,
		message: task.error_message ?? undefined,
		submittedAt: isoTime(task.enqueued_at),
		completedAt: isoTime(task.completed_at),
	}),
};

/** GET /api/ai/models. */
export const modelList: List = {
	path: '/api/ai/models',
	schema: rows,
	filters: [
		text('action', {
			label: 'Action',
			description: 'Only models that can do this, by its name in the API',
		}),
		text('developer_name', {
			label: 'Developer',
			description: 'Only models of this developer',
			placeholder: 'e.g. Black Forest Labs',
		}),
	],
	simplify: (model) => ({
		id: model.id,
		name: model.display_name,
		description: model.summary ?? model.description ?? undefined,
		endpoint: model.endpoint,
		pricing: model.pricing,
		releasedAt: model.released_at ?? undefined,
	}),
};

export const getTasks = getMany(taskList);
export const getModels = getMany(modelList);

/** The API tells times as seconds since 1970. */
const isoTime = (seconds: unknown): string | undefined =>
	typeof seconds === 'number' ? new Date(seconds * 1000).toISOString() : undefined;
