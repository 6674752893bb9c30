import { FetchedKeys } from '../../../nodes/shared/http/fetchedKeys';

describe('keys that are kept', () => {
	const DAY_MS = 86_400_000;
	const [first, second] = ['first', 'second'];
	const isFirst = (key: string) => key === first;
	const isSecond = (key: string) => key === second;

	test('are fetched again for a signature of a new key, but not for each forged one', async () => {
		const keys = new FetchedKeys<string>();
		const fetchKeys = jest.fn(async () => await Promise.resolve([first]));
		expect(await keys.some(isFirst, fetchKeys, 0)).toBe(true);
		for (const now of [1, 5000, 9999])
			expect(await keys.some(isSecond, fetchKeys, now)).toBe(false);
		expect(fetchKeys).toHaveBeenCalledTimes(1);

		fetchKeys.mockResolvedValue([first, second]);
		expect(await keys.some(isSecond, fetchKeys, 10_000)).toBe(true);
		expect(await keys.some(isFirst, fetchKeys, 10_001)).toBe(true);
		expect(fetchKeys).toHaveBeenCalledTimes(2);
	});

	test('count for a day: a key that is withdrawn proves nothing afterwards', async () => {
		const keys = new FetchedKeys<string>();
		const fetchKeys = jest.fn(async () => await Promise.resolve([first]));
		await keys.some(isFirst, fetchKeys, 0);
		fetchKeys.mockResolvedValue([second]);

		expect(await keys.some(isFirst, fetchKeys, DAY_MS - 1)).toBe(true);
		expect(await keys.some(isFirst, fetchKeys, DAY_MS)).toBe(false);
		expect(fetchKeys).toHaveBeenCalledTimes(2);
	});

	test('are fetched once for calls that come together', async () => {
		const keys = new FetchedKeys<string>();
		const fetchKeys = jest.fn(async () => await Promise.resolve([first]));
		const results = await Promise.all(
			[1, 2, 3].map(async () => await keys.some(isFirst, fetchKeys, 0)),
		);

		expect(results).toEqual([true, true, true]);
		expect(fetchKeys).toHaveBeenCalledTimes(1);
	});

	test('still count while new ones cannot be fetched, and of others nothing is said', async () => {
		const keys = new FetchedKeys<string>();
		const fetchKeys = jest.fn(async () => await Promise.resolve([first]));
		await keys.some(isFirst, fetchKeys, 0);
		fetchKeys.mockRejectedValue(new Error('away'));

		await expect(keys.some(isSecond, fetchKeys, 20_000)).rejects.toThrow('away');
		await expect(keys.some(isSecond, fetchKeys, 20_001)).rejects.toThrow('away');
		expect(await keys.some(isFirst, fetchKeys, 20_002)).toBe(true);
		expect(fetchKeys).toHaveBeenCalledTimes(2);
	});
});
