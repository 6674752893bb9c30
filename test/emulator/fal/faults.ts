import { z } from 'zod';

/** Faults that only the tasks of fal can have. */
export const faultSchema = z
	.object({
		/** The images, from 0, that the safety checker has blackened. */
		nsfw: z.array(z.number()),
		/** What the result's header says; null: there is no such header. */
		billableUnits: z.number().nullable(),
		/** Its webhook carries no result: fal could not make JSON of it. */
		payload: z.literal('unserializable'),
	})
	.partial();
