// Success rate per population round, one panel per condition on shared axes.
import { max } from "d3-array";
import { scaleLinear } from "d3-scale";
import { area, line } from "d3-shape";
import { recordedSentence, runsText, sizeText, type Context } from "../context";
import { isNumber, type Success } from "../data";
import { svg } from "../dom";
import { axisX, axisY, frame, grid, key, panelTitle, shareTicks, wholeTicks, type Figure, type KeyItem, type Tip } from "../plot";
import { aside, number, percent, range } from "../text";
import { colour } from "../theme";

type Row = { round: number; median?: number | null; low?: number | null; q1?: number | null; q3?: number | null; high?: number | null };

/** The last round in which a curve is still visibly away from where it ends. */
const settled = (data: Row[]) => {
  const ends = data[data.length - 1];
  const moving = data.filter((row) => (["median", "q1"] as const).some((level) => Math.abs((row[level] ?? 0) - (ends?.[level] ?? 0)) > 0.02));
  return moving[moving.length - 1]?.round ?? 0;
};

const rows = (success: Success | null | undefined): Row[] =>
  (success?.round ?? []).map((round, i) => ({
    round,
    median: success?.median?.[i],
    low: success?.low?.[i],
    q1: success?.q1?.[i],
    q3: success?.q3?.[i],
    high: success?.high?.[i],
  }));

function reading(name: string, row: Row | undefined): string | undefined {
  if (!row || !isNumber(row.median)) return undefined;
  const middle = range(row.q1, row.q3, percent);
  const wide = range(row.low, row.high, percent);
  return [`${name}: median ${percent(row.median)}`, middle && `middle half ${middle}`, wide && `5–95% ${wide}`].filter(Boolean).join(", ");
}

export function success(context: Context): Figure | undefined {
  const points = context.points.filter((point) => point.success?.round?.length);
  if (!points.length) return undefined;
  const all = points.map((point) => ({ point, ours: rows(point.success), recorded: rows(point.recorded?.success) }));
  const longest = max(all, (entry) => max([...entry.ours, ...entry.recorded], (row) => row.round)) ?? 1;
  // A few slow runs would otherwise squeeze all curves into a corner.
  const settling = max(all, (entry) => Math.max(settled(entry.ours), settled(entry.recorded))) ?? 1;
  const enough = Math.max(5, Math.ceil(settling * 1.25));
  const last = enough < 0.8 * longest ? enough : longest;
  const hasRecorded = all.some((entry) => entry.recorded.length);
  const single = points.every((point) => point.runs === 1);
  const title = "Success rate over time";

  return {
    id: "success",
    title,
    caption:
      `Share of interactions in each population round that succeeded${aside(runsText(points))}. ` +
      (single ? "Line: the run." : "Line: median over runs; bands: middle half of the runs and, lighter, 5th to 95th percentile.") +
      (hasRecorded ? recordedSentence(points.filter((point) => point.recorded?.success), "recorded populations, median (dashed) and middle half") : "") +
      (single ? "" : " A run that ended in consensus counts as successful from then on.") +
      ` All panels share their axes${last < longest ? `, which end at round ${last} of ${longest}, when the median and the lower quartile no longer move` : ""}.`,
    draw(width) {
      const items: KeyItem[] = [{ kind: "line", colour: "simulated", label: single ? context.ours : `${context.ours}, median` }];
      if (!single) items.push({ kind: "band", colour: "simulated", opacity: 0.32, label: "middle half" }, { kind: "band", colour: "simulated", opacity: 0.13, label: "5–95%" });
      if (hasRecorded) items.push({ kind: "dashed", colour: "record-line", label: `${context.recorded}, median` }, { kind: "band", colour: "recorded", opacity: 0.28, label: `${context.recorded}, middle half` });
      const draft = svg("g");
      const layout = grid({ count: points.length, width, top: key(draft, items, 56, width), least: points.length > 12 ? 150 : 210, columns: 4, greatest: 620, height: () => (points.length > 12 ? 110 : 180) });
      const root = frame(layout.width, layout.height, title);
      root.append(draft);
      const tips: Tip[] = [];
      for (const panel of layout.panels) {
        const { point } = all[panel.index]!;
        const [ours, recorded] = [all[panel.index]!.ours, all[panel.index]!.recorded].map((data) => data.filter((row) => row.round <= last)) as [Row[], Row[]];
        const x = scaleLinear([Math.min(1, last - 1), last], [panel.x, panel.x + panel.width]);
        const y = scaleLinear([0, 1], [panel.y + panel.height, panel.y]);
        panelTitle(root, panel, point.label, sizeText(point));
        axisY(root, panel, y, { ticks: shareTicks(panel.height), format: percent, labels: panel.first, title: panel.first && "Success rate" });
        const ticks = wholeTicks(x.ticks(Math.max(2, Math.min(7, panel.width / 44))));
        axisX(root, panel, x, { ticks, format: String, title: panel.last && "Population round" });

        const band = (data: Row[], low: "low" | "q1", high: "high" | "q3", paint: string, opacity: number) =>
          svg("path", {
            d: area<Row>((row) => x(row.round), (row) => y(row[low]!), (row) => y(row[high]!)).defined((row) => isNumber(row[low]) && isNumber(row[high]))(data) ?? "",
            fill: colour(paint),
            "fill-opacity": opacity,
          });
        const median = (data: Row[], paint: string, dashes?: string) =>
          svg("path", {
            d: line<Row>((row) => x(row.round), (row) => y(row.median!)).defined((row) => isNumber(row.median))(data) ?? "",
            fill: "none",
            stroke: colour(paint),
            "stroke-width": dashes ? 1.75 : 2.25,
            "stroke-linejoin": "round",
            "stroke-dasharray": dashes,
          });
        if (recorded.length) root.append(band(recorded, "q1", "q3", "recorded", 0.28));
        if (!single) root.append(band(ours, "low", "high", "simulated", 0.13), band(ours, "q1", "q3", "simulated", 0.26));
        root.append(median(ours, "simulated"));
        // The recorded line lies on top, where its gaps let a line that it follows closely show through.
        if (recorded.length) root.append(median(recorded, "record-line", "5 3"));

        const then = new Map(recorded.map((row) => [row.round, row]));
        const step = Math.max(1, Math.ceil(ours.length / 400));
        for (let i = 0; i < ours.length; i += step) {
          const row = ours[i]!;
          tips.push({
            x: x(row.round), y: y(row.median ?? 0.5), box: panel, along: true,
            lines: () => [`${point.label}, round ${number(row.round)}`, reading(context.ours, row), reading(context.recorded, then.get(row.round))].filter((text) => text !== undefined),
          });
        }
      }
      return { svg: root, tips };
    },
  };
}
