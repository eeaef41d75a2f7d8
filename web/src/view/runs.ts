// All run directories and trained models in a table: sorted, filtered, grouped, and moving while something runs.
import { isNumber, unique } from "../data";
import { html } from "../dom";
import { plural, share, withInterval } from "../text";
import type { Entry, Listing } from "./api";
import { button, calmly, choice, csvButton, field, isTraining, link, money, pageOf, whole, type Place } from "./parts";
import { watch } from "./watch";

/** Beyond this many rows the rest waits for a button. */
const most = 2000;

/** So many rows are shown before the others are made. */
const atOnce = 100;

interface Column {
  key: string;
  head: string;
  /** What rows are sorted by; nothing goes last either way. */
  by: (run: Entry) => string | number | null | undefined;
  cell: (run: Entry) => (Node | string | false | null | undefined)[];
  prose?: boolean;
  /** Left out on narrow screens. */
  minor?: boolean;
}

/** How far it is: runs that are done, or steps that were taken. */
const reached = (entry: Entry) => (isTraining(entry) ? { done: entry.step, of: entry.steps, says: "Steps taken" } : { done: entry.done, of: entry.runs, says: "Runs finished" });

const progress = (entry: Entry) => {
  const { done, of, says } = reached(entry);
  return [
    isNumber(of) && of > 0 && html("progress", { max: of, value: done ?? 0, "aria-label": says }),
    isNumber(of) && html("small", { title: isTraining(entry) ? says : null }, done === of ? whole(of) : `${whole(done)} of ${whole(of)}`),
  ];
};

/** How many runs there are, and how many models. */
function counted(entries: Entry[]): string {
  const models = entries.filter(isTraining).length;
  const runs = entries.length - models;
  return [(runs > 0 || !models) && plural(runs, "run"), models > 0 && plural(models, "model")].filter(Boolean).join(" and ");
}

const says = (text: string | null | undefined) => text && html("small", { class: "clip", title: text.slice(0, 500) }, text);

/** Names may be long, or turn the direction of writing; each stays within its own bounds. */
const clip = (text: string) => html("bdi", { class: "clip", title: text.length > 30 ? text.slice(0, 500) : null }, text);

const beneath = (entry: Entry) => [isTraining(entry) && "model", entry.name !== entry.id && entry.id].filter(Boolean).join(" · ");

const columns: Column[] = [
  {
    key: "name", head: "Experiment", prose: true, by: (run) => run.name || run.id,
    cell: (run) => [html("a", { href: link(pageOf(run), run.id) }, clip(run.name || run.id)), beneath(run) && html("small", { class: "clip" }, beneath(run))],
  },
  {
    key: "state", head: "State", prose: true, by: ({ state }) => state,
    cell: ({ state, says: why, trouble }) => [html("span", { class: `state is-${(state ?? "").replace(/\W/g, "")}` }, trouble ? "unreadable" : state ?? "being read"), says(trouble || why)],
  },
  { key: "progress", head: "Progress", by: (run) => (reached(run).of ? (reached(run).done ?? 0) / reached(run).of! : null), cell: progress },
  { key: "consensus", head: "Consensus", by: ({ consensus }) => consensus?.share, cell: ({ consensus }) => [isNumber(consensus?.share) && share(consensus.share), isNumber(consensus?.low) && html("small", {}, withInterval(consensus).replace(/^[^ ]+ /, ""))] },
  { key: "winner", head: "Winner", prose: true, by: ({ winners }) => winners?.[0]?.name, cell: ({ winners }) => (winners ?? []).slice(0, 2).map(({ name, share: part }, index) => html(index ? "small" : "span", { class: "won" }, clip(name), ` ${share(part)}`)) },
  { key: "agents", head: "Agents", prose: true, minor: true, by: ({ agents }) => agents?.join(), cell: ({ agents }) => [...(agents ?? []).slice(0, 2).map((name) => html("div", {}, clip(name))), (agents?.length ?? 0) > 2 && html("small", {}, `and ${agents!.length - 2} more`)] },
  { key: "game", head: "Game", prose: true, minor: true, by: ({ game }) => game, cell: ({ game }) => [game && clip(game)] },
  { key: "size", head: "Size", by: ({ sizes }) => sizes?.[0], cell: ({ sizes }) => [unique([sizes?.[0], sizes?.at(-1)]).filter(isNumber).map(whole).join("–")] },
  { key: "replicas", head: "Replicas", minor: true, by: ({ replicas }) => replicas, cell: ({ replicas, points }) => [whole(replicas), isNumber(points) && points > 1 && html("small", { title: `in each of ${plural(points, "condition")}` }, `× ${points}`)] },
  { key: "calls", head: "Calls", minor: true, by: ({ calls }) => calls, cell: ({ calls }) => [whole(calls)] },
  { key: "cost", head: "Cost", minor: true, by: ({ usd }) => usd, cell: ({ usd }) => [money(usd)] },
  { key: "audits", head: "Audits", minor: true, by: ({ audits }) => (audits?.of ? (audits.passed ?? 0) / audits.of : null), cell: ({ audits }) => [audits?.of ? html("span", { title: audits.says }, `${audits.passed ?? 0} of ${audits.of}`) : null] },
  { key: "started", head: "Started", minor: true, by: ({ started }) => started, cell: ({ started }) => (started ? [started.slice(0, 10), html("small", {}, started.slice(11, 16))] : []) },
];

interface Row {
  run: Entry;
  element: HTMLTableRowElement;
  written: string;
  text: string;
}

/** Kept while other pages are shown, so that coming back finds everything as it was. */
const rows = new Map<string, Row>();
const chosen = new Set<string>();
let scrolledTo = 0;

/** Writes a row anew where its run changed; the row itself, its box and its link stay, and with them the focus. */
function write(run: Entry, selected: () => void): Row {
  const written = JSON.stringify(run);
  let row = rows.get(run.id);
  if (row?.written === written) return row;
  const cells = columns.map((column) => column.cell(run).filter((part): part is Node | string => Boolean(part)));
  if (row) {
    columns.forEach((column, index) => {
      const cell = row!.element.cells[index + 1]!;
      const fresh = cells[index]!;
      const old = cell.querySelector("a");
      if (old && fresh[0] instanceof HTMLElement) {
        old.replaceChildren(...fresh[0].childNodes);
        fresh[0] = old;
      }
      if (column.key !== "name" || cell.textContent !== fresh.map((part) => (part instanceof Node ? part.textContent : part)).join("")) cell.replaceChildren(...fresh);
    });
    Object.assign(row, { run, written });
  } else {
    // A model has no results that could be compared.
    const box = isTraining(run) ? null : html("input", { type: "checkbox", "aria-label": `Select ${(run.name || run.id).slice(0, 80)}` });
    if (box) box.checked = chosen.has(run.id);
    box?.addEventListener("change", () => {
      if (box.checked) chosen.add(run.id);
      else chosen.delete(run.id);
      selected();
    });
    const element = html("tr", { role: "row" }, html("td", { class: "tick", role: "cell" }, box), ...columns.map((column, index) =>
      html(index ? "td" : "th", { role: index ? "cell" : "rowheader", class: [`of-${column.key}`, column.prose && "prose", column.minor && "minor"].filter(Boolean).join(" ") }, ...cells[index]!)));
    rows.set(run.id, (row = { run, element, written, text: "" }));
  }
  row.text = [run.id, ...[...row.element.cells].map((cell) => cell.textContent), ...(run.agents ?? [])].join(" ").toLowerCase();
  return row;
}

const collator = new Intl.Collator("en", { numeric: true });

function ordered<R extends { run: Entry }>(list: R[], column: Column, down: boolean): R[] {
  const keyed = list.map((row) => ({ row, by: column.by(row.run) ?? null }));
  return keyed.sort((a, b) => {
    if (a.by === null || b.by === null) return Number(a.by === null) - Number(b.by === null) || collator.compare(a.row.run.id, b.row.run.id);
    const order = typeof a.by === "number" && typeof b.by === "number" ? a.by - b.by : collator.compare(String(a.by), String(b.by));
    return (down ? -order : order) || collator.compare(a.row.run.id, b.row.run.id);
  }).map(({ row }) => row);
}

export function runs({ root, query, signal, remember }: Place): void {
  document.title = "Runs – Cratylus";
  let listing: Listing | undefined;
  let sort = query.get("sort") || "-started";
  let state = query.get("state") || "";
  let grouped = query.get("group") === "1";
  let everything = false;
  const heads = new Map<string, HTMLTableRowElement>();

  const find = html("input", { type: "search", value: query.get("q"), placeholder: "every word must occur", autocomplete: "off", spellcheck: "false" });
  find.addEventListener("input", calmly(() => changed(), 80));
  const states = choice([["", "all"]], "", (value) => { state = value; changed(); });
  const group = html("input", { type: "checkbox" });
  group.checked = grouped;
  group.addEventListener("change", () => { grouped = group.checked; changed(); });
  const compare = button("Compare", () => (location.hash = link("compare") + "/" + [...chosen].map(encodeURIComponent).join(",")), { class: "main" });
  const clear = button("Clear selection", () => {
    chosen.clear();
    for (const box of body.querySelectorAll<HTMLInputElement>(".tick input")) box.checked = false;
    for (const { element } of rows.values()) for (const box of element.querySelectorAll("input")) box.checked = false;
    selected();
  });
  const count = html("p", { class: "facts", role: "status" }, "Reading the folder …");
  const more = button("", () => { everything = true; draw(); });
  const sorters = new Map(columns.map((column) => [column.key, html("th", { role: "columnheader", class: [`of-${column.key}`, column.prose && "prose", column.minor && "minor"].filter(Boolean).join(" ") },
    button(column.head, () => {
      const numeric = listing?.runs?.some((run) => typeof column.by(run) === "number") || column.key === "started";
      sort = sort === column.key ? `-${column.key}` : sort === `-${column.key}` ? column.key : numeric ? `-${column.key}` : column.key;
      changed();
    }, { class: "sort" }))]));
  const body = html("tbody", { role: "rowgroup" });
  // The style sheet takes the table apart, so that what it is must be said.
  const table = html("table", { role: "table" }, html("thead", { role: "rowgroup" }, html("tr", { role: "row" }, html("th", { class: "tick", role: "columnheader" }, html("span", { class: "unseen" }, "Selected")), ...sorters.values())), body);
  const box = html("div", { class: "scroll runs", tabindex: 0, role: "region", "aria-label": "Runs" }, table);

  function selected(): void {
    compare.disabled = chosen.size < 2;
    compare.textContent = chosen.size ? `Compare ${plural(chosen.size, "run")}` : "Compare";
    clear.hidden = chosen.size === 0;
  }

  function changed(): void {
    remember({ q: find.value.trim(), sort: sort === "-started" ? null : sort, state, group: grouped ? "1" : null });
    draw();
  }

  function groupHead(name: string, members: Row[]): HTMLTableRowElement {
    const head = heads.get(name) ?? html("tr", { class: "head", role: "row" }, html("th", { role: "rowheader" }, clip(name), html("small", {})));
    heads.set(name, head);
    const said = ` ${counted(members.map(({ run }) => run))}`;
    const note = head.querySelector("small")!;
    if (note.textContent !== said) note.textContent = said;
    return head;
  }

  function draw(): void {
    if (!listing) return;
    const key = sort.replace(/^-/, "");
    const column = columns.find((one) => one.key === key) ?? columns[0]!;
    const found = listing.runs ?? [];
    const first = rows.size === 0 && found.length > 2 * atOnce;
    const entries = first ? ordered(found.map((run) => ({ run })), column, sort.startsWith("-")).slice(0, atOnce).map(({ run }) => run) : found;
    if (first) requestAnimationFrame(() => setTimeout(() => !signal.aborted && draw(), 60));
    const known = entries.map((run) => write(run, selected));
    const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
    const kept = known.filter(({ run, text }) => (!state || (run.trouble ? "unreadable" : run.state) === state) && words.every((word) => text.includes(word)));
    let order = ordered(kept, column, sort.startsWith("-"));
    const hidden = everything ? 0 : Math.max(0, order.length - most);
    if (hidden) order = order.slice(0, most);
    let elements: HTMLTableRowElement[];
    if (grouped) {
      const groups = new Map<string, Row[]>();
      for (const row of order) {
        const name = row.run.name || row.run.id;
        if (!groups.get(name)?.push(row)) groups.set(name, [row]);
      }
      elements = [...groups].flatMap(([name, members]) => [groupHead(name, members), ...members.map(({ element }) => element)]);
    } else elements = order.map(({ element }) => element);

    // Where nothing moved, nothing is touched.
    if (elements.length !== body.children.length || elements.some((element, index) => body.children[index] !== element)) {
      const focused = document.activeElement;
      body.replaceChildren(...elements);
      if (focused instanceof HTMLElement && focused !== document.activeElement && body.contains(focused)) focused.focus({ preventScroll: true });
    }
    for (const [name, head] of sorters) {
      head.setAttribute("aria-sort", name !== key ? "none" : sort.startsWith("-") ? "descending" : "ascending");
    }
    // A column of which nothing is known is only in the way.
    for (const { key: name, by } of columns) table.classList.toggle(`no-${name}`, !found.some((run) => by(run) !== null && by(run) !== undefined));
    if (first) return;
    const reading = listing.reading ? `, ${whole(listing.reading)} still being read` : "";
    const text = known.length === 0 && !reading ? "There are no runs in this folder yet." : `${kept.length === known.length ? "" : `${whole(kept.length)} of `}${counted(known.map(({ run }) => run))}${reading}`;
    if (count.textContent !== text) count.textContent = text;
    more.hidden = hidden === 0;
    more.textContent = `Show ${whole(hidden)} more`;
  }

  function offerStates(): void {
    const found = new Map<string, number>();
    for (const run of listing?.runs ?? []) {
      const name = run.trouble ? "unreadable" : run.state ?? "";
      if (name) found.set(name, (found.get(name) ?? 0) + 1);
    }
    if (state && !found.has(state)) found.set(state, 0);
    const options = [["", "all"], ...[...found].sort().map(([name, n]) => [name, `${name} (${n})`])] as [string, string][];
    if (JSON.stringify(options) === states.dataset.options) return;
    states.dataset.options = JSON.stringify(options);
    states.replaceChildren(...options.map(([value, label]) => html("option", { value }, label)));
    states.value = state;
  }

  root.classList.add("wide");
  root.replaceChildren(
    html("h1", { tabindex: -1 }, "Runs"),
    html("form", { class: "controls", role: "search" }, field("Find", find), field("State", states), html("label", { class: "field" }, group, html("span", {}, "Group by experiment")), compare, clear),
    count, html("div", { class: "buttons above" }, csvButton(table, "runs")), box, more);
  root.querySelector("form")!.addEventListener("submit", (event) => event.preventDefault());
  selected();
  watch(signal, (given) => {
    const first = !listing;
    listing = given;
    const there = new Set(listing?.runs?.map(({ id }) => id));
    for (const id of rows.keys()) if (!there.has(id)) [rows.delete(id), chosen.delete(id)];
    offerStates();
    draw();
    selected();
    if (first && scrolledTo) box.scrollTop = scrolledTo;
  });
  signal.addEventListener("abort", () => (scrolledTo = box.scrollTop));
}
