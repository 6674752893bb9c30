import { choice, text } from '../shared/parameters/param';

/** What Task: Get Many can be narrowed to. */
export const taskFilters = [
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
];

/** What Model: Get Many can be narrowed to. */
export const modelFilters = [
	text('action', {
		label: 'Action',
		description: 'Only models that can do this, by its name in the API',
	}),
	text('developer_name', {
		label: 'Developer',
		description: 'Only models of this developer',
		placeholder: 'e.g. Black Forest Labs',
	}),
];
