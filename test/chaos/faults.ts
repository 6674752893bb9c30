import type { ApiResponse, Effect, RouteName } from '../emulator';
import { pickOne, type Random } from '../emulator/images/random';
import { isObject } from '../emulator/types';
import { mutate } from './mutate';

/** All faults that a response can have. */

export type Step = 'submit' | 'poll' | 'download';

export interface FaultContext {
	random: Random;
	/** Whether the provider may accept a submit whose response is then lost. */
	mayLoseResponse: boolean;
	/** The URL of an image that the provider's own host does not have. */
	missingImageUrl: string;
	/** A host that belongs to no provider. */
	foreignUrl: string;
	/** That server under the host name of the base URLs: images may be fetched there, without a key. */
	sameHostUrl: string;
}

export interface Fault {
	on: readonly Step[];
	/** Only these routes. */
	routes?: readonly RouteName[];
	/** A retry of the call gets over it. */
	transient?: true;
	/** A submit is accepted, and its response is of no use. */
	losesResponse?: true;
	/** A submit may be accepted, and its response is of no use then. */
	isAmbiguous?: true;
	/** It does not harm a submit. */
	isHarmless?: true;
	/** Its effect on the task lasts. */
	persistent?: true;
	effect(context: FaultContext): Effect;
}

const EVERY_STEP = ['submit', 'poll', 'download'] as const;
export const UNKNOWN_STATUS = 'Paused';

const tooManyRequests = { error: { message: 'Too many requests' } };
const serverError = { error: { message: 'Something went wrong' } };

const decideAccepted = ({ mayLoseResponse, random }: FaultContext) =>
	mayLoseResponse && random() < 0.5;

const withBody = (change: (body: Record<string, unknown>) => unknown) => (response: ApiResponse) =>
	isObject(response.body) ? { ...response, body: change(response.body) } : response;

const withContentType = (type: string) => (response: ApiResponse) => ({
	...response,
	headers: { ...response.headers, 'content-type': type },
});

/** Whether an accepted submit had a response that says nothing of it. */
export const isResponseLost = ({ fault, fate }: { fault: string; fate?: string }): boolean =>
	fate !== undefined && Boolean(FAULTS[fault]?.losesResponse ?? FAULTS[fault]?.isAmbiguous);

/** The state's word, which some APIs call `state`. */
const withStatus = (status: string | undefined) =>
	withBody((body) => ({
		...body,
		...('status' in body && { status }),
		...('state' in body && { state: status }),
	}));

/** What no image depends on, as null. */
const NULLS = Object.fromEntries(
	['progress', 'details', 'preview', 'cost', 'usage', 'seed', 'queue_position', 'logs'].map(
		(field) => [field, null],
	),
);
const NULL_ERRORS = { error: null, error_message: null, message: null };

/** Replaces every URL of an image in the response. */
const withImageUrl = (url: string) =>
	withBody(
		(body) =>
			JSON.parse(
				JSON.stringify(body).replace(/"http[^"]*\/results\/[^"]*"/g, JSON.stringify(url)),
			) as unknown,
	);

const halveImage = ({ result, ...body }: Record<string, unknown>) => {
	const { image } = result as { image: string };
	return { ...body, result: { image: image.slice(0, Math.floor(image.length / 8) * 4) } };
};

/** The provider refuses the call, or its response is slow or odd. */
const transientFaults: Record<string, Fault> = {
	busy: {
		on: EVERY_STEP,
		transient: true,
		effect: () => ({ status: 429, body: tooManyRequests }),
	},
	busyForSeconds: {
		on: EVERY_STEP,
		transient: true,
		effect: ({ random }) => ({
			status: 429,
			body: tooManyRequests,
			headers: { 'retry-after': pickOne(random, ['0.01', '0.01', '1']) },
		}),
	},
	busyUntil: {
		on: EVERY_STEP,
		transient: true,
		effect: () => ({
			status: 429,
			body: tooManyRequests,
			headers: { 'retry-after': new Date(Date.now() + 1000).toUTCString() },
		}),
	},
	slowBytes: {
		on: EVERY_STEP,
		transient: true,
		isHarmless: true,
		effect: () => ({ slowBytes: true }),
	},
	nullsBeside: {
		on: ['submit', 'poll'],
		transient: true,
		isHarmless: true,
		effect: () => ({ mutate: withBody((body) => ({ ...NULL_ERRORS, ...body, ...NULLS })) }),
	},
	unknownStatus: {
		on: ['submit', 'poll'],
		transient: true,
		isHarmless: true,
		effect: () => ({ mutate: withStatus(UNKNOWN_STATUS) }),
	},
	missingStatus: {
		on: ['submit', 'poll'],
		transient: true,
		isHarmless: true,
		effect: () => ({ mutate: withStatus(undefined) }),
	},
	proxy404Html: { on: ['poll'], effect: () => ({ html: true, status: 404 }) },
	proxy404Json: {
		on: ['poll'],
		effect: () => ({ status: 404, body: { message: 'no Route matched with those values' } }),
	},
	missingImage: {
		on: ['poll'],
		effect: ({ missingImageUrl }) => ({ mutate: withImageUrl(missingImageUrl) }),
	},
};

/** They leave open whether a submit was accepted. */
const ambiguousFaults: Record<string, Fault> = {
	error500: {
		on: EVERY_STEP,
		transient: true,
		isAmbiguous: true,
		effect: (context) => ({ status: 500, body: serverError, accepted: decideAccepted(context) }),
	},
	html502: {
		on: EVERY_STEP,
		transient: true,
		isAmbiguous: true,
		effect: (context) => ({ html: true, accepted: decideAccepted(context) }),
	},
	error503: {
		on: EVERY_STEP,
		transient: true,
		isAmbiguous: true,
		effect: (context) => ({ status: 503, body: serverError, accepted: decideAccepted(context) }),
	},
	resetBeforeHeaders: {
		on: EVERY_STEP,
		transient: true,
		isAmbiguous: true,
		effect: (context) => ({ reset: 'beforeHeaders', accepted: decideAccepted(context) }),
	},
	resetInHeaders: {
		on: EVERY_STEP,
		transient: true,
		losesResponse: true,
		effect: () => ({ reset: 'midHeaders' }),
	},
	resetInBody: {
		on: EVERY_STEP,
		transient: true,
		losesResponse: true,
		effect: () => ({ reset: 'midBody' }),
	},
	nothing204: {
		on: ['submit', 'poll'],
		transient: true,
		losesResponse: true,
		effect: () => ({ mutate: (response) => ({ ...response, status: 204, body: undefined }) }),
	},
	truncatedJson: {
		on: ['submit', 'poll'],
		transient: true,
		losesResponse: true,
		effect: () => ({ truncateJson: true }),
	},
	wrongType: {
		on: ['submit', 'poll'],
		transient: true,
		losesResponse: true,
		effect: ({ random }) => ({
			mutate: withContentType(pickOne(random, ['text/html', 'image/png'])),
		}),
	},
	oddServerStatus: {
		on: EVERY_STEP,
		transient: true,
		isAmbiguous: true,
		effect: (context) => ({
			status: pickOne(context.random, [520, 530, 599]),
			body: 'web server is returning an unknown error',
			accepted: decideAccepted(context),
		}),
	},
};

/** No retry helps against them. */
const lastingFaults: Record<string, Fault> = {
	busyForLong: {
		on: EVERY_STEP,
		effect: () => ({ status: 429, body: tooManyRequests, headers: { 'retry-after': '3600' } }),
	},
	oddStatus: {
		on: EVERY_STEP,
		effect: ({ random }) => ({ status: pickOne(random, [300, 418, 451, 499]), body: serverError }),
	},
	hostileRedirect: {
		on: EVERY_STEP,
		effect: ({ random, foreignUrl, sameHostUrl }) => ({
			redirect: `${pickOne(random, [foreignUrl, sameHostUrl])}/taken`,
			status: pickOne(random, [302, 307, 308]),
		}),
	},
	mutatedJson: {
		on: ['submit', 'poll'],
		losesResponse: true,
		persistent: true,
		effect: ({ random }) => ({
			mutate: (response) => ({ ...response, body: mutate(response.body, random) }),
		}),
	},
	hostileImage: {
		on: ['poll'],
		persistent: true,
		effect: ({ random, foreignUrl, sameHostUrl }) => ({
			mutate: withImageUrl(`${pickOne(random, [foreignUrl, sameHostUrl])}/image.png`),
		}),
	},
};

const imageFaults: Record<string, Fault> = {
	truncatedImage: {
		on: ['download'],
		transient: true,
		effect: () => ({ image: 'truncated' }),
	},
	notAnImage: { on: ['download'], transient: true, effect: () => ({ image: 'html' }) },
	emptyImage: { on: ['download'], transient: true, effect: () => ({ image: 'empty' }) },
	wrongImageType: {
		on: ['download'],
		transient: true,
		effect: () => ({ image: 'wrongContentType' }),
	},
	expiredImage: { on: ['download'], effect: () => ({ image: 'expired' }) },
	halfImage: {
		on: ['submit'],
		routes: ['cloudflare.workersAi'],
		losesResponse: true,
		effect: () => ({ mutate: withBody(halveImage) }),
	},
};

/** The response is as documented, but its URL leads to a host that is not the provider's. */
const misleadingFaults: Record<string, Fault> = {
	hostilePollingUrl: {
		on: ['submit'],
		routes: ['bfl.submit'],
		transient: true,
		isHarmless: true,
		effect: ({ foreignUrl }) => ({
			task: { pollingUrl: `${foreignUrl}/v1/get_result` },
		}),
	},
	hostileStatusUrl: {
		on: ['submit'],
		routes: ['queue.submit', 'fal.submit'],
		transient: true,
		isHarmless: true,
		effect: ({ foreignUrl }) => {
			const url = `${foreignUrl}/model/v1/queue/flux_2_pro/requests/1`;
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
	hostileGetUrl: {
		on: ['submit'],
		routes: ['replicate.submit'],
		transient: true,
		isHarmless: true,
		effect: ({ foreignUrl }) => {
			const get = `${foreignUrl}/v1/predictions/1`;
			const urls = { get, cancel: `${get}/cancel`, web: get };
			return { mutate: withBody((body) => ({ ...body, urls })) };
		},
	},
};

export const FAULTS: Readonly<Record<string, Fault>> = {
	...transientFaults,
	...ambiguousFaults,
	...lastingFaults,
	...imageFaults,
	...misleadingFaults,
};

/** Faults of an event stream. The task goes on without it. */
export const STREAM_FAULTS: Readonly<Record<string, Effect>> = {
	streamSilent: { stream: { silent: true } },
	streamBreaksBeforeEvent: { stream: { breaks: 'beforeEvent' } },
	streamBreaksInEvent: { stream: { breaks: 'inEvent', event: 2 } },
	streamBreaksAfterEvent: { stream: { breaks: 'afterEvent' } },
	streamRefused: { status: 503, body: serverError },
	streamSlow: { slowBytes: true },
};

export const toStep = (route: RouteName): Step | undefined => {
	if (route === 'download') return 'download';
	if (/\.(submit|run|workersAi|sync|enqueue|generate|edit)$/.test(route)) return 'submit';
	return /\.(status|response|queue|history|result)$/.test(route) ? 'poll' : undefined;
};
