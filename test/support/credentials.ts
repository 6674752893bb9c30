import type { PackageDirectoryLoader } from 'n8n-core';
import type {
	ICredentialDataDecryptedObject,
	ICredentialsExpressionResolveValues,
	ICredentialsHelper,
	IExecuteData,
	IHttpRequestOptions,
	INode,
	INodeParameters,
	Workflow,
} from 'n8n-workflow';
import type { N8n } from './n8n';

/** Credential data by type name; every node that names the type gets it. */
export type CredentialStore = Record<string, ICredentialDataDecryptedObject>;

/** What n8n does between its database and a node: defaults of the credential type are filled in. */
export function withDefaults(
	n8n: N8n,
	loader: PackageDirectoryLoader,
	type: string,
	data: ICredentialDataDecryptedObject,
): ICredentialDataDecryptedObject {
	const { properties } = loader.getCredential(type).type;
	const filled = n8n.workflow.NodeHelpers.getNodeParameters(
		properties,
		data as INodeParameters,
		true,
		false,
		null,
		null,
	);
	return filled as ICredentialDataDecryptedObject;
}

function resolveExpressions(
	data: ICredentialDataDecryptedObject,
	values: ICredentialsExpressionResolveValues,
	executeData?: IExecuteData,
): ICredentialDataDecryptedObject {
	return values.workflow.expression.getParameterValue(
		data as INodeParameters,
		values.runExecutionData,
		values.runIndex,
		values.itemIndex,
		values.node.name,
		values.connectionInputData,
		'internal',
		{},
		executeData,
		false,
		data,
	) as ICredentialDataDecryptedObject;
}

/** The generic `authenticate` of a credential class, expressions and all. */
function addAuthentication(
	properties: object,
	credentials: ICredentialDataDecryptedObject,
	request: IHttpRequestOptions,
	workflow: Workflow,
	node: INode,
): IHttpRequestOptions {
	const resolve = (text: string) =>
		workflow.expression.getSimpleParameterValue(
			node,
			text,
			'internal',
			{ $credentials: credentials },
			undefined,
			'',
		);
	const parts = Object.entries(properties as Record<string, Record<string, string>>);
	const added = parts.map(([part, entries]) => [
		part,
		{
			...(request[part as keyof IHttpRequestOptions] as object | undefined),
			...Object.fromEntries(
				Object.entries(entries).map(([key, value]) => [resolve(key), resolve(value)]),
			),
		},
	]);
	return Object.assign(request, Object.fromEntries(added));
}

function unused(): never {
	throw new Error('The test engine has no credential database');
}

/** Stands in for n8n's credential store, which only a whole n8n has. */
export function credentialsHelper(
	n8n: N8n,
	loader: PackageDirectoryLoader,
	store: CredentialStore,
): ICredentialsHelper {
	return {
		getParentTypes: () => [],
		isCredentialUsableByNode(type, nodeType) {
			const { restrictToSupportedNodes, supportedNodes = [] } = loader.getCredential(type).type;
			const name = nodeType.split('.').at(-1) ?? '';
			return !restrictToSupportedNodes || supportedNodes.includes(name);
		},
		async getDecrypted(_data, _details, type, _mode, executeData, _raw, expressionValues) {
			const stored = store[type];
			if (!stored) throw new Error(`The test engine was given no credential "${type}"`);
			const data = withDefaults(n8n, loader, type, stored);
			return expressionValues ? resolveExpressions(data, expressionValues, executeData) : data;
		},
		async authenticate(credentials, type, request, workflow, node) {
			const { authenticate } = loader.getCredential(type).type;
			const options = request as IHttpRequestOptions;
			if (typeof authenticate === 'function') return await authenticate(credentials, options);
			if (!authenticate || !workflow || !node) return options;
			return addAuthentication(authenticate.properties, credentials, options, workflow, node);
		},
		preAuthentication: async () => undefined,
		runPreAuthentication: async () => undefined,
		getCredentialsProperties: (type) => loader.getCredential(type).type.properties,
		getCredentials: unused,
		updateCredentials: unused,
		updateCredentialsOauthTokenData: unused,
	};
}
