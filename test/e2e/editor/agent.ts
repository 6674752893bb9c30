import type { Check } from '../checks/check';
import { createCheck, type EditorContext } from './context';
import { openWorkflow, takeScreenshot } from './page';

/** The stand-in of the chat model quotes what the tool has returned. */
const ANSWER = /The tool said: .*taskId/;

/** Somebody chats with the agent, and it answers with what its tool has made. */
export const agentCheck = ({ light: page, host }: EditorContext): Check =>
	createCheck(page, 'the agent answers in the chat with its image', async () => {
		await openWorkflow(page, host.url, 'ai-agent-tool');
		await page.getByTestId('workflow-chat-button').click();
		const chat = page.getByTestId('canvas-chat');
		await chat.locator('textarea').fill('Please draw a robot that waters tomatoes');
		await page.keyboard.press('Enter');
		await chat.getByText(ANSWER).waitFor();
		await takeScreenshot(page, 'agent-chat');
		await page.getByTestId('workflow-chat-button').click();
	});
