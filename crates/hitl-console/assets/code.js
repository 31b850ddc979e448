// Asks for a one-time code, where the console requires more than the token. The typed code is sent
// with one request, and is not kept.

import { h } from "./dom.js";
import { shadow } from "./style.js";

class Code extends HTMLElement {
	connectedCallback() {
		const code = h("input", {
			type: "text",
			name: "code",
			autocomplete: "one-time-code",
			autocapitalize: "off",
			spellcheck: "false",
			maxlength: "64",
			required: true,
			autofocus: true,
		});
		const dialog = h(
			"dialog",
			{
				"aria-labelledby": "why",
				onclose: () => {
					this.remove();
					this.done(dialog.returnValue === "send" && code.value.trim() ? code.value.trim() : null);
				},
			},
			h(
				"form",
				{ method: "dialog" },
				h("p", { id: "why" }, this.why),
				h("label", {}, h("span", {}, `One-time code of ${this.name}`), code),
				h(
					"div",
					{ class: "acts" },
					h("button", { class: "act main", type: "submit", value: "send" }, h("span", {}, "Send")),
					h("button", { class: "link", type: "submit", value: "back", formnovalidate: true }, "Back"),
				),
			),
		);
		shadow(this).append(dialog);
		dialog.showModal();
	}
}
if (!customElements.get("hitl-code")) customElements.define("hitl-code", Code);

/** Asks a person for a code and says why. Nothing if they decline, or are being asked already. */
export function askCode(name, why) {
	if (document.querySelector("hitl-code")) return null;
	return new Promise((done) => {
		document.body.append(Object.assign(document.createElement("hitl-code"), { name, why, done }));
	});
}
