// Plots: small, static, and each with a table of the same numbers.

import { h, s } from "./dom.js";

const [WIDTH, HEIGHT, LEFT, BOTTOM, TOP] = [380, 190, 34, 26, 10];
const INNER = HEIGHT - BOTTOM - TOP;

function frame(label, top, children) {
	const lines = [0, top / 2, top].map((value) => {
		const y = TOP + INNER * (1 - value / top);
		return [
			s("line", { class: "grid", x1: LEFT, x2: WIDTH, y1: y, y2: y }),
			s("text", { class: "axis", x: LEFT - 6, y: y + 4, "text-anchor": "end" }, Math.round(value)),
		];
	});
	return s(
		"svg",
		{ class: "plot", viewBox: `0 0 ${WIDTH} ${HEIGHT}`, role: "img", "aria-label": label },
		lines,
		children,
	);
}

/** Returns a round number that is at least the greatest value. */
function roundUp(greatest) {
	if (greatest <= 4) return 4;
	const power = 10 ** Math.floor(Math.log10(greatest));
	return [1, 2, 4, 5, 10].map((step) => step * power).find((step) => step >= greatest);
}

function table(head, rows) {
	return h(
		"details",
		{},
		h("summary", {}, "As a table"),
		h(
			"table",
			{},
			h(
				"thead",
				{},
				h(
					"tr",
					{},
					head.map((name) => h("th", { scope: "col" }, name)),
				),
			),
			h(
				"tbody",
				{},
				rows.map(([first, ...rest]) =>
					h(
						"tr",
						{},
						h("th", { scope: "row" }, first),
						rest.map((cell) => h("td", {}, cell)),
					),
				),
			),
		),
	);
}

/** Bars of several kinds, one on top of the other. `columns`: `{ name, parts: [{ kind, count }] }`. */
export function stacked(label, kinds, columns) {
	const top = roundUp(Math.max(...columns.map((column) => column.parts.reduce((sum, part) => sum + part.count, 0)), 1));
	const room = (WIDTH - LEFT) / Math.max(columns.length, 1);
	const width = Math.min(room * 0.7, 44);
	const bars = columns.map((column, at) => {
		const x = LEFT + room * at + (room - width) / 2;
		let y = TOP + INNER;
		const parts = column.parts
			.filter((part) => part.count)
			.map((part) => {
				const height = (INNER * part.count) / top;
				y -= height;
				return s(
					"rect",
					{ class: `of-${part.kind}`, x, y, width, height: Math.max(height - 1, 0.5), rx: 1.5 },
					s("title", {}, `${column.name}: ${part.count} ${part.kind}`),
				);
			});
		const every = Math.ceil(columns.length / 7);
		return [
			parts,
			at % every === 0 &&
				s(
					"text",
					{ class: "axis", x: x + width / 2, y: HEIGHT - 8, "text-anchor": "middle" },
					column.short ?? column.name,
				),
		];
	});
	const used = kinds.filter((kind) =>
		columns.some((column) => column.parts.some((part) => part.kind === kind && part.count)),
	);
	return [
		frame(label, top, bars),
		used.length > 1 &&
			h(
				"ul",
				{ class: "legend" },
				used.map((kind) => h("li", { class: `of-${kind}` }, h("i", {}), kind)),
			),
		table(
			["", ...used],
			columns.map((column) => [
				column.name,
				...used.map((kind) => column.parts.find((part) => part.kind === kind)?.count ?? 0),
			]),
		),
	];
}

/** A share of 100 for each band, with the number that it is computed from. */
export function shares(label, bands) {
	const room = (WIDTH - LEFT) / bands.length;
	const width = Math.min(room * 0.66, 40);
	const bars = bands.map((band, at) => {
		const x = LEFT + room * at + (room - width) / 2;
		const share = band.of ? (100 * band.count) / band.of : 0;
		const height = (INNER * share) / 100;
		return [
			s("rect", { class: "track", x, y: TOP, width, height: INNER, rx: 2 }),
			band.of > 0 &&
				s(
					"rect",
					{ class: "of-approved", x, y: TOP + INNER - height, width, height, rx: 2 },
					s("title", {}, `${band.name}: ${band.count} of ${band.of}`),
				),
			band.of > 0 &&
				s(
					"text",
					{
						class: height + 15 > INNER ? "axis on inside" : "axis on",
						x: x + width / 2,
						y: Math.max(TOP + INNER - height - 4, TOP + 11),
						"text-anchor": "middle",
					},
					band.of,
				),
			s("text", { class: "axis", x: x + width / 2, y: HEIGHT - 8, "text-anchor": "middle" }, band.name),
		];
	});
	return [
		frame(label, 100, bars),
		table(
			["Confidence", "Approved", "Decided"],
			bands.map((band) => [band.name, band.count, band.of]),
		),
	];
}
