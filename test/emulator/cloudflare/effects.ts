import { z } from 'zod';

/** Effects that only the submissions to Cloudflare can have. */
export const effectSchema = z
	.object({
		/** The form of this one response of a catalogue model. */
		envelope: z.enum(['bare', 'wrapped']),
	})
	.partial();
