// <hitl-history>: past decisions, in numbers and line by line.

import { session } from "./api.js";
import { fill, h } from "./dom.js";
import { icon } from "./icons.js";
import { shares, stacked } from "./charts.js";
import { Row } from "./queue-list.js";
import { extend, shadow } from "./style.js";
import { plural } from "./text.js";
import { setClock, span } from "./time.js";

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

export class History extends HTMLElement {
	#root = shadow(this);
	#days = 14;

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
			const [stats, ended] = await Promise.all([
				session.get(`api/stats?days=${this.#days}`),
				session.get(`api/calls?which=ended&order=newest&days=${this.#days}&limit=100`),
			]);
			setClock(ended.now);
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

	#show(stats, ended) {
		const choose = h(
			"select",
			{
				"aria-label": "Days",
				onchange: () => {
					this.#days = Number(choose.value);
					this.load();
				},
			},
			[7, 14, 30, 90].map((days) => h("option", { value: days }, `Last ${days} days`)),
		);
		choose.value = this.#days;
		const decided = stats.decided > 0;
		const approved = stats.byConfidence.reduce((sum, band) => sum + band.approved, 0);
		const fact = (value, name) => h("div", {}, h("dt", {}, name), h("dd", {}, value));
		const list = h("ul", { class: "list", "aria-label": "Calls that have ended" });
		const card = document.createElement("hitl-approval-card");
		const hint = h("p", { class: "faint" }, "Choose a call to see its details and history.");
		const rows = ended.calls.map(
			(call) =>
				new Row(call, {
					check: () => {},
					pick: (id) => {
						for (const row of rows) row.button.removeAttribute("aria-current");
						rows.find((row) => row.call.id === id)?.button.setAttribute("aria-current", "true");
						hint.remove();
						card.callId = id;
						card.scrollIntoView({ block: "nearest" });
					},
				}),
		);
		list.append(...rows.map((row) => row.element));
		fill(
			this.#root,
			h(
				"div",
				{ class: "history" },
				h("header", { class: "head" }, h("h2", {}, "History"), choose),
				h(
					"dl",
					{ class: "facts" },
					fact(stats.calls.toLocaleString("en"), "calls"),
					fact(stats.decided.toLocaleString("en"), "decided by people"),
					fact(decided ? `${Math.round((100 * approved) / stats.decided)} %` : "–", "of these approved"),
					fact(decided ? span(stats.medianSeconds * 1000) : "–", "median time to decide"),
					fact(decided ? span(stats.p90Seconds * 1000) : "–", "nine in ten within"),
				),
				stats.cut && h("p", { class: "warnings" }, icon("warn"), "There were more calls than are counted here."),
				h("div", { class: "plots" }, this.#perDay(stats), decided && this.#times(stats), decided && this.#bands(stats)),
				h("h3", {}, "The last ", plural(rows.length, "call"), " that ended"),
				rows.length
					? h("div", { class: "past" }, list, h("div", {}, hint, card))
					: h("div", { class: "empty" }, icon("clock"), h("p", {}, "Nothing has ended in these days.")),
			),
		);
	}

	#perDay(stats) {
		const today = Date.now();
		const columns = Array.from({ length: this.#days }, (_, back) => {
			const day = new Date(today - (this.#days - 1 - back) * DAY).toISOString().slice(0, 10);
			const of = stats.byDay[day] ?? {};
			return {
				name: day,
				short: `${Number(day.slice(8))}.${Number(day.slice(5, 7))}.`,
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
}
