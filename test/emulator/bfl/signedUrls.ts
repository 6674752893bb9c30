import { sha256 } from '../images';
import type { TaskRecord } from '../ledger';

/** The URLs of images are signed, and valid for a while only. */

/** `until` in milliseconds since 1970. */
export function signUrl({ url }: TaskRecord, until: number): string {
	return `${url}?se=${until}&sig=${toSignature(url, String(until))}`;
}

export function isUrlValid({ url }: TaskRecord, { se = '', sig }: Record<string, string>): boolean {
	return sig === toSignature(url, se) && Number(se) > Date.now();
}

function toSignature(url: string, until: string): string {
	return sha256(`${url} ${until}`).slice(0, 32);
}
