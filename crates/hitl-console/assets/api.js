// Sends requests to the console. The token is kept in sessionStorage: no other origin can read it,
// and the browser never sends it by itself.

import { Stream } from "./stream.js";

const KEY = "hitl-token";
const TENANT = "hitl-tenant";

// Milliseconds without a key or a pointer after which requests are the page's own and not the person's:
// they keep no session of the host's sign-in alive.
const IDLE = 60000;
let lastInput = Date.now();
for (const kind of ["pointerdown", "keydown", "wheel"])
	addEventListener(kind, () => (lastInput = Date.now()), { capture: true, passive: true });

/** The error of a console that refused or could not be reached. */
export class Refused extends Error {
	constructor(kind, message, status, current) {
		super(message);
		Object.assign(this, { kind, status, current });
	}
}

export class Console extends EventTarget {
	#token = sessionStorage.getItem(KEY);
	#tenant = sessionStorage.getItem(TENANT);

	constructor(base) {
		super();
		this.base = base;
		this.me = null;
		this.stream = new Stream(this);
	}

	get hasToken() {
		return Boolean(this.#token);
	}

	headers(more = {}) {
		const mine = { "x-hitl-console": "1", ...more };
		if (this.#token) mine.authorization = `Bearer ${this.#token}`;
		if (this.#tenant !== null) mine["hitl-tenant"] = encodeURIComponent(this.#tenant);
		if (Date.now() - lastInput > IDLE) mine["x-hitl-idle"] = "1";
		return mine;
	}

	url(path) {
		return new URL(path, this.base);
	}

	async #ask(path, options) {
		let answer;
		try {
			answer = await fetch(this.url(path), { credentials: "same-origin", cache: "no-store", ...options });
		} catch {
			throw new Refused("unreachable", "The console cannot be reached. Your request may or may not have arrived.");
		}
		const body = answer.status === 204 || answer.status === 202 ? null : await answer.json().catch(() => null);
		if (answer.ok) return body;
		if (answer.status === 401) this.signedOut();
		const error = body?.error ?? {};
		throw new Refused(
			error.kind ?? "unknown",
			error.message ?? `The console answered ${answer.status}.`,
			answer.status,
			error.current,
		);
	}

	get(path) {
		return this.#ask(path, { headers: this.headers() });
	}

	/** Sends a change. If the console requires a one-time code, asks for it and sends it once. */
	async post(path, body, code) {
		const headers = this.headers({
			"content-type": "application/json",
			...(code !== undefined && { "hitl-code": code }),
		});
		try {
			return await this.#ask(path, { method: "POST", headers, body: JSON.stringify(body) });
		} catch (error) {
			if (error.kind !== "codeNeeded" && error.kind !== "codeWrong") throw error;
			const { askCode } = await import("./code.js");
			const typed = await askCode(
				this.me?.principal ?? "yours",
				error.kind === "codeWrong"
					? "That code is wrong or was already used. Enter the next one."
					: "This needs your one-time code.",
			);
			// A text that no header can hold is not a code.
			if (typed === null || !/^[\x21-\x7e][\x20-\x7e]*$/.test(typed)) throw error;
			return this.post(path, body, typed);
		}
	}

	/** Signs out: ends the host's own sign-in too, where there is one, and then starts from the beginning. */
	async signOut() {
		const { signOut } = await this.get("api/sign-in").catch(() => ({}));
		if (signOut) await this.post(signOut, {});
		this.signedOut();
	}

	/** Takes the token out of the address of a page on this machine: `#token=..`, which no server sees. */
	takeToken() {
		const [, token] = /^#token=([\w.~+/=-]+)$/.exec(location.hash) ?? [];
		if (!token || !["localhost", "127.0.0.1", "[::1]"].includes(location.hostname)) return;
		history.replaceState(null, "", location.pathname + location.search);
		this.#token = token;
	}

	/** Signs in with existing credentials: a token of this tab, or the host's own sign-in. Returns whether there were any. */
	async begin() {
		const known = this.hasToken || (await this.get("api/sign-in")).with === "page";
		if (known) await this.signIn();
		return known;
	}

	/** Signs in; without a token, with the credentials that the host's own page has set. */
	async signIn(token) {
		const before = this.#token;
		if (token !== undefined) this.#token = token;
		try {
			this.me = await this.get("api/me").catch((error) => {
				// The tenant of an earlier sign-in.
				if (error.kind !== "tenant" || this.#tenant === null) throw error;
				this.#keepTenant(null);
				return this.get("api/me");
			});
		} catch (error) {
			this.#token = before;
			throw error;
		}
		if (this.#token) sessionStorage.setItem(KEY, this.#token);
		this.stream.start();
		this.dispatchEvent(new Event("signed-in"));
		return this.me;
	}

	/** Shows another of the reviewer's tenants. */
	async choose(tenant) {
		this.#keepTenant(tenant);
		this.stream.stop();
		await this.signIn();
	}

	#keepTenant(tenant) {
		this.#tenant = tenant;
		if (tenant === null) sessionStorage.removeItem(TENANT);
		else sessionStorage.setItem(TENANT, tenant);
	}

	signedOut() {
		const was = this.me;
		this.me = null;
		this.#token = null;
		this.#keepTenant(null);
		sessionStorage.removeItem(KEY);
		this.stream.stop();
		if (was) this.dispatchEvent(new Event("signed-out"));
	}
}

/** The console that served these files. */
export const session = new Console(new URL("../", import.meta.url));
