import { RegExpParser, type AST } from '@eslint-community/regexpp';

/**
 * Runs a pattern as a backtracking matcher does, V8's included, and counts the steps: what can be counted says more than
 * what a clock says. Matchers that optimize take fewer steps, never more.
 */

type Leaf = AST.Character | AST.CharacterSet | AST.CharacterClass;

type Instruction =
	| { op: 'consume'; accepts: (character: string) => boolean }
	| { op: 'assert'; holds: (text: string, at: number) => boolean }
	| { op: 'look'; ahead: Instruction[]; negate: boolean }
	/** Goes on at the first, and at the second when that fails. */
	| { op: 'fork'; first: number; second: number }
	| { op: 'jump'; to: number };

/** What a pattern is made of, for those that look for texts which it is slow with. */
export interface PatternParts {
	/** A text for each part of the pattern that may repeat without end: before it, and what it repeats. */
	repeats: Array<{ before: string; repeated: string }>;
	/** The most that a part of the pattern may repeat, of those that have such a limit. */
	longestLook: number;
	/** The shortest texts that match. */
	examples: string[];
	/** Characters that the pattern knows. */
	characters: string[];
}

/** Stands for "endless" as soon as a pattern takes this many steps. */
const MAX_STEPS = 20_000_000;
/** Characters among which examples are looked for. */
const ALPHABET = [
	...Array.from({ length: 95 }, (_, index) => String.fromCharCode(32 + index)),
	...'\n\t\r\ufeff\u0000é',
];

const parse = ({ source, flags }: RegExp): AST.Pattern =>
	new RegExpParser().parseLiteral(`/${source}/${flags}`).pattern;

/** How many steps it takes to find all matches. */
export function countSteps(pattern: RegExp, text: string): number {
	const program = compile(parse(pattern).alternatives, pattern.flags);
	let steps = 0;
	for (let start = 0; start <= text.length; ) {
		const run = matchAt(program, text, start, MAX_STEPS - steps);
		steps += run.steps;
		if (steps >= MAX_STEPS) return Infinity;
		start = Math.max(start + 1, run.end ?? 0);
	}
	return steps;
}

function matchAt(
	program: readonly Instruction[],
	text: string,
	start: number,
	maxSteps: number,
): { steps: number; end?: number } {
	const untried = [{ next: 0, at: start }];
	let steps = 0;
	for (let thread = untried.pop(); thread; thread = untried.pop()) {
		let { next, at } = thread;
		for (;;) {
			const instruction = program[next];
			if (!instruction) return { steps, end: at };
			if (++steps >= maxSteps) return { steps };
			if (instruction.op === 'jump') next = instruction.to;
			else if (instruction.op === 'fork') {
				untried.push({ next: instruction.second, at });
				next = instruction.first;
			} else if (instruction.op === 'assert') {
				if (!instruction.holds(text, at)) break;
				next++;
			} else if (instruction.op === 'look') {
				const seen = matchAt(instruction.ahead, text, at, maxSteps - steps);
				steps += seen.steps;
				if ((seen.end === undefined) !== instruction.negate) break;
				next++;
			} else {
				const character = text[at];
				if (character === undefined || !instruction.accepts(character)) break;
				at++;
				next++;
			}
		}
	}
	return { steps };
}

/** The program that matches one of these; its end is a match. */
function compile(alternatives: readonly AST.Alternative[], flags: string): Instruction[] {
	const program: Instruction[] = [];

	function addAlternatives([first, ...others]: readonly AST.Alternative[]): void {
		if (others.length === 0) return first!.elements.forEach(addElement);
		const fork = { op: 'fork' as const, first: program.length + 1, second: 0 };
		program.push(fork);
		first!.elements.forEach(addElement);
		const jump = { op: 'jump' as const, to: 0 };
		program.push(jump);
		fork.second = program.length;
		addAlternatives(others);
		jump.to = program.length;
	}

	function addElement(element: AST.Element): void {
		switch (element.type) {
			case 'Group':
			case 'CapturingGroup':
				return addAlternatives(element.alternatives);
			case 'Quantifier':
				return addQuantifier(element);
			case 'Assertion':
				return void program.push(toAssertion(element, flags));
			case 'Character':
			case 'CharacterSet':
			case 'CharacterClass':
				return void program.push({ op: 'consume', accepts: toPredicate(element, flags) });
			default:
				throw new TypeError(`${element.raw} is not counted yet`);
		}
	}

	function addQuantifier({ element, min, max, greedy }: AST.Quantifier): void {
		for (let count = 0; count < min; count++) addElement(element);
		const forks: Array<{ leave: () => void }> = [];
		for (let count = min; count < Math.min(max, min + 1_000); count++) {
			const start = program.length;
			const fork = { op: 'fork' as const, first: start + 1, second: start + 1 };
			program.push(fork);
			forks.push({ leave: () => (fork[greedy ? 'second' : 'first'] = program.length) });
			addElement(element);
			if (max !== Infinity) continue;
			program.push({ op: 'jump', to: start });
			break;
		}
		forks.forEach(({ leave }) => leave());
	}

	addAlternatives(alternatives);
	return program;
}

/** What looks ahead is counted. What looks at one place, or a few characters back, is one step. */
function toAssertion(assertion: AST.Assertion, flags: string): Instruction {
	const { raw } = assertion;
	if (assertion.kind === 'lookahead') {
		const { alternatives, negate } = assertion;
		return { op: 'look', ahead: compile(alternatives, flags), negate };
	}
	if (/[*+]|,\}/.test(raw)) throw new TypeError(`${raw} looks back without end`);
	const here = new RegExp(raw, `${flags.replace(/[gy]/g, '')}y`);
	const holds = (text: string, at: number): boolean => {
		here.lastIndex = at;
		return here.test(text);
	};
	return { op: 'assert', holds };
}

function toPredicate({ raw }: Leaf, flags: string): (character: string) => boolean {
	const whole = new RegExp(`^${raw}$`, flags.replace(/[gym]/g, ''));
	const known = new Map<string, boolean>();
	return (character) => {
		const accepted = known.get(character) ?? whole.test(character);
		known.set(character, accepted);
		return accepted;
	};
}

/** What to build texts from that this pattern may be slow with. */
export function partsOf(pattern: RegExp): PatternParts {
	const { flags } = pattern;
	const repeats: PatternParts['repeats'] = [];
	const characters = new Set<string>();
	let longestLook = 0;

	const accepted = (leaf: Leaf): string[] => ALPHABET.filter(toPredicate(leaf, flags)).slice(0, 2);

	function exampleOf(element: AST.Element): string {
		switch (element.type) {
			case 'Group':
			case 'CapturingGroup':
				return elementsExample(element.alternatives[0]?.elements ?? []);
			case 'Quantifier':
				return exampleOf(element.element).repeat(element.min);
			case 'Character':
			case 'CharacterSet':
			case 'CharacterClass':
				return accepted(element)[0] ?? '';
			default:
				return '';
		}
	}

	const elementsExample = (elements: readonly AST.Element[]) => elements.map(exampleOf).join('');

	function visitAlternative({ elements }: AST.Alternative, before: string): void {
		for (const [index, element] of elements.entries()) {
			visit(element, before + elementsExample(elements.slice(0, index)));
		}
	}

	function visit(element: AST.Element, before: string): void {
		if ('alternatives' in element) {
			element.alternatives.forEach((alternative) => visitAlternative(alternative, before));
		} else if (element.type === 'Quantifier') {
			if (element.max > 1) repeats.push({ before, repeated: exampleOf(element.element) });
			if (element.max < Infinity) longestLook = Math.max(longestLook, element.max);
			visit(element.element, before);
		} else if (
			element.type === 'Character' ||
			element.type === 'CharacterSet' ||
			element.type === 'CharacterClass'
		) {
			accepted(element).forEach((character) => characters.add(character));
		}
	}

	const { alternatives } = parse(pattern);
	alternatives.forEach((alternative) => visitAlternative(alternative, ''));
	const examples = alternatives.map(({ elements }) => elementsExample(elements));
	return {
		repeats,
		longestLook,
		examples: examples.filter((text) => text !== ''),
		characters: [...characters],
	};
}
