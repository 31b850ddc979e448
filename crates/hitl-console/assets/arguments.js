// The arguments of a call as a table: what matters first, then the rest in the order of the declaration.

import { h } from "./dom.js";
import { icon } from "./icons.js";
import { kind, parse } from "./json.js";
import { plural } from "./text.js";
import { line, valueView } from "./value-view.js";

// With more arguments than this the rest is shown on demand. Those that lead are always shown.
const SHOWN = 24;

/** The masked places and the button that uncovers them; or a note that they were uncovered. */
function uncovering(call, uncover) {
	if (call.state !== "pending" && call.state !== "outcomeUnknown") return null;
	if (call.uncovered) {
		return h(
			"p",
			{ class: "uncovering", role: "status" },
			icon("eye"),
			h("span", {}, "Uncovered for you. This is recorded in the audit."),
			h("button", { class: "link", type: "button", onclick: () => uncover(false) }, "Hide it again"),
		);
	}
	const masked = call.rendered.toUncover ?? 0;
	return (
		masked > 0 &&
		h(
			"p",
			{ class: "uncovering" },
			icon("lock"),
			h("span", {}, `${plural(masked, "place")} masked.`),
			h(
				"button",
				{ class: "act uncover", type: "button", onclick: () => uncover(true) },
				icon("eye"),
				h("span", {}, "Uncover"),
				h("kbd", { "aria-hidden": "true" }, "U"),
			),
		)
	);
}

const part = (key) => key.replace(/~/g, "~0").replace(/\//g, "~1");

/** Returns the server's lines as a tree: each with the lines below it. */
function nest(lines) {
	const root = { children: [] };
	const open = [root];
	for (const one of lines) {
		const node = { line: one, children: [] };
		open.length = Math.min(open.length, one.depth + 1);
		open.at(-1).children.push(node);
		open.push(node);
	}
	return root.children;
}

/** Returns what the server's lines say of each value, by its JSON Pointer: the lines have the order of the values. */
function notesOf(tree, lines) {
	const notes = new Map();
	const visit = (value, at, nodes) => {
		const entries = kind(value) === "object" ? [...value] : kind(value) === "array" ? [...value.entries()] : [];
		for (const [index, [key, inner]] of entries.entries()) {
			const node = nodes[index];
			// From the line on that says how many are left out, lines and values no longer match.
			if (!node || (node.line.withheld && node.line.label === undefined && node.line.value.startsWith("[…"))) return;
			const below = `${at}/${part(String(key))}`;
			notes.set(below, { reads: node.line.reads, masks: node.line.masks });
			visit(inner, below, node.children);
		}
	};
	visit(tree, "", nest(lines));
	return notes;
}

/** Returns the names of the arguments in the order in which they are shown: those that lead first. */
export function inOrder(names, leading) {
	const leads = new Set(leading);
	return [...names.filter((name) => leads.has(name)), ...names.filter((name) => !leads.has(name))];
}

function read(text) {
	try {
		const tree = parse(text);
		return kind(tree) === "object" ? tree : null;
	} catch {
		return null;
	}
}

/** Every argument. `uncover` shows or covers the masked values in them. */
export function argumentTable(call, uncover) {
	const shown = call.uncovered ?? call;
	const section = shown.rendered.sections.find((section) => section.name === "arguments");
	const lines = section?.lines ?? [];
	const tree = read(shown.argumentsText);
	const head = [
		h("h3", {}, "Arguments", section?.label && h("span", { class: "origin" }, section.label)),
		uncovering(call, uncover),
	];
	const frame = (...content) =>
		h("section", { class: "arguments", "aria-label": "Arguments" }, head, content, named(call));
	// Without a tree the server's own lines are shown: nothing is left out.
	if (!tree) {
		return frame(
			h(
				"dl",
				{ class: "args" },
				lines.map((one) =>
					h(
						"div",
						{ class: `arg tone-${one.tone}` },
						h("dt", {}, one.label ?? "·"),
						h("dd", {}, h("code", {}, one.value)),
					),
				),
			),
		);
	}
	const notes = notesOf(tree, lines);
	const leading = new Set(call.leading);
	const names = inOrder([...tree.keys()], call.leading);
	const row = (name) => {
		const at = `/${part(name)}`;
		return h(
			"div",
			{ class: `arg ${leading.has(name) ? "leads" : ""}` },
			h("dt", {}, line(name)),
			h("dd", {}, valueView(tree.get(name), at, 0, notes)),
		);
	};
	const first = Math.max(SHOWN, leading.size);
	const table = h("dl", { class: "args" }, names.slice(0, first).map(row));
	const rest = names.slice(first);
	const more =
		rest.length > 0 &&
		h(
			"button",
			{
				class: "link more",
				type: "button",
				"aria-expanded": "false",
				onclick: () => {
					table.append(...rest.map(row));
					more.remove();
					table.tabIndex = -1;
					table.focus();
				},
			},
			`Show ${plural(rest.length, "more argument")}`,
		);
	return frame(names.length ? table : h("p", { class: "faint" }, "No arguments."), more);
}

/** The contents that the arguments name: those that were not read, and those that were. */
function named(call) {
	const { sections } = (call.uncovered ?? call).rendered;
	const find = (name) => sections.find((section) => section.name === name);
	const contents = find("contents");
	const show = ({ label, value, reads, tone }) =>
		h(
			"div",
			{ class: `tone-${tone}` },
			label && h("b", {}, label, " "),
			value,
			reads && h("span", { class: "reads" }, reads),
		);
	return [
		find("risk")
			?.lines.slice(1)
			.map(({ value }) => h("p", { class: "faint" }, value)),
		contents && [
			h("h3", {}, "Contents", h("span", { class: "origin" }, contents.label)),
			h("pre", { class: "contents", tabindex: "0" }, contents.lines.map(show)),
		],
	];
}
