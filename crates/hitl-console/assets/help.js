// The list of keys.

import { h } from "./dom.js";
import { extend, shadow } from "./style.js";

const GROUPS = {
	"The queue": [
		["J, K", "next and previous call"],
		["N", "next call after a decision"],
		["/", "search titles and arguments"],
		["V", "dense rows"],
		["1 … 5", "queue, tasks, grants, policies, history"],
	],
	"This call": [
		["A", "approve; what is risky: once more, or hold it"],
		["R", "reject"],
		["⇧ R", "reject with a reason"],
		["E", "edit the arguments, then approve"],
		["I", "answer the model instead"],
		["G", "always allow: give a grant"],
		["T", "more time before it expires"],
		["B", "take your approval back, while it does not start yet"],
		["U", "uncover what is masked (recorded in the audit)"],
		["H", "what happened to it"],
		["S", "stop the whole run"],
		["W", "withdraw the question: neither yes nor no"],
	],
	"Several calls": [
		["X", "select this call, if it needs a quick look only"],
		["⇧ X", "select all from the last selected one to this"],
		["*", "select all that are listed, or none"],
		["⇧ A", "approve the selected calls"],
		["⇧ R", "reject the selected calls"],
	],
	Everywhere: [
		["Ctrl ⏎", "send what you typed"],
		["Esc", "back"],
		["?", "this list"],
	],
};

function entry([key, what]) {
	return h(
		"div",
		{},
		h(
			"dt",
			{},
			key.split(/, | /).map((part) => h("kbd", {}, part)),
		),
		h("dd", {}, what),
	);
}

class Help extends HTMLElement {
	async connectedCallback() {
		const root = shadow(this);
		await extend(root);
		const dialog = h(
			"dialog",
			{ class: "help", "aria-labelledby": "keys", onclose: () => this.remove() },
			h("h2", { id: "keys" }, "Keys"),
			h(
				"div",
				{ class: "keys" },
				Object.entries(GROUPS).map(([name, keys]) => h("section", {}, h("h3", {}, name), h("dl", {}, keys.map(entry)))),
			),
			h(
				"form",
				{ method: "dialog" },
				h("button", { class: "act", type: "submit", autofocus: true }, h("span", {}, "Close")),
			),
		);
		root.append(dialog);
		dialog.showModal();
	}
}
customElements.define("hitl-help", Help);

export function help() {
	if (!document.querySelector("hitl-help")) document.body.append(document.createElement("hitl-help"));
}
