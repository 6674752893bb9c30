import { z } from 'zod';

/** Faults that only the tasks of Black Forest Labs can have. */
export const faultSchema = z
	.object({
		/** So many polls do not find it yet. */
		unknownPolls: z.number(),
		/** Where the response sends the client to poll; the task's ID is added. */
		pollingUrl: z.string(),
		/** The cost in credits that polls of its end name, and that the key pays; null: they name none. */
		settledCost: z.number().nullable(),
		/** The HTTP status of the polls that find it failed. */
		failureHttpStatus: z.union([z.literal(422), z.literal(503)]),
	})
	.partial();
