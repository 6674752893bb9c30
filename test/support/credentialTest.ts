import type {
	ICredentialDataDecryptedObject,
	ICredentialsDecrypted,
	ICredentialTestFunction,
	ICredentialTestRequest,
	INode,
	INodeCredentialTestResult,
	INodeExecutionData,
	INodeType,
	IWorkflowBase,
} from 'n8n-workflow';
import { withDefaults } from './credentials';
import type { Engine } from './engine';
import { noOp } from './nodeTypes';

/** What *Test* in n8n's credential window does, with the data of that window. */
export async function testCredential(
	engine: Engine,
	type: string,
	data: ICredentialDataDecryptedObject,
): Promise<INodeCredentialTestResult> {
	const { n8n, loader } = engine;
	const credential = {
		id: 'test',
		name: 'Test',
		type,
		data: withDefaults(n8n, loader, type, data),
	};
	const test = findTest(engine, type);
	if (!test) return failed('No testing function found for this credential.');
	if (typeof test === 'function') {
		return await test.call(new n8n.core.CredentialTestContext(), credential);
	}
	try {
		const [items] = (await sendRequest(engine, credential, test)) ?? [];
		return judgeAnswer(test, items);
	} catch (error) {
		return judgeFailure(test, error as RequestFailure);
	}
}

function findTest(
	{ loader }: Engine,
	type: string,
): ICredentialTestRequest | ICredentialTestFunction | undefined {
	const { test, supportedNodes = [] } = loader.getCredential(type).type;
	if (test) return test;
	for (const name of supportedNodes) {
		const { description, methods } = loader.getNode(name).type as INodeType;
		const testedBy = description.credentials?.find((entry) => entry.name === type)?.testedBy;
		if (typeof testedBy === 'string') return methods?.credentialTest?.[testedBy];
		if (testedBy) return testedBy;
	}
	return undefined;
}

/** n8n sends the request through a declarative node that exists for this one request. */
async function sendRequest(
	engine: Engine,
	credential: ICredentialsDecrypted,
	test: ICredentialTestRequest,
): Promise<INodeExecutionData[][] | null | undefined> {
	const { core, workflow: n8nWorkflow } = engine.n8n;
	const node = requestNode(credential);
	const nodeType = declarativeNode(credential.type, test);
	const saved = { id: 'test', name: 'Test', nodes: [node], connections: {}, active: false };
	const find = () => nodeType;
	const nodeTypes = { getByName: find, getByNameAndVersion: find, getKnownTypes: () => ({}) };
	const context = new core.ExecuteContext(
		new n8nWorkflow.Workflow({ ...saved, nodeTypes }),
		node,
		engine.context(saved as unknown as IWorkflowBase, 'internal'),
		'internal',
		n8nWorkflow.createRunExecutionData(),
		0,
		[],
		{ main: [[{ json: {} }]] },
		{ node, data: {}, source: null },
		[],
	);
	return await new core.RoutingNode(context, nodeType, credential).runNode();
}

function requestNode({ id, name, type }: ICredentialsDecrypted): INode {
	return {
		id: 'temp',
		name: 'Temp-Node',
		type: noOp.description.name,
		typeVersion: 1,
		position: [0, 0],
		parameters: {},
		credentials: { [type]: { id, name } },
	};
}

function declarativeNode(credentialType: string, { request }: ICredentialTestRequest): INodeType {
	return {
		description: {
			...noOp.description,
			credentials: [{ name: credentialType, required: true }],
			properties: [
				{
					displayName: 'Temp',
					name: 'temp',
					type: 'string',
					default: '',
					routing: { request },
				},
			],
		},
	};
}

function judgeAnswer(
	{ rules = [] }: ICredentialTestRequest,
	items: INodeExecutionData[] = [],
): INodeCredentialTestResult {
	for (const { type, properties } of rules) {
		if (type !== 'responseSuccessBody') continue;
		if (valueAt(items[0]?.json, properties.key) === properties.value) {
			return failed(properties.message);
		}
	}
	return { status: 'OK', message: 'Connection successful!' };
}

function valueAt(body: unknown, key: string): unknown {
	return key
		.split('.')
		.reduce<unknown>((value, part) => (value as Record<string, unknown> | undefined)?.[part], body);
}

type RequestFailure = Error & {
	cause?: { code?: string; response?: { status: number; statusText?: string } };
};

function judgeFailure(
	{ rules = [] }: ICredentialTestRequest,
	{ cause, message }: RequestFailure,
): INodeCredentialTestResult {
	if (!cause?.response) return failed(cause?.code ?? message);
	const { status, statusText } = cause.response;
	for (const { type, properties } of rules) {
		if (type === 'responseCode' && properties.value === status) return failed(properties.message);
	}
	const isRefused = status < 199 || status > 299;
	return failed(isRefused ? statusText || `Received HTTP status code: ${status}` : message);
}

function failed(message: string): INodeCredentialTestResult {
	return { status: 'Error', message };
}
