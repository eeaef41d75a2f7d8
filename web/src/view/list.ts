// A list of up to millions of rows, of which only those in sight exist and only a few pages are kept.
import { html } from "../dom";
import { aborted, message } from "./api";
import { button, saveCsv, whole } from "./parts";

export interface Column<R> {
  head: string;
  text: (row: R) => string;
  /** How much of the width it takes, against the others. */
  part: number;
  number?: boolean;
  minor?: boolean;
}

interface Options<R> {
  label: string;
  stem: string;
  columns: Column<R>[];
  /** Rows from a place on, and how many there are in all. */
  ask: (from: number, n: number, signal: AbortSignal) => Promise<{ total: number; rows: R[] }>;
  open: (row: R, index: number) => void;
  /** The reader went to another row without opening it. */
  moved?: (row: R, index: number) => void;
  signal: AbortSignal;
}

export interface List {
  element: HTMLElement;
  /** Asks anew, and shows the old rows until the new are there. */
  refresh: () => void;
  /** Starts from the top with other rows. */
  restart: () => void;
  focus: () => void;
}

const rowHeight = 34;
const pageRows = 200;
const pagesKept = 30;
const csvRows = 10_000;

/** Browsers cut elements off somewhere beyond ten million pixels; a longer list moves faster than its bar. */
const greatestHeight = 8_000_000;

export function list<R>({ label, stem, columns, ask, open, moved, signal }: Options<R>): List {
  let total = 0;
  let active = 0;
  let age = 0;
  let pages = new Map<number, { rows: R[]; age: number }>();
  const wanted = new Map<number, AbortController>();
  let timer = 0;

  const cellsOf = (tag: string, text: (column: Column<R>) => string) => columns.map((column) => {
    const shown = text(column);
    const cell = html("span", { role: tag, class: [column.number && "number", column.minor && "minor"].filter(Boolean).join(" ") || null, title: shown.length > 12 ? shown.slice(0, 300) : null }, html("bdi", {}, shown));
    cell.style.flexGrow = String(column.part);
    return cell;
  });
  const id = `list-${stem}`;
  const body = html("div", { class: "rows", role: "rowgroup" });
  const sight = html("div", { class: "sight" }, html("div", { class: "row heads", role: "row" }, ...cellsOf("columnheader", ({ head }) => head)), body);
  const tall = html("div", { class: "tall" }, sight);
  const box = html("div", { class: "list", tabindex: 0, role: "grid", "aria-label": `${label}. Arrow keys move, Enter opens.` }, tall);
  const note = html("p", { class: "facts", role: "status" });
  const csv = button("CSV", async () => {
    csv.disabled = true;
    try {
      const lines = [columns.map(({ head }) => head)];
      for (let from = 0; from < Math.min(total, csvRows); from += 1000) {
        for (const row of (await ask(from, Math.min(1000, csvRows - from), signal)).rows) lines.push(columns.map(({ text }) => text(row)));
      }
      saveCsv(stem, lines);
    } catch (error) {
      say(error);
    }
    csv.disabled = false;
  }, { "aria-label": `Download these rows as CSV, at most ${whole(csvRows)}`, title: `These rows, at most ${whole(csvRows)}` });

  const say = (error?: unknown) => {
    note.textContent = error === undefined || aborted(error) ? "" : message(error);
  };
  const inSight = () => Math.max(1, Math.floor((box.clientHeight - rowHeight) / rowHeight));
  const heightOf = () => Math.min(greatestHeight, (total + 1) * rowHeight);
  const room = () => Math.max(1, heightOf() - box.clientHeight);
  const farthest = () => Math.max(0, (total + 1) * rowHeight - box.clientHeight);
  /** How far the rows are moved up, in the pixels of the rows. */
  const offset = () => (heightOf() < greatestHeight ? box.scrollTop : (box.scrollTop / room()) * farthest());

  function rowAt(index: number): R | undefined {
    const page = Math.floor(index / pageRows);
    const kept = pages.get(page);
    if (!kept) return undefined;
    pages.delete(page);
    pages.set(page, kept);
    return kept.rows[index - page * pageRows];
  }

  async function fetchPage(page: number): Promise<void> {
    if (wanted.has(page)) return;
    const stop = new AbortController();
    wanted.set(page, stop);
    const asked = age;
    try {
      const answer = await ask(page * pageRows, pageRows, stop.signal);
      if (stop.signal.aborted || signal.aborted) return;
      pages.set(page, { rows: answer.rows, age: asked });
      if (pages.size > pagesKept) pages.delete(pages.keys().next().value!);
      total = answer.total;
      wanted.delete(page);
      say();
      draw();
    } catch (error) {
      if (wanted.get(page) === stop) wanted.delete(page);
      say(error);
    }
  }

  function draw(): void {
    tall.style.height = `${heightOf()}px`;
    box.setAttribute("aria-rowcount", String(total + 1));
    const first = Math.max(0, Math.min(total - 1, Math.floor(offset() / rowHeight)));
    const last = Math.min(total, first + inSight() + 2);
    body.style.transform = `translateY(${-Math.round(offset() - first * rowHeight)}px)`;
    const missing = new Set<number>();
    const elements = [];
    for (let index = first; index < last; index += 1) {
      const row = rowAt(index);
      const page = Math.floor(index / pageRows);
      if (!row || pages.get(page)!.age !== age) missing.add(page);
      const element = html("div", { class: index === active ? "row active" : "row", role: "row", id: `${id}-${index}`, "aria-rowindex": index + 2, "aria-selected": index === active ? "true" : "false" },
        ...(row ? cellsOf("gridcell", ({ text }) => text(row)) : [html("span", { role: "gridcell" }, "…")]));
      element.addEventListener("click", () => {
        if (getSelection()?.toString()) return;
        active = index;
        draw();
        const now = rowAt(index);
        if (now) open(now, index);
      });
      elements.push(element);
    }
    body.replaceChildren(...elements);
    if (active >= first && active < last) box.setAttribute("aria-activedescendant", `${id}-${active}`);
    else box.removeAttribute("aria-activedescendant");
    // A quick scroll through many pages asks for those where it ends.
    clearTimeout(timer);
    if (missing.size) timer = window.setTimeout(() => missing.forEach((page) => void fetchPage(page)), 40);
  }

  function reveal(): void {
    const top = active * rowHeight;
    const room_ = box.clientHeight - 2 * rowHeight;
    const now = offset();
    const next = top < now ? top : top > now + room_ ? top - room_ : now;
    box.scrollTop = heightOf() < greatestHeight ? next : (next / farthest()) * room();
  }

  box.addEventListener("scroll", () => requestAnimationFrame(draw), { passive: true });
  box.addEventListener("keydown", (event) => {
    const steps: Record<string, number> = { ArrowDown: 1, ArrowUp: -1, PageDown: inSight(), PageUp: -inSight(), Home: -Infinity, End: Infinity };
    if (event.key === "Enter" || event.key === " ") {
      const row = rowAt(active);
      if (row) open(row, active);
    } else if (Object.hasOwn(steps, event.key)) {
      active = Math.max(0, Math.min(total - 1, active + steps[event.key]!));
      reveal();
      draw();
      const row = rowAt(active);
      if (row) moved?.(row, active);
    } else return;
    event.preventDefault();
  });
  new ResizeObserver(() => draw()).observe(box);

  const restart = () => {
    for (const stop of wanted.values()) stop.abort();
    wanted.clear();
    pages = new Map();
    active = 0;
    box.scrollTop = 0;
    void fetchPage(0);
  };
  restart();
  return {
    element: html("div", {}, html("div", { class: "buttons above" }, csv), box, note),
    refresh: () => { age += 1; if (total) draw(); else void fetchPage(0); },
    restart,
    focus: () => box.focus(),
  };
}
