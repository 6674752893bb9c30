import { equal, ok } from 'node:assert/strict';
import type { IRunExecutionData } from 'n8n-workflow';
import { run } from '../host/commands';
import { listOutputs } from '../host/executions';
import { findFreePort } from '../host/ports';
import type { Check } from './check';
import { PaidTasks } from './paidTasks';
import { examine } from './evidence';

const EXAMPLE = 'text-to-image-bfl';

interface Printed {
	status: string;
	data: IRunExecutionData;
}

/** `n8n execute` while the server is running. */
export const commandLineCheck: Check = {
	name: `n8n execute runs ${EXAMPLE} from the command line`,
	async run(host) {
		const { n8n, environment, examples, emulator } = host;
		const example = examples.find(({ slug }) => slug === EXAMPLE);
		ok(example, 'the example is there');
		const env = { ...environment, N8N_RUNNERS_BROKER_PORT: String(await findFreePort()) };
		const args = [n8n.script, 'execute', `--id=${example.id}`, '--rawOutput'];
		const output = await run(n8n.node.program, args, { env, cwd: host.folder });
		// n8n prints log lines before the execution
		const { status, data } = JSON.parse(output.slice(output.search(/^\{/m))) as Printed;
		const execution = { id: '', status, nodes: example.nodes, data };
		equal(status, 'success');
		ok(listOutputs(execution).length > 0, 'the execution has output items');
		const { images } = await examine(host, execution, new PaidTasks(emulator.ledger));
		equal(images.length, 1);
	},
};
