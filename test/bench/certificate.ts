import { generateKeyPairSync, sign } from 'node:crypto';
import type { Tls } from '../emulator';

/** A certificate for 127.0.0.1, signed by itself and good for a day: X.509 (RFC 5280) in DER, written by hand. */

const TAG = {
	boolean: 0x01,
	integer: 0x02,
	bitString: 0x03,
	octetString: 0x04,
	objectId: 0x06,
	utf8: 0x0c,
	utcTime: 0x17,
	sequence: 0x30,
	set: 0x31,
	/** [0] and [3]: version and extensions */
	version: 0xa0,
	extensions: 0xa3,
	/** [7]: an IP address among the alternative names */
	ipAddress: 0x87,
};

/** Encoded object identifiers. */
const OID = {
	ecdsaWithSha256: '2a8648ce3d040302',
	commonName: '550403',
	alternativeNames: '551d11',
	basicConstraints: '551d13',
};

const DAY_MS = 86_400_000;

export function selfSigned(now = Date.now()): Tls {
	const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
	const algorithm = sequence(objectId('ecdsaWithSha256'));
	const name = sequence(
		der(TAG.set, sequence(objectId('commonName'), der(TAG.utf8, Buffer.from('bench')))),
	);
	const content = sequence(
		der(TAG.version, der(TAG.integer, Buffer.from([2]))),
		der(TAG.integer, Buffer.from([1])),
		algorithm,
		name,
		sequence(time(now - DAY_MS), time(now + DAY_MS)),
		name,
		publicKey.export({ type: 'spki', format: 'der' }),
		der(TAG.extensions, sequence(...extensions())),
	);
	const signature = der(TAG.bitString, Buffer.from([0]), sign('sha256', content, privateKey));
	const base64 = sequence(content, algorithm, signature).toString('base64');
	return {
		key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
		cert: `-----BEGIN CERTIFICATE-----\n${base64.replace(/.{64}/g, '$&\n')}\n-----END CERTIFICATE-----\n`,
	};
}

/** It is its own authority, and stands for this computer. */
function extensions(): Buffer[] {
	const isAuthority = sequence(der(TAG.boolean, Buffer.from([0xff])));
	const names = sequence(der(TAG.ipAddress, Buffer.from([127, 0, 0, 1])));
	return [
		sequence(objectId('basicConstraints'), der(TAG.octetString, isAuthority)),
		sequence(objectId('alternativeNames'), der(TAG.octetString, names)),
	];
}

const sequence = (...parts: Buffer[]) => der(TAG.sequence, ...parts);

const objectId = (name: keyof typeof OID) => der(TAG.objectId, Buffer.from(OID[name], 'hex'));

/** As YYMMDDhhmmssZ. */
function time(ms: number): Buffer {
	const digits = new Date(ms).toISOString().replace(/\.\d+Z$|\D/g, '');
	return der(TAG.utcTime, Buffer.from(`${digits.slice(2)}Z`));
}

function der(tag: number, ...parts: Buffer[]): Buffer {
	const content = Buffer.concat(parts);
	return Buffer.concat([Buffer.from([tag, ...lengthOf(content)]), content]);
}

/** One byte up to 127; else the number of bytes that follow. */
function lengthOf({ length }: Buffer): number[] {
	if (length < 0x80) return [length];
	const bytes = length < 0x100 ? [length] : [length >> 8, length & 0xff];
	return [0x80 | bytes.length, ...bytes];
}
