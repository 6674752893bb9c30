import { mkdir, stat } from 'node:fs/promises';
import path from 'node:path';
import sharp, { type Region } from 'sharp';
import { NEWEST } from '../host/versions';
import { shootGallery } from './gallery';
import { OUTPUT } from './page';

const ASSETS = path.resolve(__dirname, '../../../.github/assets');
/** People also read a README over slow connections. */
const MAX_BYTES = 120_000;

/** The README's images: regions of screenshots. */
const IMAGES: Record<string, Region & { of: string }> = {
	'node-creator.png': { of: 'creator-flux', left: 1057, top: 66, width: 382, height: 806 },
	'result.png': { of: 'result-text-to-image-bfl', left: 24, top: 24, width: 1392, height: 852 },
	'error.png': { of: 'error-Refused-prompt', left: 511, top: 66, width: 904, height: 480 },
	'example.png': { of: 'example-prompt-list', left: 120, top: 112, width: 1266, height: 744 },
};

/** Cuts the README's images out of the screenshots, reduces their colors and prints their sizes. */
export async function writeReadmeImages(log: (line: string) => void): Promise<void> {
	await mkdir(ASSETS, { recursive: true });
	const parts = Object.entries(IMAGES).map(([name, { of, ...region }]) => {
		return { name, image: sharp(path.join(OUTPUT, NEWEST, `${of}.png`)).extract(region) };
	});
	parts.push({ name: 'gallery.png', image: sharp(await shootGallery()) });
	for (const { name, image } of parts) {
		const file = path.join(ASSETS, name);
		await image.png({ palette: true, colors: 128, effort: 10, dither: 0.6 }).toFile(file);
		const { size } = await stat(file);
		if (size > MAX_BYTES) throw new Error(`${name} has ${size} bytes, the maximum is ${MAX_BYTES}`);
		log(`${name}: ${size} bytes`);
	}
}
