import { decode } from './images/references';
import { findLeaks } from './leaks';
import type { RequestRecord, SubmissionRecord } from './ledger';
import { PROVIDERS } from './registry';
import { toTaskId } from './results';
import type { Sent } from './send';
import {
	isObject,
	type ApiResponse,
	type Call,
	type Port,
	type Route,
	type RouteOwner,
} from './types';
import type { World } from './world';

/** Writes each call into the ledger. */

export function recordRequest(
	world: World,
	call: Call,
	owner: RouteOwner | undefined,
	port: Port,
): RequestRecord {
	const { ledger } = world.tasks;
	const line = { at: Date.now(), port, method: call.method, path: call.url } as const;
	ledger.leaks.push(...findLeaks(call, owner).map((leak) => ({ ...line, ...leak })));
	return added(ledger.requests, { n: ledger.requests.length + 1, ...line });
}

export async function recordSubmission(
	world: World,
	owner: RouteOwner,
	route: Route,
	call: Call,
): Promise<void> {
	if (route.kind !== 'submission' || owner === 'results') return;
	const { submissions } = world.tasks.ledger;
	const record: SubmissionRecord = {
		n: submissions.length + 1,
		at: Date.now(),
		provider: owner,
		route: route.name,
		key: call.key,
		prompt: route.prompt?.(call),
		body: undefined,
		headers: pickHeaders(call),
		accepted: false,
		cached: false,
		cost: 0,
	};
	submissions.push(record);
	call.submission = record;
	record.body = await describeBody(call);
}

async function describeBody({ body }: Call): Promise<unknown> {
	if (body.kind === 'json') return body.value;
	if (body.kind !== 'form') return undefined;
	const fields = body.parts.map(async ({ name, value, file }) => {
		if (!file) return [name, value] as const;
		const size = await decode(file.data).catch(() => undefined);
		const { filename, mimetype, data } = file;
		return [
			name,
			{ filename, mimetype, bytes: data.length, width: size?.width, height: size?.height },
		] as const;
	});
	return joinRepeated(await Promise.all(fields));
}

/** A field that stands several times in a form is a list. */
function joinRepeated(fields: ReadonlyArray<readonly [name: string, value: unknown]>): object {
	const names = [...new Set(fields.map(([name]) => name))];
	const valuesOf = (name: string) =>
		fields.filter((field) => field[0] === name).map(([, value]) => value);
	return Object.fromEntries(
		names.map((name) => [name, valuesOf(name).length > 1 ? valuesOf(name) : valuesOf(name)[0]]),
	);
}

const HEADERS = [
	/^(content-type|user-agent|accept|range)$/,
	...Object.values(PROVIDERS).flatMap(({ recordedHeaders }) => recordedHeaders ?? []),
];

function pickHeaders(call: Call): Record<string, string> {
	return Object.fromEntries(
		Object.entries(call.headers).filter(([name]) => HEADERS.some((header) => header.test(name))),
	);
}

interface CallRecord {
	status?: number;
	bytes?: number;
}

/** Adds a poll, a cancellation or a download to its own list. */
export function recordCall(
	world: World,
	route: Route,
	call: Call,
	response: ApiResponse,
): CallRecord | undefined {
	const { polls, cancels, downloads } = world.tasks.ledger;
	const at = Date.now();
	const about = { at, key: call.key, taskId: call.params.id ?? call.query.id ?? '' };
	switch (route.kind) {
		case 'poll': {
			const state = statusIn(response);
			return added(polls, { n: polls.length + 1, ...about, route: route.name, state });
		}
		case 'cancel':
			return added(cancels, { n: cancels.length + 1, ...about });
		case 'download': {
			const facts = { taskId: toTaskId(call), file: call.params.file ?? '', bytes: 0 };
			return added(downloads, {
				n: downloads.length + 1,
				at,
				...facts,
				headers: pickHeaders(call),
			});
		}
		default:
			return undefined;
	}
}

function statusIn({ body }: ApiResponse): string | undefined {
	return isObject(body) && typeof body.status === 'string' ? body.status : undefined;
}

function added<T>(list: T[], record: T): T {
	list.push(record);
	return record;
}

export function recordSent(records: Array<CallRecord | undefined>, { status, bytes }: Sent): void {
	for (const record of records) {
		if (!record) continue;
		record.status = status;
		if ('bytes' in record) record.bytes = bytes;
	}
}
