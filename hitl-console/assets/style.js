// One style sheet for every element, wherever it is embedded.

const sheet = new CSSStyleSheet();
try {
  const answer = await fetch(new URL("hitl.css", import.meta.url));
  if (answer.ok) sheet.replaceSync(await answer.text());
} catch {
  // Without its style an element is plain, and still works.
}

/** Gives an element its shadow, with the style. */
export function shadow(element) {
  const root = element.attachShadow({ mode: "open" });
  root.adoptedStyleSheets = [sheet];
  return root;
}
