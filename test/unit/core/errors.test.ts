import {
	AbortedError,
	Flux2Error,
	flux2ErrorOrThrow,
	invalidInput,
	toFlux2Error,
	withAdvice,
	withTexts,
	type ErrorDetails,
} from '../../../nodes/shared/core/errors';
import { KINDS } from '../../support/failureKinds';

const details: Required<ErrorDetails> = {
	description: 'Do this.',
	httpCode: 503,
	taskId: 't1',
	refused: true,
	retryAfterMs: 1000,
	maybeBilled: true,
	transient: true,
	cost: { amount: 1, currency: 'USD' },
};

test('an error is not refused, not transient and not billed, unless it says so', () => {
	expect(new Flux2Error('unavailable', 'down')).toMatchObject({
		name: 'Flux2Error',
		kind: 'unavailable',
		message: 'down',
		refused: false,
		transient: false,
		maybeBilled: false,
	});
	expect(new AbortedError()).toMatchObject({
		name: 'AbortedError',
		message: 'The execution was stopped',
	});
});

test('every kind says what to do', () => {
	const advice = KINDS.map((kind) => [kind, new Flux2Error(kind, 'no').description]);
	expect(Object.fromEntries(advice)).toMatchSnapshot();
});

test('advice is added behind the description, and everything else is kept', () => {
	const error = withAdvice(new Flux2Error('unavailable', 'down', details), 'Then that.');
	expect(error).toMatchObject({
		...details,
		kind: 'unavailable',
		message: 'down',
		description: 'Do this. Then that.',
	});
});

test('details beside the advice replace those that they name, and keep the others', () => {
	const error = withAdvice(new Flux2Error('unavailable', 'down', details), '', { taskId: 't2' });
	expect(error).toMatchObject({ ...details, taskId: 't2', description: 'Do this. ' });
});

test('both texts of a failure are changed, and everything else is kept', () => {
	const hide = (text: string) => text.replaceAll('made-up-secret', '***');
	const reported = { ...details, description: 'Change made-up-secret.' };
	const error = withTexts(new Flux2Error('auth', 'made-up-secret is refused', reported), hide);
	expect(error).toMatchObject({
		...details,
		kind: 'auth',
		message: '*** is refused',
		description: 'Change ***.',
	});
});

test('whatever was thrown becomes an error of ours, except an abort, which is no failure', () => {
	const ours = new Flux2Error('auth', 'no');
	expect(toFlux2Error(ours, 'timeout')).toBe(ours);
	expect(toFlux2Error(new TypeError('odd'), 'invalidInput')).toMatchObject({
		kind: 'invalidInput',
		message: 'odd',
	});
	expect(toFlux2Error('text')).toMatchObject({ kind: 'badResponse', message: 'text' });
	expect(() => toFlux2Error(new AbortedError())).toThrow(AbortedError);
});

test('a caught error of ours is returned, and any other is thrown again', () => {
	const ours = new Flux2Error('auth', 'no');
	expect(flux2ErrorOrThrow(ours)).toBe(ours);
	expect(() => flux2ErrorOrThrow(new TypeError('odd'))).toThrow(TypeError);
	expect(() => flux2ErrorOrThrow(new AbortedError())).toThrow(AbortedError);
});

test('all problems of an item are one error, which says that nothing was sent', () => {
	expect(invalidInput(['Width: must be a number', 'Prompt: must not be empty'])).toMatchObject({
		kind: 'invalidInput',
		message: 'Width: must be a number; Prompt: must not be empty',
		description: expect.stringContaining('Nothing was sent, so nothing was billed.'),
	});
});
