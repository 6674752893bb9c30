import type { IDataObject } from 'n8n-workflow';
import { isObject, jsonObjectSchema } from '../shared/core/json';
import { z } from '../shared/core/vendor';
import { entriesOf } from '../shared/http/schemas';
import { getMany, type ListDefinition } from '../shared/operations/list';
import { taskFilters } from './filters';
import { withoutDataUris } from './responses';

/** GET /predictions: pages of 100, each with the address of the next. */
const taskList: ListDefinition = {
	path: '/predictions',
	schema: z
		.object({ results: entriesOf(jsonObjectSchema()) })
		.transform(({ results }) => withoutDataUris(results) as IDataObject[]),
	filters: taskFilters,
	nextPage: (body) =>
		isObject(body) && typeof body.next === 'string' && URL.canParse(body.next)
			? new URL(body.next).search.slice(1)
			: undefined,
	simplify: (task) => ({
		taskId: task.id,
		model: task.model ?? undefined,
		status: task.status,
		prompt: isObject(task.input) ? task.input.prompt : undefined,
		url: urlOf(task.output),
		message: task.error ?? undefined,
		submittedAt: task.created_at,
		completedAt: task.completed_at ?? undefined,
	}),
};

const urlOf = (output: unknown): unknown =>
	(Array.isArray(output) ? (output as unknown[])[0] : output) ?? undefined;

export const getTasks = getMany(taskList);
