// Follows the events, and reconnects by itself when the connection is lost.
//
// The stream is read with fetch and not with EventSource, which cannot send a token.

const FIRST_WAIT = 400;
const LONGEST_WAIT = 8000;
// The server sends something every 15 seconds.
const SILENCE = 40000;

/** Events: `call`, `task`, `presence`, `grant`, `freeze`, `gap`, with `detail`; and `state` when `state` changes. */
export class Stream extends EventTarget {
	#console;
	#last = null;
	#wait = FIRST_WAIT;
	#abort = null;
	#timer = null;
	#watchdog = null;

	constructor(console) {
		super();
		this.#console = console;
		this.state = "off";
		const again = () => this.state === "lost" && this.#retryNow();
		addEventListener("online", again);
		document.addEventListener("visibilitychange", () => document.visibilityState === "visible" && again());
	}

	start() {
		if (this.state === "off") this.#run();
	}

	stop() {
		clearTimeout(this.#timer);
		clearTimeout(this.#watchdog);
		this.#last = null;
		this.#set("off");
		this.#abort?.abort();
	}

	#set(state) {
		if (this.state === state) return;
		this.state = state;
		this.dispatchEvent(new Event("state"));
	}

	#retryNow() {
		clearTimeout(this.#timer);
		this.#run();
	}

	async #run() {
		this.#abort?.abort();
		const abort = new AbortController();
		this.#abort = abort;
		if (this.state === "off") this.#set("connecting");
		try {
			const headers = this.#console.headers(this.#last ? { "last-event-id": this.#last } : {});
			const options = { headers, signal: abort.signal, credentials: "same-origin", cache: "no-store" };
			const answer = await fetch(this.#console.url("api/events"), options);
			if (answer.status === 401) return this.#console.signedOut();
			if (!answer.ok) throw new Error(`answered ${answer.status}`);
			await this.#read(answer.body, abort);
		} catch {
			// Try again after any error.
		}
		if (this.#abort !== abort || this.state === "off") return;
		this.#set("lost");
		const wait = this.#wait * (0.75 + Math.random() / 2);
		this.#wait = Math.min(this.#wait * 2, LONGEST_WAIT);
		this.#timer = setTimeout(() => this.#run(), wait);
	}

	async #read(body, abort) {
		const reader = body.pipeThrough(new TextDecoderStream()).getReader();
		let rest = "";
		for (;;) {
			clearTimeout(this.#watchdog);
			this.#watchdog = setTimeout(() => abort.abort(), SILENCE);
			const { value, done } = await reader.read();
			if (done) return;
			const blocks = (rest + value).split("\n\n");
			rest = blocks.pop();
			for (const block of blocks) this.#tell(block);
		}
	}

	#tell(block) {
		const event = { kind: "message", data: "" };
		for (const line of block.split("\n")) {
			const at = line.indexOf(": ");
			const [name, value] = [line.slice(0, at), line.slice(at + 2)];
			if (name === "id") this.#last = value;
			else if (name === "event") event.kind = value;
			else if (name === "data") event.data = value;
		}
		if (!event.data) return;
		if (event.kind === "hello") {
			this.#wait = FIRST_WAIT;
			this.#set("live");
		}
		this.dispatchEvent(new CustomEvent(event.kind, { detail: JSON.parse(event.data) }));
	}
}
