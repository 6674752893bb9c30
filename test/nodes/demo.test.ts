import { existsSync } from 'node:fs';
import path from 'node:path';
import manifest from '../../package.json';
import { drawReference, type DrawnImage } from '../emulator/images';
import { renderGallery } from '../demo/gallery';
import {
	findLanes,
	toPromptText,
	readWorkflow,
	readSettings,
	withReferenceBase,
} from '../demo/lanes';
import { readBuiltModels } from '../demo/models';
import { checkResult, type Evidence } from '../demo/results';
import { standIns } from '../support/standIns';

const ROOT = path.resolve(__dirname, '../..');

describe('the demo workflow', () => {
	const workflow = readWorkflow();
	const lanes = findLanes(workflow);
	const requests = lanes.flatMap((lane) => lane.requests);
	const offered = [...readBuiltModels()].flatMap(([type, models]) =>
		models.map(({ id, dialect }) => [type, dialect, id].join(' ')),
	);
	const shown = lanes.flatMap(({ type, dialect, requests }) =>
		requests.map(({ model }) => [type, dialect, model].join(' ')),
	);

	test('shows every model of every node', () => {
		expect(offered.filter((model) => !shown.includes(model))).toEqual([]);
	});

	test('names no model that does not exist', () => {
		expect(shown.filter((model) => !offered.includes(model))).toEqual([]);
	});

	test('uses node types that n8n has', () => {
		const known = [
			'n8n-nodes-base.manualTrigger',
			...Object.keys(standIns),
			...readBuiltModels().keys(),
		];
		expect(workflow.nodes.map(({ type }) => type).filter((type) => !known.includes(type))).toEqual(
			[],
		);
	});

	test('gives each image its own name and prompt', () => {
		expect(new Set(requests.map(({ name }) => name)).size).toBe(requests.length);
		expect(new Set(requests.map(toPromptText)).size).toBe(requests.length);
	});

	test('edits two references, and has a structured prompt with hex colors', () => {
		expect(requests.filter(({ references }) => references?.length === 2)).not.toEqual([]);
		const structured = requests
			.filter(({ prompt }) => typeof prompt === 'object')
			.map(toPromptText);
		expect(structured).toContainEqual(expect.stringMatching(/#[0-9A-F]{6}"/));
	});

	test("leaves only the credential of SeaCloud's lane unselected: a key of Vtrix does not work there", () => {
		const named = workflow.nodes.filter(({ credentials }) => credentials);
		expect(named.map(({ name, credentials }) => [name, credentials])).toEqual([
			['Task API Queue', { flux2TaskApi: { id: null, name: 'SeaCloud' } }],
		]);
	});

	test('finds its reference images in this repository', () => {
		const { referenceBase } = readSettings(workflow);
		const [repository] = manifest.homepage.split('#');
		const raw = `${repository?.replace('github.com', 'raw.githubusercontent.com')}/main/`;
		expect(referenceBase).toContain(raw);
		const folder = referenceBase.replace(raw, '');
		const files = requests.flatMap(({ references = [] }) => references);
		expect(files.filter((file) => !existsSync(path.join(ROOT, folder, file)))).toEqual([]);
		expect(readSettings(withReferenceBase(workflow, 'http://here')).referenceBase).toBe(
			'http://here',
		);
	});
});

describe('the demo counts an image', () => {
	let drawn: DrawnImage;
	let evidence: Evidence;

	beforeAll(async () => {
		drawn = await drawReference('any', 96, 64, 'jpeg');
		const { bytes, width, height, mimeType, sha256 } = drawn;
		const image = { width, height, mimeType, fileSize: bytes.length };
		const request = { name: 'any', model: 'a/model', prompt: 'Any' };
		const item = { json: { model: request.model, image } };
		evidence = { lane: 'Lane', request, item, bytes, task: { sha256, cost: 0 } };
	});

	const problems = async (changes: Partial<Evidence> = {}) =>
		(await checkResult({ ...evidence, ...changes })).problems;

	test('that is whole and is what the emulator sent', async () => {
		expect(await problems()).toEqual([]);
	});

	test('but not one that never came, and says why', async () => {
		const item = { json: { error: { message: 'No money left' } } };
		expect(await problems({ item })).toEqual(['No money left']);
		expect(await problems({ item: undefined })).toEqual(['no item came out']);
		expect(await problems({ item: undefined, failure: 'No network' })).toEqual(['No network']);
		expect(await problems({ bytes: undefined })).toEqual(['the item has no image']);
	});

	test('but not one that is truncated', async () => {
		const bytes = drawn.bytes.subarray(0, -200);
		expect(await problems({ bytes })).toEqual([expect.stringMatching(/^cannot be decoded: /)]);
	});

	test('but not one that differs from its item or from what was sent', async () => {
		const { bytes } = await drawReference('other', 64, 96, 'png');
		expect(await problems({ bytes })).toEqual([
			'pixels: 96 × 64 expected, 64 × 96 found',
			'format: image/jpeg expected, image/png found',
			expect.stringMatching(/^number of bytes: /),
			expect.stringMatching(/^hash of what the emulator sent: /),
		]);
	});
});

test('the gallery shows what prompts and errors say as text, and loads nothing from elsewhere', async () => {
	const evil = `<script>alert('&')</script>`;
	const evidence = { lane: evil, request: { name: evil, model: evil, prompt: evil } };
	const results = [await checkResult(evidence), await checkResult({ ...evidence, failure: evil })];
	const page = await renderGallery({ results, seconds: 1, referenceBase: '' });

	expect(page).not.toContain('<script');
	expect(page).toContain('&lt;script&gt;alert(&#39;&amp;&#39;)&lt;/script&gt;');
	expect(page).not.toMatch(/(?:src|href)="(?!data:)|url\(|@import/);
});
