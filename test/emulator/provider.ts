import type { AnyZodObject } from 'zod';
import type { TaskRecord } from './ledger';
import type { ApiResponse, Route } from './types';
import type { World } from './world';

/** Everything that the emulator knows about one provider. Its name is that of its export. */
export interface Provider {
	/** As the command line prints it. */
	label: string;
	/** The end of the provider's base URL, without a trailing slash. */
	basePath: string;
	/** The routes that rules can name, each as `<api>.<call>`. */
	routeNames: readonly string[];
	/** Creates the routes for one emulator. The options of all providers arrive in one object. */
	createRoutes(world: World, options: object): Route[];
	/** Made-up keys by their name in `emulator.keys`. None may be sent anywhere but to this provider. */
	keys: Readonly<Record<string, string>>;
	/** The rest of a credential, which is no secret; part of `emulator.keys` too. */
	identifiers?: Readonly<Record<string, string>>;
	/** The request header that carries a key. */
	keyHeader: string;
	/** Another one, where some of its servers want the key there. */
	otherKeyHeader?: string;
	/** Fields of the credential beside the base URL, by their label in the editor. */
	credential: Readonly<Record<string, string>>;
	/** Error responses by name, for rules and for the emulator's own refusals. */
	documentedErrors: Readonly<Record<string, ApiResponse>>;
	/** Request headers of its own that the ledger keeps. */
	recordedHeaders?: RegExp;
	/** The response to a path that no route knows. */
	unknownRoute?: ApiResponse;
	/** The response to a body that is larger than any API accepts. */
	bodyTooLarge?: ApiResponse;
	/** Faults that only this provider's tasks can have: part of a rule's `task`. */
	faultSchema?: AnyZodObject;
	/** Effects that only this provider's submissions can have: part of a rule's effect. */
	effectSchema?: AnyZodObject;
	/** Whether the URL of an image may still be opened; always, where it is left out. */
	isUrlValid?(record: TaskRecord, query: Record<string, string>): boolean;
}
