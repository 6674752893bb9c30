import { parseEvents, type ServerSentEvent } from '../../../nodes/shared/http/eventSource';
import { cutAt, cuts } from '../../support/pieces';
import fc from '../../support/properties';

describe('server-sent events', () => {
	async function read(chunks: Buffer[]): Promise<ServerSentEvent[]> {
		const events: ServerSentEvent[] = [];
		const stream = (async function* () {
			yield* chunks;
		})();
		for await (const event of parseEvents(stream, () => undefined)) events.push(event);
		return events;
	}

	const line = fc.string({ unit: 'grapheme' }).map((text) => text.replace(/[\r\n]/g, ''));
	const ending = fc.constantFrom('\n', '\r\n');
	const sent = fc.array(fc.record({ event: line, data: line, comment: line }), { maxLength: 8 });

	test('are the same however the bytes are cut', async () => {
		await fc.assert(
			fc.asyncProperty(sent, ending, cuts, async (events, newline, places) => {
				const text = events.map(({ event, data, comment }) =>
					[`: ${comment}`, `event: ${event}`, `data: ${data}`, '', ''].join(newline),
				);
				const bytes = Buffer.from(text.join(''));
				const expected = events.map(({ event, data }) => ({ event, data }));
				expect(await read(cutAt(bytes, places))).toEqual(expected);
			}),
		);
	});

	test('of any bytes are the same however they are cut', async () => {
		const bytes = fc.array(fc.constantFrom('data: x', 'event', ':', '\r', '\n', '\r\n', 'é'));
		await fc.assert(
			fc.asyncProperty(bytes, cuts, async (parts, places) => {
				const whole = Buffer.from(parts.join(''));
				expect(await read(cutAt(whole, places))).toEqual(await read([whole]));
			}),
		);
	});
});
