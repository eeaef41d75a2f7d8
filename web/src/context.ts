// What the figures need to know about the whole report before they draw a part of it.
import { isNumber, unique, type Found, type Outcome, type Point, type Published, type Report } from "./data";
import { aside, plural, span } from "./text";
import { seriesCount } from "./theme";

export interface Context {
  points: Point[];
  name: string;
  /** What to call our own runs, and the recorded ones where there are any. */
  ours: string;
  recorded: string;
  colourOf: (name: string) => string;
  published: Published[];
  found?: Found;
}

export function context(report: Report): Context {
  const points = report.points ?? [];
  const weights = new Map<string, number>();
  const add = (name: string, weight: number) => weights.set(name, (weights.get(name) ?? 0) + weight);
  for (const point of points) {
    for (const winner of point.winners ?? []) add(winner.name, winner.share ?? 0);
    for (const run of point.shares ?? []) for (const name of Object.keys(run.names ?? {})) add(name, 0);
    for (const name of point.names ?? []) add(name, 0);
  }
  // The names that win most get the distinct colours; the others share a grey and rely on their labels.
  const ranked = [...weights].sort((a, b) => b[1] - a[1]).map(([name]) => name);
  const series = new Map(ranked.slice(0, seriesCount).map((name, index) => [name, `series${index}`]));
  return {
    points,
    name: report.name ?? "",
    ours: report.live?.length ? "Live" : points.some((point) => point.recorded) ? "Emulated" : "Simulated",
    recorded: "Recorded",
    published: report.published ?? [],
    found: report.found ?? undefined,
    colourOf: (name) => series.get(name) ?? "other",
  };
}

/** How many runs there are, for a caption: "40 runs per condition". */
export function runsText(outcomes: (Outcome | null | undefined)[]): string {
  const counts = outcomes.map((outcome) => outcome?.runs).filter(isNumber);
  if (!counts.length) return "";
  const text = Math.max(...counts) === 1 ? "1 run" : `${span(counts)} runs`;
  return outcomes.length === 1 ? text : `${text} per condition`;
}

export function sizeText(point: Point): string {
  const parts = [];
  if (isNumber(point.size)) parts.push(plural(point.size, "agent"));
  if (isNumber(point.runs)) parts.push(plural(point.runs, "run"));
  return parts.join(", ");
}

/** A sentence on where the recorded values come from, or nothing. */
export function recordedSentence(points: Point[], what: string): string {
  const recorded = points.map((point) => point.recorded).filter((outcome) => outcome != null);
  if (!recorded.length) return "";
  return ` Grey: ${what}${aside(runsText(recorded))}.`;
}

const plain = (value: unknown): string =>
  Array.isArray(value) ? value.map(plain).join(" ") : value !== null && typeof value === "object" ? JSON.stringify(value) : String(value);

/** Groups points by the swept keys that remain once those a figure puts on its axes are left out. */
export function panelsOf(points: Point[], onAxis: (key: string, value: string, point: Point) => boolean): { title: string; points: Point[] }[] {
  const keys = unique(points.flatMap((point) => Object.keys(point.keys ?? {}))).filter(
    (key) => !points.every((point) => point.keys?.[key] === undefined || onAxis(key, plain(point.keys[key]), point)),
  );
  const varying = keys.filter((key) => unique(points.map((point) => plain(point.keys?.[key]))).length > 1);
  const titled = varying.length ? varying : keys;
  const groups = new Map<string, Point[]>();
  for (const point of points) {
    const title = titled
      .map((key) => (titled.length === 1 ? plain(point.keys?.[key]) : `${key.split(".").pop()} ${plain(point.keys?.[key])}`))
      .join(", ");
    groups.set(title, [...(groups.get(title) ?? []), point]);
  }
  return [...groups].map(([title, members]) => ({ title, points: members }));
}
