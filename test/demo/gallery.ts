import { readFileSync } from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';
import { format } from './format';
import { toPromptText } from './lanes';
import { isGood, sumCosts, type Result } from './results';

export interface GalleryInput {
	results: readonly Result[];
	/** How long the whole run took. */
	seconds: number;
	/** The URL of the folder with the run's reference images. */
	referenceBase: string;
}

const STYLE = path.join(__dirname, 'gallery.css');
/** Images in the page are no wider; the files beside the page keep their size. */
const MAX_IMAGE_WIDTH_PX = 960;
const HEX_COLOR = /#[0-9a-f]{6}\b/gi;

/** Renders a self-contained page; its links lead to the files beside it. */
export async function renderGallery({
	results,
	seconds,
	referenceBase,
}: GalleryInput): Promise<string> {
	const lanes = [...new Set(results.map(({ lane }) => lane))];
	const cards = await Promise.all(
		results.map((result) => renderCard(result, lanes.indexOf(result.lane), referenceBase)),
	);
	return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>FLUX.2 in n8n</title>
<style>
${readFileSync(STYLE, 'utf8')}</style>
<header class="page">
<h1>FLUX.2 in n8n</h1>
<p>${renderSummary(results, seconds)}</p>
<p class="small">Drawn by the emulator in this repository from the text of each prompt, to prove the nodes and not the models: no keys, no network, nothing paid. Costs follow the price lists, where the provider's API names them.</p>
</header>
<main>
${cards.join('\n')}
</main>
</html>
`;
}

function renderSummary(results: readonly Result[], seconds: number): string {
	const good = results.filter(isGood).length;
	const images = good === results.length ? good : `${good} of ${results.length}`;
	const cost = format.dollars(sumCosts(results));
	return `<b>${images} images</b> in <b>${format.seconds(seconds)}</b>, with costs of <b>${cost}</b> in their items`;
}

async function renderCard(result: Result, lane: number, referenceBase: string): Promise<string> {
	const { width = 1, height = 1 } = result.json.image ?? {};
	const references = await Promise.all(
		(result.request.references ?? []).map((file) => renderReference(file, referenceBase)),
	);
	// references are a column of squares beside the image, with its height
	const shares = [width / height];
	if (references.length > 0) shares.unshift(1 / references.length);
	const ratio = shares.reduce((sum, share) => sum + share, 0);
	const columns = shares.map((share) => `${share * 100}fr`).join(' ');
	return `<article style="--lane: ${lane}; --ratio: ${ratio}; --columns: ${columns}">
<div class="frame">${renderReferences(references)}${await renderImage(result)}</div>
<div class="text">
<p class="maker"><b>${escapeHtml(result.lane)}</b> ${escapeHtml(format.model(result.request.model))}</p>
${renderPrompt(result)}
${renderFacts(result)}
</div>
</article>`;
}

const renderReferences = (references: string[]): string =>
	references.length > 0 ? `<div class="references">${references.join('')}</div>` : '';

async function renderImage({ bytes, file, problems, request }: Result): Promise<string> {
	const problemHtml = problems.map((problem) => `<p>${escapeHtml(problem)}</p>`).join('');
	if (!bytes || !file || problemHtml)
		return `<div class="missing"><b>Missing</b>${problemHtml}</div>`;
	const image = `<img src="${await toDataUri(bytes, MAX_IMAGE_WIDTH_PX)}" alt="${escapeHtml(request.name)}">`;
	return `<a href="${encodeURIComponent(file)}">${image}</a>`;
}

async function renderReference(file: string, base: string): Promise<string> {
	const response = await fetch(`${base}/${file}`);
	const bytes = Buffer.from(await response.arrayBuffer());
	const image = `<img src="${await toDataUri(bytes, MAX_IMAGE_WIDTH_PX / 2)}" alt="Reference image ${escapeHtml(file)}">`;
	return `<div>${image}</div>`;
}

async function toDataUri(bytes: Buffer, width: number): Promise<string> {
	const thumbnail = await sharp(bytes)
		.resize({ width, withoutEnlargement: true })
		.webp({ quality: 84, effort: 2 })
		.toBuffer();
	return `data:image/webp;base64,${thumbnail.toString('base64')}`;
}

/** Shows structured prompts with a line for each key, and a swatch before each colour. */
function renderPrompt({ request, json }: Result): string {
	const text = json.prompt ?? toPromptText(request);
	if (!text.startsWith('{')) return `<p class="prompt">${withSwatches(escapeHtml(text))}</p>`;
	const lines = Object.entries(JSON.parse(text) as object).map(
		([key, value]) => `  "${key}": ${JSON.stringify(value)}`,
	);
	return `<pre class="prompt">${withSwatches(escapeHtml(`{\n${lines.join(',\n')}\n}`))}</pre>`;
}

const withSwatches = (html: string): string =>
	html.replace(HEX_COLOR, (hex) => `<i style="background: ${hex}"></i>${hex}`);

function renderFacts({ json: { image = {}, timing = {}, cost } }: Result): string {
	const facts = {
		Time: format.seconds(timing.seconds),
		Polls: format.polls(timing.polls),
		Pixels: format.pixels(image.width, image.height),
		Format: format.format(image.mimeType),
		Size: format.size(image.fileSize),
		Cost: format.dollars(cost?.amount),
	};
	const rows = Object.entries(facts).map(
		([name, value]) => `<div><dt>${name}</dt><dd>${escapeHtml(value)}</dd></div>`,
	);
	return `<dl>${rows.join('')}</dl>`;
}

const ENTITIES: Record<string, string> = {
	'&': '&amp;',
	'<': '&lt;',
	'>': '&gt;',
	'"': '&quot;',
	"'": '&#39;',
};

const escapeHtml = (text: string): string =>
	text.replace(/[&<>"']/g, (letter) => ENTITIES[letter]!);
