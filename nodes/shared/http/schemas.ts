import { z } from '../core/vendor';

// Responses are read with small schemas that ask for what they need and ignore the rest: a field that looks odd must
// not cost a task that is paid for.

/** An ID, as text or as a number. */
export const idSchema = z.union([z.string().min(1), z.number()]).transform(String);

/** As `idSchema`; anything else counts as missing. */
export const optionalIdSchema = idSchema.optional().catch(undefined);

/** Text; anything else counts as missing. */
export const optionalTextSchema = z.string().optional().catch(undefined);

/** Text; empty where there is none. */
export const wordSchema = z.string().catch('');

/** A number; anything else counts as missing. */
export const optionalNumberSchema = z.number().optional().catch(undefined);

/** A number, also as text; anything else counts as missing. */
export const optionalAmountSchema = z
	.union([z.number(), z.string().min(1)])
	.pipe(z.coerce.number())
	.optional()
	.catch(undefined);

/** The entries of a list that the schema takes; the others are left out. */
export const entriesOf = <T>(
	schema: z.ZodType<T, z.ZodTypeDef, unknown>,
): z.ZodType<T[], z.ZodTypeDef, unknown> =>
	z
		.array(z.unknown())
		.catch([])
		.transform((entries) =>
			entries.flatMap((entry) => {
				const result = schema.safeParse(entry);
				return result.success ? [result.data] : [];
			}),
		);
