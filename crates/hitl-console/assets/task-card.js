// <hitl-task-card>: one task: status, step n of N, bar, times, steps; stopped or dismissed here.

import { session } from "./api.js";
import { fill, h, say } from "./dom.js";
import { icon } from "./icons.js";
import { extend, shadow } from "./style.js";
import { now, span, ticking } from "./time.js";

const STATUS = {
	pending: ["wait", "Queued"],
	running: ["clock", "Running"],
	completed: ["check", "Completed"],
	failed: ["cross", "Failed"],
	cancelled: ["stop", "Cancelled"],
};

export class TaskCard extends HTMLElement {
	#root = shadow(this);
	#task = null;
	#open = false;
	#stop = null;
	#status = h("span", { class: "badge" });
	#step = h("p", { class: "step" });
	#filled = h("span", { class: "filled" });
	#bar = h(
		"div",
		{ class: "bar progress", role: "progressbar", "aria-valuemin": "0", "aria-valuemax": "100" },
		this.#filled,
	);
	#percent = h("strong", { class: "percent" });
	#times = h("p", { class: "faint times" });
	#steps = h("ol", { class: "steps" });
	#details = h(
		"details",
		{ ontoggle: () => (this.#open = this.#details.open) },
		h("summary", {}, "Steps"),
		this.#steps,
	);
	#acts = h("div", { class: "acts" });
	#note = h("p", { class: "note", role: "alert" });
	#name = h("h3", {});

	/** The server's last data about the task. */
	set task(task) {
		this.#task = task;
		this.#show();
	}

	get task() {
		return this.#task;
	}

	connectedCallback() {
		extend(this.#root);
		fill(
			this.#root,
			h(
				"article",
				{ class: "card task" },
				h("header", {}, h("div", { class: "badges" }, this.#status, this.#percent), this.#name, this.#step),
				this.#bar,
				this.#times,
				this.#details,
				this.#note,
				this.#acts,
			),
		);
		const hear = ({ detail }) => detail.taskId === this.#task?.taskId && (this.task = detail);
		session.stream.addEventListener("task", hear);
		const stop = ticking(this, 1000, () => this.#tick());
		this.#stop = () => {
			session.stream.removeEventListener("task", hear);
			stop();
		};
		this.#show();
	}

	disconnectedCallback() {
		this.#stop?.();
	}

	#show() {
		const task = this.#task;
		if (!task || !this.isConnected) return;
		const over = Boolean(task.completedAt);
		const [sign, name] = task.waiting ? ["wait", "Waiting for a human"] : (STATUS[task.status] ?? ["dot", task.status]);
		this.className = `status-${task.status}`;
		fill(this.#status, icon(sign), name);
		say(this.#name, task.taskName);
		say(this.#percent, `${task.percent} %`);
		const at = task.steps[task.currentStep];
		say(
			this.#step,
			task.status === "completed"
				? task.totalSteps === 1
					? "Done"
					: `All ${task.totalSteps} steps done`
				: at
					? `Step ${task.currentStep + 1} of ${task.totalSteps}: ${at.name}${task.message ? ` · ${task.message}` : ""}`
					: "",
		);
		this.#filled.style.setProperty("--score", task.percent);
		this.#bar.setAttribute("aria-valuenow", task.percent);
		this.#bar.setAttribute("aria-label", `Progress of ${task.taskName}`);
		fill(
			this.#steps,
			task.steps.map((step) =>
				h(
					"li",
					{ class: `step-${step.status}` },
					icon(STATUS[step.status]?.[0] ?? "dot"),
					h("span", {}, step.name, h("span", { class: "sr" }, `, ${step.status}`)),
					h(
						"span",
						{ class: "faint" },
						step.status === "running"
							? `${Math.round(step.progress)} %`
							: step.startedAt && step.completedAt
								? span(step.completedAt - step.startedAt)
								: "",
					),
				),
			),
		);
		say(this.#note, task.status === "failed" ? (task.error ?? "Failed.") : "");
		if (!this.#acts.firstChild || this.#acts.dataset.over !== String(over)) {
			this.#acts.dataset.over = String(over);
			fill(
				this.#acts,
				over
					? h("button", { class: "act", type: "button", onclick: () => this.#dismiss() }, h("span", {}, "Dismiss"))
					: h(
							"button",
							{ class: "act reject", type: "button", onclick: (event) => this.#cancel(event.currentTarget) },
							icon("stop"),
							h("span", {}, "Cancel"),
						),
			);
		}
		this.#tick();
	}

	#tick() {
		const task = this.#task;
		if (!task?.startedAt) return say(this.#times, "not started yet");
		const took = (task.completedAt ?? now()) - task.startedAt;
		const left = task.estimatedCompletionMs;
		say(
			this.#times,
			task.completedAt
				? `took ${span(took)}`
				: `${span(took)} so far${left === null || left === undefined ? "" : ` · about ${span(left)} left`}`,
		);
	}

	async #cancel(button) {
		button.disabled = true;
		try {
			await session.post(`api/tasks/${this.#task.taskId}/cancel`, {});
		} catch (error) {
			button.disabled = false;
			say(this.#note, error.message);
		}
	}

	#dismiss() {
		this.dispatchEvent(new CustomEvent("dismiss", { bubbles: true, composed: true, detail: this.#task.taskId }));
		this.remove();
	}
}
