// <hitl-task-card>: one task: status, step n of N, bar, times, steps; cancelled, tried again or dismissed here.

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

/**
 * How far a task is, as `[length of the bar, words]`. The bar never falls: where a step begins again the words count what
 * is left from there.
 */
export function progressOf({ percent, reached = percent, fellTo, completedAt }) {
	const far = Math.max(reached, percent);
	if (fellTo === undefined || completedAt) return [far, `${far} %`];
	const left = 100 - fellTo;
	return [far, `${left ? Math.round((100 * (percent - fellTo)) / left) : 100} % of what is left`];
}

export class TaskCard extends HTMLElement {
	#root = shadow(this);
	#task = null;
	#open = false;
	#stop = null;
	#shown = null;
	#asking = false;
	#call = null;
	#looking = false;
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
	#waits = h("p", { class: "waits-for" });
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
				this.#waits,
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
		const [sign, name] = task.waiting ? ["wait", "Waiting for a human"] : (STATUS[task.status] ?? ["dot", task.status]);
		this.className = `status-${task.status}`;
		fill(this.#status, icon(sign), name);
		say(this.#name, task.taskName);
		const [far, words] = progressOf(task);
		say(this.#percent, words);
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
		this.#filled.style.setProperty("--score", far);
		this.#bar.setAttribute("aria-valuenow", far);
		this.#bar.setAttribute("aria-valuetext", words);
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
		this.#offer();
		this.#waitsFor();
		this.#tick();
	}

	/** The buttons; they are left alone while nothing about them changes, so that the focus stays. */
	#offer() {
		const { completedAt, retryable, journaled } = this.#task;
		const over = Boolean(completedAt);
		const shown = `${over} ${retryable} ${this.#asking && !over}`;
		if (shown === this.#shown) return;
		const had = this.#root.activeElement && this.#acts.contains(this.#root.activeElement);
		this.#shown = shown;
		if (over) this.#asking = false;
		fill(
			this.#acts,
			over
				? [
						retryable &&
							h(
								"button",
								{ class: "act main retry", type: "button", onclick: (event) => this.#post(event, "retry") },
								h("span", {}, "Try again"),
							),
						h("button", { class: "act", type: "button", onclick: () => this.#dismiss() }, h("span", {}, "Dismiss")),
					]
				: journaled
					? []
					: this.#asking
						? this.#confirm()
						: h(
								"button",
								{ class: "act reject", type: "button", onclick: () => this.#ask(true) },
								icon("stop"),
								h("span", {}, "Cancel…"),
							),
		);
		if (had) this.#acts.querySelector("button")?.focus();
	}

	#ask(asking) {
		this.#asking = asking;
		this.#offer();
		this.#acts.querySelector(asking ? "input" : "button")?.focus();
	}

	/** Cancelling asks first, and for the reason. */
	#confirm() {
		const reason = h("input", { type: "text", maxlength: "1000", autocomplete: "off" });
		return h(
			"form",
			{
				class: "cancelling",
				onsubmit: (event) => {
					event.preventDefault();
					this.#post(event, "cancel", reason.value.trim() ? { reason: reason.value.trim() } : {});
				},
				onkeydown: (event) => event.key === "Escape" && this.#ask(false),
			},
			h("p", {}, h("strong", {}, `Cancel “${this.#task.taskName}”?`), " It stops, and what it has done stays done."),
			h("label", {}, h("span", {}, "Reason (optional)"), reason),
			h(
				"div",
				{ class: "acts" },
				h("button", { class: "act reject main", type: "submit" }, h("span", {}, "Cancel the task")),
				h("button", { class: "link", type: "button", onclick: () => this.#ask(false) }, "Let it run"),
			),
		);
	}

	/** The call that it waits for. A gated call of a step has a run of the task's and the step's own. */
	async #waitsFor() {
		const { taskId, waiting, currentStep } = this.#task;
		if (!waiting) {
			this.#call = null;
			return fill(this.#waits);
		}
		if (this.#call || this.#looking) return;
		this.#looking = true;
		try {
			const run = encodeURIComponent(`task/${taskId}/step/${currentStep}`);
			const { calls } = await session.get(`api/calls?run=${run}&limit=1`);
			[this.#call = null] = calls;
			if (this.#call && this.#task.waiting)
				fill(
					this.#waits,
					icon("wait"),
					h("a", { href: session.url(`#queue/${this.#call.id}`).href }, this.#call.title),
				);
		} catch {
			// It is looked for again.
		} finally {
			this.#looking = false;
		}
	}

	#tick() {
		const task = this.#task;
		if (task?.waiting && !this.#call) this.#waitsFor();
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

	async #post(event, what, body = {}) {
		const button = event.submitter ?? event.currentTarget;
		button.disabled = true;
		try {
			await session.post(`api/tasks/${this.#task.taskId}/${what}`, body);
		} catch (error) {
			say(this.#note, error.message);
		} finally {
			button.disabled = false;
		}
	}

	#dismiss() {
		this.dispatchEvent(new CustomEvent("dismiss", { bubbles: true, composed: true, detail: this.#task.taskId }));
		this.remove();
	}
}
