// The single runs of a run directory, and one of them: its population and its measures over time.
// Runs are numbered from 0, as they are in the tables and in the figures of the report.
import { context } from "../context";
import { isNumber, unique, type Point } from "../data";
import { html } from "../dom";
import { mount } from "../figure";
import { pictured } from "../figures/pictures";
import { shares } from "../figures/shares";
import { success } from "../figures/success";
import { fileStem, section } from "../report";
import { duration, number, percent, plural, share } from "../text";
import { seriesCount } from "../theme";
import { ask, message, type Replica, type Run, type Series } from "./api";
import { list, type Column } from "./list";
import { apart, choice, field, link, offerCsv, scrolled, whole, type Place } from "./parts";
import { population } from "./population";

const yes = (value: boolean | null | undefined) => (value == null ? "" : value ? "yes" : "no");

const columns: Column<Replica>[] = [
  { head: "Run", part: 1, number: true, text: ({ run }) => whole(run) },
  { head: "Replica", part: 1, number: true, minor: true, text: ({ replica }) => whole(replica) },
  { head: "Seed", part: 2.6, number: true, minor: true, text: ({ seed }) => (seed == null ? "" : String(seed)) },
  { head: "Interactions", part: 1.5, number: true, text: ({ interactions }) => whole(interactions) },
  { head: "Rounds", part: 1.2, number: true, minor: true, text: ({ rounds }) => (isNumber(rounds) ? duration(rounds) : "") },
  { head: "Consensus", part: 1.3, text: ({ consensus }) => yes(consensus) },
  { head: "Winner", part: 2, text: ({ winner }) => winner ?? "" },
  { head: "Rounds to it", part: 1.4, number: true, text: ({ rounds_to_consensus: rounds }) => (isNumber(rounds) ? duration(rounds) : "") },
  { head: "Success", part: 1.2, number: true, minor: true, text: ({ success_rate: rate }) => (isNumber(rate) ? percent(rate) : "") },
  { head: "Void", part: 1, number: true, minor: true, text: ({ void_share: part }) => (isNumber(part) ? share(part) : "") },
  { head: "Tipped", part: 1, text: ({ tipped }) => yes(tipped) },
  { head: "Minority", part: 1.2, number: true, minor: true, text: ({ minority_share: part }) => (isNumber(part) ? share(part) : "") },
];

export function replicas({ query, signal, remember }: Place, run: Run): { elements: HTMLElement[]; refresh: () => void } {
  const points = run.points ?? [];
  const holder = html("div");
  const count = html("p", { class: "facts" });
  let point = Math.min(points.length - 1, Number(query.get("point") ?? 0) || 0);
  let rows: ReturnType<typeof list> | undefined;
  const draw = async () => {
    try {
      const of = point;
      const fetched = async (from: number, n: number, stopped: AbortSignal) => {
        const found = await ask<{ total: number; rows: Replica[] }>("replicas", { id: run.id, point: of, from, n }, stopped);
        count.textContent = `${plural(found.total, "run")} finished. Choosing one shows its population and its measures over time.`;
        return found;
      };
      const some = await fetched(0, 100, signal);
      const used = columns.filter(({ text }) => !some.rows.length || some.rows.some((row) => text(row)));
      rows = list<Replica>({
        label: "Single runs", stem: `${fileStem(run.report?.name ?? run.id)}-runs-${point}`, columns: used, signal,
        ask: fetched,
        open: (row) => (location.hash = link("run", run.id, "replica", row.run)),
      });
      holder.replaceChildren(count, rows.element);
    } catch (error) {
      if (!signal.aborted) holder.replaceChildren(html("p", { class: "warning" }, message(error)));
    }
  };
  void draw();
  const options = points.map(({ label, done, runs }, index) => [String(index), `${(label ?? `condition ${index + 1}`).slice(0, 80)} (${done ?? 0} of ${runs ?? "?"})`] as [string, string]);
  return {
    elements: [html("section", { "aria-label": "Single runs" },
      points.length > 1 && html("div", { class: "controls" }, field("Condition", choice(options, String(point), (value) => {
        point = Number(value);
        remember({ point: value });
        void draw();
      }))), holder)],
    refresh: () => (rows ? rows.refresh() : void draw()),
  };
}

const said = (measure: string) => measure.slice(0, 200).replace(/_/g, " ");

/** What is measured once in a run, at its end. */
function onceOf(series: Series): HTMLElement | undefined {
  const rows = Object.entries(series.measures ?? {}).filter(([, { round }]) => round?.length === 1).map(([name, { value }]) => [html("bdi", {}, said(name)), number(value?.[0])]);
  if (!rows.length) return undefined;
  const part = section("Measured at the end", scrolled("Measured at the end", ["Measure", "Value"], rows));
  if (part) offerCsv(part, `run-${series.run}`);
  return part;
}

/** The measures of a run as the figures of a report that holds nothing else. */
function figuresOf(run: Run, series: Series, label: string, winner: string | null | undefined, names: string[], size: number | null | undefined) {
  const measures = Object.entries(series.measures ?? {});
  const rate = measures.find(([name]) => name === "success_rate")?.[1];
  const named = measures.filter(([name]) => name.startsWith("name_share:")).map(([name, { round, value }]) => ({ name: name.slice("name_share:".length), round: round ?? [], value: value ?? [] }));
  const all = unique(named.flatMap(({ round }) => round)).sort((a, b) => a - b);
  const along = named.map(({ name, round, value }) => {
    const at = new Map(round.map((when, index) => [when, value[index] ?? null]));
    return [name, all.map((when) => at.get(when) ?? null)] as const;
  });
  const point: Point = {
    label, size, runs: 1, names,
    success: rate?.round?.length ? { round: rate.round, median: rate.value } : null,
    shares: all.length ? [{ run: series.run, winner, round: all, names: Object.fromEntries(along) }] : null,
  };
  const about = context({ name: run.report?.name, live: run.report?.live, points: [point] });
  // Colours follow the order of names, as those of the population do.
  about.colourOf = (name) => (names.indexOf(name) >= 0 && names.indexOf(name) < seriesCount ? `series${names.indexOf(name)}` : "other");
  // What is measured for each name, or each of something else, belongs in one figure.
  const groups = new Map<string, typeof measures>();
  for (const measure of measures) {
    if (measure[0] === "success_rate" || measure[0].startsWith("name_share:") || (measure[1].round?.length ?? 0) < 2) continue;
    const name = measure[0].replace(/:.*$/s, "");
    groups.set(name, [...(groups.get(name) ?? []), measure]);
  }
  const others = [...groups].map(([name, members], index) => {
    const lines = members.slice(0, seriesCount).map(([whole, { round, value }]) => ({ label: whole.slice(name.length + 1) || name, who: "rival", joined: true, x: round, y: value }));
    return pictured(`measure-${index + 1}`, said(name), [{ condition: label, picture: { kind: "curves", x: "population round", y: said(name), lines } }]);
  });
  const stacked = shares(about);
  const drawn = [success(about), stacked && { ...stacked, title: "Shares of the names", caption: "Share of each name among the choices in a population round, stacked with the winner at the bottom." }, ...others].filter((figure) => figure !== undefined);
  return drawn.map((figure, index) => mount(figure, index + 1, `${fileStem(run.report?.name ?? run.id)}-run-${series.run}`));
}

/** An act of an episode, and what its seat was told. */
interface Act {
  t: number;
  turn: number;
  seat: number;
  agent: number;
  said?: string | null;
  void?: boolean | null;
  talk?: boolean | null;
  told?: unknown;
}

const actColumns: Column<Act>[] = [
  { head: "Episode", part: 1, number: true, minor: true, text: ({ t }) => whole(t) },
  { head: "Turn", part: 1, number: true, text: ({ turn }) => whole(turn) },
  { head: "Seat", part: 1, number: true, text: ({ seat }) => whole(seat) },
  { head: "Agent", part: 1, number: true, minor: true, text: ({ agent }) => whole(agent) },
  { head: "Did or said", part: 6, text: (act) => (act.void ? "no usable answer" : act.talk && act.said ? `“${act.said}”` : act.said ?? "") },
];

/** Episodes act by act; choosing an act shows what its seat was told. */
function episodes(run: Run, index: number, signal: AbortSignal): HTMLElement {
  const told = html("pre", { class: "words", tabindex: 0, "aria-live": "polite" }, "Choosing an act shows what its seat was told.");
  const rows = list<Act>({
    label: "Acts", stem: `${fileStem(run.report?.name ?? run.id)}-acts-${index}`, columns: actColumns, signal,
    ask: (from, n, stopped) => ask<{ total: number; rows: Act[] }>("acts", { id: run.id, run: index, from, n }, stopped),
    open: (act) => (told.textContent = `Episode ${act.t}, turn ${act.turn}, seat ${act.seat} was told:\n${JSON.stringify(act.told, null, 1)}`),
  });
  return section("Acts", rows.element, told) ?? rows.element;
}

export function replica(place: Place, run: Run): HTMLElement[] {
  const { path, signal } = place;
  const index = Number(path[3] ?? 0);
  const points = run.points ?? [];
  const point = points.filter((one) => (one.first ?? 0) <= index).pop() ?? points[0];
  const at = points.indexOf(point!);
  const total = points.reduce((sum, one) => sum + (one.runs ?? 0), 0);
  const nth = index - (point?.first ?? 0);
  const facts = html("p", { class: "facts" });
  const people = html("div", {}, html("p", { class: "facts" }, "Reading the population …"));
  const over = html("div", { class: "figures" });
  const trouble = (part: HTMLElement, error: unknown) => {
    if (!signal.aborted) part.replaceChildren(html("p", { class: "warning" }, message(error)));
  };

  let names = point?.names ?? [];
  let draw = (): void => undefined;
  if (run.staged) people.replaceChildren(episodes(run, index, signal));
  else if (run.population === false) people.replaceChildren(html("p", {}, run.no_population || "The population of this run cannot be shown."));
  else {
    population(run.id, index, place).then((found) => {
      people.replaceChildren(found.element);
      // Names have the same colours in the figures as in the population.
      if (found.names.join("\n") === names.join("\n")) return;
      names = found.names;
      draw();
    }, (error) => trouble(people, error));
  }
  Promise.all([
    ask<Series>("series", { id: run.id, run: index }, signal),
    ask<{ rows: Replica[] }>("replicas", { id: run.id, point: Math.max(0, at), from: nth, n: 1 }, signal).catch(() => ({ rows: [] })),
  ]).then(([series, { rows }]) => {
    const row = rows.find((one) => one.run === index);
    facts.textContent = [
      point?.label && apart(point.label, 200), `replica ${nth}`, isNumber(row?.interactions) && plural(row.interactions, "interaction"), row?.winner ? `${apart(row.winner)} wins` : row?.consensus === false ? "no consensus" : "",
      isNumber(row?.rounds_to_consensus) && `consensus after ${number(row.rounds_to_consensus)} rounds`, row?.seed != null && `seed ${row.seed}`,
    ].filter(Boolean).join(" · ");
    const once = onceOf(series);
    draw = () => over.replaceChildren(...figuresOf(run, series, point?.label ?? "", row?.winner, names, point?.size), ...(once ? [once] : []));
    draw();
  }).catch((error) => trouble(over, error));

  const to = (target: number, label: string) => (target >= 0 && target < total ? html("a", { href: link("run", run.id, "replica", target) }, label) : html("span", { class: "facts" }, label));
  return [
    html("nav", { class: "steps", "aria-label": "Neighbouring runs" }, to(index - 1, "‹ previous"), html("h2", {}, `Run ${whole(index)}`), to(index + 1, "next ›")),
    facts, people, over,
  ];
}
