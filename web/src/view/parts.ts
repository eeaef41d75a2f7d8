// Small parts that the pages of the viewer share.
import { isNumber } from "../data";
import { html } from "../dom";
import { save } from "../figure";
import { share } from "../text";
import type { Chance, Entry, Message } from "./api";

/** Where a page is shown, what its address says, and when it is left. */
export interface Place {
  root: HTMLElement;
  path: string[];
  query: URLSearchParams;
  signal: AbortSignal;
  /** Keeps what the reader chose in the address, without a step in the history. */
  remember: (query: Record<string, string | null | undefined>) => void;
}

export const link = (...path: (string | number)[]) => `#/${path.map((part) => encodeURIComponent(part)).join("/")}`;

export const isTraining = ({ kind }: Entry) => kind === "training";

/** The page that shows what stands in the list. */
export const pageOf = (entry: Entry) => (isTraining(entry) ? "training" : "run");

/** A part of an address as it was meant, or as it stands where it means nothing. */
export function decoded(part: string): string {
  try {
    return decodeURIComponent(part);
  } catch {
    return part;
  }
}

const grouped = new Intl.NumberFormat("en");
export const whole = (value: number | null | undefined) => (isNumber(value) ? grouped.format(value) : "");
export const money = (usd: number | null | undefined) => (isNumber(usd) ? `$${usd < 0.1 && usd > 0 ? usd.toPrecision(2) : usd.toFixed(2)}` : "");
export const when = (stamp: string | null | undefined) => (stamp ? stamp.slice(0, 16).replace("T", " ") : "");

/** A name within a sentence, shortened, and kept from turning the direction of what follows it. */
export function apart(text: string, most = 80): string {
  const shown = text.length > most ? `${text.slice(0, most)}…` : text;
  return turning.test(shown) ? `\u2068${shown.replace(/[\u2066-\u2069]/g, "")}\u2069` : shown;
}

const turning = /[\u0590-\u08ff\u200e\u200f\u202a-\u202e\u2066-\u2069\ufb1d-\ufefc]/;

export function button(label: string, act: () => unknown, attributes: Record<string, string> = {}): HTMLButtonElement {
  const element = html("button", { type: "button", ...attributes }, label);
  element.addEventListener("click", act);
  return element;
}

export const field = (label: string, control: HTMLElement) => html("label", { class: "field" }, html("span", {}, label), control);

export function choice(options: [value: string, label: string][], value: string, act: (value: string) => unknown): HTMLSelectElement {
  const element = html("select", {}, ...options.map(([key, label]) => html("option", { value: key }, label.slice(0, 120))));
  element.value = value;
  element.addEventListener("change", () => act(element.value));
  return element;
}

/** Calls at most once in a while, with the latest arguments. */
export function calmly<A extends unknown[]>(act: (...given: A) => unknown, ms: number): (...given: A) => void {
  let timer = 0;
  return (...given) => {
    clearTimeout(timer);
    timer = window.setTimeout(() => act(...given), ms);
  };
}

function texts(node: Node): string {
  if (node instanceof Text) return node.data;
  return [...node.childNodes].map(texts).filter((text) => text.trim()).join(" ");
}

/** Programs for tables take a field that begins so for a formula. */
const guarded = (text: string) => (/^[=+\-@\t\r]/.test(text) && !/^-?[\d.,]+(?:e[+-]?\d+)?%?$/i.test(text) ? `'${text}` : text);
const quoted = (text: string) => (/[",\n\r]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);

export const saveCsv = (name: string, rows: string[][]) =>
  save(`${name}.csv`, new Blob([rows.map((row) => row.map((text) => quoted(guarded(text))).join(",")).join("\r\n") + "\r\n"], { type: "text/csv" }));

/** A table as it is shown. */
const rowsOf = (table: HTMLTableElement) =>
  [...table.rows].filter((row) => !row.classList.contains("head")).map((row) => [...row.cells].filter((cell) => !cell.classList.contains("tick")).map((cell) => texts(cell).trim()));

export const csvButton = (table: HTMLTableElement, name: string) =>
  button("CSV", () => saveCsv(name, rowsOf(table)), { "aria-label": `Download this table as CSV: ${table.closest("[aria-label]")?.getAttribute("aria-label") ?? name}`, class: "csv" });

/** Puts a button above every table of a part of the page. */
export function offerCsv(part: HTMLElement, stem: string): void {
  part.querySelectorAll<HTMLElement>(".scroll > table").forEach((table, index) => {
    table.parentElement!.before(html("div", { class: "buttons above" }, csvButton(table as HTMLTableElement, `${stem}-table-${index + 1}`)));
  });
}

/** A table of which the columns from `numbers` on are flush right. */
export const scrolled = (label: string, head: string[], rows: (Node | string)[][], numbers = Infinity): HTMLElement => {
  const look = (column: number) => (column >= numbers ? "number" : null);
  return html("div", { class: "scroll left", tabindex: 0, role: "region", "aria-label": label }, html("table", {},
    html("thead", {}, html("tr", {}, ...head.map((text, column) => html("th", { scope: "col", class: look(column) }, text)))),
    html("tbody", {}, ...rows.map(([first, ...rest]) => html("tr", {}, html("th", { scope: "row" }, first), ...rest.map((cell, index) => html("td", { class: look(index + 1) }, cell)))))));
};

/** A distribution over names: bars whose length a style property gives, and the numbers. */
export function chances(list: Chance[]): HTMLElement {
  return html("ul", { class: "chances" }, ...[...list].sort((a, b) => (b.p ?? 0) - (a.p ?? 0)).filter(({ p }, index) => index < 3 || (p ?? 0) >= 0.0005).slice(0, 12).map(({ name, p }) => {
    const bar = html("span", { class: "bar-of" });
    bar.style.width = `${Math.round(100 * Math.min(1, Math.max(0, p ?? 0)))}%`;
    return html("li", {}, html("bdi", {}, name), html("span", {}, isNumber(p) ? share(p) : ""), html("span", { class: "track", "aria-hidden": "true" }, bar));
  }));
}

/** A prompt exactly as it was sent. */
export const prompt = (messages: Message[], prefill: string | null | undefined): HTMLElement =>
  html("div", { class: "prompt" },
    ...messages.flatMap(({ role, text }) => [html("p", { class: "role" }, role || "?"), html("pre", { tabindex: 0 }, text ?? "")]),
    prefill && html("p", { class: "role" }, "the answer begins"), prefill && html("pre", { tabindex: 0 }, prefill));

/** Replaces what a part shows while the reader keeps their place in it: what is unfolded, scrolled to and focused. */
export function replaceKeeping(part: HTMLElement, fresh: Node[]): void {
  const reachable = () => [...part.querySelectorAll<HTMLElement>("a, button, input, select, summary, [tabindex]")];
  const boxes = () => [...part.querySelectorAll<HTMLElement>(".scroll, pre")];
  const folds = () => [...part.querySelectorAll("details")];
  const focused = reachable().indexOf(document.activeElement as HTMLElement);
  const scrolledTo = boxes().map((box) => [box.scrollTop, box.scrollLeft] as const);
  const open = folds().map((fold) => fold.open);
  // Figures are drawn a moment later; until then the part keeps its height, so that the page does not jump.
  part.style.minHeight = `${part.offsetHeight}px`;
  part.replaceChildren(...fresh);
  folds().forEach((fold, index) => (fold.open = open[index] ?? fold.open));
  boxes().forEach((box, index) => ([box.scrollTop, box.scrollLeft] = scrolledTo[index] ?? [0, 0]));
  if (focused >= 0) reachable()[focused]?.focus({ preventScroll: true });
  setTimeout(() => (part.style.minHeight = ""), 300);
}
