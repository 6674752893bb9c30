import { generateKeyPairSync, sign } from 'node:crypto';
import type { Tls } from '../emulator';

/** A self-signed certificate for 127.0.0.1, valid for a day: X.509 (RFC 5280), encoded in DER here. */

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
	/** [7]: an IP address in subjectAltName */
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

export function createSelfSignedCertificate(now = Date.now()): Tls {
	const { privateKey, publicKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' });
	const algorithm = encodeSequence(encodeObjectId('ecdsaWithSha256'));
	const name = encodeSequence(
		encodeDer(
			TAG.set,
			encodeSequence(encodeObjectId('commonName'), encodeDer(TAG.utf8, Buffer.from('bench'))),
		),
	);
	const content = encodeSequence(
		encodeDer(TAG.version, encodeDer(TAG.integer, Buffer.from([2]))),
		encodeDer(TAG.integer, Buffer.from([1])),
		algorithm,
		name,
		encodeSequence(encodeTime(now - DAY_MS), encodeTime(now + DAY_MS)),
		name,
		publicKey.export({ type: 'spki', format: 'der' }),
		encodeDer(TAG.extensions, encodeSequence(...encodeExtensions())),
	);
	const signature = encodeDer(TAG.bitString, Buffer.from([0]), sign('sha256', content, privateKey));
	const base64 = encodeSequence(content, algorithm, signature).toString('base64');
	return {
		key: privateKey.export({ type: 'pkcs8', format: 'pem' }).toString(),
		cert: `-----BEGIN CERTIFICATE-----\n${base64.replace(/.{64}/g, '$&\n')}\n-----END CERTIFICATE-----\n`,
	};
}

/** The certificate is its own authority and names 127.0.0.1. */
function encodeExtensions(): Buffer[] {
	const isAuthority = encodeSequence(encodeDer(TAG.boolean, Buffer.from([0xff])));
	const names = encodeSequence(encodeDer(TAG.ipAddress, Buffer.from([127, 0, 0, 1])));
	return [
		encodeSequence(encodeObjectId('basicConstraints'), encodeDer(TAG.octetString, isAuthority)),
		encodeSequence(encodeObjectId('alternativeNames'), encodeDer(TAG.octetString, names)),
	];
}

const encodeSequence = (...parts: Buffer[]) => encodeDer(TAG.sequence, ...parts);

const encodeObjectId = (name: keyof typeof OID) =>
	encodeDer(TAG.objectId, Buffer.from(OID[name], 'hex'));

/** Encodes a time as YYMMDDhhmmssZ. */
function encodeTime(ms: number): Buffer {
	const digits = new Date(ms).toISOString().replace(/\.\d+Z$|\D/g, '');
	return encodeDer(TAG.utcTime, Buffer.from(`${digits.slice(2)}Z`));
}

function encodeDer(tag: number, ...parts: Buffer[]): Buffer {
	const content = Buffer.concat(parts);
	return Buffer.concat([Buffer.from([tag, ...encodeLength(content)]), content]);
}

/** One byte up to 127; above, the number of length bytes comes first. */
function encodeLength({ length }: Buffer): number[] {
	if (length < 0x80) return [length];
	const bytes = length < 0x100 ? [length] : [length >> 8, length & 0xff];
	return [0x80 | bytes.length, ...bytes];
}
