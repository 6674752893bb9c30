import { IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { IWebhookFunctions } from 'n8n-workflow';
import {
	deliveryStatus,
	markInProgress,
	markProcessed,
} from '../../../nodes/Flux2Trigger/deduplication';

/** A delivery to a published workflow, of which n8n has saved nothing yet. */
const deliveryWith = (response: ServerResponse) =>
	({
		getMode: () => 'webhook',
		getWorkflow: () => ({ id: 'made-up' }),
		getNode: () => ({ id: 'trigger' }),
		getResponseObject: () => response,
		getWorkflowStaticData: () => ({}),
	}) as unknown as IWebhookFunctions;

const newResponse = () => new ServerResponse(new IncomingMessage(new Socket()));

test('a delivery is in progress until its connection has closed', () => {
	const response = newResponse();
	markInProgress(deliveryWith(response), 'open');
	expect(deliveryStatus(deliveryWith(newResponse()), 'open')).toBe('inProgress');

	response.emit('close');
	expect(deliveryStatus(deliveryWith(newResponse()), 'open')).toBe('new');
});

test('a delivery whose sender has hung up before is not in progress', () => {
	const response = newResponse();
	response.destroy();
	markInProgress(deliveryWith(response), 'gone');

	expect(deliveryStatus(deliveryWith(newResponse()), 'gone')).toBe('new');
});

/** An execution or a manual test run of a workflow with this static data. */
const contextWith = (staticData: Record<string, unknown>, mode = 'trigger') =>
	({
		getMode: () => mode,
		getWorkflow: () => ({ id: 'made-up' }),
		getNode: () => ({ id: 'trigger' }),
		getWorkflowStaticData: () => staticData,
	}) as unknown as IWebhookFunctions;

describe('what is saved with the workflow', () => {
	test('keeps a delivery from starting it again, in any process', () => {
		const staticData = {};
		markProcessed(contextWith(staticData), 'saved');
		const inAnotherProcess = JSON.parse(JSON.stringify(staticData)) as Record<string, unknown>;

		expect(deliveryStatus(contextWith(inAnotherProcess), 'saved')).toBe('processed');
		expect(deliveryStatus(contextWith(inAnotherProcess), 'another')).toBe('new');
	});

	test('is ignored by manual test runs, which save nothing either', () => {
		const staticData = {};
		markProcessed(contextWith(staticData, 'manual'), 'saved');
		expect(staticData).toEqual({});
		markProcessed(contextWith(staticData), 'saved');
		expect(deliveryStatus(contextWith(staticData, 'manual'), 'saved')).toBe('new');
	});

	test('is bounded, and names each delivery once', () => {
		const staticData: Record<string, unknown> = {};
		const deliveries = Array.from({ length: 501 }, (_delivery, index) => `delivery ${index}`);
		for (const delivery of [...deliveries, 'delivery 500']) {
			markProcessed(contextWith(staticData), delivery);
		}
		expect(staticData.flux2ProcessedDeliveries).toEqual({ version: 1, keys: deliveries.slice(1) });
	});

	test.each([
		['of the next version', { version: 2, keys: ['saved'] }],
		['of a wrong shape', { version: 1, keys: 'saved' }],
		['of another form', ['saved']],
	])('is ignored and replaced where it is %s', (_what, foreign) => {
		const staticData: Record<string, unknown> = { flux2ProcessedDeliveries: foreign };
		expect(deliveryStatus(contextWith(staticData), 'saved')).toBe('new');
		markProcessed(contextWith(staticData), 'saved');
		expect(staticData.flux2ProcessedDeliveries).toEqual({ version: 1, keys: ['saved'] });
	});
});
