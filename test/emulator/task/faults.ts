import { z } from 'zod';

/** Faults that only the tasks of the task API can have. */
export const faultSchema = z
	.object({
		/** Queue: so many requests are ahead of it at first. */
		queuePosition: z.number(),
	})
	.partial();
