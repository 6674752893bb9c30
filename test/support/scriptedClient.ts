import { Readable } from 'node:stream';
import type { IExecuteFunctions } from 'n8n-workflow';
import { throttle } from '../../nodes/shared/core/async';
import { createRedactor } from '../../nodes/shared/core/redact';
import { AdaptiveLimiter, Permit } from '../../nodes/shared/http/limiter';
import type { ApiClient } from '../../nodes/shared/http/types';
import type { ProviderDefinition, Route } from '../../nodes/shared/operations/types';
import type { ImageRequest } from '../../nodes/shared/parameters/imageRequest';
import { Settings } from '../../nodes/shared/parameters/param';
import { ParameterReader } from '../../nodes/shared/parameters/reader';

/** A provider that responds from a script, without n8n and without a socket. */

export interface ScriptedResponse {
	status: number;
	body: string | Buffer;
	/** The content type; none where it is undefined. */
	type: string | undefined;
}

/** What a call is responded with, by its method and its path below the base URL. */
export type Script = (call: string) => ScriptedResponse;

export interface ScriptedProvider {
	client: ApiClient;
	protocol: Route['protocol'];
	request: ImageRequest;
	reader: ParameterReader;
	/** The calls so far. */
	calls: readonly string[];
}

const BASE_URL = 'https://api.example';

/** @param parameters of the node; they choose the route */
export function connect(
	provider: ProviderDefinition,
	parameters: Record<string, unknown>,
	script: Script,
): ScriptedProvider {
	const calls: string[] = [];
	const context = contextOf(parameters, (call) => {
		calls.push(call);
		return script(call);
	});
	const reader = new ParameterReader(context, 0);
	const client = clientOf(provider, context);
	const { models, protocol } = provider.routeFor(reader, client.credentials);
	const request: ImageRequest = {
		model: models.find(({ id }) => id === parameters.model) ?? models[0]!,
		prompt: 'A fox',
		body: {},
		headers: {},
		settings: new Settings(),
		references: [],
	};
	return { client, protocol, request, reader, calls };
}

function contextOf(parameters: Record<string, unknown>, script: Script): IExecuteFunctions {
	const context = {
		getNodeParameter: (name: string, _index: number, fallback: unknown) =>
			parameters[name] ?? fallback,
		helpers: {
			httpRequestWithAuthentication: async (
				_type: string,
				{ method, url }: { method: string; url: string },
			) => {
				const { status, body, type } = script(`${method} ${new URL(url).pathname}`);
				return {
					statusCode: status,
					headers: { 'content-type': type, 'retry-after': '0.01' },
					body: Readable.from([Buffer.from(body)]),
				};
			},
		},
	};
	return context as unknown as IExecuteFunctions;
}

const clientOf = (provider: ProviderDefinition, context: IExecuteFunctions): ApiClient => ({
	context,
	credentialType: provider.credentialType,
	label: provider.label,
	baseUrl: BASE_URL,
	credentials: { accountId: 'account' },
	cancelSignal: new AbortController().signal,
	redact: createRedactor([]),
	redactItem: createRedactor([]),
	readError: provider.readError,
	permit: new Permit(new AdaptiveLimiter(1)),
	readThrottle: throttle(0),
});
