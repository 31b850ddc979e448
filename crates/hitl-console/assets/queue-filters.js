// The controls above the list: search, order, filters, groups and how the list looks.

import { setNotifications, setSound } from "./alerts.js";
import { fill, h, say } from "./dom.js";
import { preference, setPreference } from "./preferences.js";
import { GROUPINGS, agentOf } from "./queue-groups.js";
import { words } from "./text.js";

const LEVELS = { "": "All levels", quick: "Quick look", full: "Full review" };
const RISKS = {
	"": "All risks",
	low: "Low risk",
	medium: "Medium risk",
	high: "High risk",
	critical: "Critical risk",
};
const ORDERS = { priority: "Most urgent first", due: "Due first", oldest: "Oldest first" };
// The most agents, or runs, that a select lists.
const MOST = 100;

const options = (pairs) => Object.entries(pairs).map(([value, name]) => h("option", { value }, name));

export class QueueFilters {
	/** The values as the server takes them. */
	values = { order: "priority", level: "", risk: "", tool: "", agent: "", run: "", mine: "", text: "" };
	#changed;
	#looks;
	#seen = { agent: new Set(), run: new Set() };
	#selects = {};
	#toggle;
	#dense;

	/** `changed(wait)` is called when calls have to be read again, and `looks()` when only the list looks different. */
	constructor({ changed, looks }) {
		this.#changed = changed;
		this.#looks = looks;
		const choose = (name, label, pairs) =>
			(this.#selects[name] = h(
				"select",
				{ "aria-label": label, onchange: (event) => this.set(name, event.target.value) },
				options(pairs),
			));
		this.search = h("input", {
			type: "search",
			placeholder: "Search",
			"aria-label": "Search titles and arguments",
			oninput: () => this.set("text", this.search.value.trim(), 200),
			onkeydown: (event) => event.key === "Escape" && this.search.blur(),
		});
		const group = h(
			"select",
			{
				"aria-label": "Group",
				onchange: () => {
					setPreference("group", group.value);
					this.#looks();
				},
			},
			Object.entries(GROUPINGS).map(([value, [name]]) => h("option", { value }, name)),
		);
		group.value = preference("group");
		const rows = h(
			"div",
			{ class: "filters", hidden: !preference("filters") },
			choose("level", "Level", LEVELS),
			choose("risk", "Risk", RISKS),
			choose("tool", "Tool", { "": "All tools" }),
			choose("agent", "Agent", { "": "All agents" }),
			choose("run", "Run", { "": "All runs" }),
			choose("mine", "Assigned", { "": "Everybody's", true: "Assigned to me" }),
			group,
		);
		this.#toggle = this.#opener("Filters", rows, "filters");
		this.#dense = this.#box("Dense rows", "V", null, () => this.toggleDense());
		const view = h(
			"div",
			{ class: "looks", hidden: !preference("looks") },
			this.#dense,
			this.#box("Open the next call after a decision", null, "advance", (on) => setPreference("advance", on)),
			this.#box("Sound for new calls", null, "sound", setSound),
			this.#box("Notify of new calls", null, "notify", async (on, box) => (box.checked = await setNotifications(on))),
		);
		this.element = [
			h(
				"div",
				{ class: "first" },
				this.search,
				choose("order", "Order", ORDERS),
				this.#toggle,
				this.#opener("View", view, "looks"),
			),
			rows,
			view,
		];
	}

	/** A button that shows and hides a row of controls. */
	#opener(name, rows, remembered) {
		const button = h(
			"button",
			{
				class: "act small",
				type: "button",
				"aria-expanded": String(!rows.hidden),
				onclick: () => {
					rows.hidden = !rows.hidden;
					setPreference(remembered, !rows.hidden);
					button.setAttribute("aria-expanded", String(!rows.hidden));
				},
			},
			name,
		);
		return button;
	}

	#box(name, key, of, change) {
		const box = h("input", { type: "checkbox", onchange: () => change(box.checked, box) });
		if (of) box.checked = preference(of);
		return h(
			"label",
			{ class: "check" },
			box,
			h("span", {}, name, key && [" ", h("kbd", { "aria-hidden": "true" }, key)]),
		);
	}

	/** Shows whether the rows are dense. */
	set dense(on) {
		this.#dense.querySelector("input").checked = on;
	}

	toggleDense() {
		setPreference("dense", !(preference("dense") ?? this.#dense.querySelector("input").checked));
		this.#looks();
	}

	set(name, value, wait = 0) {
		this.values[name] = value;
		// A filter that is not seen is said.
		say(this.#toggle, this.count ? `Filters (${this.count})` : "Filters");
		const select = this.#selects[name];
		if (select && select.value !== value) {
			if (![...select.options].some((option) => option.value === value)) select.append(h("option", { value }, value));
			select.value = value;
		}
		this.#changed(wait);
	}

	get count() {
		const { order, text, ...filters } = this.values;
		return Object.values(filters).filter(Boolean).length;
	}

	get isNarrow() {
		return this.count > 0 || Boolean(this.values.text);
	}

	get query() {
		return Object.entries(this.values).filter(([, value]) => value);
	}

	/** Lists the tools of the console, and the agents and runs that were seen in the queue. */
	offer(tools, calls) {
		const known = tools.includes(this.values.tool) || !this.values.tool ? tools : [...tools, this.values.tool];
		this.#fill("tool", "All tools", known, words);
		for (const call of calls) {
			if (this.#seen.agent.size < MOST) this.#seen.agent.add(agentOf(call));
			if (this.#seen.run.size < MOST) this.#seen.run.add(call.run);
		}
		this.#fill("agent", "All agents", [...this.#seen.agent].sort(), String);
		this.#fill("run", "All runs", [...this.#seen.run], String);
	}

	#fill(name, all, values, words) {
		const select = this.#selects[name];
		const now = this.values[name];
		const every = now && !values.includes(now) ? [...values, now] : values;
		if (
			select.options.length === every.length + 1 &&
			every.every((value, at) => select.options[at + 1].value === value)
		)
			return;
		fill(
			select,
			h("option", { value: "" }, all),
			every.map((value) => h("option", { value }, words(value))),
		);
		select.value = now;
	}

	/** Returns whether a call that changed passes; null if only the server can tell. */
	fits(call) {
		const { level, risk, tool, agent, text, run, mine } = this.values;
		const is = (wanted, there) => !wanted || wanted === there;
		if (!(is(level, call.level) && is(risk, call.risk) && is(tool, call.tool) && is(agent, agentOf(call))))
			return false;
		if ((run && run !== call.run) || mine) return null;
		return !text || call.title.toLowerCase().includes(text.toLowerCase()) ? true : null;
	}
}
