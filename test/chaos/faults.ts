import type { ApiResponse, Effect, RouteName } from '../emulator';
import { pickOne, type Random } from '../emulator/images/random';
import { isObject } from '../emulator/types';
import { mutated } from './mutate';

/** Everything that can happen to one answer. */

export type Step = 'submit' | 'look' | 'download';

export interface Circumstances {
	random: Random;
	/** Whether the provider may accept a submit whose answer is then lost. */
	mayLose: boolean;
	/** A host that is nobody's. */
	hostile: string;
	/** The same server under the host name of the base URLs: pictures may be fetched there, without a key. */
	neighbour: string;
}

export interface Fault {
	on: readonly Step[];
	/** Only these routes. */
	routes?: readonly RouteName[];
	/** A call that is simply repeated gets over it. */
	passes?: true;
	/** A submit is accepted, and its answer says nothing of use. */
	loses?: true;
	/** It stays with the job for good, whenever it was met. */
	sticks?: true;
	effect(circumstances: Circumstances): Effect;
}

const everywhere = ['submit', 'look', 'download'] as const;
export const ODD_WORD = 'Paused';

const busy = { error: { message: 'Too many requests' } };
const trouble = { error: { message: 'Something went wrong' } };

const accepted = ({ mayLose, random }: Circumstances) => mayLose && random() < 0.5;

const withBody = (change: (body: Record<string, unknown>) => unknown) => (answer: ApiResponse) =>
	isObject(answer.body) ? { ...answer, body: change(answer.body) } : answer;

const typed = (type: string) => (answer: ApiResponse) => ({
	...answer,
	headers: { ...answer.headers, 'content-type': type },
});

/** The answer with every address of a picture replaced. */
const elsewhere = (url: string) =>
	withBody(
		(body) =>
			JSON.parse(
				JSON.stringify(body).replace(/"http[^"]*\/results\/[^"]*"/g, JSON.stringify(url)),
			) as unknown,
	);

const halved = ({ result, ...body }: Record<string, unknown>) => {
	const { image } = result as { image: string };
	return { ...body, result: { image: image.slice(0, Math.floor(image.length / 8) * 4) } };
};

/** Refused, or with trouble that passes. */
const passing: Record<string, Fault> = {
	busy: {
		on: everywhere,
		passes: true,
		effect: () => ({ status: 429, body: busy }),
	},
	busyForSeconds: {
		on: everywhere,
		passes: true,
		effect: ({ random }) => ({
			status: 429,
			body: busy,
			headers: { 'retry-after': pickOne(random, ['0.01', '0.01', '1']) },
		}),
	},
	busyUntil: {
		on: everywhere,
		passes: true,
		effect: () => ({
			status: 429,
			body: busy,
			headers: { 'retry-after': new Date(Date.now() + 1000).toUTCString() },
		}),
	},
	slowBytes: { on: everywhere, passes: true, effect: () => ({ slowBytes: true }) },
};

/** What leaves open whether a submit was accepted. */
const broken: Record<string, Fault> = {
	error500: {
		on: everywhere,
		passes: true,
		effect: (facts) => ({ status: 500, body: trouble, accepted: accepted(facts) }),
	},
	html502: {
		on: everywhere,
		passes: true,
		effect: (facts) => ({ html: true, accepted: accepted(facts) }),
	},
	error503: {
		on: everywhere,
		passes: true,
		effect: (facts) => ({ status: 503, body: trouble, accepted: accepted(facts) }),
	},
	resetBeforeHeaders: {
		on: everywhere,
		passes: true,
		effect: (facts) => ({ reset: 'beforeHeaders', accepted: accepted(facts) }),
	},
	resetInHeaders: {
		on: everywhere,
		passes: true,
		loses: true,
		effect: () => ({ reset: 'midHeaders' }),
	},
	resetInBody: {
		on: everywhere,
		passes: true,
		loses: true,
		effect: () => ({ reset: 'midBody' }),
	},
	nothing204: {
		on: ['submit', 'look'],
		passes: true,
		loses: true,
		effect: () => ({ mutate: (answer) => ({ ...answer, status: 204, body: undefined }) }),
	},
	truncatedJson: {
		on: ['submit', 'look'],
		passes: true,
		loses: true,
		effect: () => ({ truncateJson: true }),
	},
	wrongType: {
		on: ['submit', 'look'],
		passes: true,
		loses: true,
		effect: ({ random }) => ({ mutate: typed(pickOne(random, ['text/html', 'image/png'])) }),
	},
	oddServerStatus: {
		on: everywhere,
		passes: true,
		effect: (facts) => ({
			status: pickOne(facts.random, [520, 530, 599]),
			body: 'web server is returning an unknown error',
			accepted: accepted(facts),
		}),
	},
};

/** What no repetition helps against. */
const lasting: Record<string, Fault> = {
	busyForLong: {
		on: everywhere,
		effect: () => ({ status: 429, body: busy, headers: { 'retry-after': '3600' } }),
	},
	oddStatus: {
		on: everywhere,
		effect: ({ random }) => ({ status: pickOne(random, [300, 418, 451, 499]), body: trouble }),
	},
	hostileRedirect: {
		on: everywhere,
		effect: ({ random, hostile, neighbour }) => ({
			redirect: `${pickOne(random, [hostile, neighbour])}/taken`,
			status: pickOne(random, [302, 307, 308]),
		}),
	},
	mutatedJson: {
		on: ['submit', 'look'],
		loses: true,
		sticks: true,
		effect: ({ random }) => ({
			mutate: (answer) => ({ ...answer, body: mutated(answer.body, random) }),
		}),
	},
	oddWord: {
		on: ['submit', 'look'],
		loses: true,
		effect: () => ({
			mutate: withBody((body) => ({
				...body,
				...('status' in body && { status: ODD_WORD }),
				...('state' in body && { state: ODD_WORD }),
			})),
		}),
	},
	hostilePicture: {
		on: ['look'],
		sticks: true,
		effect: ({ random, hostile, neighbour }) => ({
			mutate: elsewhere(`${pickOne(random, [hostile, neighbour])}/picture.png`),
		}),
	},
};

const ofPictures: Record<string, Fault> = {
	truncatedPicture: {
		on: ['download'],
		passes: true,
		effect: () => ({ image: 'truncated' }),
	},
	noPicture: { on: ['download'], passes: true, effect: () => ({ image: 'html' }) },
	emptyPicture: { on: ['download'], passes: true, effect: () => ({ image: 'empty' }) },
	wrongPictureType: {
		on: ['download'],
		passes: true,
		effect: () => ({ image: 'wrongContentType' }),
	},
	expiredPicture: { on: ['download'], effect: () => ({ image: 'expired' }) },
	halfPicture: {
		on: ['submit'],
		routes: ['cloudflare.workersAi'],
		loses: true,
		effect: () => ({ mutate: withBody(halved) }),
	},
};

/** The answer is as documented, and leads to a host that is not the provider's. */
const misleading: Record<string, Fault> = {
	hostilePollingUrl: {
		on: ['submit'],
		routes: ['bfl.submit'],
		passes: true,
		effect: ({ hostile }) => ({
			task: { pollingUrl: `${hostile}/v1/get_result` },
		}),
	},
	hostileStatusUrl: {
		on: ['submit'],
		routes: ['queue.submit'],
		passes: true,
		effect: ({ hostile }) => {
			const url = `${hostile}/model/v1/queue/flux_2_pro/requests/1`;
			return {
				mutate: withBody((body) => ({
					...body,
					status_url: `${url}/status`,
					response_url: `${url}/response`,
					cancel_url: `${url}/cancel`,
				})),
			};
		},
	},
};

export const FAULTS: Readonly<Record<string, Fault>> = {
	...passing,
	...broken,
	...lasting,
	...ofPictures,
	...misleading,
};

/** What may become of a stream of events; the job goes on without it. */
export const STREAM_FAULTS: Readonly<Record<string, Effect>> = {
	streamSilent: { stream: { silent: true } },
	streamBreaksBeforeEvent: { stream: { breaks: 'beforeEvent' } },
	streamBreaksInEvent: { stream: { breaks: 'inEvent', event: 2 } },
	streamBreaksAfterEvent: { stream: { breaks: 'afterEvent' } },
	streamRefused: { status: 503, body: trouble },
	streamSlow: { slowBytes: true },
};

export const stepOf = (route: RouteName): Step | undefined => {
	if (route === 'download') return 'download';
	if (/\.(submit|run|workersAi|sync|enqueue)$/.test(route)) return 'submit';
	return /\.(status|response|queue|history|result)$/.test(route) ? 'look' : undefined;
};
