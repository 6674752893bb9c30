import type { IExecuteFunctions } from 'n8n-workflow';
import {
	claimCheckpoint,
	failedResult,
	releaseCheckpoint,
	type SavedResult,
} from '../../../nodes/shared/tasks/checkpoints';
import { Flux2Error } from '../../../nodes/shared/core/errors';

/** Which handle a try of a run takes up, where it cannot be seen in n8n's engine. */

let nodeContext: object;
beforeEach(() => (nodeContext = {}));

const during = (executionId: string, $runIndex = 0) =>
	({
		getContext: () => nodeContext,
		getExecutionId: () => executionId,
		getWorkflowDataProxy: () => ({ $runIndex }),
	}) as unknown as IExecuteFunctions;

const asking = (seed: number) => ({ operation: 'generate', seed });
const pending: SavedResult = { state: 'pending', task: { id: 'made-up' } };
const refused = failedResult(new Flux2Error('moderated', 'no'), 'never');
const failed = failedResult(new Flux2Error('unavailable', 'no'), 'nextRun');
const maybeBilled = failedResult(new Flux2Error('unavailable', 'lost', { uncertain: true }), '7');

/** What the next try of the same execution finds for item 0, with another seed. */
function foundAfter(slot: SavedResult, first = during('7'), second = first): SavedResult[] {
	const claim = claimCheckpoint(first, 0, asking(1));
	claim.handle.slots = [slot];
	releaseCheckpoint(first, claim);
	return claimCheckpoint(second, 0, asking(2)).handle.slots;
}

test.each<[string, SavedResult[]]>([
	['a task', [pending]],
	['a submit that may have been billed', [maybeBilled]],
])('another seed takes up %s of the same execution', (_what, [slot]) => {
	expect(foundAfter(slot!)).toEqual([slot]);
});

test.each<[string, SavedResult, IExecuteFunctions, IExecuteFunctions]>([
	['what was refused for the first seed', refused, during('7'), during('7')],
	['what has failed', failed, during('7'), during('7')],
	["another execution's task", pending, during('7'), during('8')],
	["another round's task", pending, during('7', 0), during('7', 1)],
	['a task of an execution without an ID', pending, during(''), during('')],
])('another seed does not take up %s', (_what, slot, first, second) => {
	expect(foundAfter(slot, first, second)).toEqual([]);
});

test('items of an execution without an ID do not share a handle', () => {
	const context = during('');
	const [one, two] = [0, 1].map((item) => claimCheckpoint(context, item, asking(item)));
	expect(one!.handle).not.toBe(two!.handle);
});
