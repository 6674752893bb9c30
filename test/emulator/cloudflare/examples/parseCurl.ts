/** Reads the curl commands of a shell text, as far as the providers' examples use them. */

export interface CurlRequest {
	url: string;
	method: string;
	headers: Record<string, string>;
	/** The value of --data. */
	data?: string;
	/** The pairs of --form. */
	form: Array<[name: string, value: string]>;
}

export function parseCurl(text: string, variables: Record<string, string>): CurlRequest[] {
	return text
		.split(/\n(?=curl )/)
		.map((command) => readOptions(splitWords(command, variables).slice(1)));
}

/** A word is made of quoted and bare pieces; `\` joins lines and, bare, escapes one character. */
const PIECE = /'([^']*)'|"([^"]*)"|\\(\n|.)|([^\s'"\\]+)|(\s+)/gs;

function splitWords(command: string, variables: Record<string, string>): string[] {
	const words: string[] = [];
	let word: string | undefined;
	const expand = (piece: string) =>
		piece.replace(/\$(\w+)/g, (_, name: string) => variables[name] ?? '');
	for (const [, literal, quoted, escaped, bare, space] of command.matchAll(PIECE)) {
		const piece = literal ?? escaped ?? expand(quoted ?? bare ?? '');
		if (space === undefined && escaped !== '\n') {
			word = (word ?? '') + piece;
		} else if (word !== undefined) {
			words.push(word);
			word = undefined;
		}
	}
	return word === undefined ? words : [...words, word];
}

function readOptions(words: string[]): CurlRequest {
	const request: CurlRequest = { url: '', method: 'GET', headers: {}, form: [] };
	const set: Record<string, (value: string) => void> = {
		'--url': (value) => (request.url = value),
		'--request': (value) => (request.method = value),
		'--header': (value) => {
			const [, name = '', content = ''] = /^([^:]+): *(.*)$/s.exec(value) ?? [];
			request.headers[name.toLowerCase()] = content;
		},
		'--data': (value) => Object.assign(request, { data: value, method: 'POST' }),
		'--form': (value) => {
			const [, name = '', content = ''] = /^([^=]+)=(.*)$/s.exec(value) ?? [];
			request.form.push([name, content]);
		},
	};
	while (words.length > 0) {
		const word = words.shift() as string;
		if (!word.startsWith('--')) {
			request.url = word;
			continue;
		}
		const option = set[word];
		const value = words.shift();
		if (!option || value === undefined) throw new Error(`cannot read ${word}`);
		option(value);
	}
	return request;
}
