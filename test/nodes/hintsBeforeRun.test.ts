import { hintsBeforeRun } from '../support/hintsBeforeRun';
import { openLab, prompts, type Lab } from '../support/lab';
import { providers, type NodeType } from '../support/providers';

/** What the editor says before a run, where a setting has a trap or many images will be billed. */

let lab: Lab;

beforeAll(async () => {
	lab = await openLab();
});

afterAll(async () => await lab.close());

const MANY = expect.stringContaining('more than 10 images');
const LINK_ONLY = expect.stringContaining('Download is off');
const PUBLIC_ADDRESS = expect.stringContaining('WEBHOOK_URL');
const ONE_ITEM = expect.stringContaining('one item and one image at a time');
const AUTOMATIC_SIZE = expect.stringContaining('every automatic size 1024 × 768');
const ONE_CALL = expect.stringContaining('One Call has no task');

const TYPES = providers.map(({ type }) => type);

describe.each(TYPES)('%s', (type) => {
	const hints = (parameters: Record<string, unknown>, count = 1) =>
		hintsBeforeRun(lab.engine, type, { prompt: 'A fox', ...parameters }, prompts(count));

	test('says nothing as it comes', () => {
		expect([hints({}), hints({}, 0), hints({}, 10)]).toEqual([[], [], []]);
	});

	test('says that many images will be billed', () => {
		expect(hints({}, 11)).toEqual([MANY]);
		expect(hints({ numberOfImages: 6 }, 2)).toEqual([MANY]);
		expect(hints({ numberOfImages: '={{ 11 }}' })).toEqual([MANY]);
	});

	test('has nothing to say where a limit is set, or nothing is generated', () => {
		expect(hints({ options: { maxCost: 1 } }, 50)).toEqual([]);
		expect(hints({ operation: 'estimateCost' }, 50)).toEqual([]);
	});
});

test.each<[string, NodeType, Record<string, unknown>, number, unknown[]]>([
	['a link only', 'flux2Bfl', { options: { download: false } }, 1, [LINK_ONLY]],
	[
		'a link only, of a task',
		'flux2Fal',
		{ resource: 'task', operation: 'get', taskId: 'x', options: { download: false } },
		1,
		[LINK_ONLY],
	],
	[
		'a link only, where the service has one',
		'flux2Cloudflare',
		{ model: 'black-forest-labs/flux-2-max', options: { download: false } },
		1,
		[LINK_ONLY],
	],
	[
		'no link at all',
		'flux2Cloudflare',
		{ model: '@cf/black-forest-labs/flux-2-dev', options: { download: false } },
		1,
		[],
	],
	['an edit without a size', 'flux2Cloudflare', { operation: 'edit' }, 1, [AUTOMATIC_SIZE]],
	['an edit with a size', 'flux2Cloudflare', { operation: 'edit', size: 'likeReference' }, 1, []],
	['another tool for many', 'flux2Bfl', { operation: 'deblur' }, 11, [MANY]],
	[
		'a callback of fal',
		'flux2Fal',
		{ options: { mode: 'callback' } },
		2,
		[PUBLIC_ADDRESS, ONE_ITEM],
	],
	['a call', 'flux2Oxen', { options: { mode: 'sync' } }, 1, [ONE_CALL]],
	['events', 'flux2Oxen', { options: { mode: 'events' } }, 1, []],
	['a callback', 'flux2Bfl', { options: { completion: 'callback' } }, 1, [PUBLIC_ADDRESS]],
	[
		'a callback for several items',
		'flux2Bfl',
		{ options: { completion: 'callback' } },
		2,
		[PUBLIC_ADDRESS, ONE_ITEM],
	],
	[
		'a callback for several images',
		'flux2Bfl',
		{ numberOfImages: 2, options: { completion: 'callback' } },
		1,
		[PUBLIC_ADDRESS, ONE_ITEM],
	],
	[
		'an operation that does not wait',
		'flux2Bfl',
		{ resource: 'task', operation: 'submit', options: { completion: 'callback' } },
		2,
		[],
	],
])('before a run, %s', (_name, type, parameters, count, expected) => {
	const given = { prompt: 'A fox', ...parameters };
	expect(hintsBeforeRun(lab.engine, type, given, prompts(count))).toEqual(expected);
});
