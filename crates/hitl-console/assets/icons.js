// Small drawings. Each risk has a shape of its own, so that colour is never the only sign.

import { s } from "./dom.js";

const PATHS = {
	low: [
		["circle", { cx: 8, cy: 8, r: 6 }],
		["path", { d: "M5.5 8.2l1.8 1.8 3.2-3.8" }],
	],
	medium: [
		["path", { d: "M8 2l6 6-6 6-6-6z" }],
		["path", { d: "M8 5.5v3.2M8 10.6v.2" }],
	],
	high: [
		["path", { d: "M8 2l6.3 11.5H1.7z" }],
		["path", { d: "M8 6.3v3.4M8 11.5v.2" }],
	],
	critical: [
		["path", { d: "M5.3 1.8h5.4l3.5 3.5v5.4l-3.5 3.5H5.3l-3.5-3.5V5.3z" }],
		["path", { d: "M5.8 5.8l4.4 4.4M10.2 5.8l-4.4 4.4" }],
	],
	check: [["path", { d: "M3 8.5l3.2 3.2L13 4.8" }]],
	cross: [["path", { d: "M4 4l8 8M12 4l-8 8" }]],
	clock: [
		["circle", { cx: 8, cy: 8, r: 6 }],
		["path", { d: "M8 4.5V8l2.5 1.8" }],
	],
	eye: [
		["path", { d: "M1.5 8S4 3.5 8 3.5 14.5 8 14.5 8 12 12.5 8 12.5 1.5 8 1.5 8z" }],
		["circle", { cx: 8, cy: 8, r: 2 }],
	],
	pen: [["path", { d: "M3 13l.7-3L11 2.7l2.3 2.3L6 12.3z" }]],
	reply: [["path", { d: "M6.5 4L2.5 8l4 4M3 8h6.5c2.5 0 4 1.5 4 4" }]],
	stop: [["path", { d: "M4 4h8v8H4z" }]],
	back: [["path", { d: "M10 3L5 8l5 5" }]],
	warn: [
		["path", { d: "M8 2l6.3 11.5H1.7z" }],
		["path", { d: "M8 6.3v3.4M8 11.5v.2" }],
	],
	dot: [["circle", { cx: 8, cy: 8, r: 3 }]],
	lock: [["path", { d: "M3.5 7.5h9v6h-9zM5.5 7.5V5.200a2.5 2.5 0 015 0v2.300" }]],
	wait: [["path", { d: "M5 2.5h6M5 13.5h6M5.5 2.5c0 3 5 4 5 5.5s-5 2.5-5 5.5M10.5 2.5c0 3-5 4-5 5.5s5 2.5 5 5.5" }]],
	unknown: [
		["circle", { cx: 8, cy: 8, r: 6 }],
		["path", { d: "M6.300 6.300c.2-2 3.600-2 3.5.1 0 1.300-1.800 1.5-1.800 2.700M8 11v.2" }],
	],
};

/** An icon that is hidden from screen readers; they read the words beside it. */
export function icon(name) {
	const shapes = (PATHS[name] ?? PATHS.dot).map(([tag, props]) => s(tag, props));
	return s(
		"svg",
		{ class: `icon icon-${name}`, viewBox: "0 0 16 16", "aria-hidden": "true", focusable: "false" },
		shapes,
	);
}
