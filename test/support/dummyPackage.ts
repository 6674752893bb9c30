import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';

const NODE = `exports.Fetch = class Fetch {
	description = {
		displayName: 'Fetch', name: 'fetch', group: ['transform'], version: 1,
		description: 'Fetches a path', defaults: { name: 'Fetch' }, inputs: ['main'], outputs: ['main'],
		credentials: [{ name: 'dummyApi', required: true }],
		properties: [{ displayName: 'Path', name: 'path', type: 'string', default: '' }],
	};
	async execute() {
		const context = this.getContext('node');
		context.tries = (context.tries ?? 0) + 1;
		const { baseUrl } = await this.getCredentials('dummyApi');
		const url = baseUrl + this.getNodeParameter('path', 0);
		const text = await this.helpers.httpRequestWithAuthentication.call(this, 'dummyApi', { url });
		const answer = await this.helpers.prepareBinaryData(Buffer.from(text), 'answer.txt', 'text/plain');
		const { item } = this.getInputData()[0].json;
		return [[{ json: { item, tries: context.tries }, binary: { answer }, pairedItem: { item: 0 } }]];
	}
};`;

const CREDENTIAL = `exports.DummyApi = class DummyApi {
	name = 'dummyApi';
	displayName = 'Dummy API';
	properties = [
		{ displayName: 'Key', name: 'apiKey', type: 'string', default: 'default-key' },
		{ displayName: 'Base URL', name: 'baseUrl', type: 'string', default: '' },
	];
	authenticate = { type: 'generic', properties: { headers: { 'x-key': '={{$credentials.apiKey}}' } } };
	test = {
		request: { baseURL: '={{$credentials.baseUrl}}', url: '/me' },
		rules: [
			{ type: 'responseCode', properties: { value: 403, message: 'Wrong account' } },
			{ type: 'responseSuccessBody', properties: { key: 'user.kind', value: 'bot', message: 'No bots' } },
		],
	};
};`;

/** A package with one node and one credential, in a temporary folder. */
export function writeDummyPackage(): string {
	const folder = mkdtempSync(path.join(tmpdir(), 'flux2-dummy-'));
	const write = (file: string, text: string) => {
		mkdirSync(path.dirname(path.join(folder, file)), { recursive: true });
		writeFileSync(path.join(folder, file), text);
	};
	const n8n = { nodes: ['nodes/Fetch.node.js'], credentials: ['DummyApi.credentials.js'] };
	write('package.json', JSON.stringify({ name: 'n8n-nodes-dummy', version: '1.0.0', n8n }));
	write('nodes/Fetch.node.js', NODE);
	write('DummyApi.credentials.js', CREDENTIAL);
	return folder;
}
