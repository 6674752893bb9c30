import { getMany, type ListDefinition } from '../shared/operations/list';
import { jsonObjectSchema } from '../shared/core/json';
import { z } from '../shared/core/vendor';
import { entriesOf } from '../shared/http/schemas';
import { modelFilters, taskFilters } from './filters';

const listSchema = z.array(z.unknown());

/** The documents do not show the queue's list; the history and the models wrap theirs differently. */
const rowsSchema = z
	.union([
		listSchema,
		z.object({ generations: listSchema }).transform(({ generations }) => generations),
		z.object({ data: listSchema }).transform(({ data }) => data),
	])
	.pipe(entriesOf(jsonObjectSchema()));

/** GET /api/ai/queue: active tasks only, unless a status is asked for. */
const taskList: ListDefinition = {
	path: '/api/ai/queue',
	query: { media_type: 'image' },
	schema: rowsSchema,
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
const modelList: ListDefinition = {
	path: '/api/ai/models',
	schema: rowsSchema,
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

/** The API gives times as seconds since 1970. */
function isoTime(seconds: unknown): string | undefined {
	const time = new Date(typeof seconds === 'number' ? seconds * 1000 : NaN);
	return Number.isNaN(time.getTime()) ? undefined : time.toISOString();
}
