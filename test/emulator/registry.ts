import type { z } from 'zod';
import type { Provider } from './provider';
import * as list from './providers';

/** What is derived from the list of providers. */

type List = typeof list;

export type ProviderName = keyof List;

export const PROVIDERS: Readonly<Record<ProviderName, Provider>> = list;

/** Every route that rules can name; `download` is the one that belongs to no provider. */
export type RouteName = List[ProviderName]['routeNames'][number] | 'download';

export const ROUTE_NAMES: readonly string[] = [
	...Object.values(PROVIDERS).flatMap(({ routeNames }) => routeNames),
	'download',
];

export type DocumentedError = {
	[Name in ProviderName]: keyof List[Name]['documentedErrors'];
}[ProviderName];

type Intersection<Union> = (Union extends unknown ? (part: Union) => void : never) extends (
	part: infer All,
) => void
	? All
	: never;

/** The union of one field of all providers' records; `object` for a provider without it. */
type Each<Name extends string> = {
	[P in ProviderName]: List[P] extends Record<Name, infer Value> ? Value : object;
}[ProviderName];

type Inferred<Schema> = Schema extends z.ZodTypeAny ? z.infer<Schema> : Schema;

export type Keys = Readonly<Intersection<Each<'keys'> | Each<'identifiers'>>>;
export type ProviderOptions = Intersection<Parameters<Each<'createRoutes'>>[1] & object>;
export type ProviderFaults = Intersection<Inferred<Each<'faultSchema'>>>;
export type ProviderEffects = Intersection<Inferred<Each<'effectSchema'>>>;
