import Fastify from 'fastify';
import { findFreePort } from './ports';

/** A stand-in for a chat model with OpenAI's API: it calls its first tool once, then quotes the tool's result. */
export interface ChatModel {
	url: string;
	key: string;
	/** What agents have sent, in order. */
	requests: ChatRequest[];
	close(): Promise<void>;
}

export interface ChatRequest {
	model: string;
	messages: Message[];
	tools?: Tool[];
	stream?: boolean;
}

interface Message {
	role: string;
	content: unknown;
}

interface Tool {
	function: { name: string; parameters?: Schema };
}

interface Schema {
	type?: string | string[];
	properties?: Record<string, Schema>;
	enum?: unknown[];
}

const KEY = 'made-up-chat-model-key';

export async function startChatModel(): Promise<ChatModel> {
	const requests: ChatRequest[] = [];
	const app = Fastify({ forceCloseConnections: true });
	app.addHook('onRequest', async (request, reply) => {
		if (request.headers.authorization !== `Bearer ${KEY}`)
			await reply.code(401).send({ error: {} });
	});
	app.get('/v1/models', () => ({ object: 'list', data: [{ id: 'stand-in', object: 'model' }] }));
	app.post('/v1/chat/completions', async ({ body }, reply) => {
		const chatRequest = body as ChatRequest;
		requests.push(chatRequest);
		const message = createMessage(chatRequest);
		if (!chatRequest.stream) return toCompletion(chatRequest, 'chat.completion', { message });
		const chunk = toCompletion(chatRequest, 'chat.completion.chunk', { delta: toDelta(message) });
		return await reply
			.type('text/event-stream')
			.send(`data: ${JSON.stringify(chunk)}\n\ndata: [DONE]\n\n`);
	});
	const url = await app.listen({ host: '127.0.0.1', port: await findFreePort() });
	return { url: `${url}/v1`, key: KEY, requests, close: async () => await app.close() };
}

interface AssistantMessage {
	role: 'assistant';
	content: string | null;
	tool_calls?: object[];
}

function createMessage({ messages, tools = [] }: ChatRequest): AssistantMessage {
	const toolMessage = messages.filter(({ role }) => role === 'tool').at(-1);
	if (toolMessage) return { role: 'assistant', content: `The tool said: ${toText(toolMessage)}` };
	const [tool] = tools;
	if (!tool) return { role: 'assistant', content: 'There is no tool to call.' };
	const prompt = toText(messages.filter(({ role }) => role === 'user').at(-1));
	const { name, parameters } = tool.function;
	const call = { name, arguments: JSON.stringify(fillSchema(parameters ?? {}, prompt)) };
	return {
		role: 'assistant',
		content: null,
		tool_calls: [{ id: 'call_1', type: 'function', function: call }],
	};
}

const toText = (message?: Message) =>
	typeof message?.content === 'string' ? message.content : JSON.stringify(message?.content ?? '');

/** Fills every text parameter of the tool with the user's prompt. */
function fillSchema(schema: Schema, prompt: string): unknown {
	if (schema.enum) return schema.enum[0];
	const type = [schema.type ?? 'object'].flat()[0];
	if (type === 'string') return prompt;
	if (type === 'number' || type === 'integer') return 1024;
	if (type === 'boolean') return false;
	if (type === 'array') return [];
	const entries = Object.entries(schema.properties ?? {});
	return Object.fromEntries(entries.map(([name, inner]) => [name, fillSchema(inner, prompt)]));
}

const toDelta = ({ tool_calls, ...rest }: AssistantMessage) => ({
	...rest,
	tool_calls: tool_calls?.map((call, index) => ({ index, ...call })),
});

function toCompletion(
	{ model }: ChatRequest,
	object: string,
	choice: { message?: AssistantMessage; delta?: object },
) {
	const calls =
		choice.message?.tool_calls ??
		(choice.delta as Partial<AssistantMessage> | undefined)?.tool_calls;
	return {
		id: 'chatcmpl-1',
		object,
		created: Math.floor(Date.now() / 1000),
		model,
		choices: [{ index: 0, ...choice, finish_reason: calls ? 'tool_calls' : 'stop' }],
		usage: { prompt_tokens: 1, completion_tokens: 1, total_tokens: 2 },
	};
}
