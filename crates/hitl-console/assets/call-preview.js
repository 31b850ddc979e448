// What a call would do, as its tool says. Nothing here decides.

import { h } from "./dom.js";

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
	const lines = label ? below : [head, ...below];
	return h(
		"div",
		{ class: `arg tone-${tone}`, vars: { "--depth": 0 } },
		h("dt", {}, label ?? ""),
		h(
			"dd",
			{},
			label && value && h("span", {}, value),
			lines.length > 0 && h("pre", { class: "contents", tabindex: "0" }, lines.map(row)),
			reads && h("span", { class: "reads" }, reads),
		),
	);
}

function row({ value, tone }) {
	return h("div", { class: SIGNS[value[0]] ?? `tone-${tone}` }, value);
}
