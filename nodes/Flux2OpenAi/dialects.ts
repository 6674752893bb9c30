import type { IDataObject } from 'n8n-workflow';
import { omitUndefined } from '../shared/core/json';
import { toForm } from '../shared/http/form';
import {
	imageFields,
	toBase64,
	toDataUri,
	type LoadedReference,
} from '../shared/images/references';
import { withCustomBody, type ImageRequest } from '../shared/parameters/imageRequest';
import type { ParameterReader } from '../shared/parameters/reader';
import type { OpenAiModel } from './models';
import type { ServerName } from './servers';

type OpenAiRequest = ImageRequest<OpenAiModel>;

/** What is posted, and where below the base URL. */
export interface Call {
	readonly url: string;
	readonly body: IDataObject | FormData;
}

/** How one server wants to be asked. */
interface Dialect {
	/** Whether the server fetches the URLs of reference images itself. */
	readonly takesUrls: boolean;
	toCall(this: void, request: OpenAiRequest, references: readonly LoadedReference[]): Call;
	/** What of a request can never work there, by label. */
	validate?(this: void, request: OpenAiRequest, reader: Pick<ParameterReader, 'addProblem'>): void;
}

const GENERATIONS = '/images/generations';
const EDITS = '/images/edits';
const BASE64 = { response_format: 'b64_json' };

/** With width and height as they are. */
const toPlainFields = ({ model, prompt, body }: OpenAiRequest): IDataObject => ({
	model: model.id,
	prompt,
	...body,
});

/** With a size such as 1024x768. */
function toFields(request: OpenAiRequest): IDataObject {
	const { width, height, ...fields } = toPlainFields(request);
	return omitUndefined({ ...fields, size: width && `${width as number}x${height as number}` });
}

/** Reference images as files of a form, all under one name. */
const toFiles = (name: string, references: readonly LoadedReference[]) =>
	references.flatMap((reference, index) => {
		if (!('bytes' in reference)) return [];
		const extension = reference.mimeType.replace('image/', '');
		return [{ name, fileName: `image_${index + 1}.${extension}`, ...reference }];
	});

/**
 * OpenAI's own form: JSON for text, and a form for edits.
 * @param always the fields of every request
 * @param finish what becomes of the fields in the end
 */
const multipartDialect = (
	fileField: string,
	always: IDataObject,
	finish = (fields: IDataObject) => fields,
): Dialect => ({
	takesUrls: false,
	toCall(request, references) {
		const fields = finish(withCustomBody({ ...toFields(request), ...always }, request.settings));
		if (references.length === 0) return { url: GENERATIONS, body: fields };
		return { url: EDITS, body: toForm(fields, toFiles(fileField, references)) };
	},
});

/** JSON for everything, with the reference images in a field. */
const jsonDialect = (
	url: string | ((request: OpenAiRequest) => string),
	takesUrls: boolean,
	toBody: (request: OpenAiRequest, references: readonly LoadedReference[]) => IDataObject,
): Dialect => ({
	takesUrls,
	toCall: (request, references) => ({
		url: typeof url === 'string' ? url : url(request),
		body: withCustomBody(toBody(request, references), request.settings),
	}),
});

/** A field for a list, left out where the list is empty. */
const listField = (name: string, list: IDataObject[] | string[]): IDataObject =>
	list.length > 0 ? { [name]: list } : {};

/** The tag in a prompt in which stable-diffusion.cpp looks for settings. */
const TAG = 'sd_cpp_extra_args';

/** Puts the settings that the server takes from the prompt only behind it, in its tag. */
function withTag({ seed, ...others }: IDataObject): IDataObject {
	const { negative_prompt: negativePrompt, sample_steps: steps, ...rest } = others;
	const { distilled_guidance: guidance, prompt, ...fields } = rest;
	const sampling = omitUndefined({
		sample_steps: steps,
		guidance: guidance === undefined ? undefined : { distilled_guidance: guidance },
	});
	const settings = omitUndefined({
		seed,
		negative_prompt: negativePrompt,
		sample_params: Object.keys(sampling).length > 0 ? sampling : undefined,
	});
	if (Object.keys(settings).length === 0) return { ...fields, prompt };
	// a negative prompt must not end the tag
	const json = JSON.stringify(settings).replaceAll('<', '\\u003c');
	return { ...fields, prompt: `${prompt as string} <${TAG}>${json}</${TAG}>` };
}

/**
 * A prompt may come from a stranger or an agent, and would set what it likes. Whatever the credential says, the server may
 * be stable-diffusion.cpp.
 */
export function refuseTag(
	{ prompt, settings }: Pick<OpenAiRequest, 'prompt' | 'settings'>,
	reader: Pick<ParameterReader, 'addProblem'>,
): void {
	const sent = withCustomBody({ prompt }, settings).prompt;
	if (typeof sent !== 'string' || !sent.toLowerCase().includes(TAG)) return;
	reader.addProblem('Prompt', `must not contain "${TAG}": servers take settings from it`);
}

const NEGATIVE_MARK = '|';

/** LocalAI takes what is behind a bar as the negative prompt. */
function localAiFields(request: OpenAiRequest): IDataObject {
	const { negative_prompt: negative, prompt, ...fields } = toFields(request);
	const texts = [prompt, negative] as Array<string | undefined>;
	const joined = negative === undefined ? prompt : texts.join(NEGATIVE_MARK);
	return { ...fields, prompt: joined };
}

export const DIALECTS: Readonly<Record<ServerName, Dialect>> = {
	azure: {
		...jsonDialect(
			({ model: { path = '' } }) => `${path}?api-version=preview`,
			false,
			(request, references) => ({ ...toPlainFields(request), ...imageFields(references) }),
		),
		validate({ model: { path } }, reader) {
			if (path) return;
			const advice = 'name a deployment of your own as "model" in Custom Body';
			reader.addProblem('Model', `must be FLUX.2-pro or FLUX.2-flex; ${advice}`);
		},
	},
	deepInfra: multipartDialect('image', BASE64),
	generic: multipartDialect('image[]', BASE64),
	localAi: {
		...jsonDialect(GENERATIONS, true, (request, references) => ({
			...localAiFields(request),
			...BASE64,
			...listField('ref_images', references.map(toBase64)),
		})),
		validate({ prompt, body }, reader) {
			const isSplit = prompt.includes(NEGATIVE_MARK);
			if (isSplit)
				reader.addProblem('Prompt', 'must not contain "|" at LocalAI; use Negative Prompt');
			if (!`${body.negative_prompt as string}`.includes(NEGATIVE_MARK)) return;
			reader.addProblem('Negative Prompt', 'must not contain "|"');
		},
	},
	openRouter: jsonDialect('/images', true, (request, references) => ({
		...toFields(request),
		...listField(
			'input_references',
			references.map((reference) => ({
				type: 'image_url',
				image_url: { url: toDataUri(reference) },
			})),
		),
	})),
	sdCpp: {
		...multipartDialect('image[]', {}, withTag),
		validate({ body, references }, reader) {
			if (references.length === 0 || body.output_format !== 'webp') return;
			reader.addProblem('Output Format', 'stable-diffusion.cpp makes no WebP of reference images');
		},
	},
	together: jsonDialect(GENERATIONS, true, (request, references) => ({
		...toPlainFields(request),
		response_format: 'base64',
		...listField('reference_images', references.map(toDataUri)),
	})),
	vllm: multipartDialect('image[]', BASE64),
};
