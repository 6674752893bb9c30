import { createRedactor } from '../../../nodes/shared/core/redact';
import { toBaseName } from '../../../nodes/shared/operations/fileName';
import { fileName } from '../../../nodes/shared/parameters/options';
import { Settings } from '../../../nodes/shared/parameters/param';

const ID = 'd5ba37dc-ba09-4658-852e-deea7e176439';

const nameOf = (
	prompt: string | undefined,
	more: { id?: string; custom?: string; imageNumber?: number; part?: number } = {},
) => {
	const { id = ID, custom, imageNumber, part } = more;
	const settings = new Settings(new Map(custom ? [[fileName.property.name, custom]] : []));
	return toBaseName(
		{ settings, redact: createRedactor(['sk-0123456789']) },
		{ prompt, imageNumber, model: 'vendor/flux', itemIndex: 4 },
		{ task: id === '' ? undefined : { id }, part: part ? { number: part, of: 4 } : undefined },
	);
};

describe('a file is named after its prompt and the end of the task ID', () => {
	test.each([
		['A lighthouse at dawn', 'a-lighthouse-at-dawn-7e176439'],
		['  "Fox", 4K — (close-up)!  ', 'fox-4k-close-up-7e176439'],
		['Ein Straßencafé in Köln', 'ein-straßencafé-in-köln-7e176439'],
		['Ein Cafe\u0301', 'ein-café-7e176439'],
		['夜明けの灯台', '夜明けの灯台-7e176439'],
		['सुबह का प्रकाशस्तंभ', 'सुबह-का-प्रकाशस्तंभ-7e176439'],
		['منارة عند الفجر', 'منارة-عند-الفجر-7e176439'],
		['Маяк на рассвете', 'маяк-на-рассвете-7e176439'],
		['../../etc/passwd', 'etc-passwd-7e176439'],
		['{"scene": "A fox", "f-number":8}', 'a-fox-8-7e176439'],
		['A sign that says "Ends": "now"', 'a-sign-that-says-ends-now-7e176439'],
	])('%p gives %p', (prompt, expected) => {
		expect(nameOf(prompt)).toBe(expected);
	});

	test.each([
		[`${'word '.repeat(30)}`, 58],
		['灯'.repeat(200), 60],
		['😀a'.repeat(200), 60],
		[`${'x'.repeat(40)} ${'y'.repeat(40)}`, 49],
	])('a long prompt is cut between words, or else within one: %p', (prompt, length) => {
		const name = nameOf(prompt);
		expect([...name]).toHaveLength(length);
		expect(name).toMatch(/[^-]-7e176439$/);
	});

	test('several images of one item are numbered, by the item or by the response', () => {
		expect(nameOf('A fox', { imageNumber: 2 })).toBe('a-fox-7e176439-2');
		expect(nameOf('A fox', { part: 3 })).toBe('a-fox-7e176439-3');
		expect([...nameOf('word '.repeat(30), { imageNumber: 10 })].length).toBeLessThanOrEqual(60);
	});

	test('several images of one item are numbered behind a name of the user too', () => {
		expect(nameOf('A fox', { custom: 'product', imageNumber: 2 })).toBe('product-2');
		expect(nameOf('A fox', { custom: 'product.png', part: 3 })).toBe('product-3');
	});

	test('IDs that begin with the same time differ at the end; what is no letter or digit is left out', () => {
		expect(nameOf('A fox', { id: 'req_01jd3vq9-k_7/8=' })).toBe('a-fox-d3vq9k78');
	});

	test('without a task the number of the item takes the place of its ID', () => {
		expect(nameOf('A fox', { id: '' })).toBe('a-fox-5');
	});

	test('no secret becomes a part of it', () => {
		expect(nameOf('A fox with sk-0123456789')).toBe('a-fox-with-7e176439');
	});
});

test.each([[undefined], [''], ['!?'], ['😀']])(
	'the model and the task ID name it where the prompt has no words: %p',
	(prompt) => {
		expect(nameOf(prompt)).toBe(`flux-${ID}`);
		expect(nameOf(prompt, { imageNumber: 2 })).toBe(`flux-${ID}-2`);
	},
);

test('a name of its own is kept', () => {
	expect(nameOf('A fox', { custom: ' My Photo.JPG ' })).toBe('My Photo');
	expect(nameOf('A fox', { custom: 'हिन्दी: 1' })).toBe('हिन्दी- 1');
});
