// Makes text safe to display, so that the displayed text is the actual text. The server has escaped
// its rendered text; this is for everything else, and does not escape twice.

const UNSEEN =
	/[\u0000-\u001f\u007f-\u009f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u2028-\u202e\u2060-\u206f\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff0-\ufffb\u00a0\u1680\u2000-\u200a\u202f\u205f\u3000\ue000-\uf8ff\u{13430}-\u{1345f}\u{1bca0}-\u{1bca3}\u{1d159}\u{1d173}-\u{1d17a}\u{e0000}-\u{e0fff}]/gu;
// More marks on one character than people write are drawn over other lines.
const PILED = /(?<=[\p{Mn}\p{Me}]{6})[\p{Mn}\p{Me}]/gu;
const NAMED = { "\n": "\\n", "\r": "\\r", "\t": "\\t" };

const escaped = (c) => NAMED[c] ?? `\\u{${c.codePointAt(0).toString(16)}}`;

/** Escapes control, bidirectional and zero-width characters, spaces that are none, and marks that pile up. */
export function seen(text) {
	return String(text).replace(PILED, escaped).replace(UNSEEN, escaped);
}

/** Formats `send_note` as `Send note`. */
export function words(name) {
	const spaced = seen(name)
		.replace(/([a-z])([A-Z])/g, "$1 $2")
		.replace(/[_-]+/g, " ")
		.trim();
	return spaced.charAt(0).toUpperCase() + spaced.slice(1).toLowerCase();
}

export function plural(count, one, many = `${one}s`) {
	return `${count.toLocaleString("en")} ${count === 1 ? one : many}`;
}

/** Formats a count as `17`, or `1,000+` if counting stopped there. */
export function tally({ counted, more }) {
	return `${counted.toLocaleString("en")}${more ? "+" : ""}`;
}
