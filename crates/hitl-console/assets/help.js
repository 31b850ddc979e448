// The list of keys.

import { h } from "./dom.js";
import { extend, shadow } from "./style.js";

const KEYS = [
	["J, K", "next and previous call"],
	["A", "approve"],
	["R", "reject"],
	["E", "edit the arguments, then approve"],
	["U", "uncover what is masked (recorded in the audit)"],
	["X", "select a quick call, to decide several at once"],
	["/", "search"],
	["Ctrl Enter", "send what you typed"],
	["Esc", "back"],
	["?", "this list"],
];

class Help extends HTMLElement {
	async connectedCallback() {
		const root = shadow(this);
		await extend(root);
		const dialog = h(
			"dialog",
			{ class: "help", "aria-labelledby": "keys", onclose: () => this.remove() },
			h("h2", { id: "keys" }, "Keys"),
			h(
				"dl",
				{},
				KEYS.map(([key, what]) =>
					h(
						"div",
						{},
						h(
							"dt",
							{},
							key.split(/, | /).map((part) => h("kbd", {}, part)),
						),
						h("dd", {}, what),
					),
				),
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
