import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { IWebhookFunctions } from 'n8n-workflow';
import { deliveryStatus, markInProgress } from '../../../nodes/Flux2Trigger/deduplication';

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
	markInProgress(callWith(response), 'open');
	expect(deliveryStatus(callWith(answerOf()), 'open')).toBe('underWay');

	response.emit('close');
	expect(deliveryStatus(callWith(answerOf()), 'open')).toBe('new');
});

test('a caller that has gone before keeps nobody waiting', () => {
	const response = answerOf();
	response.destroy();
	markInProgress(callWith(response), 'gone');

	expect(deliveryStatus(callWith(answerOf()), 'gone')).toBe('new');
});
