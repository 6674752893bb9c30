import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { IWebhookFunctions } from 'n8n-workflow';
import { acquaintance, remember } from '../../nodes/Flux2Trigger/handedOn';

/** A call of a published workflow, of which n8n has saved nothing yet. */
const callWith = (response: ServerResponse) =>
	({
		getMode: () => 'webhook',
		getWorkflow: () => ({ id: 'made-up' }),
		getNode: () => ({ id: 'trigger' }),
		getResponseObject: () => response,
		getWorkflowStaticData: () => ({}),
	}) as unknown as IWebhookFunctions;

const answerOf = () => new ServerResponse(new IncomingMessage(new Socket()));

test('what is being handed on is known until its call has closed', () => {
	const response = answerOf();
	remember(callWith(response), 'open');
	expect(acquaintance(callWith(answerOf()), 'open')).toBe('underWay');

	response.emit('close');
	expect(acquaintance(callWith(answerOf()), 'open')).toBe('new');
});

test('a caller that has gone before keeps nobody waiting', () => {
	const response = answerOf();
	response.destroy();
	remember(callWith(response), 'gone');

	expect(acquaintance(callWith(answerOf()), 'gone')).toBe('new');
});
