import { encodedAs, text, withCheck } from './param';

const UNIT_SECONDS: Readonly<Record<string, number>> = {
	s: 1,
	m: 60,
	h: 3600,
	d: 86_400,
	w: 604_800,
};
const MAX_SECONDS = 365 * 86_400;

/** NaN for what is no time. */
function toSeconds(lifetime: string): number {
	const match =
		/^(\d{1,9}(?:\.\d{1,9})?) ?(s|sec|second|m|min|minute|h|hour|d|day|w|week)s?$/i.exec(
			lifetime.trim(),
		);
	const [, number, unit = ''] = match ?? [];
	return Math.round(Number(number) * (UNIT_SECONDS[unit.charAt(0).toLowerCase()] ?? Number.NaN));
}

/** How long n8n's own link to a stored image works, in seconds. Its default is what an agent gets. */
export const linkLifetime = withCheck(
	encodedAs(
		text('linkLifetime', {
			label: 'Link Lifetime',
			description:
				"How long n8n's own link to the stored image works, such as 1 hour or 7 days. It is image.link in the output, and opens without a login. When unset there is no link, except for an agent: 1 day.",
			placeholder: 'e.g. 7 days',
			default: '1 day',
			in: 'node',
		}),
		toSeconds,
	),
	(seconds) => seconds >= 1 && seconds <= MAX_SECONDS,
	'must be a time from 1 second to 365 days, such as 15 minutes, 1 hour, 7 days or 30 days',
);
