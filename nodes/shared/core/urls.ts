/** An address that only its own computer can reach. */
export function isLoopback(url: string): boolean {
	const { hostname } = new URL(url);
	return /^(localhost|.*\.localhost|127\.[\d.]+|0\.0\.0\.0|\[::1?\])$/.test(hostname);
}

/** Names that no public DNS resolves: of one word, and below the domains that are reserved for private networks. */
const PRIVATE_NAME = /^[^.:]+$|\.(home\.arpa|internal|lan|local)$/;
const PRIVATE_IPV4 =
	/^(10\.|127\.|192\.168\.|172\.(1[6-9]|2\d|3[01])\.|100\.(6[4-9]|[7-9]\d|1[01]\d|12[0-7])\.)[\d.]+$/;
const PRIVATE_IPV6 = /^\[f[cd][\da-f]{2}:/;

/** An address within a private network, or on the computer itself. */
export function isPrivate(url: string): boolean {
	const { hostname } = new URL(url);
	return (
		isLoopback(url) ||
		[PRIVATE_NAME, PRIVATE_IPV4, PRIVATE_IPV6].some((pattern) => pattern.test(hostname))
	);
}
