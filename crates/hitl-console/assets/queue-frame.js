// The frame of the queue: the list at one side, the selected call at the other.

import { h } from "./dom.js";
import { icon } from "./icons.js";

/** `side` is what the list's side holds, `card` the selected call, and `back` leads from it to the list on a phone. */
export function frame(side, card, back) {
	const nothing = h(
		"div",
		{ class: "nothing" },
		h("p", {}, "Choose a call to see what it would do."),
		h(
			"p",
			{ class: "faint" },
			h("kbd", {}, "J"),
			" and ",
			h("kbd", {}, "K"),
			" move, ",
			h("kbd", {}, "?"),
			" lists all keys.",
		),
	);
	const backward = h("button", { class: "link backward", type: "button", onclick: back }, icon("back"), "Queue");
	return h(
		"div",
		{ class: "queue" },
		h("section", { class: "side", "aria-label": "Queue" }, side),
		h("section", { class: "detail", "aria-label": "Call" }, backward, card, nothing),
	);
}
