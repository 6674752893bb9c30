import type { TaskRecord, Ledger } from '../emulator';
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
			const seconds = measureSeconds(ledger, request);
			if (seconds === undefined) continue;
			pending.delete(one);
			const count = String(requests.length - pending.size).padStart(String(requests.length).length);
			const maker = `${node.padEnd(nodeWidth)}  ${format.model(request.model).padEnd(modelWidth)}`;
			console.log(
				`  ${count}/${requests.length}  ${maker}  ${format.seconds(seconds)}  ${request.name}`,
			);
		}
	};
	const timer = setInterval(printDelivered, POLL_INTERVAL_MS);
	return () => {
		clearInterval(timer);
		printDelivered();
	};
}

const maxLength = (texts: string[]): number => Math.max(...texts.map(({ length }) => length));

/** From the accepted request to the delivered image; undefined until then. */
function measureSeconds(ledger: Ledger, request: ImageRequest): number | undefined {
	const task = findTask(ledger, request);
	const at = task && findDeliveredAt(ledger, task);
	return at && (at - task.acceptedAt) / 1000;
}

function findDeliveredAt({ downloads, submissions }: Ledger, { id, route, readyAt }: TaskRecord) {
	if (!INLINE_IMAGE_ROUTES.includes(route)) {
		return downloads.find(({ taskId, status }) => taskId === id && status === 200)?.at;
	}
	const isDelivered = submissions.some(({ taskId, status }) => taskId === id && status === 200);
	return isDelivered ? readyAt : undefined;
}
