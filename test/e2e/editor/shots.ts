import { deepEqual } from 'node:assert/strict';
import type { INodeTypeDescription } from 'n8n-workflow';
import type { Check } from '../checks/check';
import { createCheck, type EditorContext } from './context';
import { findCutLabels, openNode, openWorkflow, takeScreenshot } from './page';
import { BLANK, toPanelSlug } from './panels';

const HEIGHT = 900;
const WIDTHS = [1440, HEIGHT] as const;
const THEMES = ['light', 'dark'] as const;

/** A node's panel as it opens, in windows of usual sizes: a person looks at the screenshots. */
function shotCheck(context: EditorContext, node: INodeTypeDescription): Check {
	const name = `${node.displayName} opens in wide and narrow windows of both themes`;
	return createCheck(context.light, name, async () => {
		for (const theme of THEMES) {
			for (const width of WIDTHS) {
				const page = context[theme];
				await page.setViewportSize({ width, height: HEIGHT });
				await openWorkflow(page, context.host.url, toPanelSlug(node));
				await openNode(page, BLANK);
				deepEqual(await findCutLabels(page), [], `no label is cut at ${width}`);
				await takeScreenshot(page, `shot-${toPanelSlug(node)}-${theme}-${width}`);
			}
		}
		const [width] = WIDTHS;
		await context.light.setViewportSize({ width, height: HEIGHT });
		await context.dark.setViewportSize({ width, height: HEIGHT });
	});
}

export const shotChecks = (context: EditorContext): Check[] =>
	context.nodes.map((node) => shotCheck(context, node));
