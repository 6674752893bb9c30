import type { TaskRecord, Ledger } from '../emulator';
import { facts } from './facts';
import { jobOf } from './results';
import type { Lane, Wish } from './lanes';

/** Routes whose answer is the picture itself, so that no download follows. */
const INLINE = ['cloudflare.workersAi'];
const LOOK_MS = 50;

/** Prints a line for each picture as its last byte leaves the emulator. Returns what ends it. */
export function showProgress(lanes: Lane[], ledger: Ledger): () => void {
	const wishes = lanes.flatMap((lane) => lane.wishes.map((wish) => ({ node: lane.node, wish })));
	const waiting = new Set(wishes);
	const nodeWidth = longest(wishes.map(({ node }) => node));
	const modelWidth = longest(wishes.map(({ wish }) => facts.model(wish.model)));
	const look = () => {
		for (const one of waiting) {
			const { node, wish } = one;
			const seconds = secondsOf(ledger, wish);
			if (seconds === undefined) continue;
			waiting.delete(one);
			const count = String(wishes.length - waiting.size).padStart(String(wishes.length).length);
			const maker = `${node.padEnd(nodeWidth)}  ${facts.model(wish.model).padEnd(modelWidth)}`;
			console.log(`  ${count}/${wishes.length}  ${maker}  ${facts.seconds(seconds)}  ${wish.name}`);
		}
	};
	const timer = setInterval(look, LOOK_MS);
	return () => {
		clearInterval(timer);
		look();
	};
}

const longest = (words: string[]): number => Math.max(...words.map(({ length }) => length));

/** From the accepted request to the delivered picture; undefined until then. */
function secondsOf(ledger: Ledger, wish: Wish): number | undefined {
	const job = jobOf(ledger, wish);
	const at = job && deliveredAt(ledger, job);
	return at && (at - job.acceptedAt) / 1000;
}

function deliveredAt({ downloads, submissions }: Ledger, { id, route, readyAt }: TaskRecord) {
	if (!INLINE.includes(route)) {
		return downloads.find(({ taskId: jobId, status }) => jobId === id && status === 200)?.at;
	}
	const answered = submissions.some(({ taskId: jobId, status }) => jobId === id && status === 200);
	return answered ? readyAt : undefined;
}
