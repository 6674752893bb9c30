import type { IDataObject } from 'n8n-workflow';
import { invalidInput } from '../shared/core/errors';
import { readImageInfo } from '../shared/images/format';
import { toBase64, type LoadedReference } from '../shared/images/references';
import type { ParameterReader } from '../shared/parameters/reader';
import { megapixelsOf, type Size } from '../shared/parameters/size';
import { NO_TOOL } from './toolProperties';
import { tools, type BflModel, type Tool, type ToolImage } from './tools';

/** Operations that can be about a tool. */
const CHOOSING = ['submit', 'estimateCost'];

/** The tool that an item asks for; undefined where it asks for a model. */
export function toolOf(reader: ParameterReader): Tool | undefined {
	const operation = reader.text('operation');
	const name = CHOOSING.includes(operation)
		? reader.choice('tool', 'Tool', [NO_TOOL, ...tools.map((tool) => tool.operation)])
		: operation;
	return tools.find((tool) => tool.operation === name);
}

/** Reports a canvas that is larger than what the tool makes. */
export function checkCanvas(
	{ name, maxCanvasPixels }: BflModel,
	{ width, height }: IDataObject,
	reader: Pick<ParameterReader, 'addProblem'>,
): void {
	if (!maxCanvasPixels || Number(width) * Number(height) <= maxCanvasPixels) return;
	reader.addProblem(
		'Width, Height',
		`${Number(width)} × ${Number(height)} is more than the ${megapixelsOf(maxCanvasPixels)} megapixels that ${name} makes`,
	);
}

/**
 * The tool's images by their wire names, in base64 or as URLs.
 * @throws Flux2Error `invalidInput` where one does not fit the tool, another image or the canvas; what is behind a URL
 * is left to the provider
 */
export function toolImageFields(
	model: BflModel,
	references: readonly LoadedReference[],
	body: IDataObject,
): IDataObject {
	const { images = [] } = model;
	const sizes = new Map(
		images.map(({ wireName }, index) => [wireName, sizeOf(references[index])] as const),
	);
	const problems = images.flatMap((image) => {
		const size = sizes.get(image.wireName);
		const other = image.sameSizeAs && sizes.get(image.sameSizeAs);
		const found = size && [
			...limitProblems(image, size, model.name),
			...(other ? maskProblems(size, other) : []),
			...(model.maxCanvasPixels ? canvasProblems(size, body) : []),
		];
		return (found ?? []).map((problem) => `${image.label}: ${problem}`);
	});
	if (problems.length > 0) throw invalidInput(problems);
	return Object.fromEntries(
		images.flatMap(({ wireName }, index) => {
			const { [index]: reference } = references;
			return reference ? [[wireName, toBase64(reference)] as const] : [];
		}),
	);
}

const sizeOf = (reference: LoadedReference | undefined): Size | undefined =>
	reference && 'bytes' in reference ? readImageInfo(reference.bytes) : undefined;

const toText = ({ width, height }: Size): string => `${width} × ${height}`;

function limitProblems(
	{ minSide = 0, maxPixels = Infinity }: ToolImage,
	size: Size,
	tool: string,
): string[] {
	if (Math.min(size.width, size.height) < minSide) {
		return [`is ${toText(size)} pixels, and ${tool} takes at least ${minSide} × ${minSide}`];
	}
	if (size.width * size.height <= maxPixels) return [];
	return [
		`is ${toText(size)} pixels, more than the ${megapixelsOf(maxPixels)} megapixels that ${tool} takes. Make it smaller with n8n's Edit Image node (Resize) first`,
	];
}

const maskProblems = (size: Size, other: Size): string[] =>
	size.width === other.width && size.height === other.height
		? []
		: [
				`is ${toText(size)} pixels, and the image is ${toText(other)}; both must have the same size`,
			];

/** Where the image would stand out of the canvas. */
function canvasProblems(size: Size, body: IDataObject): string[] {
	const { width, height, auto_crop: isCropped } = body;
	const { reference_offset_x: x, reference_offset_y: y } = body;
	if (isCropped || (fits(size.width, width, x) && fits(size.height, height, y))) return [];
	return [
		`is ${toText(size)} pixels, and does not fit into the ${Number(width)} × ${Number(height)} of the finished image at this place. Enlarge Width and Height, turn on Auto Crop, or make the image smaller with n8n's Edit Image node (Resize) first`,
	];
}

/** Without an offset it stands in the middle. */
const fits = (side: number, canvas: unknown, offset: unknown): boolean =>
	typeof offset === 'number'
		? offset >= 0 && offset + side <= Number(canvas)
		: side <= Number(canvas);
