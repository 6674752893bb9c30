import type { IDataObject } from 'n8n-workflow';

interface FormFile {
	/** Of the field; several files may have the same. */
	readonly name: string;
	readonly fileName: string;
	readonly bytes: Buffer;
	readonly mimeType: string;
}

/** A multipart form: text as it is, every other value as JSON. */
export function toForm(fields: IDataObject, files: readonly FormFile[]): FormData {
	const form = new FormData();
	for (const [name, value] of Object.entries(fields)) {
		form.append(name, typeof value === 'string' ? value : JSON.stringify(value));
	}
	for (const { name, fileName, bytes, mimeType } of files) {
		form.append(name, new Blob([Uint8Array.from(bytes)], { type: mimeType }), fileName);
	}
	return form;
}
