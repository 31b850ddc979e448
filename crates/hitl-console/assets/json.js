// Reads and writes JSON without rounding its numbers: a number keeps the text it was written with.

/** A number, as it was written. */
export class Num {
	constructor(text) {
		this.text = text;
	}
}

const NUMBER = /-?(?:0|[1-9]\d*)(?:\.\d+)?(?:[eE][+-]?\d+)?/y;
const STRING = /"(?:[^"\\\u0000-\u001f]|\\(?:["\\/bfnrt]|u[0-9a-fA-F]{4}))*"/y;

/** Parses a JSON document. Throws a SyntaxError if the text is not exactly one. */
export function parse(text) {
	let at = 0;
	const fail = () => {
		throw new SyntaxError("this is not JSON");
	};
	const space = () => {
		while (" \t\n\r".includes(text[at] ?? "x")) at += 1;
	};
	const take = (pattern) => {
		pattern.lastIndex = at;
		const found = pattern.exec(text);
		if (!found) fail();
		at = pattern.lastIndex;
		return found[0];
	};
	const list = (end, item) => {
		at += 1;
		space();
		if (text[at] === end) {
			at += 1;
			return;
		}
		for (;;) {
			item();
			space();
			if (text[at] === end) {
				at += 1;
				return;
			}
			if (text[at] !== ",") fail();
			at += 1;
			space();
		}
	};
	const value = (depth) => {
		if (depth > 100) fail();
		space();
		const c = text[at];
		if (c === '"') return JSON.parse(take(STRING));
		if (c === "{") {
			const object = new Map();
			list("}", () => {
				const key = JSON.parse(take(STRING));
				if (object.has(key)) fail();
				space();
				if (text[at] !== ":") fail();
				at += 1;
				object.set(key, value(depth + 1));
			});
			return object;
		}
		if (c === "[") {
			const array = [];
			list("]", () => array.push(value(depth + 1)));
			return array;
		}
		for (const [word, meaning] of [
			["true", true],
			["false", false],
			["null", null],
		]) {
			if (text.startsWith(word, at)) {
				at += word.length;
				return meaning;
			}
		}
		return new Num(take(NUMBER));
	};
	const read = value(0);
	space();
	if (at !== text.length) fail();
	return read;
}

export function write(value) {
	if (value instanceof Num) return value.text;
	if (value instanceof Map) return `{${[...value].map(([k, v]) => `${JSON.stringify(k)}:${write(v)}`).join(",")}}`;
	if (Array.isArray(value)) return `[${value.map(write).join(",")}]`;
	return JSON.stringify(value);
}

/** Writes a document over several lines, for people. */
export function pretty(value, indent = "") {
	const inner = `${indent}  `;
	const over = (open, items, close) => `${open}\n${items.map((item) => inner + item).join(",\n")}\n${indent}${close}`;
	if (write(value).length <= 60) return write(value);
	if (value instanceof Map)
		return over(
			"{",
			[...value].map(([k, v]) => `${JSON.stringify(k)}: ${pretty(v, inner)}`),
			"}",
		);
	if (Array.isArray(value))
		return over(
			"[",
			value.map((item) => pretty(item, inner)),
			"]",
		);
	return write(value);
}

/** `string`, `number`, `boolean`, `null`, `array`, `object`. */
export function kind(value) {
	if (value instanceof Num) return "number";
	if (value instanceof Map) return "object";
	if (Array.isArray(value)) return "array";
	return value === null ? "null" : typeof value;
}
