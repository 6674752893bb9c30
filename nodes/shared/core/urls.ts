/** An address that only its own computer can reach. */
export function isLoopback(url: string): boolean {
	const { hostname } = new URL(url);
	return /^(localhost|.*\.localhost|127\.[\d.]+|0\.0\.0\.0|\[::1?\])$/.test(hostname);
}
