import type { IDataObject, IExecuteFunctions } from 'n8n-workflow';
import type { Flux2Error } from '../core/errors';
import type { ApiClient, ClientContext, CredentialValues, ReadClient } from '../http/types';
import type { ModelChoice } from '../parameters/imageRequest';
import type { Model } from '../parameters/model';
import type { Param } from '../parameters/param';
import type { ParameterReader } from '../parameters/reader';
import type { CheckpointStore } from '../tasks/checkpoints';
import type { RunEvents } from '../tasks/eventStream';
import type { Durations } from '../tasks/pollSchedule';
import type { AsyncProtocol, ParsePayload, SyncProtocol, TaskProtocol } from '../tasks/protocol';
import type { OutputItem } from '../tasks/savedResults';
import type { Budget, Spending } from './budget';

/** What a node is made of: one provider, its models and its operations. */
export type ProviderDefinition<M extends Model = Model> = SyncProvider<M> | AsyncProvider<M>;

interface Provider
	extends Pick<ApiClient, 'credentialType' | 'label' | 'readError' | 'trustsHost'> {
	/** `provider` in the output. */
	readonly name: string;
	baseUrl(this: void, credentials: CredentialValues): string;
	/** How long an image usually takes, where the model is not known. */
	readonly typicalSeconds: number;
	/** Milliseconds for which the URL of an image can be opened, as the provider documents it. */
	readonly imageUrlLifetimeMs?: number;
	/** The provider's own options of a request, beside those that every node has. */
	readonly options?: readonly Param[];
	readonly operations: Readonly<Record<string, Operation>>;
	/** Where the provider can call when a task has ended. */
	readonly webhook?: WebhookProtocol;
}

/** A provider that responds with the image. */
interface SyncProvider<M extends Model> extends Provider {
	readonly minPollIntervalSeconds?: undefined;
	/** The models and the protocol that the item's parameters and the credential choose. */
	routeFor(reader: ParameterReader, credentials: CredentialValues): Route<M, SyncProtocol<M>>;
}

/** A provider that responds with a task, in one of its modes at least. */
interface AsyncProvider<M extends Model> extends Provider {
	/** Seconds between two polls of a task that the provider's documents ask for. */
	readonly minPollIntervalSeconds: number;
	/** The models and the protocol that the item's parameters and the credential choose. */
	routeFor(reader: ParameterReader, credentials: CredentialValues): Route<M>;
}

/**
 * Models and the protocol that takes them. The methods' parameters are bivariant, so that a route of special models
 * passes for a route of models: sound, because the protocol gets requests for models of its own route only.
 */
export interface Route<M extends Model = Model, P extends TaskProtocol<M> = TaskProtocol<M>>
	extends ModelChoice<M> {
	readonly protocol: P;
	/** The model of a task that the item names, where its address needs one. */
	readonly taskModel?: string;
}

/** A call of a provider's webhook, with what may prove that it is genuine. */
export interface WebhookCall {
	readonly context: ClientContext;
	readonly body: Buffer;
	readonly headers: IDataObject;
	/** What the provider and we alone know; empty where there is nothing. */
	readonly secret: string;
	/** Of the API whose task the call is about. */
	readonly baseUrl: string;
	/** Undefined where there is no credential to ask the provider with. */
	readonly client?: ReadClient;
	readonly signal: AbortSignal;
}

/** What the provider's webhooks say, and which of them is genuine. */
export interface WebhookProtocol {
	readonly parsePayload: ParsePayload;
	/**
	 * Why the call is not proved to be the provider's, for the refusal; undefined where it is proved.
	 * @throws Flux2Error where nobody can tell now, because what proves it cannot be fetched
	 */
	signatureProblem(this: void, call: WebhookCall): Promise<string | undefined>;
	/** The proof is the same for all accounts, so that only a poll tells whose task it is. */
	readonly signsForAllAccounts?: true;
	/** Whether only the provider can put images at this URL; left out where others can too. */
	ownsImageUrl?(this: void, url: string): boolean;
	/** Asks for the task with the key: what a webhook says is a hint until this confirms it. */
	readonly status: AsyncProtocol['status'];
}

/** What all items of one execution of the node share. */
export interface RunContext {
	readonly context: IExecuteFunctions;
	readonly provider: ProviderDefinition;
	readonly checkpoints: CheckpointStore;
	/** What earlier tasks took. */
	readonly durations: Durations;
	readonly events: RunEvents;
	/** What the node may spend. */
	readonly budget: Budget;
	/** Aborted when n8n stops the execution, and when a failed item ends the run. */
	readonly signal: AbortSignal;
	/** Whether an agent has called the node as its tool. */
	readonly isToolCall: boolean;
	/** By task ID: what was unclear about the state of a task that was waited for all the same. */
	readonly unclearTasks: Map<string, string>;
	/** Why n8n could make no link, once for each image. */
	readonly linkProblems: string[];
}

/** One item of the run. */
export interface ItemContext extends RunContext {
	readonly itemIndex: number;
	/** With the item's own permit. */
	readonly client: ApiClient;
	readonly reader: ParameterReader;
}

/**
 * Checks the item's parameters (throwing Flux2Error) and returns the work that needs the network. What an item asks for
 * several times is several works: each runs, ends, is resumed and fails alone.
 */
export interface Operation {
	(this: void, item: ItemContext): PreparedOperation | PreparedOperation[];
	/** Whether it works without a credential too. */
	readonly needsNoKey?: boolean;
}

export interface PreparedOperation {
	/** The item with a permit of its own, where it has several requests. */
	readonly item?: ItemContext;
	/** For the error item. */
	readonly model?: string;
	/** Where it submits something. */
	readonly spending?: Spending;
	run(): Promise<ItemResult[]>;
}

export type ItemResult = ({ item: OutputItem } | { error: Flux2Error }) & ResultFacts;

/** What the report of the run says of a result, beside what its item says. */
export interface ResultFacts {
	/** By this execution, or by an earlier one, whose task or image is passed on. Left out where nothing was submitted. */
	readonly paid?: 'here' | 'before';
	/** The size that was asked for, where the request names one. */
	readonly requestedSize?: PixelSize;
}

export interface PixelSize {
	readonly width: number;
	readonly height: number;
}
