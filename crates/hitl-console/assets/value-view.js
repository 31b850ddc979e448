// Values as people read them: text with its line breaks, objects and lists as tables, nothing invisible. A text has no
// quotes; what could then be mistaken for something else is tagged.

import { h } from "./dom.js";
import { icon } from "./icons.js";
import { kind, write } from "./json.js";
import { language, pieces, plural } from "./text.js";

const MASK = /^\[redacted(:[0-9a-f]+)?\]$/;
// Above these a text, or a list, is folded.
const LINES = 12;
const CHARACTERS = 900;
const ITEMS = 8;
// Objects nested deeper are shown as JSON.
const DEPTH = 5;
const COLUMNS = 6;

/** A text on one line, in which everything invisible is marked. */
export function line(text) {
	return pieces(text).map((piece) =>
		piece.hidden ? h("span", { class: "unseen", title: "cannot be seen in the text itself" }, piece.text) : piece.text,
	);
}

/** A text with its line breaks. Many empty lines in a row are counted, since they push the rest out of sight. */
export function paragraphs(text) {
	const out = [];
	let empty = 0;
	const lines = text.replace(/\r\n/g, "\n").split("\n");
	lines.forEach((one, at) => {
		empty = one === "" && at > 0 && at + 1 < lines.length ? empty + 1 : 0;
		if (empty > 2) {
			const run = lines.slice(at).findIndex((next) => next !== "");
			if (empty === 3)
				out.push(h("span", { class: "unseen" }, plural(run < 0 ? 1 : run, "more empty line")), h("br", {}));
			return;
		}
		out.push(line(one), at + 1 < lines.length && h("br", {}));
	});
	return out;
}

/** Shows a part of something long, and the rest on demand. `show` takes whether all is shown. */
function folding(show, more, less) {
	const body = h("div", {}, show(false));
	let open = false;
	const button = h(
		"button",
		{
			class: "link fold",
			type: "button",
			"aria-expanded": "false",
			onclick: () => {
				open = !open;
				body.replaceChildren(show(open));
				button.textContent = open ? less : more;
				button.setAttribute("aria-expanded", String(open));
			},
		},
		more,
	);
	return h("div", {}, body, button);
}

function text(value) {
	if (value === "") return h("span", { class: "tag" }, "empty text");
	const lines = value.split("\n").length;
	if (lines === 1 && value.length <= 120) {
		const reads = /^(-?[\d.,]+([eE][+-]?\d+)?|true|false|null|[[{].*)$/.test(value);
		return [h("span", { class: "text" }, line(value)), reads && h("span", { class: "tag" }, "text")];
	}
	const block = (shown) => h("div", { class: "text block" }, paragraphs(shown));
	const short = value.split("\n").slice(0, LINES).join("\n").slice(0, CHARACTERS);
	if (short.length === value.length) return block(value);
	const size = `${plural(lines, "line")}, ${plural(value.length, "character")}`;
	return folding((all) => block(all ? value : `${short} …`), `Show all of it (${size})`, "Show less");
}

/** Returns the keys that every object of a list has, if a table with them shows all of it. */
function columns(items) {
	const first = kind(items[0]) === "object" ? [...items[0].keys()] : [];
	if (!first.length || first.length > COLUMNS || items.length < 2) return null;
	const fits = (item) =>
		kind(item) === "object" &&
		item.size === first.length &&
		first.every((key) => item.has(key) && !["object", "array"].includes(kind(item.get(key))));
	return items.every(fits) ? first : null;
}

function list(items, at, depth, notes) {
	if (!items.length) return h("span", { class: "tag" }, "empty list");
	const keys = columns(items);
	const inside = (item, index) => valueView(item, `${at}/${index}`, depth + 1, notes);
	const show = (all) => {
		const shown = all ? items : items.slice(0, ITEMS);
		if (!keys)
			return h(
				"ol",
				{ class: "items" },
				shown.map((item, index) => h("li", {}, inside(item, index))),
			);
		const cell = (item, key, index) => valueView(item.get(key), `${at}/${index}/${part(key)}`, depth + 2, notes);
		return h(
			"div",
			{ class: "wide", tabindex: "0", role: "group", "aria-label": "table" },
			h(
				"table",
				{ class: "values" },
				h(
					"thead",
					{},
					h(
						"tr",
						{},
						keys.map((key) => h("th", { scope: "col" }, line(key))),
					),
				),
				h(
					"tbody",
					{},
					shown.map((item, index) =>
						h(
							"tr",
							{},
							keys.map((key) => h("td", {}, cell(item, key, index))),
						),
					),
				),
			),
		);
	};
	const count = h("span", { class: "tag" }, plural(items.length, "item"));
	if (items.length <= ITEMS) return [items.length > 1 && count, show(true)];
	return [count, folding(show, `Show all ${items.length.toLocaleString(language())}`, `Show the first ${ITEMS}`)];
}

const part = (key) => key.replace(/~/g, "~0").replace(/\//g, "~1");

function object(value, at, depth, notes) {
	if (!value.size) return h("span", { class: "tag" }, "no entries");
	const row = ([key, inner]) =>
		h(
			"div",
			{ class: "arg" },
			h("dt", {}, line(key)),
			h("dd", {}, valueView(inner, `${at}/${part(key)}`, depth + 1, notes)),
		);
	return h("dl", { class: "args nested" }, [...value].map(row));
}

/**
 * A value. `at` is its JSON Pointer, and `notes` says of a pointer what the server reads in it: `{ reads, masks }`.
 */
export function valueView(value, at, depth, notes) {
	const note = notes.get(at);
	const reads = note?.reads && h("span", { class: "reads" }, note.reads);
	const masks = note?.masks ?? [];
	if (typeof value === "string" && masks.length && MASK.test(value)) {
		const declared = masks.every((mask) => mask.declared);
		return [h("span", { class: "masked" }, icon("lock"), declared ? "secret, hidden" : "masked"), !declared && reads];
	}
	const is = kind(value);
	if (is === "string") return [text(value), reads];
	if (is === "array" && depth <= DEPTH)
		return [list(value, at, depth, notes), reads && !/^\d+ items$/.test(note.reads) && reads];
	if (is === "object" && depth <= DEPTH) return [object(value, at, depth, notes), reads];
	return [h("code", {}, line(write(value))), reads];
}
