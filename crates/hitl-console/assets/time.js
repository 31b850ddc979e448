// Times by the server's clock, and their wording.

import { language } from "./text.js";

let skew = 0;

/** Records the time that the server has sent. */
export function setClock(now) {
	const at = Date.parse(now);
	if (!Number.isNaN(at)) skew = at - Date.now();
}

export function now() {
	return Date.now() + skew;
}

/** Formats a duration: `2 d 3 h`, `4 h 10 m`, `12 m`, `40 s`. */
export function span(ms) {
	const all = Math.max(0, Math.floor(ms / 1000));
	const [d, h, m, sec] = [Math.floor(all / 86400), Math.floor(all / 3600) % 24, Math.floor(all / 60) % 60, all % 60];
	if (d) return h ? `${d} d ${h} h` : `${d} d`;
	if (h) return m ? `${h} h ${m} m` : `${h} h`;
	if (m >= 10) return `${m} m`;
	if (m) return sec ? `${m} m ${sec} s` : `${m} m`;
	return `${sec} s`;
}

/** Formats a due time: `due in 3 h`, `overdue by 5 m`. */
export function due(at) {
	const left = Date.parse(at) - now();
	return left >= 0 ? `due in ${span(left)}` : `overdue by ${span(-left)}`;
}

/** The same for narrow places: `due 4 h`, `late 5 m`. */
export function dueShort(at) {
	const left = Date.parse(at) - now();
	const minutes = Math.round(Math.abs(left) / 60000);
	const short =
		minutes < 60
			? `${minutes} m`
			: minutes < 2880
				? `${Math.round(minutes / 60)} h`
				: `${Math.round(minutes / 1440)} d`;
	return left >= 0 ? `due ${short}` : `late ${short}`;
}

/** How urgent a waiting call is, by the time that is left: `late`, `soon` or nothing. */
export function urgency({ dueAt, expiresAt }) {
	const [due, end] = [Date.parse(dueAt) - now(), Date.parse(expiresAt) - now()];
	if (due < 0 || end < 10 * 60000) return "late";
	return due < 60 * 60000 ? "soon" : "";
}

/** For how long a call has waited, for narrow places: `40 s`, `4 m`, `3 h`, `2 d`. */
export function waited(since) {
	const seconds = Math.max(0, Math.floor((now() - Date.parse(since)) / 1000));
	if (seconds < 60) return `${seconds} s`;
	if (seconds < 5400) return `${Math.round(seconds / 60)} m`;
	return seconds < 172800 ? `${Math.round(seconds / 3600)} h` : `${Math.round(seconds / 86400)} d`;
}

export function isPast(at) {
	return Date.parse(at) < now();
}

export function ago(at) {
	const past = now() - (typeof at === "number" ? at : Date.parse(at));
	return past < 5000 ? "just now" : `${span(past)} ago`;
}

/** A time in readable form, with the exact one in `datetime` and `title`. */
export function clockTime(at) {
	const date = new Date(at);
	const today = new Date(now()).toDateString() === date.toDateString();
	const time = date.toLocaleTimeString(language(), { hour: "2-digit", minute: "2-digit", hour12: false });
	if (today) return time;
	return `${date.toLocaleDateString(language(), { day: "numeric", month: "short" })}, ${time}`;
}

/** A day, `2026-01-31` in UTC, as the language of the page writes it: `31 Jan`, or `1/31`. */
export function dayName(day, month = "short") {
	return new Date(`${day}T00:00:00Z`).toLocaleDateString(language(), { day: "numeric", month, timeZone: "UTC" });
}

/** Calls `tick` every `ms` while `element` is in a page. */
export function ticking(element, ms, tick) {
	const timer = setInterval(() => {
		if (element.isConnected) tick();
		else clearInterval(timer);
	}, ms);
	return () => clearInterval(timer);
}
