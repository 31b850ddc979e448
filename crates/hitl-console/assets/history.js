// <hitl-history>: past decisions, in numbers and line by line.

import { session } from "./api.js";
import { fill, h } from "./dom.js";
import { icon } from "./icons.js";
import { shares, stacked } from "./charts.js";
import { Row } from "./queue-list.js";
import { extend, shadow } from "./style.js";
import { language, plural, words } from "./text.js";
import { dayName, setClock, span } from "./time.js";

const OUTCOMES = [
	"approved",
	"edited",
	"rejected",
	"responded",
	"aborted",
	"expired",
	"withdrawn",
	"denied",
	"granted",
	"auto",
];
const DAY = 86400000;
// The ends of a call, for the filter.
const ENDS = {
	"": "Every outcome",
	executed: "Done",
	failed: "Failed",
	rejected: "Rejected",
	responded: "Answered",
	expired: "Expired",
	cancelled: "Withdrawn",
	denied: "Denied",
};

export class History extends HTMLElement {
	#root = shadow(this);
	#days = 14;
	#filter = { text: "", tool: "", by: "", state: "" };
	#timer = null;
	#turn = 0;
	#list = h("ul", { class: "list", "aria-label": "Calls that have ended" });
	#heading = h("h3", {});
	#none = h("div", { class: "empty" });
	#hint = h("p", { class: "faint" }, "Choose a call to see its details and history.");
	#card = null;
	#rows = [];

	async connectedCallback() {
		await extend(this.#root);
		this.load();
	}

	async load() {
		if (!session.me) return;
		fill(
			this.#root,
			h(
				"div",
				{ class: "history" },
				h("div", { class: "skeleton", "aria-busy": "true" }, h("i", { class: "tall" }), h("i", {}), h("i", {})),
			),
		);
		try {
			const [stats, ended] = await Promise.all([session.get(`api/stats?days=${this.#days}`), this.#read()]);
			this.#show(stats, ended);
		} catch (error) {
			fill(
				this.#root,
				h(
					"div",
					{ class: "history" },
					h(
						"div",
						{ class: "empty" },
						icon("warn"),
						h("p", { role: "alert" }, error.message),
						h("button", { class: "act", type: "button", onclick: () => this.load() }, h("span", {}, "Try again")),
					),
				),
			);
		}
	}

	#read() {
		const query = new URLSearchParams({ which: "ended", order: "newest", days: this.#days, limit: 100 });
		for (const [name, value] of Object.entries(this.#filter)) if (value) query.set(name, value);
		return session.get(`api/calls?${query}`);
	}

	/** Reads the list again, with its filter. The numbers stay. */
	#narrow(name, value, wait = 0) {
		this.#filter[name] = value;
		clearTimeout(this.#timer);
		this.#timer = setTimeout(async () => {
			const turn = (this.#turn += 1);
			try {
				const ended = await this.#read();
				if (turn === this.#turn) this.#lines(ended);
			} catch (error) {
				fill(this.#none, icon("warn"), h("p", { role: "alert" }, error.message));
			}
		}, wait);
	}

	#lines(ended) {
		setClock(ended.now);
		this.#rows = ended.calls.map((call) => new Row(call, { check: () => {}, pick: (id) => this.#pick(id) }));
		fill(
			this.#list,
			this.#rows.map((row) => row.element),
		);
		const narrow = Object.values(this.#filter).some(Boolean);
		fill(this.#heading, `The last ${plural(ended.calls.length, "call")} that ended`, narrow && " and match");
		fill(
			this.#none,
			!ended.calls.length && [
				icon("clock"),
				h("p", {}, narrow ? "No call of these days matches." : "Nothing has ended in these days."),
			],
		);
	}

	#pick(id) {
		for (const row of this.#rows) row.button.removeAttribute("aria-current");
		this.#rows.find((row) => row.call.id === id)?.button.setAttribute("aria-current", "true");
		this.#hint.remove();
		this.#card.setAttribute("call", id);
		this.#card.scrollIntoView({ block: "nearest" });
	}

	#show(stats, ended) {
		const choose = (label, pairs, value, change) => {
			const select = h(
				"select",
				{ "aria-label": label, onchange: () => change(select.value) },
				pairs.map(([value, name]) => h("option", { value }, name)),
			);
			select.value = value;
			return select;
		};
		const days = [7, 14, 30, 90].map((days) => [String(days), `Last ${days} days`]);
		const named = (all, tallies, say) => [["", all], ...tallies.map(({ name }) => [name, say(name)])];
		const decided = stats.decided > 0;
		const approved = stats.byConfidence.reduce((sum, band) => sum + band.approved, 0);
		const fact = (value, name) => h("div", {}, h("dt", {}, name), h("dd", {}, value));
		const time = (seconds) => (decided ? span(seconds * 1000) : "–");
		this.#card = document.createElement("hitl-approval-card");
		const search = h("input", {
			type: "search",
			placeholder: "Search titles and arguments",
			"aria-label": "Search titles and arguments",
			value: this.#filter.text,
			oninput: () => this.#narrow("text", search.value.trim(), 200),
		});
		fill(
			this.#root,
			h(
				"div",
				{ class: "history" },
				h(
					"header",
					{ class: "head" },
					h("h2", {}, "History"),
					choose("Days", days, String(this.#days), (value) => {
						this.#days = Number(value);
						this.load();
					}),
				),
				h(
					"dl",
					{ class: "facts" },
					fact(stats.calls.toLocaleString(language()), "calls"),
					fact(stats.decided.toLocaleString(language()), "decided by people"),
					fact(decided ? `${Math.round((100 * approved) / stats.decided)} %` : "–", "of these approved"),
					fact(time(stats.medianSeconds), "median time to decide"),
					fact(time(stats.p90Seconds), "nine in ten within"),
					fact(time(stats.p99Seconds), "99 in 100 within"),
				),
				stats.cut && h("p", { class: "warnings" }, icon("warn"), "There were more calls than are counted here."),
				h("div", { class: "plots" }, this.#perDay(stats), decided && this.#times(stats), decided && this.#bands(stats)),
				decided &&
					h(
						"div",
						{ class: "tallies" },
						this.#tally("By tool", "Tool", stats.byTool, words),
						this.#tally("By reviewer", "Reviewer", stats.byReviewer, String),
					),
				this.#heading,
				h(
					"div",
					{ class: "narrow" },
					search,
					choose("Outcome", Object.entries(ENDS), this.#filter.state, (value) => this.#narrow("state", value)),
					choose("Tool", named("All tools", stats.byTool, words), this.#filter.tool, (value) =>
						this.#narrow("tool", value),
					),
					choose("Reviewer", named("All reviewers", stats.byReviewer, String), this.#filter.by, (value) =>
						this.#narrow("by", value),
					),
				),
				this.#none,
				h("div", { class: "past" }, this.#list, h("div", {}, this.#hint, this.#card)),
			),
		);
		this.#lines(ended);
	}

	#perDay(stats) {
		const today = Date.now();
		const columns = Array.from({ length: this.#days }, (_, back) => {
			const day = new Date(today - (this.#days - 1 - back) * DAY).toISOString().slice(0, 10);
			const of = stats.byDay[day] ?? {};
			return {
				name: dayName(day),
				short: dayName(day, "numeric"),
				parts: OUTCOMES.map((kind) => ({ kind, count: of[kind] ?? 0 })),
			};
		});
		return h(
			"figure",
			{},
			h("figcaption", {}, "Decisions per day, by outcome"),
			stacked("Decisions per day, by outcome", OUTCOMES, columns),
		);
	}

	#times(stats) {
		const name = ({ belowSeconds }) =>
			belowSeconds === undefined ? "longer" : `<${span(belowSeconds * 1000).replace(" ", "")}`;
		const columns = stats.timeToDecision.map((band) => ({
			name: name(band),
			parts: [{ kind: "decided", count: band.count }],
		}));
		return h("figure", {}, h("figcaption", {}, "Time to decision"), stacked("Time to decision", ["decided"], columns));
	}

	#bands(stats) {
		const bands = stats.byConfidence.map((band) => ({ name: `${band.from}+`, count: band.approved, of: band.decided }));
		return h(
			"figure",
			{},
			h("figcaption", {}, "How often people approved, by confidence (%)"),
			shares("Approval rate by confidence", bands),
		);
	}

	#tally(title, column, tallies, say) {
		const head = [column, "Decided", "Approved", "Median time"];
		const row = ({ name, decided, approved, medianSeconds }) =>
			h(
				"tr",
				{},
				h("th", { scope: "row" }, say(name)),
				h("td", {}, decided.toLocaleString(language())),
				h("td", {}, `${Math.round((100 * approved) / decided)} %`),
				h("td", {}, span(medianSeconds * 1000)),
			);
		return h(
			"section",
			{ class: "tally", "aria-label": title },
			h("h3", {}, title),
			h(
				"table",
				{},
				h(
					"thead",
					{},
					h(
						"tr",
						{},
						head.map((name) => h("th", { scope: "col" }, name)),
					),
				),
				h("tbody", {}, tallies.map(row)),
			),
		);
	}
}
