import { z } from 'zod';

/** Faults that only the tasks of Oxen.ai can have. */
export const faultSchema = z
	.object({
		/** Of several images, the number of the only one that has the faults; 0 is the first. */
		only: z.number(),
		/** Once it has ended, it is in the history only (`queue`), or nowhere. */
		leaves: z.enum(['queue', 'everywhere']),
	})
	.partial();
