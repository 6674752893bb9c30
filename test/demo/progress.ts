import type { Ledger } from '../emulator';
import { format } from './format';
import { findTasks } from './results';
import { countImages, type Lane, type ImageRequest } from './lanes';

/** Routes whose response is the image itself, so that no download follows. */
const INLINE_IMAGE_ROUTES = ['cloudflare.workersAi'];
const POLL_INTERVAL_MS = 50;

/** Prints a line for each image when the emulator has sent its last byte. Call the returned function to stop. */
export function showProgress(lanes: Lane[], ledger: Ledger): () => void {
	const images = lanes.flatMap(({ node, requests }) =>
		requests.flatMap((request) =>
			Array.from({ length: countImages(request) }, (_, index) => ({ node, request, index })),
		),
	);
	const pending = new Set(images);
	const nodeWidth = maxLength(images.map(({ node }) => node));
	const modelWidth = maxLength(images.map(({ request }) => format.model(request.model)));
	const printDelivered = () => {
		for (const one of pending) {
			const { node, request } = one;
			if (!isDelivered(ledger, one)) continue;
			pending.delete(one);
			const count = String(images.length - pending.size).padStart(String(images.length).length);
			const maker = `${node.padEnd(nodeWidth)}  ${format.model(request.model).padEnd(modelWidth)}`;
			console.log(`  ${count}/${images.length}  ${maker}  ${request.name}`);
		}
	};
	const timer = setInterval(printDelivered, POLL_INTERVAL_MS);
	return () => {
		clearInterval(timer);
		printDelivered();
	};
}

const maxLength = (texts: string[]): number => Math.max(...texts.map(({ length }) => length));

function isDelivered(
	ledger: Ledger,
	{ request, index }: { request: ImageRequest; index: number },
): boolean {
	const { [index]: task } = findTasks(ledger, request);
	if (!task) return false;
	const isInline = INLINE_IMAGE_ROUTES.includes(task.route);
	const deliveries = isInline ? ledger.submissions : ledger.downloads;
	return deliveries.some(({ taskId, status }) => taskId === task.id && status === 200);
}
