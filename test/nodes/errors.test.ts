import { startListener, type Effect, type Listener, type RouteName } from '../emulator';
import type { Run } from '../support/engine';
import { items, NODE, openLab, QUICK, type Lab, type NodeUnderTest } from '../support/lab';

type ExpectedError = [kind: string, message: string, description: string, httpCode?: number];

interface Case {
	/** What the emulator does to the calls of this item. */
	rules: Array<[RouteName, Effect]>;
	/** `{task}`, `{image}`, `{api}` and `{hostile}` stand for the task's id, its image's URL and the addresses of the two servers. */
	expected: ExpectedError;
	/** The error carries the id of the task that was paid for. */
	accepted?: true;
	/** Calls that the item cost: submits, polls, downloads. */
	calls: [
		submits: number,
		polls?: number | 'ever more rarely' | 'again and again',
		downloads?: number,
	];
	timeout?: number;
	/** Takes seconds, so it is not run once more without continue on fail. */
	slow?: true;
}
type Cases = Record<string, Case>;

const AUTH =
	'Check the credential: the key may be wrong, expired, of another account, or lack a permission.';
const CREDITS = 'Top up the account or raise its spending limit, then run the workflow again.';
const MODERATED =
	'Change the prompt or the reference images: the same request would be refused again.';
const RATE = 'Run again in a moment. If this happens often, lower "Max Concurrent" in the options.';
const INPUT = 'Change what the message names, then run again.';
const NOT_FOUND =
	'Check the model, the base URL in the credential, and the task ID where there is one.';
const EXPIRED =
	'Providers keep an image for a short time only. Executions → Retry asks for it once more; when it is gone, it must be made, and paid for, again.';
const TIMEOUT = 'If the model usually takes longer, raise "Timeout" in the options.';
const UNAVAILABLE = "Run again later. If this stays, look at the provider's status page.";
const BAD_RESPONSE =
	'Check the base URL in the credential. If it is right, look for a newer version of this package.';
const UNUSABLE = 'The provider has made the image, but what arrived cannot be used.';
const CANCELLED = 'Somebody has stopped it: a person, another program or the provider.';
/** Begins the description of a submit that was refused. */
const FREE = 'Nothing was billed. ';
/** Begins the description of a task that has failed. */
const NO_COST = 'No cost is reported for it. ';
const KEY_OR_BALANCE =
	"The key may lack the permission for this API or model, or the account's balance is used up.";
const MAYBE_BILLED_ADVICE =
	' Nobody knows whether this request was billed, because its response was lost; so it was not sent again. Look at your usage at the provider before you run it again.';
const RESUBMIT_ADVICE = ' A retry submits it anew.';
const UNCERTAIN_ADVICE =
	' It may have been paid for, so it is not submitted again by itself. Retry this execution to submit it anew.';
const TASK_ID_HINT = ' The task ID is {task}.';
const COLLECT_ADVICE =
	' The task ID is {task}{address}. The image is paid for and may still come: to get it without paying again, retry this execution (Executions → Retry), or use the resource Task, operation Get.';
const LOST_ADVICE =
	' It may have been paid for, so it is not submitted again by itself. Retry this execution to ask for it once more and, if it is still not there, to submit it anew.';
/** The good item before the one that stops the run. */
const KEPT =
	' 1 other image of this run was already requested. Executions → Retry passes it on at no cost; Execute step makes it anew. To go on after a failure: Settings → On Error.';
const IMAGE_URL_HINT = ' The image is at {image} for a short time.';

const AT_ONCE = { 'retry-after': '0.01' };
const SOON = { 'retry-after': '0.1' };
const PRO = 'black-forest-labs/flux-2-pro-preview';
const DEV = '@cf/black-forest-labs/flux-2-dev';
const CATALOG = { model: 'black-forest-labs/flux-2-pro-preview' };
const SMALL = { as: { width: 32, height: 32 } };
/** Stands for the hostile listener's address, which is not known before it runs. */
const HOSTILE = 'http://hostile.invalid';

/** The cases of one node and route, distinguished by their prompts. */
interface Table {
	node: NodeUnderTest;
	cases: Array<{ name: string; prompt: string } & Case>;
	runs: Run[];
	/** What came of each case, by its prompt. */
	seen: Map<string, ReturnType<typeof seenOf> & { output: object[] }>;
}

const tables: Table[] = [];

let lab: Lab;
let hostile: Listener;

beforeAll(async () => {
	lab = await openLab({ emulator: { seconds: 0 } });
	hostile = await startListener();
	addRules(tables.flatMap(({ cases }) => cases));
	for (const isOfPhase of PHASES) {
		await Promise.all(tables.map((table) => runTogether(table, table.cases.filter(isOfPhase))));
	}
}, 90_000);
afterAll(async () => {
	await hostile.close();
	await lab.close();
});

function addRules(cases: Table['cases']) {
	lab.emulator.reset();
	for (const { rules, prompt } of cases) {
		for (const [route, effect] of rules) {
			const { redirect } = effect;
			const real = redirect
				? { ...effect, redirect: redirect.replace(HOSTILE, hostile.url) }
				: effect;
			lab.emulator.rule({ route, prompt: new RegExp(`^${prompt}$`) }, real);
		}
	}
	for (const route of [
		'cloudflare.run',
		'cloudflare.workersAi',
		'task.submit',
		'queue.submit',
	] as const) {
		lab.emulator.rule({ route }, SMALL);
	}
}

const isRefused = ({ calls: [submits] }: Case) => submits > 1;
const isUnclear = ({ calls: [, polls] }: Case) => polls === 'ever more rarely';

/**
 * All cases of a table run as items of the same run, but for two kinds. Runs of one credential share their limit, and a
 * refused item is sent more often while others are accepted. Polls are counted where nothing else keeps the host busy.
 */
const PHASES = [(each: Case) => !isRefused(each) && !isUnclear(each), isRefused, isUnclear];

async function runTogether({ node, runs, seen }: Table, cases: Table['cases']) {
	if (cases.length === 0) return;
	const parameters = {
		...node.parameters,
		prompt: '={{ $json.prompt }}',
		options: optionsOf(node.type, '={{ $json.timeout }}'),
	};
	const settings = { onError: 'continueRegularOutput' as const };
	const input = cases.map(({ prompt, timeout = null }) => ({ prompt, timeout }));
	const run = await lab.run({ ...node, parameters, settings }, { items: items(...input) });
	runs.push(run);
	cases.forEach(({ prompt }, itemIndex) => {
		const output = run
			.items(NODE)
			.filter(({ pairedItem }) => (pairedItem as { item: number }).item === itemIndex);
		seen.set(prompt, {
			...seenOf(prompt),
			output: output.map(({ pairedItem: _position, ...item }) => item),
		});
	});
}

const optionsOf = (type: NodeUnderTest['type'], timeout: unknown) => ({
	maxConcurrent: 10,
	timeout,
	...(type === 'flux2Task' && QUICK),
});

/** Everything the emulator saw of the item with that prompt. */
function seenOf(prompt: string) {
	const { submissions, tasks, polls, downloads } = lab.emulator.ledger;
	const ids = tasks.filter((task) => task.prompt === prompt).map(({ id }) => id);
	const count = (list: Array<{ taskId: string }>) =>
		list.filter(({ taskId }) => ids.includes(taskId)).length;
	const submits = submissions.filter((submission) => submission.prompt === prompt).length;
	return { task: ids[0] ?? '', calls: [submits, count(polls), count(downloads)] };
}

/** The address from the response to the submit, which the error repeats. */
function addressOf(task: string, dialect: unknown): string {
	const requests = new URL('/model/v1/queue/flux_2_pro/requests', lab.emulator.urls.task).href;
	return dialect === 'queue' ? `, its poll URL "${requests}/${task}/status"` : '';
}

const filled = (text: string, task: string, { parameters: { dialect } }: NodeUnderTest) =>
	text
		.replaceAll('{address}', addressOf(task, dialect))
		.replaceAll('{task}', task)
		.replaceAll('{image}', new URL(`/results/${task}.jpeg`, lab.emulator.urls.results).href)
		.replaceAll('{api}', new URL(lab.emulator.urls.task).host)
		.replaceAll('{hostile}', hostile.url);

function expectNoKey(run: Run) {
	const text = JSON.stringify(run.raw);
	const { accountId: _notSecret, ...keys } = lab.emulator.keys;
	expect(Object.entries(keys).filter(([, key]) => text.includes(key))).toEqual([]);
}

/**
 * The polls of a task whose state stays unclear: an interval of 0.02 s that doubles with each poll fits six times into
 * the timeout of 1 s. The queue's poll is two calls where the status is COMPLETED.
 */
const RARE_POLLS = { min: 2, max: 14 };
/** A poll that fails has four attempts. */
const FAILED_POLLS = { min: 5, max: 40 };

function expectCalls(seen: number[], [submits, polls = 0, downloads = 0]: Case['calls']) {
	const [, seenPolls = 0] = seen;
	const { min, max } = polls === 'ever more rarely' ? RARE_POLLS : FAILED_POLLS;
	const isWithin = seenPolls >= min && seenPolls <= max;
	const expectedPolls = typeof polls === 'string' && isWithin ? seenPolls : polls;
	expect(seen).toEqual([submits, expectedPolls, downloads]);
}

/** Slow ones first, side by side. */
const rank = ({ slow }: Case) => (slow ? 0 : 1);

/** Each case as it went in the run of all, and alone as the second item of a run that stops at it. */
function testFailures(node: NodeUnderTest, cases: Cases) {
	const ranked = Object.entries(cases).sort(([, a], [, b]) => rank(a) - rank(b));
	const name = `table ${tables.length}`;
	const table: Table = {
		node,
		cases: ranked.map(([caseName, each], index) => ({
			...each,
			name: caseName,
			prompt: `${name}, case ${index}`,
		})),
		runs: [],
		seen: new Map(),
	};
	tables.push(table);

	test('no key appears in the run', () => {
		table.runs.forEach(expectNoKey);
		expect(JSON.stringify(hostile.requests)).not.toMatch(/made-up|authorization/i);
	});

	table.cases.forEach((each) => {
		const { expected, calls, accepted, slow, timeout, prompt } = each;
		const [kind, message, description, httpCode] = expected;
		const isTask = node.type === 'flux2Task';

		test(each.name, async () => {
			const { task, calls: seenCalls, output } = table.seen.get(prompt)!;
			expect(output).toEqual([
				{
					json: {
						error: {
							message: filled(message, task, node),
							description: filled(description, task, node),
							kind,
							provider: isTask ? 'task' : 'cloudflare',
							model: node.parameters.model ?? (isTask ? 'flux_2_pro' : PRO),
							...(httpCode && { httpCode }),
							...(accepted && { taskId: task }),
						},
					},
				},
			]);
			expectCalls(seenCalls, calls);
			if (slow) return;

			addRules([each]);
			// one after the other: the good item is accepted before this one is refused
			const options = { ...optionsOf(node.type, timeout), maxConcurrent: 1 };
			const parameters = { ...node.parameters, prompt: '={{ $json.prompt }}', options };
			const stopped = await lab.run(
				{ ...node, parameters },
				{ items: items({ prompt: 'good' }, { prompt }) },
			);
			const own = seenOf(prompt);
			expect({
				message: stopped.error?.message,
				description: stopped.error?.description,
				context: (stopped.error as unknown as { context: object }).context,
			}).toEqual({
				message: filled(message, own.task, node),
				description: filled(description, own.task, node) + KEPT,
				context: expect.objectContaining({
					itemIndex: 1,
					kind,
					...(accepted && { taskId: own.task }),
				}),
			});
			expectCalls(own.calls, calls);
			expectNoKey(stopped);
		});
	});
}

const REFUSED = ['auth', 'credits', 'rateLimited', 'invalidInput', 'notFound'];

/** Of a submit that was refused, the description begins with whether it was billed. */
function refused([kind, message, advice, httpCode]: ExpectedError): ExpectedError {
	const bill = REFUSED.includes(kind) ? FREE : kind === 'moderated' ? NO_COST : '';
	return [kind, message, bill + advice, httpCode];
}

const onRun = (effect: Effect, expected: ExpectedError, more: Partial<Case> = {}): Case => ({
	rules: [['cloudflare.run', effect]],
	expected: refused(expected),
	calls: [1],
	...more,
});
const onDownload = (
	effect: Effect,
	expected: ExpectedError,
	downloads: number,
	more: Partial<Case> = {},
): Case => ({
	rules: [['download', effect]],
	expected,
	// there is no task to ask, so the download starts anew by itself
	calls: [1, 0, 2 * downloads],
	...more,
});

describe('Cloudflare catalogue', () => {
	const cloudflare: Cases = {
		'a wrong token': onRun({ error: 'cloudflare.token' }, [
			'auth',
			'Cloudflare refused the credential: 10000: Authentication error (HTTP 401)',
			AUTH,
			401,
		]),
		'a missing permission': onRun({ error: 'cloudflare.permission' }, [
			'auth',
			'Cloudflare refused the credential: 10000: Authentication error (HTTP 403)',
			AUTH,
			403,
		]),
		'no authorization': onRun({ error: 'cloudflare.noAuthorization' }, [
			'auth',
			'Cloudflare refused the credential: 9106: Authentication failed (status: 400) (HTTP 400)',
			AUTH,
			400,
		]),
		'an error that repeats the key': onRun(
			{
				status: 401,
				body: { errors: [{ code: 10000, message: 'made-up-cloudflare-user-token is no token' }] },
			},
			['auth', 'Cloudflare refused the credential: 10000: *** is no token (HTTP 401)', AUTH, 401],
		),
		'a gateway that does not exist': onRun({ error: 'cloudflare.gateway' }, [
			'invalidInput',
			'Cloudflare did not accept this request: 2001: Please configure AI Gateway in the Cloudflare dashboard (HTTP 400)',
			'Create the AI Gateway in the Cloudflare dashboard, or correct Gateway ID.',
			400,
		]),
		'a rejected key of the provider, in the other envelope': onRun(
			{ error: 'cloudflare.providerKey' },
			[
				'auth',
				'Cloudflare refused the credential: 2009: Unauthorized (HTTP 401)',
				'Check the API token, and the provider key that is stored in the AI Gateway, if there is one.',
				401,
			],
		),
		'an error without a code': onRun({ error: 'cloudflare.ownKeyRequired' }, [
			'invalidInput',
			'Cloudflare did not accept this request: Provider credentials are required, and none are stored for this provider (HTTP 400)',
			INPUT,
			400,
		]),
		'no credits': onRun({ error: 'cloudflare.credits' }, [
			'credits',
			'The account at Cloudflare cannot pay for this: Insufficient balance: add credits for Unified Billing (HTTP 402)',
			CREDITS,
			402,
		]),
		'no Unified Billing for this model': onRun({ error: 'cloudflare.notUnified' }, [
			'credits',
			'The account at Cloudflare cannot pay for this: 2021: Model is not available via unified billing, use your own provider key (HTTP 402)',
			'This model is not available via Unified Billing: store your own Black Forest Labs key in the AI Gateway.',
			402,
		]),
		'an unknown model': onRun({ error: 'cloudflare.model' }, [
			'notFound',
			'Cloudflare did not find what was asked for: 7003: Could not find the model (HTTP 404)',
			'Check the model ID, and the account ID in the credential.',
			404,
		]),
		'too many requests, six times': onRun(
			{ error: 'cloudflare.rateLimit', headers: AT_ONCE },
			[
				'rateLimited',
				'Cloudflare takes no more requests at the moment: Rate limit exceeded: 200 requests per 60 seconds (HTTP 429)',
				RATE,
				429,
			],
			{ calls: [6] },
		),
		'a spent limit, which is not asked again': onRun(
			{ error: 'cloudflare.spendLimit', headers: AT_ONCE },
			[
				'credits',
				'The account at Cloudflare cannot pay for this: Spend limit reached (HTTP 429)',
				CREDITS,
				429,
			],
		),
		'an internal error, which may have been billed': onRun({ error: 'cloudflare.internal' }, [
			'unavailable',
			'Cloudflare is having trouble: 2002: Internal server error (HTTP 500)',
			UNAVAILABLE + MAYBE_BILLED_ADVICE,
			500,
		]),
		'an unavailable provider under 503': onRun({ error: 'cloudflare.unavailable' }, [
			'unavailable',
			'Cloudflare is having trouble: The provider is unavailable (HTTP 503)',
			UNAVAILABLE + MAYBE_BILLED_ADVICE,
			503,
		]),
		'a timeout at the gateway': onRun({ error: 'cloudflare.timeout' }, [
			'timeout',
			'Cloudflare took too long: Request timed out (HTTP 408)',
			TIMEOUT + MAYBE_BILLED_ADVICE,
			408,
		]),
		'the state Failed under 200': onRun({ error: 'cloudflare.failed' }, [
			'unavailable',
			'Cloudflare could not make this image: provider_unavailable: All providers for this model are currently unavailable.',
			NO_COST + UNAVAILABLE + RESUBMIT_ADVICE,
		]),
		'moderation by the state Failed': onRun({ error: 'cloudflare.moderated' }, [
			'moderated',
			"Cloudflare's content filter refused this request: content_moderated: Request Moderated",
			MODERATED,
		]),
		'moderation by the state Failed in the envelope': onRun(
			{
				task: { fail: { code: 'content_moderated', message: 'Request Moderated' } },
				envelope: 'wrapped',
			},
			[
				'moderated',
				"Cloudflare's content filter refused this request: content_moderated: Request Moderated",
				MODERATED,
			],
		),
		'the state Failed with an error_message': onRun(
			{ task: { fail: { code: 'x1', message: 'Content Moderated', style: 'error_message' } } },
			[
				'moderated',
				"Cloudflare's content filter refused this request: x1: Content Moderated",
				MODERATED,
			],
		),
		'the state Failed with an error in one string': onRun(
			{ task: { fail: { message: 'Content Moderated', style: 'string' } } },
			[
				'moderated',
				"Cloudflare's content filter refused this request: Content Moderated",
				MODERATED,
			],
		),
		'a state no document explains': onRun({ status: 200, body: { state: 'Pending' } }, [
			'badResponse',
			'Cloudflare responded in a way that this node does not understand: the state is "Pending", and "result.image" is missing',
			BAD_RESPONSE + UNCERTAIN_ADVICE,
		]),
		'a status no document explains': onRun({ status: 418, body: { detail: 'teapot' } }, [
			'badResponse',
			'Cloudflare responded in a way that this node does not understand: {"detail":"teapot"} (HTTP 418)',
			BAD_RESPONSE,
			418,
		]),
		'an HTML error page': onRun(
			{
				status: 520,
				body: '<html><head><title>520: Web server\n is returning an unknown error</title></head><p>Sorry</p></html>',
			},
			[
				'unavailable',
				'Cloudflare is having trouble: 520: Web server is returning an unknown error (HTTP 520)',
				UNAVAILABLE + MAYBE_BILLED_ADVICE,
				520,
			],
		),
		'an HTML page under 200': onRun({ html: true, status: 200 }, [
			'badResponse',
			'Cloudflare responded in a way that this node does not understand: the response is not JSON: 200 200 Error',
			BAD_RESPONSE + MAYBE_BILLED_ADVICE,
			200,
		]),
		'truncated JSON': onRun({ status: 200, body: '{"state":"Completed","result":{"ima' }, [
			'badResponse',
			'Cloudflare responded in a way that this node does not understand: the response is not JSON: {"state":"Completed","result":{"ima',
			BAD_RESPONSE + MAYBE_BILLED_ADVICE,
			200,
		]),
		'an empty response': onRun({ status: 200 }, [
			'badResponse',
			'Cloudflare responded in a way that this node does not understand: the response is not JSON: an empty response',
			BAD_RESPONSE + MAYBE_BILLED_ADVICE,
			200,
		]),
		'a response without the image names the field': onRun(
			{ status: 200, body: { state: 'Completed', result: {} } },
			[
				'badResponse',
				'Cloudflare responded in a way that this node does not understand: the state is "Completed", and "result.image" is missing',
				BAD_RESPONSE + UNCERTAIN_ADVICE,
			],
		),
		'a response of another shape': onRun({ status: 200, body: [] }, [
			'badResponse',
			'Cloudflare responded in a way that this node does not understand: the response has no usable content: []',
			BAD_RESPONSE + MAYBE_BILLED_ADVICE,
			200,
		]),
		'a redirect, which is not followed with the token': onRun(
			{ redirect: `${HOSTILE}/run`, status: 307 },
			[
				'badResponse',
				'Cloudflare responded in a way that this node does not understand: an empty response (HTTP 307)',
				BAD_RESPONSE,
				307,
			],
		),
		'a connection that breaks before the response': onRun({ reset: 'beforeHeaders' }, [
			'unavailable',
			'The connection to Cloudflare ({api}) broke before the response was complete',
			UNAVAILABLE + MAYBE_BILLED_ADVICE,
		]),
		'a connection that breaks in the headers': onRun({ reset: 'midHeaders' }, [
			'unavailable',
			'The connection to Cloudflare ({api}) broke before the response was complete',
			UNAVAILABLE + MAYBE_BILLED_ADVICE,
		]),
		'a connection that breaks in the body': onRun({ reset: 'midBody' }, [
			'unavailable',
			'The connection to Cloudflare ({api}) broke before the response was complete',
			UNAVAILABLE + MAYBE_BILLED_ADVICE,
		]),
		'no response within the timeout': onRun(
			{ hang: true },
			['timeout', 'Cloudflare ({api}) did not respond in time', TIMEOUT + MAYBE_BILLED_ADVICE],
			{ timeout: 1, slow: true },
		),
		'a message that n8n would take for a stop': onRun(
			{ status: 500, body: { errors: [{ code: 2002, message: 'task was canceled' }] } },
			[
				'unavailable',
				'Cloudflare is having trouble: 2002: task was cancelled (HTTP 500)',
				UNAVAILABLE + MAYBE_BILLED_ADVICE,
				500,
			],
		),
		'a system error code in the message': onRun(
			{ status: 503, body: { errors: [{ code: 2002, message: 'upstream ETIMEDOUT' }] } },
			[
				'unavailable',
				'Cloudflare is having trouble: 2002: upstream ETIMEDOUT (HTTP 503)',
				UNAVAILABLE + MAYBE_BILLED_ADVICE,
				503,
			],
		),
		'an image that is a page': onDownload(
			{ image: 'html' },
			[
				'badResponse',
				'The result is not a PNG, JPEG or WebP image; it begins with "<!doctype html><h1>Sign in</h1>"',
				UNUSABLE + IMAGE_URL_HINT,
			],
			4,
			{ slow: true },
		),
		'an empty image': onDownload(
			{ image: 'empty' },
			['badResponse', 'The result is empty instead of an image', UNUSABLE + IMAGE_URL_HINT],
			4,
			{ slow: true },
		),
		'an expired URL': onDownload(
			{ image: 'expired' },
			['expired', "The image's URL is no longer valid (its host responded with 403)", EXPIRED, 403],
			1,
		),
		'a host of images that is down': onDownload(
			{ status: 500, headers: AT_ONCE },
			[
				'unavailable',
				'The image could not be downloaded: its host responded with 500',
				UNAVAILABLE + IMAGE_URL_HINT,
				500,
			],
			4,
		),
		'an image that redirects to another host without https': onDownload(
			{ redirect: `${HOSTILE}/a.png` },
			[
				'badResponse',
				'The address {hostile} was not opened, because it is not https',
				BAD_RESPONSE + IMAGE_URL_HINT,
				302,
			],
			1,
			{ calls: [1, 0, 2] },
		),
	};

	testFailures({ type: 'flux2Cloudflare', parameters: CATALOG }, cloudflare);
});

describe('Cloudflare Workers AI', () => {
	const onWorkersAi = (
		effect: Effect,
		expected: ExpectedError,
		more: Partial<Case> = {},
	): Case => ({
		rules: [['cloudflare.workersAi', effect]],
		expected: refused(expected),
		calls: [1],
		...more,
	});
	const documented = (
		error: NonNullable<Effect['error']>,
		status: number,
		message: string,
		kind: string,
		advice: string,
	) =>
		onWorkersAi({ error }, [
			kind,
			`${SENTENCES[kind]}: ${message} (HTTP ${status})`,
			advice,
			status,
		]);
	const SENTENCES: Record<string, string> = {
		auth: 'Cloudflare refused the credential',
		credits: 'The account at Cloudflare cannot pay for this',
		invalidInput: 'Cloudflare did not accept this request',
		moderated: "Cloudflare's content filter refused this request",
		notFound: 'Cloudflare did not find what was asked for',
		timeout: 'Cloudflare took too long',
		unavailable: 'Cloudflare is having trouble',
	};
	const base64 = (text: string): Effect => ({
		status: 200,
		body: {
			result: { image: Buffer.from(text).toString('base64') },
			success: true,
			errors: [],
			messages: [],
		},
	});
	const truncatedImage: Effect = {
		mutate: (response) => {
			const { image } = (response.body as { result: { image: string } }).result;
			const bytes = Buffer.from(image, 'base64').subarray(0, 300);
			return { ...response, body: { result: { image: bytes.toString('base64') } } };
		},
	};
	const capacity = 'AiError: AiError: 3040: Capacity temporarily exceeded, please try again.';
	const inMessageOnly = {
		success: false,
		errors: [{ message: '3040: Capacity temporarily exceeded' }],
		result: {},
	};

	testFailures(
		{ type: 'flux2Cloudflare', parameters: { model: DEV } },
		{
			'moderation of the image': documented(
				'workersAi.3030',
				400,
				'AiError: AiError: 3030: Your output has been flagged. Please choose another prompt / input image combination',
				'moderated',
				MODERATED,
			),
			'moderation of the prompt': documented(
				'workersAi.3030.prompt',
				400,
				'AiError: AiError: 3030: Input prompt contains NSFW content',
				'moderated',
				MODERATED,
			),
			'a used-up day, which says when it resets and is not asked again': documented(
				'workersAi.3036',
				429,
				'AiError: AiError: 3036: You have used up your daily free allocation of 10,000 neurons, please upgrade to the Workers Paid plan',
				'credits',
				'The free daily allocation of 10,000 neurons is used up. It resets at 00:00 UTC; Workers Paid has no such limit.',
			),
			'no capacity, six times': onWorkersAi(
				{ error: 'workersAi.3040', headers: AT_ONCE },
				[
					'rateLimited',
					`Cloudflare takes no more requests at the moment: ${capacity} (HTTP 429)`,
					RATE,
					429,
				],
				{ calls: [6] },
			),
			'no capacity, with the code in the message only': onWorkersAi(
				{ status: 500, body: inMessageOnly, headers: AT_ONCE },
				[
					'rateLimited',
					'Cloudflare takes no more requests at the moment: 3040: Capacity temporarily exceeded (HTTP 500)',
					RATE,
					500,
				],
				{ calls: [6] },
			),
			'a bad form': documented(
				'workersAi.5006',
				400,
				"5006: AiError: AiError: Error: required properties at '/' are 'multipart'",
				'invalidInput',
				INPUT,
			),
			'no such model': documented(
				'workersAi.5007',
				400,
				'5007: AiError: AiError: No such model',
				'notFound',
				NOT_FOUND,
			),
			'a blocked account': documented(
				'workersAi.3023',
				403,
				'3023: AiError: AiError: Account blocked',
				'auth',
				'The account is blocked, or this model is not open to it: see the Cloudflare dashboard.',
			),
			'a timeout there': documented(
				'workersAi.3007',
				408,
				'3007: AiError: AiError: Request timeout',
				'timeout',
				TIMEOUT + MAYBE_BILLED_ADVICE,
			),
			'no such route': documented(
				'cloudflare.noRoute',
				404,
				'7000: No route for that URI',
				'notFound',
				'Check the model ID, and the account ID in the credential.',
			),
			'an internal error': documented(
				'workersAi.7000',
				500,
				'7000: Internal server error',
				'unavailable',
				UNAVAILABLE + MAYBE_BILLED_ADVICE,
			),
			'an error under 200': onWorkersAi(
				{
					status: 200,
					body: { result: {}, success: false, errors: [{ code: 3030, message: '3030: flagged' }] },
				},
				[
					'moderated',
					"Cloudflare's content filter refused this request: 3030: flagged",
					MODERATED,
					200,
				],
			),
			'a response without an image': onWorkersAi(
				{ status: 200, body: { result: { image: '' }, success: true } },
				[
					'badResponse',
					'Cloudflare responded in a way that this node does not understand: the response has no usable "result.image": {"result":{"image":""},"success":true}',
					BAD_RESPONSE + MAYBE_BILLED_ADVICE,
					200,
				],
			),
			'base64 of no image': onWorkersAi(base64('<html>no</html>'), [
				'badResponse',
				'The result is not a PNG, JPEG or WebP image; it begins with "<html>no</html>"',
				UNUSABLE + UNCERTAIN_ADVICE,
			]),
			'base64 that is truncated': onWorkersAi(truncatedImage, [
				'badResponse',
				'The image is truncated after 300 bytes',
				UNUSABLE + UNCERTAIN_ADVICE,
			]),
			'a connection that breaks in the image': onWorkersAi({ reset: 'midBody' }, [
				'unavailable',
				'The connection to Cloudflare ({api}) broke before the response was complete',
				UNAVAILABLE + MAYBE_BILLED_ADVICE,
			]),
		},
	);
});

describe.each(['task', 'queue'] as const)('task API, dialect %s', (dialect) => {
	const onSubmit = (effect: Effect, expected: ExpectedError, more: Partial<Case> = {}): Case => ({
		rules: [[`${dialect}.submit`, effect]],
		expected: refused(expected),
		calls: [1],
		...more,
	});
	const onPoll = (
		effect: Effect,
		polls: Case['calls'][1],
		[kind, message, advice, httpCode]: ExpectedError,
		more: Partial<Case> = {},
	): Case => ({
		rules: [[`${dialect}.status`, effect]],
		expected: [kind, message, advice + COLLECT_ADVICE, httpCode],
		calls: [1, polls],
		accepted: true,
		...more,
	});
	/** Looks at a task that is done: the queue asks for the response as well. */
	const done = dialect === 'task' ? 1 : 2;
	const onTaskDownload = (
		effect: Effect,
		downloads: number,
		[kind, message, advice, httpCode]: ExpectedError,
		more: Partial<Case> = {},
	): Case => ({
		rules: [['download', effect]],
		expected: [kind, message, advice + COLLECT_ADVICE, httpCode],
		// the task is asked for its image once more, and the download starts anew
		calls: [1, 2 * done, 2 * downloads],
		accepted: true,
		...more,
	});
	const ended = (
		task: NonNullable<Effect['task']>,
		kind: string,
		message: string,
		advice: string,
		again = '',
	): Case => ({
		rules: [[`${dialect}.submit`, { task }]],
		expected: [kind, message, NO_COST + advice + TASK_ID_HINT + again],
		calls: [1, 1],
		accepted: true,
	});
	/** A state that nobody explains is polled until the timeout. */
	const unclear = (
		reason: string,
	): Pick<Case, 'expected' | 'calls' | 'accepted' | 'timeout' | 'slow'> => ({
		expected: ['timeout', `The image was not ready after 1 s: ${reason}`, TIMEOUT + COLLECT_ADVICE],
		calls: [1, 'ever more rarely'],
		accepted: true,
		timeout: 1,
		slow: true,
	});
	const unexplained = (status: string) =>
		unclear(`the provider's last status was "${status}", which no document explains`);
	const withoutImage = (status: string) =>
		unclear(`the provider's last status was "${status}", but its response has no image`);
	/** So is a task whose polls fail. */
	const failing = (problem: string, timeout = 5): ReturnType<typeof unclear> => ({
		...unclear(''),
		expected: [
			'timeout',
			`The image was not ready after ${timeout} s: the last poll failed: ${problem}`,
			TIMEOUT + COLLECT_ADVICE,
		],
		calls: [1, 'again and again'],
		// the first poll takes its four attempts
		timeout,
	});
	const NO_STATUS = unclear('the provider names no status');
	const onStatus = (effect: Effect, more: ReturnType<typeof unclear>): Case => ({
		rules: [[`${dialect}.status`, effect]],
		...more,
	});
	const onTask = (task: NonNullable<Effect['task']>, more: ReturnType<typeof unclear>): Case => ({
		rules: [[`${dialect}.submit`, { task }]],
		...more,
	});
	/** The queue gives the kind of failure beside its message. */
	const type = dialect === 'queue' ? ', provider_error' : '';
	const code = (inQueue: string) => (dialect === 'queue' ? `${inQueue}: ` : '');

	const cases: Cases = {
		'a wrong key': onSubmit({ error: `${dialect}.key` }, [
			'auth',
			`Task API refused the credential: ${code('UNAUTHORIZED')}Invalid API key (HTTP 401)`,
			AUTH,
			401,
		]),
		'a missing permission': onSubmit({ error: `${dialect}.permission` }, [
			'auth',
			`Task API refused the credential: ${code('FORBIDDEN')}Permission denied (HTTP 403)`,
			KEY_OR_BALANCE,
			403,
		]),
		'no credits': onSubmit({ error: `${dialect}.credits` }, [
			'credits',
			`The account at Task API cannot pay for this: ${dialect === 'task' ? '402: Insufficient credits' : 'INSUFFICIENT_BALANCE: Insufficient balance'} (HTTP 403)`,
			KEY_OR_BALANCE,
			403,
		]),
		'no credits under 200': onSubmit(
			{ status: 200, body: { status: { code: 402, message: 'Insufficient credits' }, data: null } },
			[
				'credits',
				'The account at Task API cannot pay for this: 402: Insufficient credits',
				CREDITS,
				200,
			],
		),
		'moderation at the submit': onSubmit(
			{ status: 400, body: { error: 'The prompt was flagged' } },
			[
				'moderated',
				"Task API's content filter refused this request: The prompt was flagged (HTTP 400)",
				MODERATED,
				400,
			],
		),
		'an unknown model': onSubmit({ status: 404, body: { detail: 'App not found: flux_9' } }, [
			'notFound',
			'Task API did not find what was asked for: App not found: flux_9 (HTTP 404)',
			NOT_FOUND,
			404,
		]),
		'too many requests, six times': onSubmit(
			{ error: `${dialect}.rateLimit`, headers: AT_ONCE },
			[
				'rateLimited',
				`Task API takes no more requests at the moment: ${dialect === 'task' ? '1002: rate limited' : 'RATE_LIMIT_EXCEEDED: Rate limit exceeded'} (HTTP 429)`,
				RATE,
				429,
			],
			{ calls: [6] },
		),
		'an internal error, which may have been billed': onSubmit(
			{ status: 500, body: { message: 'internal server error' } },
			[
				'unavailable',
				'Task API is having trouble: internal server error (HTTP 500)',
				UNAVAILABLE + MAYBE_BILLED_ADVICE,
				500,
			],
		),
		'a status no document explains': onSubmit({ status: 418, body: 'teapot' }, [
			'badResponse',
			'Task API responded in a way that this node does not understand: teapot (HTTP 418)',
			BAD_RESPONSE,
			418,
		]),
		'an HTML error page': onSubmit({ html: true }, [
			'unavailable',
			'Task API is having trouble: 502 502 Error (HTTP 502)',
			UNAVAILABLE + MAYBE_BILLED_ADVICE,
			502,
		]),
		'truncated JSON': onSubmit({ status: 200, body: '{"id":"d10c' }, [
			'badResponse',
			'Task API responded in a way that this node does not understand: the response is not JSON: {"id":"d10c',
			BAD_RESPONSE + MAYBE_BILLED_ADVICE,
			200,
		]),
		'a response without an ID names the field': onSubmit(
			{ status: 200, body: { status: 'pending' } },
			[
				'badResponse',
				`Task API responded in a way that this node does not understand: the response has no usable "${dialect === 'task' ? 'id' : 'request_id'}": {"status":"pending"}`,
				BAD_RESPONSE + MAYBE_BILLED_ADVICE,
				200,
			],
		),
		'a redirect, which is not followed with the key': onSubmit(
			{ redirect: `${HOSTILE}/submit`, status: 307 },
			[
				'badResponse',
				'Task API responded in a way that this node does not understand: an empty response (HTTP 307)',
				BAD_RESPONSE,
				307,
			],
		),
		'a connection that breaks in the submit': onSubmit({ reset: 'midBody' }, [
			'unavailable',
			'The connection to Task API ({api}) broke before the response was complete',
			UNAVAILABLE + MAYBE_BILLED_ADVICE,
		]),

		'moderation, error as an object': ended(
			{ fail: { code: 'x1', message: 'Request Moderated' } },
			'moderated',
			`Task API's content filter refused this request: x1: Request Moderated${type}`,
			MODERATED,
		),
		'moderation, error_message': ended(
			{ fail: { code: 'x1', message: 'Content Moderated', style: 'error_message' } },
			'moderated',
			`Task API's content filter refused this request: x1: Content Moderated${type}`,
			MODERATED,
		),
		'moderation, error as a string': ended(
			{ fail: { message: 'Request Moderated', style: 'string' } },
			'moderated',
			`Task API's content filter refused this request: Request Moderated${type}`,
			MODERATED,
		),
		'a failure at the provider': ended(
			{ fail: { code: '002014001', message: 'Image generation failed' } },
			'unavailable',
			`Task API could not make this image: 002014001: Image generation failed${type}`,
			UNAVAILABLE,
			RESUBMIT_ADVICE,
		),
		'no credits for the task': ended(
			{ fail: { code: 'x2', message: 'Insufficient credits' } },
			'credits',
			`The account at Task API cannot pay for this: x2: Insufficient credits${type}`,
			CREDITS,
			RESUBMIT_ADVICE,
		),
		'an end that no document explains': onTask({ status: 'paused' }, unexplained('paused')),
		'a running word that no document explains': onTask(
			{ running: 'warming_up', seconds: 9 },
			{ ...unexplained('warming_up'), slow: undefined },
		),
		'a task that somebody has cancelled': {
			rules: [[`${dialect}.submit`, { task: { status: 'canceled' } }]],
			expected: [
				'unavailable',
				'The task was cancelled at Task API',
				CANCELLED + TASK_ID_HINT + LOST_ADVICE,
			],
			calls: [1, 1],
			accepted: true,
		},
		'a task that vanished': {
			rules: [[`${dialect}.submit`, { task: { vanish: true } }]],
			expected: [
				'notFound',
				`Task API did not find what was asked for: ${dialect === 'task' ? 'task not found' : 'NOT_FOUND: Request not found'} (HTTP 404)`,
				NOT_FOUND + TASK_ID_HINT + LOST_ADVICE,
			],
			calls: [1, 4],
			accepted: true,
		},
		"a proxy's 404 page at the poll, four times": {
			rules: [[`${dialect}.status`, { html: true, status: 404 }]],
			expected: [
				'notFound',
				'Task API did not find what was asked for: 404 404 Error (HTTP 404)',
				NOT_FOUND + TASK_ID_HINT + LOST_ADVICE,
			],
			calls: [1, 4],
			accepted: true,
		},

		'a wrong key at the poll': onPoll({ error: `${dialect}.key` }, 1, [
			'auth',
			`Task API refused the credential: ${code('UNAUTHORIZED')}Invalid API key (HTTP 401)`,
			AUTH,
			401,
		]),
		'an internal error at every poll': onStatus(
			{ status: 500, body: { error: 'internal' }, headers: SOON },
			failing('Task API is having trouble: internal (HTTP 500)'),
		),
		'too many polls, every time': onStatus(
			{ status: 429, body: { message: 'slow down' }, headers: SOON },
			failing('Task API takes no more requests at the moment: slow down (HTTP 429)'),
		),
		'an HTML page at every poll': onStatus(
			{ html: true, headers: SOON },
			failing('Task API is having trouble: 502 502 Error (HTTP 502)'),
		),
		'truncated JSON at the poll': onStatus({ status: 200, body: '{"id":"d1' }, NO_STATUS),
		'an HTML page under 200 at the poll': onStatus({ html: true, status: 200 }, NO_STATUS),
		'an empty response to the poll': onStatus({ status: 200 }, NO_STATUS),
		'a response of another shape to the poll': onStatus({ status: 200, body: [] }, NO_STATUS),
		'a response without a status to the poll': onStatus({ status: 200, body: {} }, NO_STATUS),
		'a response full of nulls to the poll': onStatus(
			{ status: 200, body: { id: null, status: null, output: null, error: null } },
			NO_STATUS,
		),
		'a connection that breaks at every poll': onStatus(
			{ reset: 'midBody' },
			failing('The connection to Task API ({api}) broke before the response was complete', 8),
		),
		'a redirect at the poll, four times, which is not followed with the key': onPoll(
			{ redirect: `${HOSTILE}/poll` },
			4,
			[
				'badResponse',
				'Task API responded in a way that this node does not understand: an empty response (HTTP 302)',
				BAD_RESPONSE,
				302,
			],
		),

		'an image that is a page': onTaskDownload(
			{ image: 'html' },
			4,
			[
				'badResponse',
				'The result is not a PNG, JPEG or WebP image; it begins with "<!doctype html><h1>Sign in</h1>"',
				UNUSABLE,
			],
			{ slow: true },
		),
		'an empty image': onTaskDownload(
			{ image: 'empty' },
			4,
			['badResponse', 'The result is empty instead of an image', UNUSABLE],
			{ slow: true },
		),
		'a URL that is refused': onTaskDownload({ image: 'expired' }, 1, [
			'expired',
			"The image's URL is no longer valid (its host responded with 403)",
			EXPIRED,
			403,
		]),
		'a host of images that is down': onTaskDownload({ status: 503, headers: AT_ONCE }, 4, [
			'unavailable',
			'The image could not be downloaded: its host responded with 503',
			UNAVAILABLE,
			503,
		]),
		'an image that redirects to another host without https': onTaskDownload(
			{ redirect: `${HOSTILE}/a.png` },
			1,
			[
				'badResponse',
				'The address {hostile} was not opened, because it is not https',
				BAD_RESPONSE,
				302,
			],
		),
	};

	const ofTask: Cases = {
		'a failure without a message': ended(
			{ fail: { message: '', style: 'state' } },
			'unavailable',
			'Task API could not make this image: its status is "failed"',
			UNAVAILABLE,
			RESUBMIT_ADVICE,
		),
		'a failure in the response to the submit': {
			...ended(
				{ immediate: true, fail: { code: 'x1', message: 'Request Moderated' } },
				'moderated',
				"Task API's content filter refused this request: x1: Request Moderated",
				MODERATED,
			),
			calls: [1, 0],
		},
		'a finished task without an image': onStatus(
			{ status: 200, body: { status: 'completed', output: [] } },
			withoutImage('completed'),
		),
		'an image without a URL': onStatus(
			{
				status: 200,
				body: { status: 'completed', output: [{ content: [{ type: 'image' }] }] },
			},
			withoutImage('completed'),
		),
	};
	const onResult = (body: object): Case => ({
		rules: [['queue.response', { status: 200, body }]],
		...withoutImage('COMPLETED'),
	});
	const ofQueue: Cases = {
		'an image without a URL': onResult({ outputs: [{ type: 'image' }] }),
		'a finished task without an image': onResult({ metadata: {} }),
		'a result full of nulls': onResult({ outputs: null, error: null }),
	};

	const ofDialect: NodeUnderTest = { type: 'flux2Task', parameters: { dialect } };
	testFailures(ofDialect, { ...cases, ...(dialect === 'task' ? ofTask : ofQueue) });

	test('a task that is too slow ends at its timeout and can be collected', async () => {
		lab.emulator.reset();
		lab.emulator.rule({ route: `${dialect}.submit` }, { task: { seconds: 30 } });
		const options = { ...QUICK, timeout: 1 };
		const run = await lab.run({
			type: 'flux2Task',
			parameters: { dialect, prompt: 'slow', options },
		});

		const [task] = lab.emulator.ledger.tasks;
		expect(run.error).toMatchObject({
			message: 'The image was not ready after 1 s',
			description: filled(TIMEOUT + COLLECT_ADVICE, task!.id, ofDialect),
			context: { itemIndex: 0, kind: 'timeout', taskId: task!.id },
		});
		expect(lab.emulator.ledger.submissions).toHaveLength(1);
	});
});

describe('a failure that passes costs no second image', () => {
	test('at the download', async () => {
		lab.emulator.reset();
		lab.emulator.rule({ route: 'cloudflare.run' }, SMALL);
		lab.emulator.rule({ route: 'download', prompt: 'cut', times: 1 }, { image: 'truncated' });
		lab.emulator.rule(
			{ route: 'download', prompt: 'down', times: 3 },
			{ status: 503, headers: AT_ONCE },
		);
		lab.emulator.rule(
			{ route: 'download', prompt: 'crowd', times: 1 },
			{ status: 429, headers: AT_ONCE },
		);
		lab.emulator.rule({ route: 'download', prompt: 'type' }, { image: 'wrongContentType' });
		const prompts = ['cut', 'down', 'crowd', 'type'];
		const run = await lab.run(
			{ type: 'flux2Cloudflare', parameters: { ...CATALOG, prompt: '={{ $json.prompt }}' } },
			{ items: items(...prompts.map((prompt) => ({ prompt }))) },
		);

		expect(
			run
				.items(NODE)
				.map(({ json }) => [json.prompt, (json.image as { mimeType: string }).mimeType]),
		).toEqual(prompts.map((prompt) => [prompt, 'image/jpeg']));
		expect(prompts.map((prompt) => seenOf(prompt).calls)).toEqual([
			[1, 0, 2],
			[1, 0, 4],
			[1, 0, 2],
			[1, 0, 1],
		]);
	});

	test('at a download whose connection breaks, and n8n survives it', async () => {
		lab.emulator.reset();
		lab.emulator.rule({ route: 'cloudflare.run' }, SMALL);
		lab.emulator.rule({ route: 'download', times: 1 }, { reset: 'midBody' });
		const run = await lab.run({
			type: 'flux2Cloudflare',
			parameters: { ...CATALOG, prompt: 'broken' },
		});

		expect(run.status).toBe('success');
		expect(seenOf('broken').calls).toEqual([1, 0, 2]);
	});

	test.each(['task', 'queue'] as const)('at the poll, dialect %s', async (dialect) => {
		lab.emulator.reset();
		lab.emulator.rule({ route: `${dialect}.submit` }, SMALL);
		lab.emulator.rule(
			{ route: `${dialect}.status`, prompt: 'down', times: 3 },
			{ status: 500, headers: AT_ONCE },
		);
		lab.emulator.rule(
			{ route: `${dialect}.status`, prompt: 'unknown', times: 2 },
			{ error: `${dialect}.notFound` },
		);
		const prompts = ['down', 'unknown'];
		const run = await lab.run(
			{ type: 'flux2Task', parameters: { dialect, prompt: '={{ $json.prompt }}', options: QUICK } },
			{ items: items(...prompts.map((prompt) => ({ prompt }))) },
		);

		const done = dialect === 'task' ? 1 : 2;
		expect(run.items(NODE).map(({ json }) => json.status)).toEqual(['completed', 'completed']);
		expect(prompts.map((prompt) => seenOf(prompt).calls)).toEqual([
			[1, 3 + done, 1],
			[1, 2 + done, 1],
		]);
	});
});

describe('keys', () => {
	const working = () => structuredClone(lab.credentials);
	let saved: Lab['credentials'];
	beforeEach(() => {
		saved = working();
		lab.emulator.reset();
	});
	afterEach(() => {
		Object.assign(lab.credentials, saved);
	});

	const routes: Array<[string, NodeUnderTest]> = [
		['the catalogue', { type: 'flux2Cloudflare', parameters: CATALOG }],
		['Workers AI', { type: 'flux2Cloudflare', parameters: { model: DEV } }],
		['the task dialect', { type: 'flux2Task', parameters: { dialect: 'task' } }],
		['the queue dialect', { type: 'flux2Task', parameters: { dialect: 'queue' } }],
	];

	test.each(routes)(
		'a wrong, a powerless and a penniless key of %s end in their own kinds',
		async (_name, node) => {
			const {
				cloudflareTokenWithoutPermission,
				cloudflareTokenWithoutCredits,
				taskKeyWithoutPermission,
				taskKeyWithoutCredits,
			} = lab.emulator.keys;
			const isTask = node.type === 'flux2Task';
			const keys = isTask
				? ['somebody-elses-key', taskKeyWithoutPermission, taskKeyWithoutCredits]
				: ['somebody-elses-key', cloudflareTokenWithoutPermission, cloudflareTokenWithoutCredits];
			const kinds = [];
			for (const key of keys) {
				Object.assign(
					lab.credentials[`${node.type}Api`]!,
					isTask ? { apiKey: key } : { apiToken: key },
				);
				const run = await lab.run({
					...node,
					parameters: { ...node.parameters, prompt: 'no key' },
				});
				kinds.push((run.error as unknown as { context: { kind: string } }).context.kind);
				expect(JSON.stringify(run.raw)).not.toContain(key);
			}

			expect(kinds).toEqual(['auth', 'auth', 'credits']);
			expect(lab.emulator.ledger.requests).toHaveLength(3);
		},
	);

	test('a wrong account is reported without its ID', async () => {
		Object.assign(lab.credentials.flux2CloudflareApi!, {
			accountId: 'ffffffffffffffffffffffffffffffff',
		});
		const run = await lab.run({
			type: 'flux2Cloudflare',
			parameters: { ...CATALOG, prompt: 'no account' },
		});

		expect(run.error).toMatchObject({
			message:
				'Cloudflare did not find what was asked for: 7003: Could not route to /client/v4/accounts/***/ai/run, perhaps your object identifier is invalid? (HTTP 404)',
			description: `${FREE}Check the model ID, and the account ID in the credential.`,
			context: { itemIndex: 0, kind: 'notFound' },
		});
	});

	test('an image that redirects to another server is fetched there without the key', async () => {
		const received = hostile.requests.length;
		lab.emulator.rule({ route: 'cloudflare.run' }, SMALL);
		lab.emulator.rule(
			{ route: 'download', times: 1 },
			{ redirect: `http://127.0.0.1:${hostile.port}/a.png` },
		);
		const run = await lab.run({
			type: 'flux2Cloudflare',
			parameters: { ...CATALOG, prompt: 'redirected' },
		});

		// what the other server responds with is no image, so it is fetched once more
		expect(run.status).toBe('success');
		const requests = hostile.requests.slice(received);
		expect(requests).toEqual([expect.objectContaining({ method: 'GET', path: '/a.png' })]);
		expect(JSON.stringify(requests)).not.toMatch(/made-up|authorization/i);
	});

	test("a task's address on another host does not get the key", async () => {
		const received = hostile.requests.length;
		lab.emulator.rule(
			{ route: 'queue.submit' },
			{
				...SMALL,
				mutate: (response) => ({
					...response,
					body: { ...(response.body as object), status_url: `${hostile.url}/status` },
				}),
			},
		);
		const queue = { dialect: 'queue', options: QUICK };
		const made = await lab.run({ type: 'flux2Task', parameters: { ...queue, prompt: 'foreign' } });
		expect(made.status).toBe('success');

		const named = {
			resource: 'task',
			operation: 'get',
			taskId: 'a',
			pollUrl: `${hostile.url}/status`,
		};
		const asked = lab.emulator.ledger.requests.length;
		const got = await lab.run({ type: 'flux2Task', parameters: { ...queue, ...named } });
		expect(got.error).toMatchObject({
			message: 'Poll URL: is no address of Task API that may see the key',
			context: { itemIndex: 0, kind: 'invalidInput' },
		});
		expect(lab.emulator.ledger.requests).toHaveLength(asked);
		expect(hostile.requests.slice(received)).toEqual([]);
	});
});
