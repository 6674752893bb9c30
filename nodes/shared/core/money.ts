/** Digits behind the point: cents, and more where an amount has them. */
const DIGITS = { minimumFractionDigits: 2, maximumFractionDigits: 4 };
const DIGITS_BELOW_A_CENT = { minimumFractionDigits: 2, maximumFractionDigits: 6 };

/** "$0.03", or "2.00 EUR". */
export function formatAmount(amount: number, currency: string): string {
	const digits = amount < 0.01 ? DIGITS_BELOW_A_CENT : DIGITS;
	const number = amount.toLocaleString('en-US', digits);
	return currency === 'USD' ? `$${number}` : `${number} ${currency}`;
}
