// The banner above every view: who froze, when and why. Freezing asks for a reason, thawing for a typed word.

import { session } from "./api.js";
import { fill, h, say } from "./dom.js";
import { icon } from "./icons.js";
import { ago, clockTime } from "./time.js";
import { wordsForm } from "./words-form.js";

const THAW = "thaw";
// The stream tells of freezes; this is for a message that was lost.
const PERIOD = 30_000;

export class FreezeBanner {
	#place;
	#button;
	#freezes = [];
	#known = false;
	#form = null;
	#note = h("p", { class: "note", role: "alert" });

	/** `place` shows the banner and the forms; `button` begins to freeze. */
	constructor(place, button) {
		this.#place = place;
		this.#button = button;
		button.onclick = () => this.#ask(this.#reason());
		const { stream } = session;
		for (const kind of ["freeze", "gap"]) stream.addEventListener(kind, () => this.load());
		stream.addEventListener("state", () => stream.state === "live" && this.load());
		setInterval(() => this.load(), PERIOD);
		this.load();
	}

	async load() {
		if (!session.me) return;
		const before = this.#told();
		try {
			this.#put(await session.get("api/freezes"));
		} catch (error) {
			// Nothing starts while the freezes cannot be read.
			if (error.status === 503) say(this.#note, `Whether something is frozen is not known: ${error.message}`);
		}
		// What is typed keeps its place.
		if (this.#told() !== before) this.#show();
	}

	#told() {
		return JSON.stringify([this.#known, this.#freezes, this.#note.textContent]);
	}

	#put({ freezes }) {
		this.#known = true;
		this.#freezes = freezes;
		say(this.#note, "");
	}

	#own() {
		return this.#freezes.some(({ reach }) => reach === "tenant");
	}

	#show() {
		this.#button.hidden = !this.#known || this.#own() || Boolean(this.#form);
		const frozen = this.#freezes.length > 0;
		this.#place.classList.toggle("is-frozen", frozen);
		fill(
			this.#place,
			frozen && h("div", { role: "alert" }, icon("stop"), h("div", {}, this.#freezes.map(line))),
			frozen &&
				this.#own() &&
				!this.#form &&
				h("button", { class: "act", type: "button", onclick: () => this.#ask(this.#word()) }, h("span", {}, "Thaw …")),
			this.#form,
			this.#note.textContent && this.#note,
		);
	}

	#ask(form) {
		this.#form = form;
		say(this.#note, "");
		this.#show();
		form.querySelector("input, textarea").focus();
	}

	#back() {
		this.#form = null;
		say(this.#note, "");
		this.#show();
		if (!this.#button.hidden) this.#button.focus();
	}

	async #send(path, body) {
		say(this.#note, "");
		try {
			this.#put(await session.post(path, body));
			this.#form = null;
		} catch (error) {
			say(this.#note, error.message);
		}
		this.#show();
	}

	#reason() {
		return wordsForm(
			{
				title: "Freeze: stop everything",
				explains:
					"No call of your tenant starts any more, in any process, until a person thaws it. Calls are still asked about and decided; approved ones wait. What runs already goes on.",
				label: "Why?",
				needed: true,
				button: "Freeze",
				kind: "reject",
			},
			null,
			{
				done: (reason) => this.#send("api/freeze", { reason }),
				missing: () => {
					say(this.#note, "Say why: those who find it frozen read it.");
					this.#show();
				},
				back: () => this.#back(),
			},
		);
	}

	#word() {
		const word = h("input", { type: "text", autocomplete: "off", spellcheck: "false" });
		return h(
			"form",
			{
				class: "asking",
				novalidate: true,
				onkeydown: (event) => event.key === "Escape" && this.#back(),
				onsubmit: (event) => {
					event.preventDefault();
					if (word.value.trim() === THAW) return this.#send("api/thaw", { confirm: THAW });
					say(this.#note, `Type the word “${THAW}”.`);
					this.#show();
					word.focus();
				},
			},
			h("h3", {}, "Thaw: let calls start again"),
			h("p", { class: "faint" }, "Calls that were approved meanwhile start at once, unless they have expired."),
			h("label", {}, h("span", {}, `Type “${THAW}”`), word),
			h(
				"div",
				{ class: "acts" },
				h("button", { class: "act main approve", type: "submit" }, h("span", {}, "Thaw")),
				h("button", { class: "link", type: "button", onclick: () => this.#back() }, "Back"),
			),
		);
	}
}

function line({ reach, by, reason, at }) {
	const what =
		reach === "all" ? "Everything is frozen: nothing starts." : "Your tenant is frozen: none of its calls starts.";
	const whose = reach === "all" && " Somebody who decides for all tenants thaws it.";
	return h(
		"p",
		{},
		h("strong", {}, what),
		` By ${by}, `,
		h("time", { datetime: at, title: clockTime(at) }, ago(at)),
		`: ${reason}`,
		whose,
	);
}
