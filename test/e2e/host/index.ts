import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { startEmulator, type Emulator, type EmulatorOptions } from '../../emulator';
import { startChatModel, type ChatModel } from './chatModel';
import type { Cleanup } from './cleanup';
import { importCredentials, localCredentials, type CredentialIds } from './credentials';
import { createEnvironment } from './environment';
import { installN8n, type InstalledN8n } from './install';
import { installPackage, packPackage } from './package';
import { findFreePort } from './ports';
import { setUpOwner, type Rest } from './rest';
import { startProcess, waitUntilReady, type N8nProcess } from './server';
import { toN8nVersion } from './versions';
import {
	listExampleSlugs,
	importWorkflow,
	readExample,
	withCredentials,
	type FillIn,
	type ImportedWorkflow,
} from './workflows';

/** A running n8n with the package, and the servers that it calls. */
export interface Host {
	n8n: InstalledN8n;
	/** n8n's user folder. */
	folder: string;
	url: string;
	/** The environment of every process of this n8n. */
	environment: Record<string, string>;
	server: N8nProcess;
	rest: Rest;
	emulator: Emulator;
	chat: ChatModel;
	credentials: CredentialIds;
	/** What examples need here beside credentials. */
	fillIn: FillIn;
	examples: ImportedWorkflow[];
}

export interface HostOptions {
	version: string;
	/** Any free port by default. */
	port?: number;
	emulator?: EmulatorOptions;
	/** Environment for n8n beyond that of every temporary n8n. */
	environment?: Record<string, string>;
	/** The examples to import, by file name; all by default. */
	examples?: readonly string[];
	log: (line: string) => void;
}

/** Starts everything, and hands whatever it starts or creates to the cleanup at once. */
export async function openHost(options: HostOptions, cleanup: Cleanup): Promise<Host> {
	const n8n = await installN8n(toN8nVersion(options.version), options.log);
	const folder = await mkdtemp(path.join(tmpdir(), 'n8n-flux2-'));
	await cleanup.add(async () => await rm(folder, { recursive: true, force: true }));
	await installPackage(await packPackage(folder), folder);
	const emulator = await startEmulator(options.emulator);
	await cleanup.add(async () => await emulator.close());
	moderate(emulator);
	const chat = await startChatModel();
	await cleanup.add(async () => await chat.close());
	const port = options.port ?? (await findFreePort());
	const location = { folder, port, brokerPort: await findFreePort() };
	const environment = { ...createEnvironment(n8n, location), ...options.environment };
	const server = startProcess(n8n, ['start'], environment);
	await cleanup.add(async () => await server.stop());
	const url = `http://127.0.0.1:${port}`;
	await waitUntilReady(`${url}/rest/settings`, server);
	const rest = await setUpOwner(url);
	const credentials = await importCredentials(rest, localCredentials(emulator, chat));
	const fillIn = {
		n8nUrl: url,
		references: `${emulator.urls.results}/references`,
	};
	const host = { n8n, folder, url, environment, server, rest, emulator, chat, credentials, fillIn };
	return { ...host, examples: await importExamples(host, options.examples ?? listExampleSlugs()) };
}

/** Moderates the one prompt of the examples that providers refuse. */
function moderate(emulator: Emulator): void {
	emulator.rule(
		{ route: 'bfl.submit', prompt: 'world-famous cartoon mouse' },
		{ task: { status: 'Request Moderated' } },
	);
}

async function importExamples(
	{ rest, fillIn, credentials }: Omit<Host, 'examples'>,
	slugs: readonly string[],
) {
	const imported: ImportedWorkflow[] = [];
	for (const slug of slugs) {
		const file = withCredentials(readExample(slug, fillIn), credentials);
		imported.push(await importWorkflow(rest, slug, file));
	}
	return imported;
}
