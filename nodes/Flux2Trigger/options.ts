import { linkLifetime } from '../shared/parameters/linkLifetime';
import { binaryField, download, fileName, simplify } from '../shared/parameters/options';
import { choice, integer, shownWhen } from '../shared/parameters/param';

/** Whose deliveries the trigger can take, as the parameter `provider` has them. */
export type ProviderName = 'bfl' | 'fal' | 'replicate';

/** The credential with a secret of the user's own. */
export const SECRET_CREDENTIAL = 'flux2WebhookApi';

/** Where the secret of Replicate's calls comes from. */
export const secretFrom = choice('secretFrom', {
	label: 'Secret From',
	description: "Where the secret comes from that proves Replicate's calls",
	options: {
		account: { name: 'Account', description: 'Read from Replicate with your API token' },
		credential: {
			name: 'Credential',
			description: 'The one that Replicate shows, in a credential FLUX.2 Webhook API',
		},
	},
	default: 'account',
	in: 'node',
});

/** What guards against a delivery that somebody has recorded. Elsewhere the signature covers the time. */
export const maxAge = shownWhen(
	integer('longestAge', {
		label: 'Max Age',
		description:
			'How many minutes old a delivery may be, so that a recorded one cannot be sent again. A delivery without a readable time is always accepted.',
		hint: 'In minutes',
		min: 1,
		max: 1440,
		default: 60,
		in: 'node',
	}),
	{ '/provider': ['bfl'] },
);

/** In the order of the alphabet, as the editor wants them. */
export const triggerOptions = [download, fileName, linkLifetime, maxAge, binaryField, simplify];
