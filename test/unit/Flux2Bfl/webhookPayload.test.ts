import { execFileSync } from 'node:child_process';
import { join } from 'node:path';

const MODULE = join(__dirname, '../../../dist/nodes/Flux2Bfl/webhookPayload.js');
const NOON = Date.parse('2026-03-01T12:00:00Z');

/** Read in a process of its own: where this one is, local time may be UTC. */
const READ = `
	const { parseWebhookPayload } = require(process.argv[1]);
	const sentAt = (timestamp) => parseWebhookPayload({ id: 'made-up', status: 'Ready', timestamp })?.sentAt ?? null;
	console.log(JSON.stringify(JSON.parse(process.argv[2]).map(sentAt)));`;

function timesOf(timestamps: unknown[]): unknown {
	const env = { ...process.env, TZ: 'Asia/Tokyo' };
	const parameters = ['-e', READ, MODULE, JSON.stringify(timestamps)];
	return JSON.parse(execFileSync(process.execPath, parameters, { env, encoding: 'utf8' }));
}

test('the time of a payload without a zone is UTC, wherever n8n runs; a zone that is named counts', () => {
	const sameTime = [
		'2026-03-01T12:00:00',
		'2026-03-01 12:00:00.000000',
		'2026-03-01T12:00:00Z',
		'2026-03-01T12:00:00.000+00:00',
		'2026-03-01T14:00:00+02:00',
		'Sun, 01 Mar 2026 12:00:00 GMT',
		NOON,
		NOON / 1000,
		String(NOON),
	];
	expect(timesOf([...sameTime, 'soon', '', ' '])).toEqual([
		...sameTime.map(() => NOON),
		null,
		null,
		null,
	]);
});
