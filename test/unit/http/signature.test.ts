import { createHmac } from 'node:crypto';
import { hasHmac, isSecret } from '../../../nodes/shared/http/signature';

const SECRET = 'a-secret-of-this-request';
const body = Buffer.from('{"id":"t1","status":"Ready"}');
const hex = createHmac('sha256', SECRET).update(body).digest('hex');

describe('an HMAC', () => {
	test.each([hex, hex.toUpperCase(), `sha256=${hex}`, ` ${hex} `])(
		'is accepted as %p',
		(header) => {
			expect(hasHmac(body, header, SECRET)).toBe(true);
		},
	);

	test.each([
		['of another secret', createHmac('sha256', 'other').update(body).digest('hex')],
		['of another body', createHmac('sha256', SECRET).update('{}').digest('hex')],
		['by another algorithm', createHmac('sha1', SECRET).update(body).digest('hex')],
		['that is too short', hex.slice(0, -2)],
		['that is too long', `${hex}00`],
		['with another prefix', `sha1=${hex}`],
		['that is empty', ''],
		['that is missing', undefined],
	])('%s is refused', (_what, header) => {
		expect(hasHmac(body, header, SECRET)).toBe(false);
	});

	test('proves nothing where there is no secret', () => {
		const unkeyed = createHmac('sha256', '').update(body).digest('hex');
		expect(hasHmac(body, unkeyed, '')).toBe(false);
	});
});

describe('a secret', () => {
	test.each([SECRET, ` ${SECRET}\n`])('is accepted as %p', (header) => {
		expect(isSecret(header, SECRET)).toBe(true);
	});

	test.each([
		['another one', 'another-secret'],
		['a part of it', SECRET.slice(0, -1)],
		['more than it', `${SECRET}!`],
		['in capitals', SECRET.toUpperCase()],
		['in a list', [SECRET]],
		['empty', ''],
		['missing', undefined],
	])('is refused when the header has %s', (_what, header) => {
		expect(isSecret(header, SECRET)).toBe(false);
	});

	test('proves nothing where there is none', () => {
		expect(isSecret('', '')).toBe(false);
	});
});
