// The parts of a report, of which the report page and a run's page in the viewer are made.
import { audit } from "./audit";
import { benchmark } from "./benchmark";
import { context, type Context } from "./context";
import { isNumber, unique, type Report } from "./data";
import { html } from "./dom";
import { mount } from "./figure";
import { followed } from "./figures/followed";
import { individual } from "./figures/individual";
import { phase } from "./figures/phase";
import { rounds } from "./figures/rounds";
import { shares } from "./figures/shares";
import { success } from "./figures/success";
import { sweep } from "./figures/sweep";
import { threshold } from "./figures/threshold";
import { tipping } from "./figures/tipping";
import { winners } from "./figures/winners";
import type { Figure } from "./plot";
import { liveModels, table } from "./table";
import { plural } from "./text";

const formatRead = 1;

/** Beyond this many conditions, the figures that do not answer the question of the experiment start folded. */
const manyConditions = 16;

/** The figures that the data allow: first those that answer the question of the experiment, then the others. */
export function figures(about: Context, lead: string | null | undefined): Figure[][] {
  const tips = about.points.some((point) => point.tipping);
  const groups: Record<string, (Figure | undefined)[]> = {
    consensus: [...(tips ? [] : [threshold(about), ...phase(about)]), ...followed(about), ...sweep(about), success(about), rounds(about), winners(about)],
    tipping: [...(tips ? [threshold(about), ...phase(about)] : []), ...tipping(about)],
    individual: [individual(about)],
    examples: [shares(about)],
  };
  const drawn = (list: (Figure | undefined)[]) => list.filter((figure) => figure !== undefined);
  const first = lead && Object.hasOwn(groups, lead) ? drawn(groups[lead]!) : [];
  const others = Object.entries(groups).flatMap(([name, list]) => (first.length && name === lead ? [] : drawn(list)));
  return first.length ? [first, others] : [others, []];
}

export function facts(report: Report): string {
  const points = report.points ?? [];
  const runs = points.reduce((sum, point) => sum + (point.runs ?? 0), 0);
  const answers = points.reduce((sum, point) => sum + (point.individual?.answers ?? 0), 0);
  const { version, revision, seed } = report.provenance ?? {};
  return [
    report.game && `${report.game} game`,
    points.length > 0 && plural(points.length, "condition"),
    runs > 0 && plural(runs, "run"),
    answers > 0 && plural(answers, "answer"),
    seed != null && `seed ${seed}`,
    version && `version ${version}${revision ? ` (${revision})` : ""}`,
  ].filter(Boolean).join(" · ");
}

export const fileStem = (name: string) => name.replace(/[^\p{L}\p{N}]+/gu, "-").replace(/^-+|-+$/g, "").slice(0, 60) || "cratylus";

/** A listing with a button that copies it, by selection where the clipboard is out of reach. */
export function listing(content: string, prose = false): HTMLElement {
  const pre = html("pre", { tabindex: 0, class: prose ? "words" : null }, content);
  const button = html("button", { type: "button" }, "Copy");
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(content);
      button.textContent = "Copied";
    } catch {
      getSelection()?.selectAllChildren(pre);
      button.textContent = document.execCommand("copy") ? "Copied" : "Selected";
    }
    setTimeout(() => (button.textContent = "Copy"), 2000);
  });
  return html("div", { class: "listing" }, button, pre);
}

function provenance(report: Report): HTMLElement | undefined {
  const { version, revision, seed, digest, sources } = report.provenance ?? {};
  const recorded = (report.points ?? []).map((point) => point.recorded?.source).filter((source) => source != null);
  const rows: [string, (string | number)[]][] = [
    ["Version", version ? [version] : []],
    ["Revision", revision ? [revision] : []],
    ["Seed", seed != null ? [seed] : []],
    ["Digest of the results", digest ? [digest] : []],
    ["Sources of the models", sources ?? []],
    ["Recorded data", unique(recorded)],
  ];
  const known = rows.filter(([, values]) => values.length);
  if (!known.length) return undefined;
  return html("dl", {}, ...known.flatMap(([term, values]) => [html("dt", {}, term), ...values.map((value) => html("dd", {}, String(value)))]));
}

export function section(title: string, ...content: (Node | null | undefined | false | "")[]): HTMLElement | undefined {
  const present = content.filter((node): node is Node => Boolean(node));
  return present.length ? html("section", {}, html("h2", {}, title), ...present) : undefined;
}

/** What to write where the results are used: a paragraph on the methods, and an entry for a bibliography. */
function cite({ methods, bibtex }: Report): HTMLElement | undefined {
  return section("Cite",
    methods && html("h3", {}, "Methods"), methods && listing(methods, true),
    bibtex && html("h3", {}, "BibTeX"), bibtex && listing(bibtex));
}

/** All of a report beneath its heading; `heading` gets what belongs there. */
export function contents(report: Report, heading: HTMLElement): HTMLElement[] {
  const name = report.name || "Untitled experiment";
  if (isNumber(report.format) && report.format > formatRead) {
    heading.append(html("p", { class: "warning" }, `These data have format ${report.format}; this page knows format ${formatRead} and may misread them.`));
  }
  const about = context(report);
  const [first, others] = figures(about, report.kind_of_figure) as [Figure[], Figure[]];
  const mounted = [...first, ...others].map((figure, index) => mount(figure, index + 1, fileStem(name)));
  const audited = audit(report.audit, mounted.length, fileStem(name));
  const drawn = mounted.length + (audited?.querySelectorAll("figure").length ?? 0);
  if (audited) heading.append(html("p", { class: "facts" }, html("a", { href: `#${audited.id}` }, "Audit: did it emerge, or was it recalled?")));
  const further = mounted.slice(first.length);
  const folded = about.points.length > manyConditions && further.length > 0;
  return [
    mounted.length > 0 && html("div", { class: "figures" }, ...mounted.slice(0, first.length), ...(folded
      ? [html("details", {}, html("summary", {}, `Further figures: ${others.map((figure) => figure.title.toLowerCase()).join(", ")}`), ...further)]
      : further)),
    section("Summary", table(about)),
    audited,
    benchmark(report.benchmark, drawn, fileStem(name)),
    section("Live models", liveModels(report.live)),
    section("The experiment", report.experiment_toml && listing(report.experiment_toml)),
    section("The plan", report.plan_toml && html("details", {}, html("summary", {}, "Every setting, defaults included"), listing(report.plan_toml))),
    section("Provenance", provenance(report)),
    cite(report),
  ].filter((element) => element instanceof HTMLElement);
}
