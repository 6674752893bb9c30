import { linkLifetime } from '../shared/parameters/linkLifetime';
import { binaryField, download, fileName, simplify } from '../shared/parameters/options';
import { integer } from '../shared/parameters/param';

/** What guards against a delivery that somebody has recorded. */
export const maxAge = integer('longestAge', {
	label: 'Max Age',
	description:
		'How many minutes old a delivery may be, so that a recorded one cannot be sent again. A delivery without a readable time is always accepted.',
	hint: 'In minutes',
	min: 1,
	max: 1440,
	default: 60,
	in: 'node',
});

/** In the order of the alphabet, as the editor wants them. */
export const triggerOptions = [download, fileName, linkLifetime, maxAge, binaryField, simplify];
