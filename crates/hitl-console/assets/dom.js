// Creates elements. Text is inserted as text nodes only, with invisible characters made visible.

import { seen } from "./text.js";

const SVG = "http://www.w3.org/2000/svg";

function build(node, props, children) {
	for (const [name, value] of Object.entries(props ?? {})) {
		if (value === undefined || value === null || value === false) continue;
		if (name.startsWith("on")) node.addEventListener(name.slice(2), value);
		else if (name === "class") node.setAttribute("class", value);
		else if (name === "vars") for (const [k, v] of Object.entries(value)) node.style.setProperty(k, v);
		else if (name === "value") node.value = value;
		else node.setAttribute(name, value === true ? "" : seen(value));
	}
	add(node, children);
	return node;
}

function add(node, children) {
	for (const child of children.flat(Infinity)) {
		if (child === undefined || child === null || child === false) continue;
		node.append(child instanceof Node ? child : document.createTextNode(seen(child)));
	}
}

/** An element: `h("p", { class: "faint" }, "text", otherElement)`. */
export function h(tag, props, ...children) {
	return build(document.createElement(tag), props, children);
}

/** The same for an SVG element. */
export function s(tag, props, ...children) {
	return build(document.createElementNS(SVG, tag), props, children);
}

/** Replaces the content of `node`. */
export function fill(node, ...children) {
	node.replaceChildren();
	add(node, children);
	return node;
}

/** Sets a text only if it has changed, so that screen readers do not announce it again. */
export function say(node, text) {
	const shown = seen(text);
	if (node.textContent !== shown) node.textContent = shown;
}

/** Returns whether key presses are input for that element. */
export function isTyping(event) {
	const at = event.composedPath()[0];
	return (
		at instanceof HTMLElement && (at.matches("input:not([type=checkbox]), textarea, select") || at.isContentEditable)
	);
}
