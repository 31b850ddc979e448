// Makes text safe to display, so that the displayed text is the actual text. The server has escaped
// its rendered text; this is for everything else, and does not escape twice.

const UNSEEN =
	/[\u0000-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000\ue000-\uf8ff\ufdd0-\ufdef\ufffe\uffff\u{1fffe}\u{1ffff}\u{2fffe}\u{2ffff}\u{3fffe}\u{3ffff}\u{4fffe}\u{4ffff}\u{5fffe}\u{5ffff}\u{6fffe}\u{6ffff}\u{7fffe}\u{7ffff}\u{8fffe}\u{8ffff}\u{9fffe}\u{9ffff}\u{afffe}\u{affff}\u{bfffe}\u{bffff}\u{cfffe}\u{cffff}\u{dfffe}\u{dffff}\u{13430}-\u{1345f}\u{1bca0}-\u{1bca3}\u{1d159}\u{1d173}-\u{1d17a}\u{e0000}-\u{e0fff}\u{efffe}-\u{10ffff}]/gu;
// More marks on one character than people write are drawn over other lines.
const COMMON = "\\u0300-\\u036f\\u0483-\\u0489\\u1ab0-\\u1aff\\u1dc0-\\u1dff\\u20d0-\\u20ff\\ufe20-\\ufe2f";
const PILED = new RegExp(`(?<=[\\p{Mn}\\p{Me}]{6})[\\p{Mn}\\p{Me}]|(?<=[${COMMON}]{2})[${COMMON}]`, "gu");
// Longer runs of spaces push text out of sight.
const SPACES = / {9,}/g;
const NAMED = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

const escaped = (c) => NAMED[c] ?? `\\u{${c.codePointAt(0).toString(16)}}`;

/** The words for the channel of a decision; none for the host's own. */
export function through(channel) {
	return channel && channel !== "host" ? `, through ${seen(channel)}` : "";
}

/** Escapes control, bidirectional and zero-width characters, spaces that are none, and marks that pile up. */
export function seen(text) {
	return String(text).replace(PILED, escaped).replace(UNSEEN, escaped);
}

/**
 * Splits a text into what is seen as it is and what is not: `[{ text, hidden }]`. A surface marks the hidden parts,
 * so that a text which spells out an escape is not mistaken for one. Spaces at either end count as hidden.
 */
export function pieces(text) {
	const found = [];
	const hide = (pattern, shown) => {
		for (const match of text.matchAll(pattern))
			found.push({ at: match.index, end: match.index + match[0].length, shown: shown(match[0]) });
	};
	hide(PILED, escaped);
	hide(UNSEEN, escaped);
	hide(SPACES, (run) => `\\u{20*${run.length}}`);
	hide(/^ {1,8}(?! )|(?<! ) {1,8}$/g, (run) => "\\u{20}".repeat(run.length));
	found.sort((one, other) => one.at - other.at);
	const out = [];
	let from = 0;
	for (const { at, end, shown } of found) {
		if (at < from) continue;
		if (at > from) out.push({ text: text.slice(from, at), hidden: false });
		out.push({ text: shown, hidden: true, length: end - at, at });
		from = end;
	}
	if (from < text.length) out.push({ text: text.slice(from), hidden: false });
	return out;
}

/** Formats `send_note` as `Send note`. */
export function words(name) {
	const spaced = seen(name)
		.replace(/([a-z])([A-Z])/g, "$1 $2")
		.replace(/[_-]+/g, " ")
		.trim();
	return spaced.charAt(0).toUpperCase() + spaced.slice(1).toLowerCase();
}

/** The language of the page, in which numbers and dates are written. */
export const language = () => document.documentElement.lang || "en";

export function plural(count, one, many = `${one}s`) {
	return `${count.toLocaleString(language())} ${count === 1 ? one : many}`;
}

/** Formats a count as `17`, or `1,000+` if counting stopped there. */
export function tally({ counted, more }) {
	return `${counted.toLocaleString(language())}${more ? "+" : ""}`;
}
