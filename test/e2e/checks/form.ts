import { equal, ok } from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { Host } from '../host';
import type { WorkflowNode } from '../host/workflows';
import { waitUntil } from './check';

const PHOTO = path.resolve(__dirname, '../../demo/references/mountains.png');

interface Field {
	fieldType?: string;
}

/** Sends a published form with a photo and texts, as its page does, and returns the file of the last page. */
export async function fillInForm(
	{ url }: Host,
	{ webhookId, parameters }: WorkflowNode,
): Promise<Buffer> {
	const { formFields } = parameters as { formFields: { values: Field[] } };
	const form = new FormData();
	formFields.values.forEach(({ fieldType }, index) => {
		const isFile = fieldType === 'file';
		const photo = new Blob([readFileSync(PHOTO)], { type: 'image/png' });
		if (isFile) form.set(`field-${index}`, photo, 'photo.png');
		else form.set(`field-${index}`, 'Make it a winter evening');
	});
	const response = await fetch(`${url}/form/${webhookId}`, { method: 'POST', body: form });
	const text = await response.text();
	equal(response.status, 200, `the form responds ${text.slice(0, 300)}`);
	const { formWaitingUrl } = JSON.parse(text) as { formWaitingUrl: string };
	const file = await waitForFile(formWaitingUrl);
	// the page does this by itself, and only then the execution ends
	await fetch(formWaitingUrl, { method: 'POST' });
	return file;
}

interface PageFile {
	data: { data: number[] };
}

/** The last page carries its file, or a list of files, as encoded JSON. */
async function waitForFile(pageUrl: string): Promise<Buffer> {
	await waitUntil(
		async () => (await readStatus(pageUrl)) === 'form-waiting',
		"the form's last page",
	);
	const page = await (await fetch(pageUrl)).text();
	const [, files] = /"((?:%5B)?%7B%22data%22[^"]*)"/.exec(page) ?? [];
	ok(files, 'the last page has a file');
	const [file] = [JSON.parse(decodeURIComponent(files)) as PageFile | PageFile[]].flat();
	ok(file, 'the last page has a file');
	return Buffer.from(file.data.data);
}

/** As the page asks for it: n8n never responds to a call of the next page while the execution is running. */
async function readStatus(pageUrl: string): Promise<string> {
	const url = new URL(pageUrl);
	url.pathname += '/n8n-execution-status';
	return (await (await fetch(url)).text()).trim();
}
