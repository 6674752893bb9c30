/** Made-up keys of the task API and its queue twin, and what each may do. */

export const KEYS = {
	taskKey: 'made-up-task-key',
	taskKeyWithoutPermission: 'made-up-powerless-task-key',
	taskKeyWithoutCredits: 'made-up-penniless-task-key',
};

export interface Grant {
	permission: boolean;
	credits: boolean;
}

export const GRANTS: ReadonlyMap<string, Grant> = new Map([
	[KEYS.taskKey, { permission: true, credits: true }],
	[KEYS.taskKeyWithoutPermission, { permission: false, credits: true }],
	[KEYS.taskKeyWithoutCredits, { permission: true, credits: false }],
]);
