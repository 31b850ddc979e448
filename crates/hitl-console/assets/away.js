// The reviewer's own absence: until when, and who is shown their calls meanwhile.

import { session } from "./api.js";
import { fill, h, say } from "./dom.js";
import { extend, shadow } from "./style.js";
import { clockTime } from "./time.js";

/** A moment as the browser's own field for it takes it: local time, to the minute. */
const local = (moment) => new Date(moment - moment.getTimezoneOffset() * 60000).toISOString().slice(0, 16);

class Away extends HTMLElement {
	#list = h("div", {});
	#note = h("p", { class: "note", role: "alert" });

	async connectedCallback() {
		const root = shadow(this);
		await extend(root);
		const until = h("input", { type: "datetime-local", required: true, value: local(new Date(Date.now() + 86400000)) });
		const deputy = h("input", { type: "text", maxlength: "256", autocomplete: "off" });
		const dialog = h(
			"dialog",
			{ class: "away", "aria-labelledby": "away", onclose: () => this.remove() },
			h("h2", { id: "away" }, "Away"),
			this.#list,
			h(
				"form",
				{
					onsubmit: (event) => {
						event.preventDefault();
						const body = { until: new Date(until.value).toISOString() };
						if (deputy.value.trim()) body.deputy = deputy.value.trim();
						this.#send("api/absences/mine", body);
					},
				},
				h("label", {}, h("span", {}, "Away until"), until),
				h("label", {}, h("span", {}, "Deputy, who is shown the calls that are assigned to you"), deputy),
				h("p", { class: "faint" }, "The deputy gains no right. It ends by itself."),
				h(
					"div",
					{ class: "acts" },
					h("button", { class: "act main", type: "submit" }, h("span", {}, "I am away")),
					h(
						"button",
						{ class: "act", type: "button", onclick: () => this.#send("api/absences/end", {}) },
						h("span", {}, "I am back"),
					),
					h("button", { class: "link", type: "button", onclick: () => dialog.close() }, "Close"),
				),
				this.#note,
			),
		);
		root.append(dialog);
		dialog.showModal();
		try {
			this.#show(await session.get("api/absences"));
		} catch (error) {
			say(this.#note, error.message);
		}
	}

	async #send(path, body) {
		try {
			this.#show(await session.post(path, body));
			say(this.#note, "");
		} catch (error) {
			say(this.#note, error.message);
		}
	}

	#show({ away }) {
		fill(
			this.#list,
			away.length
				? h(
						"ul",
						{},
						away.map(({ who, until, deputy }) =>
							h("li", {}, h("strong", {}, who), ` until ${clockTime(until)}${deputy ? `; ${deputy} stands in` : ""}`),
						),
					)
				: h("p", { class: "faint" }, "Nobody is away."),
		);
	}
}
customElements.define("hitl-away", Away);

export function away() {
	if (!document.querySelector("hitl-away")) document.body.append(document.createElement("hitl-away"));
}
