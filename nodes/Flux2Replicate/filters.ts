import { choice, text } from '../shared/parameters/param';

/** What Task: Get Many can be narrowed to. */
export const taskFilters = [
	text('created_after', {
		label: 'Created After',
		description: 'Only tasks that were created at this time or later',
		placeholder: 'e.g. 2026-11-21T09:00:00Z',
	}),
	text('created_before', {
		label: 'Created Before',
		description: 'Only tasks that were created before this time',
		placeholder: 'e.g. 2026-11-21T10:00:00Z',
	}),
	choice('source', {
		label: 'Source',
		description: "Only tasks that were created on Replicate's website. All when unset.",
		options: { web: 'Website' },
		default: 'web',
	}),
];
