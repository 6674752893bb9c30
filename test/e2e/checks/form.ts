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
	return await waitForFile(formWaitingUrl);
}

/** The last page carries its file as an encoded JSON object with a Buffer. */
async function waitForFile(pageUrl: string): Promise<Buffer> {
	let file: string | undefined;
	await waitUntil(async () => {
		const page = await (await fetch(pageUrl)).text();
		[, file] = /(%7B%22data%22[^"'`]*)/.exec(page) ?? [];
		return file !== undefined;
	}, "the form's last page");
	const { data } = JSON.parse(decodeURIComponent(file!)) as { data: { data: number[] } };
	ok(data.data.length > 0, 'the last page has a file');
	return Buffer.from(data.data);
}
