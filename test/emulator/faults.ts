import { z } from 'zod';
import { PROVIDERS, type ProviderFaults } from './registry';

/** `style` is the form of the error in the response; `state` leaves it out and sets the status alone, where the API can. */
const failureSchema = z
	.object({
		code: z.union([z.string(), z.number()]).optional(),
		message: z.string(),
		style: z.enum(['message', 'error_message', 'string', 'state']).optional(),
	})
	.strict();

export type TaskFailure = z.infer<typeof failureSchema>;

/** How the tasks of any provider can deviate. */
const sharedFaultSchema = z
	.object({
		/** How long it takes. */
		seconds: z.number(),
		fail: failureSchema,
		/** The response to the submission already carries the result, where the API can. */
		immediate: z.literal(true),
		/** Ends with this status instead. */
		status: z.string(),
		/** Is still running at so many polls, however long ago it was accepted. */
		polls: z.number(),
		/** Has this status while it runs. */
		running: z.string(),
		/** Is accepted and billed, and unknown from then on. */
		vanish: z.literal(true),
		/** So many requests are ahead of it at first, where the API says so. */
		queuePosition: z.number(),
		/** The event of its end is not sent, or sent twice, where the API has events. */
		event: z.enum(['lost', 'twice']),
		/** The event of its end is sent so many seconds later. */
		eventDelay: z.number(),
		/** How its webhook is delivered; `early` before the response to the submission, `late` some time after the end. */
		webhook: z.enum(['early', 'late', 'twice', 'wrongSignature', 'never']),
	})
	.partial();

export type TaskFault = z.infer<typeof sharedFaultSchema> & ProviderFaults;

/** A rule's `task`, with what the providers add to it. */
export const faultSchema = Object.values(PROVIDERS)
	.reduce(
		(schema, provider) => schema.extend(provider.faultSchema?.shape ?? {}),
		sharedFaultSchema as z.AnyZodObject,
	)
	.strict();
