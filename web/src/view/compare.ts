// Two or more runs beside each other: their conditions as if they were those of one report, and what their plans differ in.
import { context } from "../context";
import { isNumber, unique, type Bars, type Point, type Report } from "../data";
import { html } from "../dom";
import { mount } from "../figure";
import { pictured } from "../figures/pictures";
import { figures, section } from "../report";
import { table } from "../table";
import { plural } from "../text";
import { ask, aborted, message, type Run } from "./api";
import { apart, button, decoded, link, offerCsv, type Place } from "./parts";
import { differences, settings } from "./plan";

/** With more conditions than this, a few of each run are shown at first. */
const most = 24;

/** The share of runs in consensus, which figures of a single report only note beside others. */
function consensus(kept: { point: Point; label: string; head: string }[]) {
  const rows = kept.filter(({ point }) => isNumber(point.consensus?.share)).map(({ point: { consensus }, label, head }) =>
    ({ label, group: head === label ? "" : head, who: "record", value: consensus!.share, low: consensus!.low, high: consensus!.high }));
  const bars: Bars = { kind: "bars", title: "Runs in consensus", axis: "share of runs in consensus, with 95% intervals", rows };
  return rows.length ? pictured("consensus", "Runs in consensus", [{ condition: "", picture: bars }]) : undefined;
}

export async function compare({ root, path, query, signal, remember }: Place): Promise<void> {
  document.title = "Comparison – Cratylus";
  const ids = unique((path[1] ?? "").split(",").map(decoded).filter(Boolean));
  let runs: Run[];
  try {
    runs = await Promise.all(ids.map((id) => ask<Run>("run", { id }, signal)));
  } catch (error) {
    if (!aborted(error)) root.replaceChildren(html("h1", { tabindex: -1 }, "These runs cannot be compared"), html("p", { class: "warning" }, message(error)));
    return;
  }
  const named = runs.map((run) => run.report?.name || run.id);
  // Runs of the same experiment are told apart by where they lie.
  const heads = runs.map((run, index) => (named.filter((name) => name === named[index]).length > 1 ? run.id : named[index]!));
  const all = runs.flatMap((run, index) => (run.report?.points ?? []).map((point, at) => ({
    key: `${index}.${at}`,
    run: index,
    at,
    head: heads[index]!,
    label: run.report!.points!.length > 1 ? point.label : heads[index]!,
    plan: settings(run)[at],
    point: { ...point, label: run.report!.points!.length > 1 || point.label !== named[index] ? `${apart(heads[index]!)}: ${point.label}` : heads[index]!, keys: { ...point.keys, run: heads[index]! } } as Point,
  })));
  const hidden = new Set(query.has("hide") ? query.get("hide")!.split(",") : all.length > most ? all.filter(({ at }) => at >= Math.max(1, Math.floor(most / runs.length))).map(({ key }) => key) : []);

  const body = html("div", { class: "body" });
  function draw(): void {
    const kept = all.filter(({ key }) => !hidden.has(key));
    const points = kept.map(({ point }) => point);
    const merged: Report = {
      name: heads.join(", "),
      live: runs.flatMap((run) => run.report?.live ?? []),
      published: runs.flatMap((run) => run.report?.published ?? []),
      points,
    };
    const about = context(merged);
    const lead = unique(runs.map((run) => run.report?.kind_of_figure));
    const [first, others] = figures(about, lead.length === 1 ? lead[0] : null);
    const drawn = [consensus(kept), ...first!, ...others!].filter((figure) => figure !== undefined);
    const groups = heads.map((_, index) => kept.filter(({ run }) => run === index).flatMap(({ plan }) => plan ?? []));
    const { table: differs, count } = differences(heads, groups);
    body.replaceChildren(
      ...(points.length ? [] : [html("p", {}, "No condition is chosen, or none has results.")]),
      html("div", { class: "figures" }, ...drawn.map((figure, index) => mount(figure, index + 1, "comparison"))),
      ...[
        section("Summary", table(about)),
        section("Settings that differ", html("p", {}, count ? "Over the chosen conditions." : "No setting differs."), count > 0 && differs),
      ].filter((element) => element !== undefined));
    offerCsv(body, "comparison");
  }

  const boxes = all.map(() => html("input", { type: "checkbox" }));
  function hide(keys: string[], whether: boolean): void {
    for (const key of keys) {
      if (whether) hidden.add(key);
      else hidden.delete(key);
    }
    boxes.forEach((box, index) => (box.checked = !hidden.has(all[index]!.key)));
    remember({ hide: [...hidden].join(",") || (all.length > most ? "none" : null) });
    draw();
  }
  const items = all.map(({ key, point }, index) => {
    const box = boxes[index]!;
    box.checked = !hidden.has(key);
    box.addEventListener("change", () => hide([key], !box.checked));
    return html("li", {}, html("label", {}, box, html("bdi", { class: "clip" }, point.label)));
  });
  const keys = all.map(({ key }) => key);
  root.replaceChildren(
    html("header", {}, html("h1", { tabindex: -1 }, "Comparison"),
      html("p", { class: "facts" }, ...heads.flatMap((head, index) => [index > 0 && " · ", html("a", { href: link("run", runs[index]!.id) }, html("bdi", {}, head.slice(0, 100)))])),
      html("details", all.length > most ? { open: "" } : {}, html("summary", {}, `Conditions: ${plural(all.length, "in all", "in all")}`), 
        html("div", { class: "buttons" }, button("All", () => hide(keys, false)), button("None", () => hide(keys, true))),
        html("ul", { class: "boxes" }, ...items))),
    body);
  draw();
}
