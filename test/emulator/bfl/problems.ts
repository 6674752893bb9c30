import type { Problem } from '../pydantic';
import { Refusal } from '../types';
import { bflError } from './documentedErrors';

/** BFL's refusals of a body. */

export function validationError(...problems: Problem[]): Refusal {
	return new Refusal(bflError(422, problems));
}

/** A rule that a description adds to the schema. Without a field it is about the whole body. */
export function valueError(reason: string, ...field: string[]): Refusal {
	const msg = `Value error, ${reason}`;
	return validationError({ loc: ['body', ...field], msg, type: 'value_error' });
}
