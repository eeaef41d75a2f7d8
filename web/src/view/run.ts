// One run directory: its results, its plan, its single runs and its calls. It follows the run while it goes on.
import { isNumber } from "../data";
import { html } from "../dom";
import { contents, facts, fileStem } from "../report";
import { address, ask, aborted, message, type Run } from "./api";
import { calls } from "./calls";
import { link, offerCsv, replaceKeeping, whole, type Place } from "./parts";
import { plan } from "./plan";
import { replica, replicas } from "./replica";
import { watch } from "./watch";

function downloads({ id, tables }: Run): HTMLElement | undefined {
  if (!tables?.length) return undefined;
  return html("section", {}, html("h2", {}, "Tables"), html("p", {}, "Whole tables as the program wrote them."),
    html("ul", { class: "files" }, ...tables.map((name) => html("li", {}, html("b", {}, name), ...["csv", "parquet"].flatMap((format) => [" ", html("a", { href: address("table", { id, name, format }), download: "" }, format === "csv" ? "CSV" : "Parquet")])))));
}

function results(run: Run, heading: HTMLElement): HTMLElement[] {
  const report = run.report ?? {};
  if (!report.points?.length && !report.benchmark) return [html("p", {}, run.state === "running" ? "No run has finished yet; the first results appear here." : "There are no results.")];
  const part = html("div", {}, ...contents(report, heading));
  offerCsv(part, fileStem(report.name || run.id));
  const files = downloads(run);
  return files ? [part, files] : [part];
}

export async function run(place: Place): Promise<void> {
  const { root, path, signal } = place;
  const id = path[1] ?? "";
  const tab = path[2] ?? "";
  let found: Run;
  try {
    found = await ask<Run>("run", { id }, signal);
  } catch (error) {
    if (!aborted(error)) root.replaceChildren(html("h1", { tabindex: -1 }, "This run cannot be shown"), html("p", { class: "warning" }, message(error)));
    return;
  }
  const name = found.report?.name || id;
  document.title = `${name.slice(0, 100)} – Cratylus`;

  const state = html("span", { class: "state" });
  const bar = html("progress", { "aria-label": "Runs finished" });
  const done = html("span", { class: "facts" });
  const about = html("p", { class: "facts" });
  const noted = html("div");
  const says = html("p", { class: "warning" });
  const header = html("header", {},
    id !== "." && id !== name && html("p", { class: "kicker" }, html("bdi", {}, id)),
    html("h1", { tabindex: -1 }, html("bdi", {}, name)),
    tab === "" && found.report?.claim && html("p", { class: "claim" }, found.report.claim),
    html("p", { class: "going" }, state, bar, done), about, says, noted);
  const head = () => {
    state.textContent = found.state ?? "";
    state.className = `state is-${(found.state ?? "").replace(/\W/g, "")}`;
    bar.max = Math.max(1, found.runs ?? 1);
    bar.value = found.done ?? 0;
    bar.hidden = !isNumber(found.runs);
    done.textContent = isNumber(found.runs) ? `${whole(found.done ?? 0)} of ${whole(found.runs)} runs` : "";
    about.textContent = found.report && tab === "" ? facts(found.report) : "";
    says.hidden = !found.says;
    says.textContent = found.says ?? "";
  };
  head();

  const tabs: [string, string][] = [["", "Results"], ["plan", "Plan"], ...(found.single === false ? [] : [["replicas", "Single runs"] as [string, string]]), ...(found.calls ? [["calls", "Calls"] as [string, string]] : [])];
  const current = tab === "replica" ? "replicas" : tab;
  const nav = html("nav", { class: "tabs", "aria-label": "Parts of this run" }, ...tabs.map(([key, label]) =>
    html("a", { href: link("run", id, ...(key ? [key] : [])), "aria-current": key === current ? "page" : null }, label)));
  const body = html("div", { class: "body" });
  root.classList.toggle("wide", tab === "calls");
  root.replaceChildren(header, nav, body);

  let refresh = (): void => undefined;
  if (tab === "plan") body.replaceChildren(...plan(place, found));
  else if (tab === "replica") body.replaceChildren(...replica(place, found));
  else if (tab === "calls" && !found.calls) body.replaceChildren(html("p", {}, "No live model was asked."));
  else if (tab === "replicas" || tab === "calls") {
    const part = tab === "calls" ? calls(place, found) : replicas(place, found);
    body.replaceChildren(...part.elements);
    refresh = part.refresh;
  } else {
    const draw = () => {
      noted.replaceChildren();
      return results(found, noted);
    };
    body.replaceChildren(...draw());
    refresh = () => replaceKeeping(body, draw());
  }

  let stamp = found.stamp;
  let asking = false;
  watch(signal, (listing) => {
    const entry = listing?.runs?.find((one) => one.id === id);
    if (!entry || asking || entry.stamp === stamp) return;
    asking = true;
    ask<Run>("run", { id }, signal).then((fresh) => {
      found = fresh;
      // The stamp of the listing is what changes are told by; that of the answer may already be newer.
      stamp = entry.stamp;
      head();
      refresh();
    }, () => undefined).finally(() => (asking = false));
  });
}
