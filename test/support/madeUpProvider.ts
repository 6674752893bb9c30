import { Readable } from 'node:stream';
import type {
	IBinaryData,
	IDataObject,
	IExecuteFunctions,
	IHttpRequestOptions,
	INodeExecutionData,
} from 'n8n-workflow';
import { throttle } from '../../nodes/shared/core/async';
import { runItems } from '../../nodes/shared/node/execute';
import type { ProcessState } from '../../nodes/shared/node/processState';
import { generate } from '../../nodes/shared/operations/generate';
import { submitTask } from '../../nodes/shared/operations/submit';
import { cancelTask, getTask } from '../../nodes/shared/operations/task';
import type { ProviderDefinition } from '../../nodes/shared/operations/types';
import { customModel, type Model } from '../../nodes/shared/parameters/model';
import { integer } from '../../nodes/shared/parameters/param';
import type { Done, Task, TaskProtocol } from '../../nodes/shared/tasks/protocol';

/**
 * A provider without an API, and executions without n8n: for what the upper floors make of a task's states, whoever
 * reports them. n8n's engine shows the same for the real providers, a hundred times slower.
 */

const seed = integer('seed', { label: 'Seed', description: 'Any number', default: 0 });
const side = (name: string) =>
	integer(name, { label: name, description: 'In pixels', min: 64, max: 4096, default: 1024 });

export const MODEL: Model = {
	id: 'vendor/flux',
	name: 'Flux',
	description: 'The only one',
	parameters: [seed, side('width'), side('height')],
	maxReferences: 2,
	typicalSeconds: 5,
};

export const IMAGE_URL = 'https://images.example/1.png';
export const PNG = Buffer.from(
	'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAQAAAC1HAwCAAAAC0lEQVR42mNkYAAAAAYAAjCB0C8AAAAASUVORK5CYII=',
	'base64',
);
export const SECRET = 'made-up-secret-0123456789';

export const taskOf = (id = 't1'): Task => ({
	id,
	model: MODEL.id,
	submittedAt: new Date().toISOString(),
});

export const doneOf = (task?: Task, more: Partial<Done> = {}): Done => ({
	status: 'done',
	task,
	readyAt: new Date().toISOString(),
	images: [{ url: IMAGE_URL }],
	raw: { any: 'response' },
	...more,
});

/** @param more what is special about the provider */
export function providerWith(
	protocol: TaskProtocol,
	more: Partial<ProviderDefinition> = {},
): ProviderDefinition {
	const route = {
		models: [MODEL],
		customModel: (id: string) => customModel(id, [MODEL]),
		protocol,
	};
	return {
		name: 'made-up',
		label: 'Made-Up',
		credentialType: 'madeUpApi',
		baseUrl: ({ baseUrl = '' }) => baseUrl,
		minPollIntervalSeconds: 0.01,
		typicalSeconds: 5,
		readError: () => undefined,
		operations: {
			'image:generate': generate,
			'task:submit': submitTask,
			'task:get': getTask,
			'task:cancel': cancelTask,
		},
		routeFor: () => route,
		...more,
	};
}

export interface ExecutionFacts {
	items?: number;
	/** By name; a function yields the value of one item, as an expression does. */
	parameters?: Record<string, unknown>;
	options?: Record<string, unknown>;
	continues?: boolean;
	executionId?: string;
	isTool?: boolean;
	/** Of n8n: it stops the execution. */
	signal?: AbortSignal;
	credentials?: IDataObject | Error;
	/** The responses of the images' host, in turn; the last one goes on for ever. An error is thrown. */
	downloads?: Array<number | Buffer | Error>;
	/** What n8n keeps for the node from one try to the next. */
	nodeContext?: IDataObject;
	state?: ProcessState;
}

export interface Execution {
	/** Runs the node once. What it returns has one output. */
	run(this: void): Promise<INodeExecutionData[]>;
	context: IExecuteFunctions;
	/** The files in n8n's store. */
	files: Array<{ fileName?: string; bytes: Buffer }>;
	/** The URLs that were asked for. */
	urls: string[];
}

export const newState = (): ProcessState => ({
	durations: new Map(),
	limiters: new Map(),
	readThrottle: throttle(0),
});

/** An execution of the node with that provider. */
export function executionOf(provider: ProviderDefinition, facts: ExecutionFacts = {}): Execution {
	const files: Execution['files'] = [];
	const urls: string[] = [];
	const context = {
		...hostOf(facts),
		helpers: { ...helpersOf(facts, urls, files) },
	} as unknown as IExecuteFunctions;
	const state = facts.state ?? newState();
	const run = async () => (await runItems(context, provider, state))[0] ?? [];
	return { run, context, files, urls };
}

function hostOf(facts: ExecutionFacts) {
	const { items = 1, parameters, continues = false, executionId = '7', nodeContext = {} } = facts;
	const { signal, isTool = false, credentials = {} } = facts;
	const options = { pollInterval: 0.01, ...facts.options };
	const all: Record<string, unknown> = { prompt: 'A fox', model: MODEL.id, ...parameters, options };
	const input = Array.from({ length: items }, (_, index) => ({ json: { index } }));
	return {
		getInputData: () => input,
		getNodeParameter: (name: string, itemIndex: number, fallback: unknown) => {
			const value = name.split('.').reduce<unknown>((holder, key) => (holder as never)?.[key], all);
			const own: unknown = typeof value === 'function' ? value(itemIndex) : value;
			return own ?? fallback;
		},
		getCredentials: async () => {
			if (credentials instanceof Error) throw credentials;
			return await Promise.resolve({
				apiKey: SECRET,
				baseUrl: 'https://api.example',
				...credentials,
			});
		},
		getContext: () => nodeContext,
		getExecutionId: () => executionId,
		getWorkflowDataProxy: () => ({ $runIndex: 0, $execution: { resumeUrl: '' } }),
		getNode: () => ({ name: 'FLUX.2', type: 'madeUp', typeVersion: 1, parameters: {} }),
		getExecutionCancelSignal: () => signal,
		continueOnFail: () => continues,
		isToolExecution: () => isTool,
	};
}

function helpersOf(
	{ downloads = [PNG] }: ExecutionFacts,
	urls: string[],
	files: Execution['files'],
) {
	return {
		httpRequest: async ({ url }: IHttpRequestOptions) => {
			urls.push(url);
			const response = downloads[Math.min(urls.length, downloads.length) - 1]!;
			if (response instanceof Error) throw response;
			const bytes = Buffer.isBuffer(response) ? response : Buffer.from('refused');
			const statusCode = typeof response === 'number' ? response : 200;
			return { statusCode, headers: { 'retry-after': '0.001' }, body: Readable.from([bytes]) };
		},
		async prepareBinaryData(
			content: Buffer | AsyncIterable<Buffer>,
			fileName: string,
			mimeType: string,
		): Promise<IBinaryData> {
			const chunks: Buffer[] = [];
			if (Buffer.isBuffer(content)) chunks.push(content);
			else for await (const chunk of content) chunks.push(chunk);
			files.push({ fileName, bytes: Buffer.concat(chunks) });
			return { data: '', id: `stored:${files.length}`, mimeType, fileName };
		},
	};
}

/** Responds with these in turn; the last one goes on for ever. An error is thrown. */
export function inTurn<T>(...values: Array<T | Error>) {
	let calls = 0;
	return jest.fn(async (): Promise<T> => {
		const value = values[Math.min(calls++, values.length - 1)];
		if (value instanceof Error) throw value;
		return await Promise.resolve(value as T);
	});
}
