import type { FastifyInstance } from 'fastify';
import { readCall } from './requests';
import type { RuleJson } from './rules';
import type { World } from './world';

/** `/_emulator/…`: the ledger and the rules for other processes. Not part of any provider's API. */
export function serveControl(app: FastifyInstance, world: World, reset: () => void): void {
	app.get('/_emulator/ledger', () => world.tasks.ledger.toJSON());
	app.post('/_emulator/rules', async (request, reply) => {
		const { body } = await readCall(request);
		try {
			if (body.kind !== 'json') throw new TypeError('a rule is a JSON object');
			const { effect, ...match } = body.value as RuleJson;
			world.rules.add(match, effect);
			return await reply.code(201).send({ added: true });
		} catch (error) {
			return reply.code(400).send({ error: (error as Error).message });
		}
	});
	app.delete('/_emulator/rules', () => {
		world.rules.clear();
		return { cleared: true };
	});
	app.post('/_emulator/reset', () => {
		reset();
		return { reset: true };
	});
}
