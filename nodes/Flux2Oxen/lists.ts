import type { IDataObject } from 'n8n-workflow';
import { getMany, type List } from '../shared/operations/list';
import { z } from '../shared/core/vendor';
import { modelFilters, taskFilters } from './filters';

const row = z.record(z.unknown()) as unknown as z.ZodType<IDataObject>;

/** The documents do not show the queue's list; the history and the models wrap theirs differently. */
const rows = z.union([
	z.array(row),
	z.object({ generations: z.array(row) }).transform(({ generations }) => generations),
	z.object({ data: z.array(row) }).transform(({ data }) => data),
]);

/** GET /api/ai/queue: active jobs only, unless a status is asked for. */
const taskList: List = {
	path: '/api/ai/queue',
	query: { media_type: 'image' },
	schema: rows,
	filters: taskFilters,
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
const modelList: List = {
	path: '/api/ai/models',
	schema: rows,
	filters: modelFilters,
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
