import { z } from 'zod';
import { documentedErrors } from './documentedErrors';
import { faultSchema } from './faults';
import { PROVIDERS, ROUTE_NAMES, type RouteName } from './registry';
import type { Effect, SharedEffect } from './types';

/** Which calls a rule applies to. A field that is left out matches everything. */
export interface RuleMatch {
	route: RouteName;
	/** Of the submission, or of the task that a poll or a download is about. */
	prompt?: string | RegExp;
	/** The key that the call presents. */
	key?: string;
	/** How many calls it affects; without end by default. */
	times?: number;
	/** How many matching calls it lets pass first. */
	skip?: number;
}

/** Over HTTP a rule is one object of both parts. */
export type RuleJson = RuleMatch & { effect: Effect };

export interface Facts {
	route: RouteName;
	prompt?: string;
	key?: string;
}

/** Decides about every call by its facts; only within the process. Rules come on top of it. */
export type Script = (facts: Facts) => Effect | undefined;

interface Rule extends RuleMatch {
	effect: Effect;
	passed: number;
	used: number;
}

/** Effects that only one provider has. */
const providerEffectSchema = Object.values(PROVIDERS).reduce(
	(schema, { effectSchema }) => schema.extend(effectSchema?.shape ?? {}),
	z.object({}) as z.AnyZodObject,
);
const PROVIDER_EFFECTS = Object.keys(providerEffectSchema.shape);

/** Effects of one group exclude each other: the second rule waits until the first is used up. */
const SHARED_GROUPS: Record<keyof SharedEffect, string> = {
	status: 'response',
	body: 'response',
	headers: 'response',
	error: 'response',
	html: 'response',
	redirect: 'response',
	truncateJson: 'response',
	reset: 'response',
	hang: 'response',
	image: 'response',
	accepted: 'response',
	delayMs: 'delay',
	slowBytes: 'pace',
	task: 'task',
	as: 'shape',
	stream: 'stream',
	mutate: 'mutate',
};

const GROUPS: Record<string, string> = {
	...SHARED_GROUPS,
	...Object.fromEntries(PROVIDER_EFFECTS.map((name) => [name, name])),
};

const MATCH_KEYS = ['route', 'prompt', 'key', 'times', 'skip'];

/** A call whose response is replaced creates no task, so rules about tasks do not count it. */
const NEED_A_TASK = ['task', 'shape', ...PROVIDER_EFFECTS];

export class Rules {
	private rules: Rule[] = [];

	constructor(private readonly script?: Script) {}

	add(match: RuleMatch, effect: Effect): void {
		check(match, effect);
		this.rules.push({ ...match, effect, passed: 0, used: 0 });
	}

	clear(): void {
		this.rules = [];
	}

	/** The effects on one call, and one use of each rule they come from. */
	take(facts: Facts): Effect {
		const taken: Effect = { ...this.script?.(facts) };
		const groups = new Set(getGroups(taken));
		// Replaced responses first: they decide whether there will be a task.
		const ordered = [...this.rules].sort((a, b) => getRank(a) - getRank(b));
		for (const rule of ordered) {
			if (isSpent(rule) || !matches(rule, facts)) continue;
			const own = getGroups(rule.effect);
			if (own.some((group) => groups.has(group))) continue;
			if (!runsHandler(taken) && own.every((group) => NEED_A_TASK.includes(group))) continue;
			if (rule.passed < (rule.skip ?? 0)) {
				rule.passed++;
				continue;
			}
			rule.used++;
			own.forEach((group) => groups.add(group));
			Object.assign(taken, rule.effect);
		}
		return taken;
	}
}

/** Whether the call is carried out, whatever becomes of its response. */
export function runsHandler(effect: Effect): boolean {
	return (
		effect.accepted ?? !(isReplaced(effect) || effect.hang || effect.reset === 'beforeHeaders')
	);
}

export function isReplaced(effect: Effect): boolean {
	const { status, body, error, html, redirect } = effect;
	return [status, body, error, html, redirect].some((part) => part !== undefined);
}

function getGroups(effect: Effect): string[] {
	return [...new Set(Object.keys(effect).map((name) => GROUPS[name] ?? name))];
}

function getRank(rule: Rule): number {
	return getGroups(rule.effect).includes('response') ? 0 : 1;
}

function isSpent(rule: Rule): boolean {
	return rule.used >= (rule.times ?? Infinity);
}

function matches(rule: Rule, facts: Facts): boolean {
	if (rule.route !== facts.route) return false;
	if (rule.key !== undefined && rule.key !== facts.key) return false;
	if (rule.prompt === undefined) return true;
	const prompt = facts.prompt ?? '';
	return typeof rule.prompt === 'string' ? prompt.includes(rule.prompt) : rule.prompt.test(prompt);
}

/** A misspelt rule would silently do nothing and make a test pass. */
function check(match: RuleMatch, effect: Effect): void {
	if (!ROUTE_NAMES.includes(match.route))
		throw new TypeError(`no route is called ${String(match.route)}`);
	const unknown = [
		...Object.keys(match).filter((name) => !MATCH_KEYS.includes(name)),
		...Object.keys(effect).filter((name) => !(name in GROUPS)),
	];
	if (unknown.length > 0) throw new TypeError(`unknown in a rule: ${unknown.join(', ')}`);
	checkValues('task', faultSchema, effect.task ?? {});
	checkValues('effect', providerEffectSchema, effect);
	if (effect.error !== undefined && !(effect.error in documentedErrors)) {
		throw new TypeError(`no documented error is called ${effect.error}`);
	}
	if (Object.keys(effect).length === 0) throw new TypeError('a rule needs an effect');
}

function checkValues(what: string, schema: z.ZodTypeAny, values: object): void {
	const [issue] = schema.safeParse(values).error?.issues ?? [];
	if (issue)
		throw new TypeError(`in a rule's ${[what, ...issue.path].join('.')}: ${issue.message}`);
}
