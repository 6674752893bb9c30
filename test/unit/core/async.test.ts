import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { raceTimeout } from '../../../nodes/shared/core/async';

/** n8n before 2.34: its sleep runs on, whatever the signal says. */
jest.mock('n8n-workflow', () => ({
	...jest.requireActual<object>('n8n-workflow'),
	sleep: async (ms: number) =>
		await new Promise<void>((resolve) => void setTimeout(resolve, ms).unref()),
}));

setFlagsFromString('--expose-gc');
const collectGarbage = runInNewContext('gc') as () => void;

test('what was waited for can be freed while the timer of its wait still runs', async () => {
	const { signal } = new AbortController();
	let chunk: Buffer | undefined = Buffer.alloc(1000);
	const seen = new WeakRef(chunk);
	expect(await raceTimeout(Promise.resolve(chunk), 60_000, signal)).toBe(chunk);
	chunk = undefined;
	await new Promise((resolve) => setTimeout(resolve, 10));
	collectGarbage();

	expect(seen.deref()).toBeUndefined();
});

test('what does not come in time is undefined', async () => {
	const { signal } = new AbortController();
	expect(await raceTimeout(new Promise(() => {}), 5, signal)).toBeUndefined();
});

test('what fails is told', async () => {
	const { signal } = new AbortController();
	await expect(raceTimeout(Promise.reject(new Error('no')), 60_000, signal)).rejects.toThrow('no');
});
