// The elements, for any page: <script type="module" src=".../assets/hitl.js"></script>
//
//   <hitl-queue></hitl-queue>
//   <hitl-approval-card call="0198..."></hitl-approval-card>
//   <hitl-task-card></hitl-task-card>     (its `task` property is what `api/tasks` says)
//   <hitl-tasks></hitl-tasks>             (after `withTasks()`)
//   <hitl-history></hitl-history>         (after `withHistory()`)
//   <hitl-grants></hitl-grants>           (after `withGrants()`)
//   <hitl-policies></hitl-policies>       (after `withPolicies()`)
//
// They use the console that served this file. If the host's own sign-in is enough, the tag is all;
// otherwise call `signIn(token)`, for which <hitl-sign-in> is a form.

import { session } from "./api.js";
import { Queue } from "./queue.js";
import { SignIn } from "./sign-in.js";

function define(name, element) {
	if (!customElements.get(name)) customElements.define(name, element);
}

define("hitl-sign-in", SignIn);
define("hitl-queue", Queue);

// The cards follow the queue: the list is there before them.
const cards = Promise.all([
	import("./approval-card.js").then(({ ApprovalCard }) => define("hitl-approval-card", ApprovalCard)),
	import("./task-card.js").then(({ TaskCard }) => define("hitl-task-card", TaskCard)),
]);

/** Waits for the cards, which are on their way. */
export const withCards = () => cards;

/** Loads the tasks, likewise. */
export async function withTasks() {
	await cards;
	define("hitl-tasks", (await import("./tasks.js")).Tasks);
}

/** Loads the history, whose plots are fetched only when needed. */
export async function withHistory() {
	define("hitl-history", (await import("./history.js")).History);
}

/** Loads the grants, likewise. */
export async function withGrants() {
	define("hitl-grants", (await import("./grants.js")).Grants);
}

/** Loads the rule files, likewise. */
export async function withPolicies() {
	define("hitl-policies", (await import("./policies.js")).Policies);
}

export const signIn = (token) => session.signIn(token);
export const signOut = () => session.signOut();
export { session as hitl };

// The console's own page starts by itself, and reports errors. Elsewhere nobody may be signed in
// yet: then the elements stay empty until somebody is.
if (!document.querySelector("hitl-console")) session.begin().catch(() => {});
