/** Every provider of the emulator, one line each; whatever all of them share is derived from this list. */

export { bfl } from './bfl';
export { cloudflare } from './cloudflare';
export { fal } from './fal';
export { openai } from './openai';
export { oxen } from './oxen';
export { replicate } from './replicate';
export { task } from './task';
