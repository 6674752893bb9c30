const { readFile, readdir, rm, writeFile } = require('node:fs/promises');
const path = require('node:path');
const esbuild = require('esbuild');
const { dest, src } = require('gulp');

const VENDOR = 'nodes/shared/core/vendor';

async function clean() {
	await rm('dist', { recursive: true, force: true });
}

/** gulp 5 reads files as text unless told otherwise, which destroys PNGs. */
function copyIcons() {
	return src('{credentials,nodes}/**/*.{png,svg}', { encoding: false }).pipe(dest('dist'));
}

/** Providers make and take PNG, JPEG and WebP: of image-size's twenty formats, only these travel in the package. */
const knownFormats = {
	name: 'known-formats',
	setup(build) {
		let isFound = false;
		build.onLoad({ filter: /image-size[\\/]dist[\\/]esm[\\/]types[\\/]index\.js$/ }, () => {
			isFound = true;
			return {
				contents: `import { JPG } from './jpg.js';
import { PNG } from './png.js';
import { WEBP } from './webp.js';
export const typeHandlers = new Map([['jpg', JPG], ['png', PNG], ['webp', WEBP]]);
export const types = [...typeHandlers.keys()];`,
			};
		});
		build.onEnd(() => {
			if (!isFound) throw new Error('image-size has its list of formats in another file now');
		});
	},
};

/**
 * n8n installs no dependencies of a community node, so the three libraries travel inside it.
 * The platform is neutral on purpose: a library that wants a module of Node fails the build here
 * instead of n8n's scan later.
 */
async function bundleVendor() {
	const { metafile, outputFiles } = await esbuild.build({
		entryPoints: [`${VENDOR}.ts`],
		bundle: true,
		format: 'cjs',
		platform: 'neutral',
		target: 'node20',
		legalComments: 'none',
		minify: true,
		metafile: true,
		write: false,
		plugins: [knownFormats],
	});
	const licences = await licencesOf(Object.keys(metafile.inputs));
	await writeFile(`dist/${VENDOR}.js`, licences + whenFirstUsed(outputFiles[0].text));
}

/** Without blanks and line ends the package is 7 % smaller. All names stay, so that the stack of an error can be read. */
async function compactCode() {
	const files = (await readdir('dist', { recursive: true }))
		.map((file) => file.split(path.sep).join('/'))
		.filter((file) => file.endsWith('.js') && file !== `${VENDOR}.js`);
	await Promise.all(files.map((file) => compactFile(`dist/${file}`)));
}

async function compactFile(file) {
	const { code } = await esbuild.transform(await readFile(file, 'utf8'), {
		minifyWhitespace: true,
		charset: 'utf8',
		target: 'es2022',
	});
	await writeFile(file, code);
}

/** n8n loads every node at its start, and zod would be a third of the time: it waits for the first execution. */
const whenFirstUsed = (bundle) => `let made;
const libraries = () => (made ??= load({ exports: {} }));
module.exports = new Proxy({}, { get: (_target, name) => libraries()[name] });
function load(module) {
${bundle}
return module.exports;
}
`;

/** Every bundled library asks that its licence travels with it. */
async function licencesOf(inputs) {
	const folders = new Set(inputs.map(packageFolder).filter(Boolean));
	const texts = await Promise.all([...folders].sort().map(licenceComment));
	return texts.join('');
}

function packageFolder(input) {
	return /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(input)?.[0];
}

async function licenceComment(folder) {
	const file = (await readdir(folder)).find((name) => /^licen[cs]e/i.test(name));
	if (!file) throw new Error(`${folder} has no licence file`);
	const { name, version } = JSON.parse(await readFile(path.join(folder, 'package.json'), 'utf8'));
	const text = await readFile(path.join(folder, file), 'utf8');
	return `/*\n${name} ${version}\n\n${text.trim()}\n*/\n`;
}

exports.clean = clean;
exports['build:icons'] = copyIcons;
exports['build:vendor'] = bundleVendor;
exports['build:compact'] = compactCode;
