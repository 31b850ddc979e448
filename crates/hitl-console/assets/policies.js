// <hitl-policies>: the rules in force, and the version of a rule file that waits for acceptance.

import { session } from "./api.js";
import { fill, h, say } from "./dom.js";
import { icon } from "./icons.js";
import { extend, shadow } from "./style.js";
import { plural } from "./text.js";

// The host watches its files, and the stream reports no change of them.
const PERIOD = 10_000;

export class Policies extends HTMLElement {
	#root = shadow(this);
	#timer = null;
	#cards = new Map();
	#list = h("div", { class: "all" });
	#note = h("p", { class: "note", role: "alert" });
	#live = h("p", { class: "sr", role: "status" });

	async connectedCallback() {
		await extend(this.#root);
		fill(
			this.#root,
			h(
				"div",
				{ class: "grants" },
				h("header", { class: "head" }, h("h2", {}, "Policies")),
				h(
					"p",
					{ class: "faint" },
					"Changes that may relax a policy wait here. Until somebody accepts one, the stricter of both versions applies to every call; if the accepted version is unknown, every call is denied.",
				),
				this.#note,
				this.#list,
				this.#live,
			),
		);
		this.#timer = setInterval(() => this.load(), PERIOD);
		this.load();
	}

	disconnectedCallback() {
		clearInterval(this.#timer);
	}

	async load() {
		if (!session.me) return;
		try {
			const { policies } = await session.get("api/policies");
			for (const policy of policies) this.#put(policy);
			say(this.#note, "");
		} catch (error) {
			if (error.status !== 401) say(this.#note, error.message);
		}
	}

	#put(policy) {
		let card = this.#cards.get(policy.id);
		if (!card) {
			card = new PolicyCard((accepted) => {
				say(this.#live, `Accepted: ${accepted.file}`);
				card.show(accepted);
			});
			this.#cards.set(policy.id, card);
			this.#list.append(card.element);
		}
		card.show(policy);
	}
}

/** The state of a rule file: a sign and a few words, for everyone who sees it. */
function stateOf({ inForce, hasProblem, waits }) {
	if (!inForce) return ["stop", waits ? "Every call is denied until it is accepted" : "Every call is denied"];
	if (hasProblem) return ["warn", "The file does not load"];
	return waits ? ["warn", "Waiting to be accepted"] : ["check", "In force"];
}

/** One rule file. The file's content is always shown as text. */
class PolicyCard {
	#shown = "";
	#accepted;
	element = h("article", { class: "card grant" });

	constructor(accepted) {
		this.#accepted = accepted;
	}

	show(policy) {
		// A file that a person is reading or accepting is not replaced by an identical one.
		const now = JSON.stringify(policy);
		if (now === this.#shown) return;
		this.#shown = now;
		const { file, inForce, hasProblem, problem, waits, waiting, mayAccept } = policy;
		const [sign, name] = stateOf(policy);
		fill(
			this.element,
			h("header", {}, h("span", { class: "badge" }, icon(sign), name), h("h3", {}, file)),
			inForce &&
				h(
					"p",
					{},
					"In force: version ",
					h("strong", {}, inForce.version),
					" ",
					h("code", {}, inForce.digest.slice(0, 12)),
				),
			hasProblem &&
				h(
					"p",
					{ class: "note" },
					`The file does not load, so ${inForce ? "the version read before applies" : "every call is denied"}`,
					problem ? ": " : ".",
					problem,
				),
			waits &&
				!mayAccept &&
				h("p", { class: "faint" }, "Reviewers with the role that the host named can see and accept the change."),
			waiting && this.#waiting(policy),
		);
	}

	#waiting({ id, waiting }) {
		const { version, digest, relaxations, changes, unlisted, signature, untrusted } = waiting;
		const note = h("p", { class: "note", role: "alert" });
		let busy = false;
		const button = h(
			"button",
			{
				class: "act approve",
				type: "button",
				onclick: async () => {
					if (busy) return;
					busy = true;
					try {
						this.#accepted(await session.post(`api/policies/${id}/accept`, { digest }));
					} catch (error) {
						say(note, error.message);
						busy = false;
					}
				},
			},
			icon("check"),
			h("span", {}, "Accept this version"),
		);
		return h(
			"div",
			{ class: "told" },
			h("p", {}, "Version ", h("strong", {}, version), " is waiting: ", h("code", {}, digest)),
			untrusted &&
				h(
					"p",
					{ class: "note" },
					"The accepted version is unknown, so every call is denied. Read the whole file before you accept it: ",
					untrusted,
				),
			signature && h("p", {}, "No signature accepts it: ", signature),
			relaxations.length > 0 &&
				h(
					"ul",
					{},
					relaxations.map((line) => h("li", {}, line)),
				),
			unlisted > 0 &&
				h(
					"p",
					{ class: "note" },
					`${plural(unlisted, "changed line")} not listed, or not in full. Read the whole file, and compare it with \`text\` in the acceptance file on the host, before you accept it.`,
				),
			changes.length > 0 &&
				h(
					"ol",
					{ class: "changes", tabindex: "0", "aria-label": "Changed lines" },
					changes.map((line) => h("li", {}, line)),
				),
			note,
			h("div", { class: "acts" }, button),
		);
	}
}
