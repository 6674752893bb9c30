import type { IDataObject } from 'n8n-workflow';
import type { Emulator, Ledger } from '../emulator';
import { format } from './format';
import { PACKAGE_PREFIX, type DemoWorkflow, type ImageRequest, type Lane } from './lanes';
import { findTasks, readInputIndex, type RunOutput } from './results';

/** Whether the demo's images cost what the nodes have said before. */

export interface Bill {
	/** What the requests were estimated to cost whose estimates are exact: US dollars. */
	readonly estimated: number;
	/** What the emulator has charged for the same requests. */
	readonly charged: number;
	/** How many requests these are. */
	readonly requests: number;
	/** Empty if all is well. */
	readonly problems: string[];
}

const ESTIMATE = { operation: 'estimateCost', priceFrom: 'provider' };

/** The estimates go by the price list of the models, and not by the list that the bill goes by. */
export const refusePricing = ({ rule }: Emulator): void =>
	rule({ route: 'bfl.pricing' }, { status: 404, body: { detail: 'Not Found' } });

/**
 * The workflow in which every node only says what its images will cost. Black Forest Labs is asked first, so that the
 * node has its key: without one it opens nothing on this computer, and the reference images are there.
 */
export const toEstimates = (workflow: DemoWorkflow): DemoWorkflow => ({
	...workflow,
	nodes: workflow.nodes.map((node) =>
		node.type.startsWith(PACKAGE_PREFIX)
			? { ...node, parameters: { ...node.parameters, ...ESTIMATE } }
			: node,
	),
});

/** Compares the estimates with what the emulator has charged, where they are exact. */
export function compareBill(lanes: readonly Lane[], estimates: RunOutput, ledger: Ledger): Bill {
	const lines = lanes.flatMap(({ node, requests }) =>
		requests.map((request, index) =>
			readLine(request, readEstimate(estimates, node, index), ledger),
		),
	);
	const exact = lines.filter(({ isExact }) => isExact);
	return {
		estimated: sumOf(exact.map(({ estimated }) => estimated)),
		charged: sumOf(exact.map(({ charged }) => charged)),
		requests: exact.length,
		problems: lines.flatMap(findProblems),
	};
}

interface BillLine {
	name: string;
	isExact: boolean;
	estimated: number;
	charged: number;
	failure?: string;
}

function readEstimate({ items, error }: RunOutput, node: string, index: number): IDataObject {
	const item = items(node).find((one) => readInputIndex(one) === index);
	return item?.json ?? { error: { message: error?.message ?? 'no estimate came out' } };
}

function readLine(
	request: ImageRequest,
	{ estimate, error }: IDataObject,
	ledger: Ledger,
): BillLine {
	const { amount = 0, exact = false } = (estimate ?? {}) as { amount?: number; exact?: boolean };
	const charged = sumOf(findTasks(ledger, request).map(({ cost }) => cost));
	const { message: failure } = (error ?? {}) as { message?: string };
	return { name: request.name, isExact: exact, estimated: amount, charged, failure };
}

function findProblems({ name, isExact, estimated, charged, failure }: BillLine): string[] {
	if (failure) return [`${name}, estimate: ${failure}`];
	if (!isExact || estimated === charged) return [];
	return [
		`${name}: ${format.dollars(estimated)} was the exact estimate, ${format.dollars(charged)} was charged`,
	];
}

/** Sums of binary fractions would otherwise show digits that nobody has charged. */
const sumOf = (amounts: readonly number[]): number =>
	Number(amounts.reduce((sum, amount) => sum + amount, 0).toFixed(6));
