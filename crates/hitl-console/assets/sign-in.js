// <hitl-sign-in>: asks for a token, once per tab.

import { session } from "./api.js";
import { fill, h, say } from "./dom.js";
import { shadow } from "./style.js";

/** Where the page is to go after another page has signed somebody in: the hash of its address. */
export const AFTER_SIGN_IN = "hitl-after-sign-in";

export class SignIn extends HTMLElement {
	#root = shadow(this);

	async connectedCallback() {
		let how = { with: "token" };
		try {
			how = await session.get("api/sign-in");
		} catch {
			// The token can still be entered.
		}
		if (how.with === "page") {
			fill(
				this.#root,
				h(
					"div",
					{ class: "sign-in" },
					h("h1", {}, "Sign in to review"),
					h(
						"a",
						{
							class: "act main",
							href: how.page,
							onclick: () => location.hash && sessionStorage.setItem(AFTER_SIGN_IN, location.hash),
						},
						"Sign in",
					),
				),
			);
			return;
		}
		const note = h("p", { class: "note", role: "alert" });
		const token = h("input", {
			type: "password",
			name: "token",
			autocomplete: "current-password",
			spellcheck: "false",
			required: true,
		});
		const button = h("button", { class: "act main", type: "submit" }, h("span", {}, "Sign in"));
		fill(
			this.#root,
			h(
				"div",
				{ class: "sign-in" },
				h("h1", {}, "Sign in to review"),
				h("p", { class: "faint" }, "Decisions are recorded under your name. The token stays in this tab."),
				h(
					"form",
					{
						onsubmit: async (event) => {
							event.preventDefault();
							if (!token.value.trim()) return token.focus();
							button.disabled = true;
							say(note, "");
							try {
								await session.signIn(token.value.trim());
							} catch (error) {
								say(note, error.message);
								button.disabled = false;
								token.select();
							}
						},
					},
					h("label", {}, h("span", {}, "Token"), token),
					note,
					button,
				),
			),
		);
		token.focus();
	}
}
