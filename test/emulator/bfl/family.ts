import type { ImageFormat, ReferenceImage } from '../images';
import { BadReference, readAny } from '../images/references';
import type { Size } from '../prices';
import type { JsonObject } from '../types';
import { valueError } from './problems';

export interface BflInput extends JsonObject {
	/** Some tools have none. */
	prompt?: string | null;
	webhook_url?: string | null;
	webhook_secret?: string | null;
}

/** What the descriptions of one family of models add to their schemas. */
export interface Family {
	/** Fields with reference images. */
	referenceFields: RegExp;
	/** The format of an image whose request names none. */
	format: ImageFormat;
	readReferences(input: BflInput): Promise<ReferenceImage[]>;
	toSize(input: BflInput, references: readonly ReferenceImage[]): Size | Promise<Size>;
}

/** @param name of the field, for the refusal */
export async function readReference(name: string, image: string): Promise<ReferenceImage> {
	try {
		return await readAny(image);
	} catch (error) {
		if (!(error instanceof BadReference)) throw error;
		throw valueError(`${name} ${error.message}`, name);
	}
}
