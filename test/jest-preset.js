// Not in package.json: n8n's scan takes "<rootDir>" there for an unfilled placeholder.
module.exports = {
	testMatch: ['<rootDir>/test/**/*.test.ts'],
	// needs a real n8n, see test/e2e/README.md
	testPathIgnorePatterns: ['/node_modules/', '<rootDir>/test/e2e/'],
	// copies of the package: of a mutation test, or in an n8n of the end to end
	modulePathIgnorePatterns: ['<rootDir>/.cache/'],
	transform: { '\\.ts$': ['ts-jest', { tsconfig: '<rootDir>/test/tsconfig.json' }] },
	moduleNameMapper: {
		// p-limit is an ES module, so tests use the libraries as they are shipped.
		'^(\\./|\\.\\./core/|\\.\\./shared/core/|.*/nodes/shared/core/)vendor$':
			'<rootDir>/dist/nodes/shared/core/vendor.js',
	},
	// when to give up, far beyond what a slow machine needs
	testTimeout: 120_000,
	maxWorkers: 2,
};
