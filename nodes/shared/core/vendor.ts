// The one file the build bundles: n8n verifies only packages without run-time dependencies.
export { z } from 'zod';
export { imageSize } from 'image-size';
export { default as pLimit } from 'p-limit';
