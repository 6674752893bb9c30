import { existsSync } from 'node:fs';
import path from 'node:path';
import manifest from '../../package.json';
import { drawReference, type DrawnImage } from '../emulator/images';
import { gallery } from '../demo/gallery';
import { lanesOf, promptText, readWorkflow, settingsOf, withReferenceBase } from '../demo/lanes';
import { builtModels } from '../demo/models';
import { judge, type Evidence } from '../demo/results';
import { standIns } from '../support/standIns';

const ROOT = path.resolve(__dirname, '../..');

describe('the demo workflow', () => {
	const workflow = readWorkflow();
	const lanes = lanesOf(workflow);
	const wishes = lanes.flatMap((lane) => lane.wishes);
	const offered = [...builtModels()].flatMap(([type, models]) =>
		models.map(({ id, dialect }) => [type, dialect, id].join(' ')),
	);
	const shown = lanes.flatMap(({ type, dialect, wishes }) =>
		wishes.map(({ model }) => [type, dialect, model].join(' ')),
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
			...builtModels().keys(),
		];
		expect(workflow.nodes.map(({ type }) => type).filter((type) => !known.includes(type))).toEqual(
			[],
		);
	});

	test('tells its pictures apart by name and by prompt', () => {
		expect(new Set(wishes.map(({ name }) => name)).size).toBe(wishes.length);
		expect(new Set(wishes.map(promptText)).size).toBe(wishes.length);
	});

	test('edits two references, and has a structured prompt with hex colors', () => {
		expect(wishes.filter(({ references }) => references?.length === 2)).not.toEqual([]);
		const structured = wishes.filter(({ prompt }) => typeof prompt === 'object').map(promptText);
		expect(structured).toContainEqual(expect.stringMatching(/#[0-9A-F]{6}"/));
	});

	test('names credentials and no ids, so that n8n finds them by name on any machine', () => {
		for (const { type, credentials } of workflow.nodes) {
			if (!type.startsWith(`${manifest.name}.`)) continue;
			const credential = `${type.slice(manifest.name.length + 1)}Api`;
			expect(credentials).toEqual({ [credential]: { id: null, name: expect.any(String) } });
		}
	});

	test('finds its reference images in this repository', () => {
		const { referenceBase } = settingsOf(workflow);
		const [repository] = manifest.homepage.split('#');
		const raw = `${repository?.replace('github.com', 'raw.githubusercontent.com')}/main/`;
		expect(referenceBase).toContain(raw);
		const folder = referenceBase.replace(raw, '');
		const files = wishes.flatMap(({ references = [] }) => references);
		expect(files.filter((file) => !existsSync(path.join(ROOT, folder, file)))).toEqual([]);
		expect(settingsOf(withReferenceBase(workflow, 'http://here')).referenceBase).toBe(
			'http://here',
		);
	});
});

describe('the demo counts a picture', () => {
	let picture: DrawnImage;
	let evidence: Evidence;

	beforeAll(async () => {
		picture = await drawReference('any', 96, 64, 'jpeg');
		const { bytes, width, height, mimeType, sha256 } = picture;
		const image = { width, height, mimeType, fileSize: bytes.length };
		const wish = { name: 'any', model: 'a/model', prompt: 'Any' };
		const item = { json: { model: wish.model, image } };
		evidence = { lane: 'Lane', wish, item, bytes, job: { sha256, cost: 0 } };
	});

	const problems = async (changes: Partial<Evidence> = {}) =>
		(await judge({ ...evidence, ...changes })).problems;

	test('that is whole and is what the emulator sent', async () => {
		expect(await problems()).toEqual([]);
	});

	test('but not one that never came, and says why', async () => {
		const item = { json: { error: { message: 'No money left' } } };
		expect(await problems({ item })).toEqual(['No money left']);
		expect(await problems({ item: undefined })).toEqual(['no item came out']);
		expect(await problems({ item: undefined, failure: 'No network' })).toEqual(['No network']);
		expect(await problems({ bytes: undefined })).toEqual(['the item has no picture']);
	});

	test('but not one that is cut short', async () => {
		const bytes = picture.bytes.subarray(0, -200);
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
	const evidence = { lane: evil, wish: { name: evil, model: evil, prompt: evil } };
	const results = [await judge(evidence), await judge({ ...evidence, failure: evil })];
	const page = await gallery({ results, seconds: 1, referenceBase: '' });

	expect(page).not.toContain('<script');
	expect(page).toContain('&lt;script&gt;alert(&#39;&amp;&#39;)&lt;/script&gt;');
	expect(page).not.toMatch(/(?:src|href)="(?!data:)|url\(|@import/);
});
