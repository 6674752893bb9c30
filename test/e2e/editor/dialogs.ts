import type { ICredentialType } from 'n8n-workflow';
import type { Page } from 'playwright-core';
import type { Check } from '../checks/check';
import { CREDENTIAL_TYPES, importCredentials, localCredentials } from '../host/credentials';
import { findCutTexts, takeScreenshot } from './page';
import { createCheck, type EditorContext } from './context';
import { deepEqual } from 'node:assert/strict';

/** No provider and no check of ours accepts this key. */
const WRONG = 'made-up';

async function openDialog({ light, host }: EditorContext, type: string): Promise<void> {
	const data = localCredentials(host.emulator, host.chat)[type];
	// a copy: the check changes its key
	const { [type]: copy } = await importCredentials(host.rest, { [type]: data ?? {} });
	await light.goto(`${host.url}/home/credentials/${copy?.id}`);
	await dialog(light).waitFor();
}

const dialog = (page: Page) => page.getByTestId('editCredential-modal');

const findKeyName = ({ properties }: ICredentialType) =>
	properties.find(({ typeOptions }) => typeOptions?.password)!.name;

/** The message for a wrong key; the node itself checks the webhook's secret. */
const findRefusal = ({ test }: ICredentialType) =>
	test?.rules?.find(({ properties }) => 'value' in properties && properties.value === 401)
		?.properties.message ?? 'Make the secret at least 16 characters long';

export const dialogChecks = (context: EditorContext): Check[] =>
	CREDENTIAL_TYPES.map((type) => {
		const { light: page } = context;
		return createCheck(
			page,
			`the credential dialog accepts a right key and refuses a wrong one: ${type.displayName}`,
			async () => {
				await openDialog(context, type.name);
				await page.getByTestId('credentials-config-container-test-success').waitFor();
				deepEqual(
					await findCutTexts(dialog(page).locator('label [class*="_title_"]')),
					[],
					'no label is cut',
				);
				await takeScreenshot(page, `credential-${type.name}-right`);
				await page
					.getByTestId(`parameter-input-${findKeyName(type)}`)
					.locator('input')
					.fill(WRONG);
				await page.getByTestId('credential-save-button').click();
				await dialog(page).getByText('More details').click();
				await dialog(page).getByText(findRefusal(type)).waitFor();
				await takeScreenshot(page, `credential-${type.name}-wrong`);
			},
		);
	});
