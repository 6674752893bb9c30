import { z } from 'zod';

/** What only the submissions to Cloudflare can have. */
export const effectSchema = z
	.object({
		/** The form of this one response of a catalogue model. */
		envelope: z.enum(['bare', 'wrapped']),
	})
	.partial();
