import { documentedErrors } from './documentedErrors';
import { ROUTE_NAMES, type Effect, type RouteName } from './types';

/** Which calls a rule is about. What is left out matches everything. */
export interface RuleMatch {
	route: RouteName;
	/** Of the submission, or of the job that a status or download call is about. */
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

/** Decides about every call by what the call is; only within the process. Rules come on top of it. */
export type Script = (facts: Facts) => Effect | undefined;

interface Rule extends RuleMatch {
	effect: Effect;
	passed: number;
	used: number;
}

/** Effects of one group exclude each other: the second rule waits until the first is used up. */
const GROUPS: Record<keyof Effect, string> = {
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
	envelope: 'envelope',
	stream: 'stream',
	mutate: 'mutate',
};

const MATCH_KEYS = ['route', 'prompt', 'key', 'times', 'skip'];

/** A call that is answered otherwise makes no job, so rules about jobs do not count it. */
const NEED_A_TASK = ['task', 'shape', 'envelope'];

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
		const groups = new Set(groupsOf(taken));
		// Answers first: they decide whether there will be a job.
		const ordered = [...this.rules].sort((a, b) => rank(a) - rank(b));
		for (const rule of ordered) {
			if (isSpent(rule) || !matches(rule, facts)) continue;
			const own = groupsOf(rule.effect);
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

/** Whether the call is carried out, whatever becomes of its answer. */
export function runsHandler(effect: Effect): boolean {
	return (
		effect.accepted ?? !(isReplaced(effect) || effect.hang || effect.reset === 'beforeHeaders')
	);
}

export function isReplaced(effect: Effect): boolean {
	const { status, body, error, html, redirect } = effect;
	return [status, body, error, html, redirect].some((part) => part !== undefined);
}

function groupsOf(effect: Effect): string[] {
	return [...new Set(Object.keys(effect).map((name) => GROUPS[name as keyof Effect]))];
}

function rank(rule: Rule): number {
	return groupsOf(rule.effect).includes('response') ? 0 : 1;
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
	if (effect.error !== undefined && !(effect.error in documentedErrors)) {
		throw new TypeError(`no documented error is called ${effect.error}`);
	}
	if (Object.keys(effect).length === 0) throw new TypeError('a rule needs an effect');
}
