import type { Ledger } from '../emulator';
import { format } from './format';
import { findTask } from './results';
import type { Lane, ImageRequest } from './lanes';

/** Routes whose response is the image itself, so that no download follows. */
const INLINE_IMAGE_ROUTES = ['cloudflare.workersAi'];
const POLL_INTERVAL_MS = 50;

/** Prints a line for each image when the emulator has sent its last byte. Call the returned function to stop. */
export function showProgress(lanes: Lane[], ledger: Ledger): () => void {
	const requests = lanes.flatMap((lane) =>
		lane.requests.map((request) => ({ node: lane.node, request })),
	);
	const pending = new Set(requests);
	const nodeWidth = maxLength(requests.map(({ node }) => node));
	const modelWidth = maxLength(requests.map(({ request }) => format.model(request.model)));
	const printDelivered = () => {
		for (const one of pending) {
			const { node, request } = one;
			if (!isDelivered(ledger, request)) continue;
			pending.delete(one);
			const count = String(requests.length - pending.size).padStart(String(requests.length).length);
			const maker = `${node.padEnd(nodeWidth)}  ${format.model(request.model).padEnd(modelWidth)}`;
			console.log(`  ${count}/${requests.length}  ${maker}  ${request.name}`);
		}
	};
	const timer = setInterval(printDelivered, POLL_INTERVAL_MS);
	return () => {
		clearInterval(timer);
		printDelivered();
	};
}

const maxLength = (texts: string[]): number => Math.max(...texts.map(({ length }) => length));

function isDelivered(ledger: Ledger, request: ImageRequest): boolean {
	const task = findTask(ledger, request);
	if (!task) return false;
	const isInline = INLINE_IMAGE_ROUTES.includes(task.route);
	const deliveries = isInline ? ledger.submissions : ledger.downloads;
	return deliveries.some(({ taskId, status }) => taskId === task.id && status === 200);
}
