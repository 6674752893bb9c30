import {
	fastApiDetailSchema,
	formatFastApiDetail,
	kindFromResponse,
	kindFromStatus,
	kindFromMessage,
} from '../../../nodes/shared/http/errorKind';

test.each([
	['Request Moderated', 'moderated'],
	['content_moderated', 'moderated'],
	['Rejected by moderation', 'moderated'],
	['content_policy_violation', 'moderated'],
	['It violates our usage policies', 'moderated'],
	['Your output has been flagged', 'moderated'],
	['Input prompt contains NSFW content', 'moderated'],
	['Blocked by the safety system', 'moderated'],
	['The service is under moderate load', 'unavailable'],
	['unmoderated models are not open to you', 'unavailable'],
	['safety_tolerance must be between 0 and 5', 'unavailable'],
	['Insufficient credits', 'credits'],
	['INSUFFICIENT_BALANCE', 'credits'],
	['Your balance is used up', 'credits'],
	['You are out of credits', 'credits'],
	['Quota exceeded', 'credits'],
	['Spend limit reached', 'credits'],
	['Insufficient permissions', 'unavailable'],
	['The load balancer does not respond', 'unavailable'],
	['white balance is no parameter', 'unavailable'],
])('reads "%s" as %s', (message, kind) => {
	expect(kindFromMessage(message, 'unavailable')).toBe(kind);
});

test.each([
	[400, 'invalidInput'],
	[401, 'auth'],
	[402, 'credits'],
	[403, 'auth'],
	[404, 'notFound'],
	[408, 'timeout'],
	[409, 'badResponse'],
	[410, 'expired'],
	[413, 'invalidInput'],
	[418, 'badResponse'],
	[422, 'invalidInput'],
	[425, 'rateLimited'],
	[429, 'rateLimited'],
	[500, 'unavailable'],
	[307, 'badResponse'],
])('takes the status %i as %s', (status, kind) => {
	expect(kindFromStatus(status)).toBe(kind);
});

test.each([
	[400, 'Request Moderated', 'moderated'],
	[429, 'Quota exceeded', 'credits'],
	[403, 'Insufficient permissions', 'auth'],
	[500, 'The moderation service is down', 'unavailable'],
	[503, 'quota service unavailable', 'unavailable'],
])('takes the status %i with the message "%s" as %s', (status, message, kind) => {
	expect(kindFromResponse(status, message)).toBe(kind);
});

describe("FastAPI's error body", () => {
	test.each<[unknown, string | undefined]>([
		['Not Found', 'Not Found'],
		['', undefined],
		[[{ loc: ['body', 'width'], msg: 'too large', type: 'any' }], 'Width: too large'],
		[
			[
				{ loc: ['body', 'images', 0], msg: 'no URL' },
				{ loc: ['body', 'steps'], msg: 'too many' },
			],
			'0: no URL; steps: too many',
		],
		[[], undefined],
		[[{ msg: 'no place' }], undefined],
		[{ message: 'another form' }, undefined],
	])('%j says %p, each field by its label', (detail, expected) => {
		const read = fastApiDetailSchema.safeParse(detail);
		const labels = new Map([['width', 'Width']]);
		expect(read.success ? formatFastApiDetail(read.data, labels) : undefined).toBe(expected);
	});

	test('names fields as the provider does where no labels are known', () => {
		expect(formatFastApiDetail([{ loc: ['width'], msg: 'too large' }])).toBe('width: too large');
	});
});
