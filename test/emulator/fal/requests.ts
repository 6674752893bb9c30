import { toState, type Task } from '../tasks';
import { Refusal, type ApiResponse, type Call } from '../types';
import type { Problem } from '../pydantic';
import { documentedErrors } from './documentedErrors';
import { GRANTS, TOKEN_GRANTS, type Grant } from './keys';
import type { FalEndpoint } from './models';
import type { FalWorld } from './world';

/** What the calls about fal's requests share. A request is a task; each further image of it is one more task. */

export interface FalRequest {
	id: string;
	endpoint: FalEndpoint;
	prompt: string;
	/** The request's own task first. */
	images: Task[];
	/** What the header of the result says; null: there is no such header. */
	units: number | null;
	/** What was wrong with the body, where only the run finds out. */
	problems: readonly Problem[];
}

const requests = new WeakMap<Task, FalRequest>();

export function saveRequest(task: Task, request: FalRequest): void {
	requests.set(task, request);
}

/** The scheme of a call that has come through Hugging Face's router. */
export const ROUTED = 'routed';

export function authenticate({ key, scheme, headers }: Call): Grant {
	if (scheme === ROUTED) return TOKEN_GRANTS.get(key ?? '')!;
	if (headers.authorization === undefined) throw new Refusal(documentedErrors['fal.noKey']);
	if (scheme !== 'Key') throw new Refusal(documentedErrors['fal.scheme']);
	if (!key?.includes(':')) throw new Refusal(documentedErrors['fal.keyFormat']);
	const grant = GRANTS.get(key);
	if (!grant) throw new Refusal(documentedErrors['fal.key']);
	if (!grant.permission) throw new Refusal(documentedErrors['fal.permission']);
	return grant;
}

/** The key's request below this application. */
export function findRequest(
	world: FalWorld,
	call: Call,
	notFound: ApiResponse = documentedErrors['fal.notFound'],
): { task: Task; request: FalRequest } {
	authenticate(call);
	const { id, owner, alias } = call.params;
	const task = world.tasks.find(id);
	const request = task && requests.get(task);
	const isOwn = task?.record.key === call.key;
	const isThere = request?.endpoint.application === `${owner}/${alias}`;
	if (!request || !isOwn || !isThere || task.fault.vanish) throw new Refusal(notFound);
	const isGone = toState(task).phase === 'cancelled' && world.falCancelled === 'missing';
	if (isGone) throw new Refusal(notFound);
	return { task, request };
}
