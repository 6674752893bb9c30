import { lineOf, type JobStory, type Story } from './story';

/** A story in figures and in words. */

export interface Figures {
	jobs: number;
	images: number;
	errorItems: number;
	lost: number;
	paidTwice: number;
	keysLeaked: number;
	hung: number;
	seed: number;
}

export function figuresOf(story: Story): Figures {
	const { jobs, leaks, seed } = story;
	const number = (test: (job: JobStory) => boolean) => jobs.filter(test).length;
	const isLost = ({ verdict }: JobStory) => verdict.outcome === 'lost';
	const isHung = ({ verdict }: JobStory) => verdict.outcome === 'hung';
	const images = number(({ verdict }) => verdict.outcome === 'image');
	const [lost, hung] = [number(isLost), number(isHung)];
	return {
		jobs: jobs.length,
		images,
		errorItems: jobs.length - images - lost - hung,
		lost,
		paidTwice: jobs.reduce((sum, { verdict }) => sum + verdict.paidTwice, 0),
		keysLeaked: leaks.length,
		hung,
		seed,
	};
}

export function isKept(story: Story): boolean {
	const { lost, paidTwice, keysLeaked, hung } = figuresOf(story);
	return lost + paidTwice + keysLeaked + hung + story.unexpected.length === 0;
}

/** The figures, and what else a script may want to know. */
export const jsonOf = (story: Story) => ({
	...figuresOf(story),
	unexpected: story.unexpected.length,
	executions: story.executions,
	seconds: Number(story.seconds.toFixed(1)),
	answers: sum(story.faults),
	faulty: sum(story.faults) - (story.faults.get('none') ?? 0),
	faults: Object.fromEntries(story.faults),
	fates: Object.fromEntries(story.fates),
	outcomes: Object.fromEntries(outcomesOf(story)),
	story: story.fingerprint,
});

export function textOf(story: Story): string {
	const figures = Object.entries(figuresOf(story)).map(([name, value]): [string, number] => [
		name,
		value,
	]);
	const answers = sum(story.faults);
	const faulty = answers - (story.faults.get('none') ?? 0);
	return [
		`\n${answers} answers, ${faulty} of them spoilt (${Math.round((faulty / answers) * 100)} %)\n`,
		table([...story.faults]),
		'\nHow the jobs went at the provider\n',
		table([...story.fates]),
		'\nWhat became of them\n',
		table(outcomesOf(story)),
		`\n${story.executions} executions in ${story.seconds.toFixed(0)} s\n`,
		table(figures),
		`\nStory ${story.fingerprint.slice(0, 16)}`,
	].join('\n');
}

function outcomesOf({ jobs }: Story): Array<[string, number]> {
	const counts = new Map<string, number>();
	for (const { verdict } of jobs) {
		const name = verdict.form === 'thrown' ? `${verdict.outcome}, thrown` : verdict.outcome;
		counts.set(name, (counts.get(name) ?? 0) + 1);
	}
	return [...counts].sort(([, a], [, b]) => b - a);
}

/** Each broken promise: what was answered to each call of the job, and how to see it again. */
export function violationsOf(story: Story, count: number): string {
	const broken = story.jobs.filter(({ verdict }) => verdict.problems.length > 0);
	const stories = broken.map((job) =>
		[
			`Job ${lineOf(job)}: ${job.verdict.problems.join('; ')}`,
			`  round ${job.round.number}: ${settingsOf(job)}`,
			...job.scenes.map(
				({ route, nth, fault, fate }) => `  ${route} ${nth}: ${fault}${fate ? `, ${fate}` : ''}`,
			),
			`  again: npm run chaos -- --jobs ${count} --seed ${story.seed} --job ${job.number}`,
		].join('\n'),
	);
	return [
		...stories,
		...story.leaks.map((leak) => `Key leaked: ${leak}`),
		...story.unexpected.map((request) => `No such request is documented: ${request}`),
		`Replay: npm run chaos -- --jobs ${count} --seed ${story.seed}`,
	].join('\n');
}

function settingsOf({ round }: JobStory): string {
	const { jobs, continues, tries, maxConcurrent } = round;
	const words = continues ? 'continues on fail' : 'stops on fail';
	return `${jobs.length} items, ${words}, ${tries} tries, ${maxConcurrent} at once`;
}

function table(rows: ReadonlyArray<readonly [string, number]>): string {
	const width = Math.max(...rows.map(([name]) => name.length));
	return rows
		.map(([name, value]) => `  ${name.padEnd(width)}  ${String(value).padStart(6)}`)
		.join('\n');
}

const sum = (counts: ReadonlyMap<string, number>): number =>
	[...counts.values()].reduce((total, value) => total + value, 0);
