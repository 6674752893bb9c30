import eslintJs from '@eslint/js';
import communityNodes from '@n8n/eslint-plugin-community-nodes';
import { defineConfig, globalIgnores } from 'eslint/config';
import n8nNodesBase from 'eslint-plugin-n8n-nodes-base';
import typescriptEslint from 'typescript-eslint';

const SHIPPED = ['credentials/**/*.ts', 'nodes/**/*.ts'];
const VENDOR = 'nodes/shared/core/vendor.ts';
const parser = typescriptEslint.parser;

const houseRules = {
	complexity: ['error', 15],
	eqeqeq: 'error',
	'max-lines-per-function': ['error', { max: 45, skipBlankLines: true, skipComments: true }],
	'no-console': 'error',
	'@typescript-eslint/consistent-type-imports': 'error',
	'@typescript-eslint/no-unused-vars': [
		'error',
		{ argsIgnorePattern: '^_', ignoreRestSiblings: true },
	],
	// A synchronous implementation of an asynchronous interface has nothing to await.
	'@typescript-eslint/require-await': 'off',
	'@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true }],
	'@typescript-eslint/return-await': ['error', 'error-handling-correctness-only'],
	'@typescript-eslint/switch-exhaustiveness-check': [
		'error',
		{ considerDefaultExhaustiveForUnions: true },
	],
};

/** n8n's own linter and its scan switch these off too: each contradicts a newer rule. */
const supersededByCommunityRules = {
	'n8n-nodes-base/cred-class-field-documentation-url-miscased': 'off',
	'n8n-nodes-base/cred-class-field-type-options-password-missing': 'off',
	'n8n-nodes-base/node-class-description-inputs-wrong-regular-node': 'off',
	'n8n-nodes-base/node-class-description-outputs-wrong': 'off',
	'n8n-nodes-base/node-param-type-options-max-value-present': 'off',
};

/**
 * n8n's rule lets every devDependency pass, and none of them is there at run time.
 */
const onlyWhatTheHostHas = {
	regex: '^(?!\\.{1,2}/|n8n-workflow$|node:crypto$)',
	message:
		'Only n8n-workflow and node:crypto exist at run time; libraries come from shared/core/vendor.',
};

const sharedStaysGeneral = {
	regex: '^\\.\\./\\.\\./',
	message: 'nodes/shared serves every provider and knows none.',
};

/** The floors of nodes/shared, from the ground up: each imports only from itself and from those before it. */
const LAYERS = ['core', 'parameters', 'http', 'images', 'tasks', 'operations', 'node'];

const layerRules = LAYERS.map((layer, index) => {
	const higher = LAYERS.slice(index + 1);
	const floorsAreKept = {
		regex: `^\\.\\./(${higher.join('|')})(/|$)`,
		message: `nodes/shared/${layer} lies below.`,
	};
	const patterns = [onlyWhatTheHostHas, sharedStaysGeneral];
	if (higher.length > 0) patterns.push(floorsAreKept);
	return {
		files: [`nodes/shared/${layer}/**/*.ts`],
		ignores: [VENDOR],
		rules: { 'no-restricted-imports': ['error', { patterns }] },
	};
});

export default defineConfig(
	globalIgnores(['dist/', 'coverage/', 'demo-output/', '.cache/']),
	{
		files: ['**/*.{js,mjs,cjs,ts,mts}'],
		extends: [eslintJs.configs.recommended, typescriptEslint.configs.recommendedTypeChecked],
		languageOptions: { parserOptions: { projectService: true } },
		linterOptions: { reportUnusedDisableDirectives: 'error' },
		rules: houseRules,
	},
	{
		files: ['**/*.{js,mjs,cjs}'],
		extends: [typescriptEslint.configs.disableTypeChecked],
		languageOptions: { parserOptions: { projectService: false } },
		rules: {
			// TypeScript knows Node's globals; ESLint alone does not.
			'no-undef': 'off',
			'@typescript-eslint/no-require-imports': 'off',
			'@typescript-eslint/return-await': 'off',
			'@typescript-eslint/switch-exhaustiveness-check': 'off',
		},
	},
	{
		files: [...SHIPPED, 'package.json'],
		extends: [communityNodes.configs.recommended],
		plugins: { 'n8n-nodes-base': n8nNodesBase },
		languageOptions: { parser },
	},
	{
		files: ['package.json'],
		rules: n8nNodesBase.configs.community.rules,
	},
	{
		files: ['credentials/**/*.ts'],
		rules: { ...n8nNodesBase.configs.credentials.rules, ...supersededByCommunityRules },
	},
	{
		files: ['nodes/**/*.ts'],
		rules: { ...n8nNodesBase.configs.nodes.rules, ...supersededByCommunityRules },
	},
	{
		files: SHIPPED,
		ignores: [VENDOR],
		// The scan ignores comments that switch rules off, so they must not work here either.
		linterOptions: { noInlineConfig: true },
		rules: { 'no-restricted-imports': ['error', { patterns: [onlyWhatTheHostHas] }] },
	},
	...layerRules,
	{
		files: ['test/**/*.{ts,mjs,cjs}'],
		rules: {
			'no-console': 'off',
			// Answers of servers are JSON of any shape, and a test's comparison is their check.
			'@typescript-eslint/no-unsafe-argument': 'off',
			'@typescript-eslint/no-unsafe-assignment': 'off',
			'@typescript-eslint/no-unsafe-call': 'off',
			'@typescript-eslint/no-unsafe-member-access': 'off',
			'@typescript-eslint/no-unsafe-return': 'off',
		},
	},
	{
		files: ['test/e2e/**/*.ts'],
		// Its own packages need not be installed: their types are unknown then.
		rules: { '@typescript-eslint/no-redundant-type-constituents': 'off' },
	},
	{
		files: ['test/**/*.test.ts'],
		// A describe block is one function.
		rules: { 'max-lines-per-function': 'off' },
	},
);
