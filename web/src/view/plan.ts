// Every setting of a run, where it came from, and in what two runs differ.
import { unique } from "../data";
import { html } from "../dom";
import { plural } from "../text";
import { ask, message, type Run } from "./api";
import { calmly, choice, csvButton, field, isTraining, scrolled, type Place } from "./parts";
import { watch } from "./watch";

const most = 8;

function flatten(value: unknown, path: string, into: Map<string, string>): Map<string, string> {
  const nested = Array.isArray(value) ? value.some((item) => item !== null && typeof item === "object") : value !== null && typeof value === "object";
  const entries = nested ? Object.entries(value as object) : [];
  if (!entries.length) into.set(path, typeof value === "string" ? value : JSON.stringify(value) ?? "");
  for (const [key, inner] of entries) flatten(inner, path ? `${path}.${key}` : key, into);
  return into;
}

/** The settings of every point, by their paths. */
export function settings(run: Run): Map<string, string>[] {
  return (run.plan ?? []).map((point) => {
    const { swept: _, ...rest } = point;
    return flatten(rest, "", new Map());
  });
}

/** The values that a setting takes over the points, in one text. */
function valuesOf(points: Map<string, string>[], path: string): string {
  const values = unique(points.map((point) => point.get(path) ?? "–"));
  return values.slice(0, most).join(" · ") + (values.length > most ? ` · and ${values.length - most} more` : "");
}

export const pathsOf = (points: Map<string, string>[]) => unique(points.flatMap((point) => [...point.keys()]));

/** The settings in which groups of points differ, a column for each group. */
export function differences(heads: string[], groups: Map<string, string>[][]): { table: HTMLElement; count: number } {
  const rows = pathsOf(groups.flat())
    .map((path) => [path, ...groups.map((points) => valuesOf(points, path))])
    .filter(([, ...values]) => unique(values).length > 1);
  return { table: scrolled("Settings that differ", ["Setting", ...heads], rows), count: rows.length };
}

/** Whether a setting was asked for, or is swept, or was left to its default. */
function originOf(path: string, asked: Map<string, string>, swept: string[]): string {
  if (swept.some((key) => path === key || path.startsWith(`${key}.`))) return "swept";
  for (const key of asked.keys()) if (path === key || path.startsWith(`${key}.`) || key.startsWith(`${path}.`)) return "asked for";
  return "default";
}

export function plan({ query, signal, remember }: Place, run: Run): HTMLElement[] {
  const points = settings(run);
  const asked = flatten(run.asked ?? {}, "", new Map());
  const swept = unique((run.plan ?? []).flatMap((point) => Object.keys((point.swept as object | null) ?? {})));
  const rows = pathsOf(points).map((path) => {
    const origin = originOf(path, asked, swept);
    const value = valuesOf(points, path);
    const element = html("tr", { class: origin === "default" ? "by-default" : null }, html("th", { scope: "row" }, html("bdi", {}, path)), html("td", { class: "prose" }, html("bdi", {}, value)), html("td", { class: "prose" }, origin));
    return { element, origin, text: `${path} ${value} ${origin}`.toLowerCase() };
  });
  const body = html("tbody", {}, ...rows.map(({ element }) => element));
  const table = html("table", { class: "settings" }, html("thead", {}, html("tr", {}, ...["Setting", "Value", "Origin"].map((head) => html("th", { scope: "col", class: "prose" }, head)))), body);
  const count = html("p", { class: "facts", role: "status" });
  const find = html("input", { type: "search", value: query.get("q"), autocomplete: "off", spellcheck: "false" });
  let origin = query.get("origin") ?? "";
  const draw = () => {
    const words = find.value.toLowerCase().split(/\s+/).filter(Boolean);
    const kept = rows.filter((row) => (!origin || row.origin === origin) && words.every((word) => row.text.includes(word)));
    body.replaceChildren(...kept.map(({ element }) => element));
    count.textContent = `${kept.length} of ${plural(rows.length, "setting")}${points.length > 1 ? `, over ${plural(points.length, "condition")}` : ""}`;
    remember({ q: find.value.trim(), origin });
  };
  find.addEventListener("input", calmly(draw, 80));
  draw();

  const other = html("div", { role: "status" });
  const against = async (id: string) => {
    remember({ against: id });
    if (!id) return other.replaceChildren();
    try {
      const found = await ask<Run>("run", { id }, signal);
      const { table: differs, count: n } = differences(["This run", found.report?.name === run.report?.name ? id : found.report?.name || id], [points, settings(found)]);
      other.replaceChildren(html("p", {}, n ? `${plural(n, "setting")} differ${n === 1 ? "s" : ""}.` : "No setting differs."),
        ...(n ? [html("div", { class: "buttons above" }, csvButton(differs.querySelector("table")!, "differences")), differs] : []));
    } catch (error) {
      if (!signal.aborted) other.replaceChildren(html("p", { class: "warning" }, message(error)));
    }
  };
  const others = html("select", { "aria-label": "Another run" }, html("option", { value: "" }, "choose a run"));
  others.addEventListener("change", () => void against(others.value));
  watch(signal, (listing) => {
    if (others.options.length > 1) return;
    others.append(...(listing?.runs ?? []).filter((entry) => entry.id !== run.id && !entry.trouble && !isTraining(entry)).map(({ id, name }) =>
      html("option", { value: id }, (name && name !== id ? `${id.slice(0, 60)} (${name.slice(0, 60)})` : id.slice(0, 120)))));
    others.value = query.get("against") ?? "";
    if (others.value) void against(others.value);
  });
  return [
    html("section", {}, html("h2", {}, "Settings"),
      html("form", { class: "controls", role: "search" }, field("Find", find), field("Origin", choice([["", "all"], ["asked for", "asked for"], ["swept", "swept"], ["default", "default"]], origin, (value) => { origin = value; draw(); }))),
      count, html("div", { class: "buttons above" }, csvButton(table, "settings")),
      html("div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Settings" }, table)),
    html("section", {}, html("h2", {}, "What differs from another run"), html("div", { class: "controls" }, field("Another run", others)), other),
  ];
}
