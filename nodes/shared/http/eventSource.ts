import type { IExecuteFunctions, IN8nHttpFullResponse } from 'n8n-workflow';
import { raceTimeout } from '../core/async';
import { Flux2Error } from '../core/errors';
import { WITH_CREDENTIAL, withCancelSignal } from './client';
import { ignoreLateErrors } from './download';
import { toStream, type DownloadStream, type ReadClient } from './types';
import { resolveApiUrl } from './urlPolicy';

/** A server-sent event, https://html.spec.whatwg.org/multipage/server-sent-events.html */
export interface ServerSentEvent {
	event: string;
	data: string;
}

const OPEN_TIMEOUT_MS = 10_000;
const MAX_EVENT_LENGTH = 1024 * 1024;

/**
 * Opens a stream of server-sent events with the credential. It is attempted once: the poller falls back to polling.
 * @param signal ends the stream, and an opening that takes too long
 * @throws Flux2Error `unavailable`
 */
export async function openEventSource(
	client: ReadClient,
	path: string,
	signal: AbortSignal,
): Promise<DownloadStream> {
	const url = resolveApiUrl(client, path);
	const context = withCancelSignal(client.context as IExecuteFunctions, signal);
	const request = context.helpers.httpRequestWithAuthentication.call(
		context,
		client.credentialType,
		{
			...WITH_CREDENTIAL,
			method: 'GET',
			url: url.href,
			headers: { accept: 'text/event-stream' },
			timeout: OPEN_TIMEOUT_MS,
		},
	) as Promise<IN8nHttpFullResponse>;
	const opening = request.then((response) => {
		const stream = ignoreLateErrors(toStream(response));
		// n8n before 2.34 passes no signal on
		if (signal.aborted) stream.destroy();
		else signal.addEventListener('abort', () => stream.destroy(), { once: true });
		return { status: response.statusCode, stream };
	});
	const opened = await raceTimeout(opening, OPEN_TIMEOUT_MS, signal, () => undefined).catch(
		() => undefined,
	);
	if (opened?.status === 200) return opened.stream;
	throw new Flux2Error('unavailable', `${client.label} opened no stream of events`);
}

/**
 * The events of a byte stream, as far as the standard's format is used. Comments only count as a sign of life.
 * @throws Flux2Error when an event is larger than any that is of interest
 */
export async function* parseEvents(
	stream: AsyncIterable<Buffer>,
	onBytes: () => void,
): AsyncGenerator<ServerSentEvent> {
	const decoder = new TextDecoder();
	let rest = '';
	for await (const chunk of stream) {
		onBytes();
		rest += decoder.decode(chunk, { stream: true });
		const blocks = rest.split(/\r?\n\r?\n/);
		rest = blocks.pop() ?? '';
		if (rest.length > MAX_EVENT_LENGTH) {
			throw new Flux2Error('badResponse', 'An event of the stream is too large');
		}
		yield* blocks.flatMap(parseEvent);
	}
}

function parseEvent(block: string): ServerSentEvent[] {
	const fields = block.split(/\r?\n/).map((line) => /^(event|data): ?([^]*)$/.exec(line));
	const values = (name: string) =>
		fields.flatMap((field) => (field?.[1] === name ? [field[2] ?? ''] : []));
	const data = values('data');
	return data.length > 0
		? [{ event: values('event').at(-1) ?? 'message', data: data.join('\n') }]
		: [];
}
