// Why a call is made, and what it would do: what its tool, the model and the host say, and the calls
// before it. Nothing here decides.

import { stateIcon, stateName } from "./states.js";
import { h } from "./dom.js";
import { plural } from "./text.js";

const SIGNS = { "-": "gone", "+": "come" };

/** The preview of a call: facts and differences, as the server has rendered them; null without one. */
export function preview(call) {
	const { sections } = (call.uncovered ?? call).rendered;
	const section = sections.find(({ name }) => name === "preview");
	if (!section) return null;
	const items = [];
	for (const line of section.lines) {
		if (line.depth === 0 || !items.length) items.push([]);
		items.at(-1).push(line);
	}
	return h(
		"section",
		{ class: "preview", "aria-label": "What it would do" },
		h("h3", {}, "What it would do", section.label && h("span", { class: "origin" }, section.label)),
		h("dl", { class: "args" }, items.map(item)),
	);
}

function item([head, ...below]) {
	const { label, value, reads, tone } = head;
	if (!label) return paragraph([head, ...below]);
	return h(
		"div",
		{ class: `arg tone-${tone}`, vars: { "--depth": 0 } },
		h("dt", {}, label),
		h(
			"dd",
			{},
			value && h("span", {}, value),
			below.length > 0 && h("pre", { class: "contents", tabindex: "0" }, below.map(row)),
			reads && h("span", { class: "reads" }, reads),
		),
	);
}

/** A text of the tool's author, line by line. */
function paragraph(lines) {
	return h(
		"div",
		{ class: "arg prose" },
		h("dt", { class: "sr" }, "note"),
		h(
			"dd",
			{},
			lines.map(({ value, tone }) => h("div", { class: `tone-${tone}` }, bare(value))),
		),
	);
}

/** A line without the sign that marks it as quoted, or as a warning. */
function bare(line) {
	return line.replace(/^[|!] ?/, "");
}

function row({ value, tone }) {
	return h("div", { class: SIGNS[value[0]] ?? `tone-${tone}` }, value);
}

/** Why the model says that it makes the call, and where the conversation is; null without either. */
export function reason(call) {
	const { sections } = (call.uncovered ?? call).rendered;
	const said = sections.find(({ name }) => name === "statedReason");
	const url = sections.find(({ name }) => name === "askedBy")?.lines.find(({ label }) => label === "conversation");
	// The server lets nothing else through; a link that runs a script must not depend on that.
	const link = url && /^https?:\/\//.test(url.value) && url.value;
	if (!said && !link) return null;
	return h(
		"section",
		{ class: "stated", "aria-label": "Stated reason" },
		said && h("h3", {}, "The model says", h("span", { class: "origin" }, said.label)),
		said &&
			h(
				"blockquote",
				{},
				said.lines.map(({ value }) => h("div", {}, bare(value))),
			),
		link && h("p", {}, h("a", { href: link, target: "_blank", rel: "noopener noreferrer" }, "Open the conversation")),
	);
}

/** How many calls there are in each state, in words. */
function counts(newest, more) {
	const found = new Map();
	for (const { state } of newest) found.set(state, (found.get(state) ?? 0) + 1);
	const said = [...found].map(([state, count]) => `${count} ${stateName(state)}`);
	return [...said, more > 0 && `${more} more`].filter(Boolean).join(", ");
}

/** The newest calls of the run before this one; null if there are none. */
export function earlier(call, when) {
	const { newest = [], more = 0, tooMany = false } = call.earlier ?? {};
	if (!newest.length && !more) return null;
	const line = ({ title, tool, state, updatedAt }) =>
		h(
			"li",
			{},
			stateIcon(state),
			" ",
			h("span", {}, title || tool),
			h("span", { class: "faint" }, ` · ${stateName(state)} ${when(updatedAt)}`),
		);
	const rest = tooMany ? `More than ${more} earlier calls.` : `and ${plural(more, "more call")} before them`;
	return h(
		"details",
		{ class: "earlier" },
		h("summary", {}, `Earlier in this run: ${counts(newest, more)}`),
		h("ul", {}, newest.map(line), more > 0 && h("li", { class: "faint" }, rest)),
	);
}
