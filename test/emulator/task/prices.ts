/** The task API's documented example: a flat price for each image, in US dollars. */
export const PRICE = 0.03;
