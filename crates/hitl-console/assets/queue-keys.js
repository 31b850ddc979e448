// The keys of the queue. help.js lists them.

// Keys that repeat while they are held. A held A is the second step of an approval.
const REPEATING = ["j", "k", "ArrowDown", "ArrowUp", "a"];

/** Returns what a key does; nothing if it does nothing here. */
export function queueKeys(queue, event) {
	const { card, bulk } = queue;
	const { key, shiftKey, repeat } = event;
	if (repeat && !REPEATING.includes(key)) return null;
	const act = (name) => () => card.act?.(name);
	const selected = bulk.calls.length > 0;
	const plain = {
		j: () => queue.step(1),
		ArrowDown: () => queue.step(1),
		k: () => queue.step(-1),
		ArrowUp: () => queue.step(-1),
		n: () => queue.next(),
		a: () => card.approve?.(repeat),
		r: () => card.reject?.(),
		e: act("edit"),
		i: act("respond"),
		g: act("allow"),
		t: act("extend"),
		b: () => card.takeBack?.(),
		s: act("abort"),
		w: act("withdraw"),
		u: () => card.uncover?.(),
		h: () => card.showHistory?.(),
		x: () => queue.checkPicked(false),
		v: () => queue.filters.toggleDense(),
		"*": () => queue.checkListed(),
		"/": () => queue.filters.search.focus(),
		"?": async () => (await import("./help.js")).help(),
		Escape: () => queue.pick(null),
	};
	const shifted = {
		A: selected && (() => bulk.begin("approve")),
		R: selected ? () => bulk.begin("reject") : act("explain"),
		X: () => queue.checkPicked(true),
	};
	if (key === "Escape" && !queue.hasAttribute("showing")) return null;
	return (shiftKey && shifted[key]) || plain[key] || null;
}
