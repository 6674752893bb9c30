import { KEYS, SECRETS } from '../../emulator/keys';
import { PROVIDERS, ROUTE_NAMES, type ProviderName } from '../../emulator/registry';
import { Rules } from '../../emulator/rules';
import { Tasks } from '../../emulator/tasks';
import type { World } from '../../emulator/world';

/** What the records of all providers promise to each other. */

const world: World = {
	tasks: new Tasks(0, (file) => file, true),
	rules: new Rules(),
	urls: { api: '', polling: '', results: '' },
	webhookUnitMs: 1000,
	webhookLateMs: 2000,
	closing: new AbortController().signal,
	wait: async () => {},
};

const names = Object.keys(PROVIDERS) as ProviderName[];

test.each(names)('%s serves every route that it names', (name) => {
	const provider = PROVIDERS[name];
	const { routeNames, basePath } = provider;
	const routes = provider.createRoutes(world, {});

	expect([...new Set(routes.map((route) => route.name))].sort()).toEqual([...routeNames].sort());
	expect(routes.filter(({ path }) => !path.startsWith(`${basePath}/`))).toEqual([]);
});

test.each(names)('%s names its documented errors after its APIs', (name) => {
	const { routeNames, documentedErrors } = PROVIDERS[name];
	const apis = new Set([...routeNames].flatMap((route) => route.split('.')));

	for (const error of Object.keys(documentedErrors)) expect(apis).toContain(error.split('.')[0]);
});

test('no two providers share a route name, a key or its name', () => {
	expect(new Set(ROUTE_NAMES).size).toBe(ROUTE_NAMES.length);
	expect(new Set(SECRETS.map(([key]) => key)).size).toBe(SECRETS.length);
	expect(new Set(Object.values(KEYS)).size).toBe(Object.keys(KEYS).length);
});

test('every key is visibly made up', () => {
	expect(SECRETS.filter(([, value]) => !/^(hf_)?made-?up/i.test(value))).toEqual([]);
});
