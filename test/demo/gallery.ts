import { readFileSync } from 'node:fs';
import path from 'node:path';
import sharp from 'sharp';
import { facts } from './facts';
import type { Wish } from './lanes';
import { isGood, totalCost, type Result } from './results';

export interface GalleryOrder {
	results: readonly Result[];
	/** What the whole run took. */
	seconds: number;
	/** Where the reference images of the run can be had. */
	referenceBase: string;
}

const STYLE = path.join(__dirname, 'gallery.css');
/** Of the pictures in the page, in pixels; the files beside it are as they came. */
const SHOWN_WIDTH = 960;
const HEX = /#[0-9a-f]{6}\b/gi;

/** One page that needs nothing but itself; its links lead to the files beside it. */
export async function gallery({ results, seconds, referenceBase }: GalleryOrder): Promise<string> {
	const lanes = [...new Set(results.map(({ lane }) => lane))];
	const cards = await Promise.all(
		results.map((result) => card(result, lanes.indexOf(result.lane), referenceBase)),
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
<p>${summary(results, seconds)}</p>
<p class="small">Drawn by the emulator in this repository from each prompt's words, to prove the nodes and not the models: no keys, no network, nothing paid. Costs follow the providers' price lists.</p>
</header>
<main>
${cards.join('\n')}
</main>
</html>
`;
}

function summary(results: readonly Result[], seconds: number): string {
	const good = results.filter(isGood).length;
	const images = good === results.length ? good : `${good} of ${results.length}`;
	const cost = facts.dollars(totalCost(results));
	return `<b>${images} images</b> in <b>${facts.seconds(seconds)}</b>, worth <b>${cost}</b>`;
}

async function card(result: Result, lane: number, referenceBase: string): Promise<string> {
	const { width = 1, height = 1 } = result.json.image ?? {};
	const references = await Promise.all(
		(result.wish.references ?? []).map((file) => reference(file, referenceBase)),
	);
	// references stand in a column of squares beside the picture, as high as it is
	const shares = [width / height];
	if (references.length > 0) shares.unshift(1 / references.length);
	const ratio = shares.reduce((sum, share) => sum + share, 0);
	const columns = shares.map((share) => `${share * 100}fr`).join(' ');
	return `<article style="--lane: ${lane}; --ratio: ${ratio}; --columns: ${columns}">
<div class="frame">${column(references)}${await frame(result)}</div>
<div class="text">
<p class="maker"><b>${escape(result.lane)}</b> ${escape(facts.model(result.wish.model))}</p>
${promptHtml(result.wish)}
${factsHtml(result)}
</div>
</article>`;
}

const column = (references: string[]): string =>
	references.length > 0 ? `<div class="references">${references.join('')}</div>` : '';

async function frame({ bytes, file, problems, wish }: Result): Promise<string> {
	const trouble = problems.map((problem) => `<p>${escape(problem)}</p>`).join('');
	if (!bytes || !file || trouble) return `<div class="missing"><b>Missing</b>${trouble}</div>`;
	const image = `<img src="${await shown(bytes, SHOWN_WIDTH)}" alt="${escape(wish.name)}">`;
	return `<a href="${encodeURIComponent(file)}">${image}</a>`;
}

async function reference(file: string, base: string): Promise<string> {
	const answer = await fetch(`${base}/${file}`);
	const bytes = Buffer.from(await answer.arrayBuffer());
	const image = `<img src="${await shown(bytes, SHOWN_WIDTH / 2)}" alt="Reference image ${escape(file)}">`;
	return `<div>${image}</div>`;
}

async function shown(bytes: Buffer, width: number): Promise<string> {
	const small = await sharp(bytes)
		.resize({ width, withoutEnlargement: true })
		.webp({ quality: 84, effort: 2 })
		.toBuffer();
	return `data:image/webp;base64,${small.toString('base64')}`;
}

/** Structured prompts show a line for each key, and colours what they are. */
function promptHtml({ prompt }: Wish): string {
	if (typeof prompt === 'string') return `<p class="prompt">${swatches(escape(prompt))}</p>`;
	const lines = Object.entries(prompt).map(
		([key, value]) => `  "${key}": ${JSON.stringify(value)}`,
	);
	return `<pre class="prompt">${swatches(escape(`{\n${lines.join(',\n')}\n}`))}</pre>`;
}

const swatches = (html: string): string =>
	html.replace(HEX, (hex) => `<i style="background: ${hex}"></i>${hex}`);

function factsHtml({ json: { image = {}, timing = {} }, job }: Result): string {
	const shownFacts = {
		Time: facts.seconds(timing.seconds),
		Polls: facts.polls(timing.polls),
		Pixels: facts.pixels(image.width, image.height),
		Format: facts.format(image.mimeType),
		Size: facts.size(image.fileSize),
		Cost: facts.dollars(job?.cost),
	};
	const rows = Object.entries(shownFacts).map(
		([name, value]) => `<div><dt>${name}</dt><dd>${escape(value)}</dd></div>`,
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

const escape = (text: string): string => text.replace(/[&<>"']/g, (letter) => ENTITIES[letter]!);
