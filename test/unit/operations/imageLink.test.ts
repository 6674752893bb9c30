import type { IBinaryData } from 'n8n-workflow';
import { withLink, type LinkTarget } from '../../../nodes/shared/operations/imageLink';
import { linkLifetime } from '../../../nodes/shared/parameters/linkLifetime';
import { Settings } from '../../../nodes/shared/parameters/param';

const binary = { id: 'filesystem:1', data: '', mimeType: 'image/png' };
const item = { json: { prompt: 'A fox', image: { width: 1 } }, binary: { picture: binary } };

const sign = (file: IBinaryData, expiresIn?: string) => `signed ${file.id} for ${expiresIn}`;

/** The item that comes out, and why there is no link. */
function linked(target: Partial<LinkTarget> & { seconds?: number }, given: object = item) {
	const { seconds, ...others } = target;
	const reasons: string[] = [];
	const settings = new Settings(
		new Map(seconds === undefined ? [] : [[linkLifetime.property.name, seconds]]),
	);
	const full: LinkTarget = {
		helpers: { createBinarySignedUrl: sign },
		settings,
		onUnlinked: (reason) => void reasons.push(reason),
		...others,
	};
	return { item: withLink(full, given as typeof item), reasons };
}

test('there is a link for as long as was asked for', () => {
	expect(linked({ seconds: 604_800 })).toEqual({
		item: {
			json: { prompt: 'A fox', image: { width: 1, link: 'signed filesystem:1 for 604800s' } },
			binary: item.binary,
		},
		reasons: [],
	});
});

test('nobody gets one who has not asked, except for an agent', () => {
	expect(linked({})).toEqual({ item, reasons: [] });
	expect(linked({ isToolCall: true }).item.json.image).toEqual({
		width: 1,
		link: 'signed filesystem:1 for 86400s',
	});
	expect(linked({ isToolCall: true, seconds: 60 }).item.json.image).toEqual({
		width: 1,
		link: 'signed filesystem:1 for 60s',
	});
});

test('a new link takes the place of an old one', () => {
	const old = { ...item, json: { image: { width: 1, link: 'old' } } };
	expect(linked({ seconds: 60 }, old).item.json.image).toEqual({
		width: 1,
		link: 'signed filesystem:1 for 60s',
	});
});

test('what is no image gets none', () => {
	const task = { json: { taskId: '1' } };
	expect(linked({ seconds: 60 }, task)).toEqual({ item: task, reasons: [] });
});

describe('where there can be none, the item comes without, and the reason is reported', () => {
	test.each<[string, Partial<LinkTarget>, object]>([
		['Download is off', {}, { json: item.json }],
		['This version of n8n makes no links', { helpers: {} }, item],
		[
			'URL signing is not available in memory mode',
			{
				helpers: {
					createBinarySignedUrl: () => {
						throw new Error('URL signing is not available in memory mode');
					},
				},
			},
			item,
		],
	])('%s', (reason, target, given) => {
		expect(linked({ seconds: 60, ...target }, given)).toEqual({ item: given, reasons: [reason] });
	});
});
