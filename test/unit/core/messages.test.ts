import type { ErrorKind } from '../../../nodes/shared/core/errors';
import { callMessage, imageMessage } from '../../../nodes/shared/core/messages';
import { KINDS } from '../../support/failureKinds';

const failure = (kind: ErrorKind, provider = 'Cloudflare') => ({ kind, provider, words: 'NO' });

const EXPECTED: Record<ErrorKind, string> = {
	auth: 'Cloudflare refused the credential: NO',
	credits: 'The account at Cloudflare cannot pay for this: NO',
	moderated: "Cloudflare's content filter refused this request: NO",
	rateLimited: 'Cloudflare takes no more requests at the moment: NO',
	invalidInput: 'Cloudflare did not accept this request: NO',
	notFound: 'Cloudflare did not find what was asked for: NO',
	expired: 'Cloudflare no longer has what was asked for: NO',
	timeout: 'Cloudflare took too long: NO',
	unavailable: 'Cloudflare is having trouble: NO',
	badResponse: 'Cloudflare responded in a way that this node does not understand: NO',
	budget: 'Cloudflare asks for more than is allowed: NO',
};

test.each(KINDS as ErrorKind[])(
	'%s says what has happened, then what the provider says',
	(kind) => {
		expect(callMessage(failure(kind))).toBe(EXPECTED[kind]);
		expect(callMessage(failure(kind), 418)).toBe(`${EXPECTED[kind]} (HTTP 418)`);
	},
);

test('a name that ends in s is named like any other', () => {
	expect(callMessage(failure('moderated', 'Black Forest Labs'))).toBe(
		"Black Forest Labs' content filter refused this request: NO",
	);
});

test('an image that could not be made is no trouble of the whole provider', () => {
	expect(imageMessage(failure('unavailable'))).toBe('Cloudflare could not make this image: NO');
	expect(imageMessage(failure('moderated'))).toBe(EXPECTED.moderated);
});
