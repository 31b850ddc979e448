// <hitl-tasks>: the tasks that run and those that have just ended, with a filter.

import { fill, h } from "./dom.js";
import { session } from "./api.js";
import { extend, shadow } from "./style.js";

// Milliseconds between two readings of a journal.
const JOURNAL_INTERVAL = 10000;

const STATES = {
	"": "All tasks",
	running: "Running",
	waiting: "Waiting for a human",
	failed: "Failed",
	cancelled: "Cancelled",
	completed: "Completed",
};

export class Tasks extends HTMLElement {
	#root = shadow(this);
	#cards = new Map();
	#dismissed = new Set(JSON.parse(sessionStorage.getItem("hitl-dismissed") ?? "[]"));
	#grid = h("div", { class: "grid" });
	#empty = h("div", { class: "empty" });
	#note = h("p", { class: "faint" });
	#leave = [];
	#again = null;
	#search = h("input", {
		type: "search",
		placeholder: "Search names",
		"aria-label": "Search names",
		oninput: () => this.#filter(),
	});
	#state = h(
		"select",
		{ "aria-label": "State", onchange: () => this.#filter() },
		Object.entries(STATES).map(([value, name]) => h("option", { value }, name)),
	);

	async connectedCallback() {
		await extend(this.#root);
		fill(
			this.#root,
			h(
				"div",
				{ class: "tasks" },
				h("header", { class: "head" }, h("h2", {}, "Tasks"), h("div", { class: "narrow" }, this.#search, this.#state)),
				this.#note,
				this.#grid,
				this.#empty,
			),
		);
		const listen = (kind, to) => {
			session.stream.addEventListener(kind, to);
			this.#leave.push(() => session.stream.removeEventListener(kind, to));
		};
		listen("task", ({ detail }) => this.#put(detail));
		listen("gap", () => this.load());
		listen("state", () => session.stream.state === "live" && this.load());
		this.addEventListener("dismiss", ({ detail }) => {
			this.#dismissed.add(detail);
			sessionStorage.setItem("hitl-dismissed", JSON.stringify([...this.#dismissed].slice(-200)));
			this.#cards.delete(detail);
			this.#filter();
			// The button that had the focus is gone.
			this.#search.focus();
		});
		this.load();
	}

	disconnectedCallback() {
		for (const leave of this.#leave.splice(0)) leave();
		clearTimeout(this.#again);
	}

	async load() {
		if (!session.me) return;
		try {
			const { tasks, journaled = false } = await session.get("api/tasks");
			this.#journaled(journaled);
			const there = new Set(tasks.map((task) => task.taskId));
			for (const [id, card] of this.#cards) {
				if (!there.has(id)) {
					card.remove();
					this.#cards.delete(id);
				}
			}
			tasks.forEach((task) => this.#put({ ...task, journaled }));
			this.#filter();
		} catch (error) {
			fill(this.#empty, h("p", { role: "alert" }, error.message));
		}
	}

	/** Tasks of a journal send no events: they are read again, and the page says that they are not live. */
	#journaled(journaled) {
		clearTimeout(this.#again);
		fill(
			this.#note,
			journaled &&
				`Not live: as the journal last recorded them, read at ${new Date().toLocaleTimeString()}. A task whose process died is listed as running.`,
		);
		if (journaled && this.isConnected) this.#again = setTimeout(() => this.load(), JOURNAL_INTERVAL);
	}

	#put(task) {
		// A task that runs again is shown again.
		if (!task.completedAt) this.#dismissed.delete(task.taskId);
		if (this.#dismissed.has(task.taskId)) return;
		let card = this.#cards.get(task.taskId);
		if (!card) {
			card = document.createElement("hitl-task-card");
			this.#cards.set(task.taskId, card);
			this.#grid.append(card);
		}
		card.task = task;
		this.#filter();
	}

	#filter() {
		const [text, state] = [this.#search.value.trim().toLowerCase(), this.#state.value];
		let shown = 0;
		for (const card of this.#cards.values()) {
			const { task } = card;
			const is = task.waiting ? "waiting" : task.status;
			const fits = (!state || state === is) && (!text || task.taskName.toLowerCase().includes(text));
			card.hidden = !fits;
			shown += fits;
		}
		fill(
			this.#empty,
			!shown &&
				(this.#cards.size
					? h("p", {}, "No task matches the filter.")
					: [
							h("p", {}, h("strong", {}, "No tasks are running.")),
							h("p", { class: "faint" }, "Long-running work shows its progress here."),
						]),
		);
	}
}
