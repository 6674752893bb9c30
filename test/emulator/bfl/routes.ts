import { callBack } from './webhooks';
import { MODELS, readInput, unknownFields, type BflRequest } from './inputs';
import { bflError, documentedErrors } from '../documentedErrors';
import { stateOf, type Job } from '../tasks';
import { BFL_GRANTS, type BflGrant } from '../keys';
import { bflCredits, exactMegapixels } from '../prices';
import { signed } from '../results';
import {
	json,
	Refusal,
	type Answer,
	type Call,
	type Effect,
	type JsonObject,
	type Route,
} from '../types';
import { refuseCrowd, type World } from '../world';

/**
 * Black Forest Labs: `POST /v1/{model}`, then the answer's `polling_url`, which is another server's.
 * A finished picture stands at a URL that is good for a while only.
 */

const USD_PER_CREDIT = 0.01;
/** The documents: 24 unfinished tasks at a time. */
const MOST_RUNNING = 24;
const ONE_MEGAPIXEL = { width: 1024, height: 1024 };

export function bflRoutes(world: World): Route[] {
	return [
		...[...MODELS.keys()].map(
			(model): Route => ({
				name: 'bfl.submit',
				provider: 'bfl',
				method: 'POST',
				path: `/v1/${model}`,
				kind: 'submission',
				prompt: readPrompt,
				handle: (call, effect) => submit(world, call, effect, model),
			}),
		),
		resultRoute(world),
		{
			name: 'bfl.credits',
			provider: 'bfl',
			method: 'GET',
			path: '/v1/credits',
			kind: 'account',
			handle: (call) => json(200, { credits: creditsOf(world, call) }),
		},
	];
}

/** What the regional server knows: the tasks' states, and nothing else. */
export function bflPollingRoutes(world: World): Route[] {
	return [{ ...resultRoute(world), port: 'polling' }];
}

function resultRoute(world: World): Route {
	return {
		name: 'bfl.result',
		provider: 'bfl',
		method: 'GET',
		path: '/v1/get_result',
		kind: 'poll',
		job: (call) => world.jobs.find(call.query.id),
		handle: (call) => result(world, call),
	};
}

function readPrompt(call: Call): string | undefined {
	const body = (call.body.kind === 'json' ? call.body.value : undefined) as JsonObject | undefined;
	return typeof body?.prompt === 'string' ? body.prompt : undefined;
}

function authenticate(call: Call): BflGrant {
	const grant = call.scheme === 'x-key' ? BFL_GRANTS.get(call.key ?? '') : undefined;
	if (!grant) throw new Refusal(documentedErrors['bfl.key']);
	return grant;
}

function creditsOf(world: World, call: Call): number {
	const spent = world.jobs.ledger.paidBy(call.key ?? '').amount / USD_PER_CREDIT;
	return Number((authenticate(call).credits - spent).toFixed(4));
}

async function submit(world: World, call: Call, effect: Effect, model: string): Promise<Answer> {
	authenticate(call);
	const schema = MODELS.get(model)!;
	if (call.submission)
		Object.assign(call.submission, { model, ignored: unknownFields(call.body, schema) });
	const request = await readInput(call.body, schema);
	const bill = billFor(model, request);
	if (creditsOf(world, call) < bill.cost) throw new Refusal(documentedErrors['bfl.credits']);
	refuseCrowd(world, call, documentedErrors['bfl.rateLimit'], MOST_RUNNING);
	const { input, parameters, references, size } = request;
	const job = world.jobs.accept(call, effect, {
		provider: 'bfl',
		route: 'bfl.submit',
		model,
		prompt: input.prompt,
		parameters,
		references,
		defaultSize: size,
		cost: bill.cost * USD_PER_CREDIT,
	});
	const { id } = job.record;
	const { webhook_url: url, webhook_secret: secret } = input;
	if (typeof url === 'string') {
		await callBack(world, job, { url, secret: secret ?? undefined }, (one) => resultOf(world, one));
		return json(200, { id, status: 'Pending', webhook_url: url, ...bill });
	}
	const base = job.fault.pollingUrl ?? `${world.urls.polling}/v1/get_result`;
	return json(200, { id, polling_url: `${base}?id=${id}`, ...bill });
}

/** References on other hosts are not measured, so each counts as one megapixel. */
function billFor(model: string, { references, size }: BflRequest) {
	const sizes = references.map(() => ONE_MEGAPIXEL);
	return {
		cost: bflCredits(model, size, sizes),
		input_mp: exactMegapixels(sizes),
		output_mp: exactMegapixels([size]),
	};
}

function result(world: World, call: Call): Answer {
	authenticate(call);
	const { id } = call.query;
	if (id === undefined)
		return bflError(422, [{ loc: ['query', 'id'], msg: 'Field required', type: 'missing' }]);
	const job = world.jobs.find(id);
	const isTheirs = job?.record.provider === 'bfl' && job.record.key === call.key;
	if (!isTheirs || job.fault.vanish || isUnknownYet(world, job))
		return json(200, told(id, 'Task not found'));
	return json(200, describe(world, job));
}

/** A look is written down after it was answered. */
function isUnknownYet(world: World, { record, fault }: Job): boolean {
	const looks = world.jobs.ledger.polls.filter(({ jobId }) => jobId === record.id).length;
	return looks < (fault.unknownLooks ?? 0);
}

function told(id: string, status: string, facts: JsonObject = {}): JsonObject {
	return { id, status, result: null, progress: null, details: null, preview: null, ...facts };
}

function describe(world: World, job: Job): JsonObject {
	const { id } = job.record;
	const state = stateOf(job);
	switch (state.phase) {
		case 'pending':
		case 'cancelled':
			return told(id, 'Pending');
		case 'running':
			return told(id, state.word ?? 'Pending');
		case 'failed':
			return told(id, 'Error', { details: { message: state.failure.message } });
		case 'other':
			return told(id, state.word, { details: detailsOf(state.word) });
		case 'completed':
			return told(id, 'Ready', { result: resultOf(world, job) });
	}
}

const detailsOf = (word: string) =>
	word.endsWith('Moderated') ? { 'Moderation Reasons': ['Derivative Works Filter'] } : null;

/** Each look gets a URL of its own, signed anew. */
function resultOf(world: World, { record }: Job): JsonObject {
	const [start_time, end_time] = [record.acceptedAt / 1000, record.readyAt / 1000];
	return {
		sample: signed(record, Date.now() + world.sampleSeconds * 1000),
		prompt: record.prompt,
		seed: record.seed,
		start_time,
		end_time,
		duration: record.seconds,
	};
}
