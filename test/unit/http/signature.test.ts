import { createHmac } from 'node:crypto';
import {
	hasHmac,
	hasStandardSignature,
	isSecret,
	standardHeadersProblem,
} from '../../../nodes/shared/http/signature';

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

/** Those of https://www.standardwebhooks.com, and others with a secret of their own. */
describe('a call that is signed as Standard Webhooks have it', () => {
	const OWN = 'whsec_AAECAwQFBgcICQoLDA0ODxAREhMUFRYX';
	const SIGNED_AT = 1_790_000_000;
	const failure = {
		secret: OWN,
		id: 'msg_2abcdefghijklmnopqrstuvwxyz',
		time: SIGNED_AT,
		text: '{"id":"gm3qorzdhgbfurvjtvhg6dckhu","status":"failed","error":"The input or output was flagged as sensitive. Please try again with different inputs. (E005) (AbCdEfGhIj)","output":null}',
		signature: 'v1,N4I1SEc8VgPF5Fl8QqsgbB9Fl7h1jpSju4vx3SNFXSU=',
	};
	const letters = {
		secret: OWN,
		id: 'msg_1',
		time: SIGNED_AT,
		text: '{"p":"Käse 🧀"}',
		signature: 'v1,Il+Dn782tZCnS2pwDNMBxcnkuBO+1peGqtJCIf3lv4w=',
	};
	const published = {
		secret: 'whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw',
		id: 'msg_p5jXN8AQM9LWM0D4loKWxJek',
		time: 1_614_265_330,
		text: '{"test": 2432232314}',
		signature: 'v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE=',
	};
	const NOT_SIGNED = 'not signed';

	const problemOf = (changes: object = {}, seconds = 0, headers: object = {}) => {
		const { secret, id, time, text, signature } = { ...failure, ...changes };
		const signed = {
			'webhook-id': id,
			'webhook-timestamp': String(time),
			'webhook-signature': signature,
			...headers,
		};
		const problem = standardHeadersProblem(signed, (time + seconds) * 1000);
		if (problem) return problem;
		return hasStandardSignature(Buffer.from(text), signed, secret) ? undefined : NOT_SIGNED;
	};

	test.each([failure, letters, published])('is proved: $id', (vector) => {
		expect(problemOf(vector)).toBeUndefined();
		expect(problemOf({ ...vector, text: `${vector.text} ` })).toBe(NOT_SIGNED);
	});

	test.each([
		['a secret without its prefix', { secret: OWN.slice(6) }],
		['one of several signatures', { signature: `v1,AAAA v1a,x ${failure.signature}` }],
	])('is proved with %s', (_what, changes) => {
		expect(problemOf(changes)).toBeUndefined();
	});

	test.each([
		['another secret', { secret: published.secret }],
		['another ID', { id: 'msg_1' }],
		['another time', { time: SIGNED_AT + 1 }],
		['the signature of another body', { signature: letters.signature }],
		['a signature of another version', { signature: failure.signature.replace('v1', 'v2') }],
		['a signature without a version', { signature: failure.signature.slice(3) }],
		['a part of the signature', { signature: failure.signature.slice(0, -4) }],
		['an empty signature', { signature: 'v1,' }],
	])('is not proved by %s', (_what, changes) => {
		expect(problemOf(changes)).toBe(NOT_SIGNED);
	});

	test.each(['', 'whsec_', 'whsec_!'])('is not proved where the secret is %p', (secret) => {
		const signature = createHmac('sha256', '')
			.update(`${failure.id}.${failure.time}.${failure.text}`)
			.digest('base64');
		expect(problemOf({ secret, signature: `v1,${signature}` })).toBe(NOT_SIGNED);
	});

	test.each(['webhook-id', 'webhook-timestamp', 'webhook-signature'])(
		'is not proved without %s',
		(name) => {
			for (const value of [undefined, '', ['a']]) {
				expect(problemOf({}, 0, { [name]: value })).toBe(`The delivery lacks ${name}`);
			}
		},
	);

	test.each([
		[300, undefined],
		[-300, undefined],
		[301, 'signed 301 seconds ago, and 300 are allowed'],
		[-301, 'signed 301 seconds ahead, and 300 are allowed'],
	])('counts for five minutes: after %p seconds %p', (seconds, problem) => {
		if (problem === undefined) expect(problemOf({}, seconds)).toBeUndefined();
		else expect(problemOf({}, seconds)).toContain(problem);
	});

	test.each(['soon', '', '1e9', '1790000000.5'])('at %p is not proved', (time) => {
		const problem = problemOf({}, 0, { 'webhook-timestamp': time });
		expect(problem).toBe(
			time === ''
				? 'The delivery lacks webhook-timestamp'
				: 'The time of the delivery cannot be read',
		);
	});
});
