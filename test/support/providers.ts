import { models as bflModels } from '../../nodes/Flux2Bfl/models';
import { bfl } from '../../nodes/Flux2Bfl/provider';
import { models as cloudflareModels } from '../../nodes/Flux2Cloudflare/models';
import { cloudflare } from '../../nodes/Flux2Cloudflare/provider';
import { models as falModels } from '../../nodes/Flux2Fal/models';
import { fal } from '../../nodes/Flux2Fal/provider';
import { models as openAiModels } from '../../nodes/Flux2OpenAi/models';
import { openAi } from '../../nodes/Flux2OpenAi/provider';
import { models as oxenModels } from '../../nodes/Flux2Oxen/models';
import { oxen } from '../../nodes/Flux2Oxen/provider';
import { models as replicateModels } from '../../nodes/Flux2Replicate/models';
import { replicate } from '../../nodes/Flux2Replicate/provider';
import { models as taskModels } from '../../nodes/Flux2Task/models';
import { taskApi } from '../../nodes/Flux2Task/provider';
import type { ProviderDefinition } from '../../nodes/shared/operations/types';
import type { Model } from '../../nodes/shared/parameters/model';
import type { DocumentedError, Effect, Emulator, RouteName } from '../emulator';
import type { CredentialStore } from './credentials';
import type { GoodBody, GoodResponse } from './goodResponses';
import * as bflResponses from './responses/bfl';
import * as cloudflareResponses from './responses/cloudflare';
import * as falResponses from './responses/fal';
import * as openAiResponses from './responses/openai';
import * as oxenResponses from './responses/oxen';
import * as replicateResponses from './responses/replicate';
import * as taskResponses from './responses/task';

/** One way in which a provider generates an image. */
interface ProviderLane {
	/** The emulator's route of the submit. */
	submit: RouteName;
	/** What chooses the lane, among the node's parameters and its options. */
	parameters: Record<string, unknown>;
	options?: Record<string, unknown>;
	/** The status with which it is accepted; 200 when left out. */
	acceptedStatus?: number;
	/** Whether the response to the submit is a task, not the image. */
	hasTasks: boolean;
	/** Whether the provider pushes the ends of its tasks. */
	hasEvents?: true;
	/** Whether its tasks can be cancelled. */
	canCancel?: true;
	/** Whether the image stands in a response: there is nothing to download. */
	isInline?: true;
	/** Where there are tasks: the route of a poll, and the one whose response names the image. */
	polls?: { status: RouteName; result: RouteName };
	/** How the API refuses a submit for the moment. */
	rateLimit: DocumentedError;
	/** What of a submit makes its moderation end the request. */
	moderated: Effect;
	/** What leads from a submit to its image, in order, as documented; the usual form first. */
	responses: Readonly<Record<string, readonly GoodResponse[]>>;
}

interface TestedProvider {
	definition: ProviderDefinition;
	models: readonly Model[];
	/** The file in test/nodes with the table of its parameters on the wire. */
	wireTest: string;
	/** A credential that works at the emulator. */
	credential(this: void, emulator: Pick<Emulator, 'keys' | 'urls'>): Record<string, string>;
	lanes: Record<string, ProviderLane>;
	/** What the provider calls a webhook with, where it can. */
	payload?: GoodBody;
	/** The rows of each operation "getMany". */
	lists?: Readonly<Record<string, GoodResponse>>;
}

/** Every provider of the package by its node's type. Whatever tests list about providers, they take from here. */
export const PROVIDERS = {
	flux2Cloudflare: {
		definition: cloudflare,
		models: cloudflareModels,
		wireTest: 'wire',
		credential: ({ keys, urls }) => ({
			accountId: keys.accountId,
			apiToken: keys.cloudflareToken,
			baseUrl: urls.cloudflare,
		}),
		lanes: {
			catalogue: {
				submit: 'cloudflare.run',
				parameters: { model: 'black-forest-labs/flux-2-pro-preview' },
				hasTasks: false,
				rateLimit: 'cloudflare.rateLimit',
				moderated: { error: 'cloudflare.moderated' },
				responses: {
					bare: cloudflareResponses.catalogueResponses,
					wrapped: cloudflareResponses.wrappedResponses,
				},
			},
			workersAi: {
				submit: 'cloudflare.workersAi',
				parameters: { model: '@cf/black-forest-labs/flux-2-klein-4b' },
				hasTasks: false,
				isInline: true,
				rateLimit: 'workersAi.3040',
				moderated: { error: 'workersAi.3030' },
				responses: {
					wrapped: cloudflareResponses.workersAiResponses,
					bare: cloudflareResponses.bareResponses,
					bytes: cloudflareResponses.bytesResponses,
				},
			},
		},
	},
	flux2Task: {
		definition: taskApi,
		models: taskModels,
		wireTest: 'wire',
		credential: ({ keys, urls }) => ({ apiKey: keys.taskKey, baseUrl: urls.task }),
		lanes: {
			task: {
				submit: 'task.submit',
				parameters: { dialect: 'task' },
				hasTasks: true,
				polls: { status: 'task.status', result: 'task.status' },
				rateLimit: 'task.rateLimit',
				moderated: { task: { fail: { message: 'Request Moderated' } } },
				responses: { polled: taskResponses.taskResponses },
			},
			queue: {
				submit: 'queue.submit',
				parameters: { dialect: 'queue' },
				hasTasks: true,
				canCancel: true,
				polls: { status: 'queue.status', result: 'queue.response' },
				rateLimit: 'queue.rateLimit',
				moderated: { task: { fail: { message: 'Request Moderated' } } },
				responses: { polled: taskResponses.queueResponses },
			},
		},
	},
	flux2Oxen: {
		definition: oxen,
		models: oxenModels,
		wireTest: 'oxenWire',
		credential: ({ keys, urls }) => ({ apiKey: keys.oxenKey, baseUrl: urls.oxen }),
		lanes: {
			sync: {
				submit: 'oxen.sync',
				parameters: {},
				options: { mode: 'sync' },
				hasTasks: false,
				rateLimit: 'oxen.rateLimit',
				moderated: { status: 400, body: { error: { message: 'Prompt flagged as NSFW' } } },
				responses: { url: oxenResponses.syncResponses, base64: oxenResponses.base64Responses },
			},
			oxen: {
				submit: 'oxen.enqueue',
				parameters: {},
				options: { mode: 'queue' },
				hasTasks: true,
				canCancel: true,
				polls: { status: 'oxen.queue', result: 'oxen.queue' },
				rateLimit: 'oxen.rateLimit',
				moderated: { task: { fail: { message: 'Output flagged as NSFW' } } },
				responses: {
					polled: oxenResponses.queueResponses,
					history: oxenResponses.historyResponses,
				},
			},
			events: {
				submit: 'oxen.enqueue',
				parameters: {},
				options: { mode: 'events' },
				hasTasks: true,
				hasEvents: true,
				canCancel: true,
				polls: { status: 'oxen.queue', result: 'oxen.queue' },
				rateLimit: 'oxen.rateLimit',
				moderated: { task: { fail: { message: 'Output flagged as NSFW' } } },
				responses: { event: oxenResponses.eventResponses, polled: oxenResponses.queueResponses },
			},
		},
		lists: oxenResponses.lists,
	},
	flux2Bfl: {
		definition: bfl,
		models: bflModels,
		wireTest: 'bflWire',
		credential: ({ keys, urls }) => ({ apiKey: keys.bflKey, region: 'custom', baseUrl: urls.bfl }),
		lanes: {
			bfl: {
				submit: 'bfl.submit',
				parameters: {},
				hasTasks: true,
				polls: { status: 'bfl.result', result: 'bfl.result' },
				rateLimit: 'bfl.rateLimit',
				moderated: { task: { status: 'Request Moderated' } },
				responses: {
					polled: bflResponses.responses,
					webhook: bflResponses.responsesWithWebhook,
				},
			},
		},
		payload: bflResponses.payload,
	},
	flux2Fal: {
		definition: fal,
		models: falModels,
		wireTest: 'falWire',
		credential: ({ keys, urls }) => ({ apiKey: keys.falKey, baseUrl: urls.fal }),
		lanes: {
			fal: {
				submit: 'fal.submit',
				parameters: {},
				options: { mode: 'queue' },
				hasTasks: true,
				canCancel: true,
				polls: { status: 'fal.status', result: 'fal.result' },
				rateLimit: 'fal.rateLimit',
				moderated: { task: { fail: { code: 'content_policy_violation', message: 'flagged' } } },
				responses: { polled: falResponses.responses, open: falResponses.openResponses },
			},
			falEvents: {
				submit: 'fal.submit',
				parameters: {},
				options: { mode: 'events' },
				hasTasks: true,
				hasEvents: true,
				canCancel: true,
				polls: { status: 'fal.status', result: 'fal.result' },
				rateLimit: 'fal.rateLimit',
				moderated: { task: { fail: { code: 'content_policy_violation', message: 'flagged' } } },
				responses: { event: falResponses.eventResponses },
			},
		},
		payload: falResponses.payload,
	},
	flux2Replicate: {
		definition: replicate,
		models: replicateModels,
		wireTest: 'replicateWire',
		credential: ({ keys, urls }) => ({ apiToken: keys.replicateKey, baseUrl: urls.replicate }),
		lanes: {
			replicate: {
				submit: 'replicate.submit',
				acceptedStatus: 201,
				parameters: {},
				hasTasks: true,
				canCancel: true,
				polls: { status: 'replicate.status', result: 'replicate.status' },
				rateLimit: 'replicate.rateLimit',
				moderated: { task: { fail: { code: 'E005', message: 'Flagged as sensitive.' } } },
				responses: {
					polled: replicateResponses.responses,
					list: replicateResponses.listResponses,
				},
			},
		},
		lists: replicateResponses.lists,
		payload: replicateResponses.payload,
	},
	flux2OpenAi: {
		definition: openAi,
		models: openAiModels,
		wireTest: 'openAiWire',
		credential: ({ keys, urls }) => ({
			service: 'vllm',
			baseUrl: `${urls.openai}/vllm`,
			apiKey: keys.openAiKey,
		}),
		lanes: {
			openAi: {
				submit: 'openai.generate',
				parameters: {},
				hasTasks: false,
				isInline: true,
				rateLimit: 'openai.rateLimit',
				moderated: { error: 'openai.moderated' },
				responses: {
					base64: openAiResponses.responses,
					url: openAiResponses.urlResponses,
					bytes: openAiResponses.bytesResponses,
				},
			},
		},
	},
} as const satisfies Record<string, TestedProvider>;

type Providers = typeof PROVIDERS;

export type NodeType = keyof Providers;

export const NODE_TYPES = Object.keys(PROVIDERS) as NodeType[];

/** For a loop over all providers: their fields by the interface's types. */
export const providers = Object.entries<TestedProvider>(PROVIDERS).map(([type, provider]) => ({
	type: type as NodeType,
	...provider,
}));

type LaneNameOf<Type extends NodeType> = { [T in Type]: keyof Providers[T]['lanes'] }[Type];

export type LaneName = LaneNameOf<NodeType>;

export interface Lane extends ProviderLane {
	type: NodeType;
}

const lanesOf = <Type extends NodeType>(types: readonly Type[]) =>
	Object.fromEntries(
		providers
			.filter(({ type }) => (types as readonly NodeType[]).includes(type))
			.flatMap(({ type, lanes }) =>
				Object.entries(lanes).map(([name, lane]): [string, Lane] => [name, { type, ...lane }]),
			),
	) as Record<LaneNameOf<Type>, Lane>;

/** Every way in which this package generates an image. */
export const LANES = lanesOf(NODE_TYPES);

/** The lanes on which the promises are tested one by one: with and without tasks, by URL and as bytes. */
export const ROUTES = lanesOf(['flux2Task', 'flux2Cloudflare']);

export type Route = keyof typeof ROUTES;

/** Credentials that work at the emulator, by type. */
export const emulatorCredentials = (emulator: Pick<Emulator, 'keys' | 'urls'>): CredentialStore =>
	Object.fromEntries(
		providers.map(({ definition, credential }) => [
			definition.credentialType,
			credential(emulator),
		]),
	);
