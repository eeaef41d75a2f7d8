// Reads the data in the page and lays out the report.
import type { Report } from "./data";
import { html } from "./dom";
import { openInPrint } from "./figure";
import { contents, facts } from "./report";
import { themeCss } from "./theme";

function page(report: Report): HTMLElement[] {
  const name = report.name || "Untitled experiment";
  if (report.placeholder) return [html("header", {}, html("h1", {}, "Cratylus report"), html("p", {}, "This page holds no data yet."))];
  document.title = `${name} – Cratylus report`;
  const about = facts(report);
  const header = html("header", {},
    html("p", { class: "kicker" }, "Cratylus report"),
    html("h1", {}, name),
    report.claim && html("p", { class: "claim" }, report.claim),
    about && html("p", { class: "facts" }, about));
  return [header, ...contents(report, header)];
}

document.head.append(html("style", {}, themeCss));
openInPrint();
const root = document.getElementById("report")!;
try {
  root.replaceChildren(...page(JSON.parse(document.getElementById("report-data")!.textContent ?? "{}") as Report));
} catch (error) {
  root.replaceChildren(html("h1", {}, "Cratylus report"), html("p", { class: "warning" }, `The data of this report could not be read: ${String(error)}`));
}
