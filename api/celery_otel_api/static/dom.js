// Elements and rows. Data becomes text here, and only text: nothing in this page ever parses it as HTML.

export const byId = (id) => document.getElementById(id);

export function make(tag, properties = {}, ...children) {
  const element = Object.assign(document.createElement(tag), properties);
  element.append(...children.filter((child) => child !== null && child !== undefined));
  return element;
}

/** Changes a text only if it is another one: a screen reader is told of every change. */
export function say(element, text) {
  if (element.textContent !== text) element.textContent = text;
}

/** A state in a word, with a colour: good, warn, bad or none. */
export function mark(element, word, kind = "") {
  say(element, word);
  element.className = `mark ${kind}`.trim();
}

/** A row of cells, each with the name of its column for narrow screens. */
export function row(...labels) {
  const cells = labels.map((label) => make("td"));
  cells.forEach((cell, index) => {
    cell.dataset.label = labels[index];
    // Said in full, because a table that is laid out as cards is no table to browsers.
    cell.setAttribute("role", "cell");
  });
  const element = make("tr", {}, ...cells);
  element.setAttribute("role", "row");
  return { element, cells };
}

/**
 * Makes the rows of a table those of some items. A row that stays is kept, so that the focus in it is kept.
 * `create(item)` gives {element, update(item)}.
 */
export function showRows(body, items, keyOf, create) {
  const known = body.rowsByKey ?? new Map();
  const shown = new Map();
  for (const item of items) {
    const key = keyOf(item);
    if (!shown.has(key)) shown.set(key, known.get(key) ?? create(item));
    shown.get(key).update(item);
  }
  for (const [key, old] of known) if (!shown.has(key)) old.element.remove();
  arrange(body, [...shown.values()].map((one) => one.element));
  body.rowsByKey = shown;
}

function arrange(body, elements) {
  let next = body.firstElementChild;
  for (const element of elements) {
    if (element === next) next = next.nextElementSibling;
    else body.insertBefore(element, next);
  }
}

/** Forgets the rows of a table, or whatever else is in an element. */
export function clear(element) {
  element.replaceChildren();
  delete element.rowsByKey;
}

/** A list of names and texts; what is null is left out. */
export function facts(pairs) {
  const list = make("dl");
  for (const [name, value] of pairs) {
    if (value === null || value === undefined || value === "") continue;
    list.append(make("dt", {}, name), make("dd", {}, value instanceof Node ? value : String(value)));
  }
  return list;
}

/** A link that leads out, or null if the address is none that a link should have. */
export function linkTo(address, text) {
  if (!address || !URL.canParse(address, document.baseURI)) return null;
  const url = new URL(address, document.baseURI);
  if (!["http:", "https:"].includes(url.protocol)) return null;
  return make("a", { href: url.href, target: "_blank", rel: "noopener" }, text);
}
