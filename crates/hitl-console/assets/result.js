// The result of a call that has run, without secrets.

import { h } from "./dom.js";
import { parse } from "./json.js";
import { valueView } from "./value-view.js";

export function result(call) {
	const { result: text, resultWithheld: why } = call;
	if (text === undefined && why === undefined) return null;
	let shown;
	try {
		shown =
			why !== undefined ? h("p", { class: "faint" }, `Not shown: ${why}.`) : valueView(parse(text), "", 0, new Map());
	} catch {
		shown = h("code", {}, text);
	}
	return h(
		"section",
		{ class: "result", "aria-label": "Result" },
		h("h3", {}, "Result", h("span", { class: "origin" }, "what the tool gave; secrets masked")),
		h("div", { class: "args" }, shown),
	);
}
