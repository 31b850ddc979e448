// <hitl-queue>: what waits, and the card of the call that is looked at.
//
// Lines beyond the screen are not drawn (content-visibility), and come in pages, so that a thousand
// are as smooth as ten.

import { console_ } from "./api.js";
import { fill, h, isTyping, say } from "./dom.js";
import { help } from "./help.js";
import { icon } from "./icons.js";
import { ORDERS, Row } from "./queue-list.js";
import { shadow } from "./style.js";
import { plural, words } from "./text.js";
import { setClock, ticking } from "./time.js";

const PAGE = 100;

export class Queue extends HTMLElement {
  #root = shadow(this);
  #rows = new Map();
  #order = [];
  #total = 0;
  #picked = null;
  #checked = new Set();
  #filter = { order: "priority", level: "", risk: "", tool: "", text: "" };
  #loading = 0;
  #recount = null;
  #changes = [];
  #leave = [];

  #list = h("ul", { class: "list", "aria-label": "Calls that wait" });
  #empty = h("div", { class: "empty" });
  #more = h("button", { class: "link more", type: "button", onclick: () => this.#page() }, "Show more");
  #status = h("p", { class: "counts" });
  #live = h("p", { class: "sr", role: "status", "aria-live": "polite" });
  #bulk = h("div", { class: "bulk", role: "region", "aria-label": "Selected calls" });
  #bulkNote = h("p", { class: "note", role: "alert" });
  #card = document.createElement("hitl-approval-card");
  #search = h("input", { type: "search", placeholder: "Search", "aria-label": "Search calls", oninput: () => this.#set("text", this.#search.value.trim(), 200) });
  #tools = h("select", { "aria-label": "Tool", onchange: (event) => this.#set("tool", event.target.value) });
  #timer = null;

  constructor() {
    super();
    const options = (pairs) => pairs.map(([value, name]) => h("option", { value }, name));
    const choose = (name, label, pairs) => h("select", { "aria-label": label, onchange: (event) => this.#set(name, event.target.value) }, options(pairs));
    fill(this.#root, h("div", { class: "queue" },
      h("section", { class: "side", "aria-label": "Queue" },
        h("div", { class: "tools" },
          h("div", { class: "first" }, this.#search, choose("order", "Order", [["priority", "Most urgent first"], ["due", "Due first"], ["oldest", "Oldest first"], ["newest", "Last changed first"]])),
          h("div", { class: "filters" },
            choose("level", "Level", [["", "Every level"], ["quick", "Quick look"], ["full", "Full review"]]),
            choose("risk", "Risk", [["", "Every risk"], ["low", "Low risk"], ["medium", "Medium risk"], ["high", "High risk"], ["critical", "Critical risk"]]),
            this.#tools),
          this.#status),
        this.#list, this.#empty, this.#more, this.#bulk),
      h("section", { class: "main", "aria-label": "Call" },
        h("button", { class: "link backward", type: "button", onclick: () => this.pick(null) }, icon("back"), "Queue"),
        this.#card, h("div", { class: "nothing" }, h("p", {}, "Choose a call to see what it would do."), h("p", { class: "faint" }, h("kbd", {}, "J"), " and ", h("kbd", {}, "K"), " move, ", h("kbd", {}, "?"), " lists all keys."))),
      this.#live));
    fill(this.#tools, options([["", "Every tool"]]));
    this.#card.addEventListener("decided", ({ detail }) => this.#decided(detail));
    new IntersectionObserver((seen) => seen.some((at) => at.isIntersecting) && this.#page(), { rootMargin: "600px" }).observe(this.#more);
  }

  connectedCallback() {
    const { stream } = console_;
    const listen = (to, kind, what) => {
      to.addEventListener(kind, what);
      this.#leave.push(() => to.removeEventListener(kind, what));
    };
    listen(stream, "call", ({ detail }) => this.#heard(detail.call));
    listen(stream, "gap", () => this.load());
    listen(stream, "state", () => stream.state === "live" && this.load());
    listen(console_, "signed-in", () => this.load());
    listen(document, "keydown", (event) => this.#key(event));
    this.#leave.push(ticking(this, 15000, () => this.#rows.forEach((row) => row.tick())));
    this.load();
  }

  disconnectedCallback() {
    for (const leave of this.#leave.splice(0)) leave();
  }

  get picked() {
    return this.#picked;
  }

  /** Looks at a call, or at none. */
  pick(id, focus = true) {
    if (this.#picked === id) return;
    this.#row(this.#picked)?.button.removeAttribute("aria-current");
    this.#picked = id;
    this.#card.callId = id;
    this.toggleAttribute("showing", Boolean(id));
    const row = this.#row(id);
    row?.button.setAttribute("aria-current", "true");
    if (focus) row?.button.focus({ preventScroll: true });
    row?.element.scrollIntoView({ block: "nearest" });
    this.dispatchEvent(new CustomEvent("pick", { detail: id }));
  }

  #row(id) {
    return this.#rows.get(id);
  }

  #set(name, value, wait = 0) {
    this.#filter[name] = value;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.load(), wait);
  }

  #path(skip, limit) {
    const query = new URLSearchParams(Object.entries(this.#filter).filter(([, value]) => value));
    query.set("skip", skip);
    query.set("limit", limit);
    return `api/calls?${query}`;
  }

  /** Reads the queue anew. */
  async load() {
    if (!console_.me) return;
    const turn = (this.#loading += 1);
    if (!this.#rows.size) this.#say(h("div", { class: "skeleton", "aria-busy": "true" }, h("i", {}), h("i", {}), h("i", {})));
    try {
      const listing = await console_.get(this.#path(0, Math.max(PAGE, Math.min(500, this.#order.length))));
      if (turn !== this.#loading) return;
      this.#changes = [];
      const keep = new Set(listing.calls.map((call) => call.id));
      for (const id of [...this.#rows.keys()]) if (!keep.has(id)) this.#drop(id);
      for (const call of listing.calls) this.#put(call);
      this.#arrange();
      this.#count(listing);
    } catch (error) {
      if (turn !== this.#loading || error.status === 401) return;
      this.#say(icon("warn"), h("p", { role: "alert" }, error.message), h("button", { class: "act", type: "button", onclick: () => this.load() }, h("span", {}, "Try again")));
    }
  }

  async #page() {
    if (!console_.me || this.#order.length >= this.#total || this.#more.disabled) return;
    this.#more.disabled = true;
    try {
      const turn = this.#loading;
      const listing = await console_.get(this.#path(this.#order.length, PAGE));
      if (turn !== this.#loading) return;
      for (const call of listing.calls) this.#put(call);
      this.#arrange();
      this.#count(listing);
    } catch {
      // The button stays, to be tried again.
    } finally {
      this.#more.disabled = false;
    }
  }

  #put(call) {
    const row = this.#row(call.id);
    if (!row) this.#rows.set(call.id, new Row(call, { pick: (id) => this.pick(id), check: (id, on) => this.#check(id, on) }));
    else if (row.call.version < call.version) row.show(call);
  }

  #drop(id) {
    this.#row(id)?.element.remove();
    this.#rows.delete(id);
    this.#checked.delete(id);
  }

  /** Puts the lines in order, touching only those that are out of place. */
  #arrange() {
    const rows = [...this.#rows.values()].sort((a, b) => ORDERS[this.#filter.order](a.call, b.call));
    this.#order = rows.map((row) => row.call.id);
    let at = this.#list.firstChild;
    for (const row of rows) {
      if (row.element === at) at = at.nextSibling;
      else this.#list.insertBefore(row.element, at);
    }
    this.#row(this.#picked)?.button.setAttribute("aria-current", "true");
    this.#bulkBar();
  }

  #count(listing) {
    setClock(listing.now);
    const { counts, total } = listing;
    this.#total = total;
    const filtered = total !== counts.all ? ` of ${counts.all.toLocaleString("en")}` : "";
    fill(this.#status, h("b", {}, `${total.toLocaleString("en")}${filtered}`), total === 1 && !filtered ? " waits" : " wait",
      counts.overdue > 0 && h("span", { class: "late" }, ` · ${counts.overdue} overdue`),
      h("span", { class: "faint" }, ` · ${counts.level.quick ?? 0} quick, ${counts.level.full ?? 0} full`), listing.cut && " · more than can be counted");
    const chosen = this.#filter.tool;
    const tools = Object.entries(counts.tool);
    if (chosen && !counts.tool[chosen]) tools.push([chosen, 0]);
    fill(this.#tools, h("option", { value: "" }, "Every tool"), tools.map(([tool, count]) => h("option", { value: tool }, `${words(tool)} (${count})`)));
    this.#tools.value = chosen;
    this.#more.hidden = this.#order.length >= total;
    this.dispatchEvent(new CustomEvent("count", { detail: counts.all }));
    if (this.#order.length) fill(this.#empty);
    else if (counts.all) this.#say(h("p", {}, "Nothing that waits fits the filter."));
    else this.#say(icon("check"), h("p", {}, h("strong", {}, "Nothing waits.")), h("p", { class: "faint" }, "What needs you will appear here by itself."));
  }

  #say(...what) {
    fill(this.#empty, what);
  }

  /** A call has changed. Changes that come together are shown together. */
  #heard(call) {
    this.#changes.push(call);
    if (this.#changes.length > 1) return;
    requestAnimationFrame(() => {
      const changes = this.#changes.splice(0);
      let arrived = null;
      for (const change of changes) {
        if (change.state === "pending" && this.#fits(change)) {
          if (!this.#row(change.id)) arrived = change;
          this.#put(change);
        } else {
          this.#drop(change.id);
        }
      }
      this.#arrange();
      if (arrived) say(this.#live, `New: ${arrived.title}, ${arrived.risk} risk`);
      clearTimeout(this.#recount);
      this.#recount = setTimeout(() => this.#recounted(), 300);
    });
  }

  async #recounted() {
    try {
      this.#count(await console_.get(this.#path(0, 1)));
    } catch {
      // The stream will say when the connection is back, and everything is read anew.
    }
  }

  #fits(call) {
    const { level, risk, tool, text } = this.#filter;
    const is = (wanted, there) => !wanted || wanted === there;
    const found = !text || [call.title, call.tool, call.principal].some((field) => field.toLowerCase().includes(text.toLowerCase()));
    return is(level, call.level) && is(risk, call.risk) && is(tool, call.tool) && found;
  }

  #decided(call) {
    say(this.#live, `${words(call.state)}: ${call.title}`);
  }

  #check(id, on) {
    if (on) this.#checked.add(id);
    else this.#checked.delete(id);
    this.#bulkBar();
  }

  #bulkBar() {
    const count = this.#checked.size;
    this.#bulk.hidden = !count;
    if (!count) return fill(this.#bulk);
    const button = (name, answer, kind) => h("button", { class: `act ${kind}`, type: "button", onclick: () => this.#decideAll(answer) }, h("span", {}, `${name} ${count}`));
    fill(this.#bulk, h("p", {}, plural(count, "quick call"), " selected"), h("div", { class: "acts" }, button("Approve", "approve", "approve main"), button("Reject", "reject", "reject"),
      h("button", { class: "link", type: "button", onclick: () => this.#uncheck() }, "None")), this.#bulkNote);
  }

  #uncheck() {
    for (const id of this.#checked) if (this.#row(id)) this.#row(id).box.checked = false;
    this.#checked.clear();
    this.#bulkBar();
  }

  async #decideAll(answer) {
    const calls = [...this.#checked].map((id) => this.#row(id)?.call).filter(Boolean).slice(0, 200)
      .map(({ id, revision, binding }) => ({ id, revision, binding }));
    const reason = answer === "reject" ? { reason: "rejected together with others" } : {};
    try {
      const { results } = await console_.post("api/bulk", { answer, calls, ...reason });
      const left = results.filter((one) => one.result !== "ok");
      for (const one of results) if (one.result === "ok") this.#checked.delete(one.id);
      say(this.#bulkNote, left.length ? `${plural(left.length, "call")} stayed as they were: ${left[0].message}` : "");
      say(this.#live, `${plural(results.length - left.length, "call")} decided`);
      this.#bulkBar();
    } catch (error) {
      say(this.#bulkNote, error.message);
    }
  }

  #step(by) {
    if (!this.#order.length) return;
    const at = this.#order.indexOf(this.#picked);
    // The call that was looked at may have left the queue: go on where it stood.
    const next = at < 0 ? (by > 0 ? 0 : this.#order.length - 1) : Math.min(Math.max(at + by, 0), this.#order.length - 1);
    this.pick(this.#order[next]);
  }

  #key(event) {
    if (event.ctrlKey || event.metaKey || event.altKey || event.repeat && !"jk".includes(event.key) || isTyping(event) || !this.checkVisibility() || document.querySelector("hitl-help")) return;
    const keys = {
      j: () => this.#step(1), ArrowDown: () => this.#step(1), k: () => this.#step(-1), ArrowUp: () => this.#step(-1),
      a: () => this.#card.approve(), r: () => this.#card.reject(), e: () => this.#card.edit(),
      x: () => this.#row(this.#picked)?.box.isConnected && this.#row(this.#picked).box.click(),
      "/": () => this.#search.focus(), "?": () => help(), Escape: () => this.pick(null),
    };
    const act = keys[event.key];
    if (!act || (event.key === "Escape" && !this.hasAttribute("showing"))) return;
    event.preventDefault();
    act();
  }
}
