// How an outcome depends on two numbers that are swept together: a phase diagram, a field for each condition.
import { scaleLinear } from "d3-scale";
import { line } from "d3-shape";
import type { Context } from "../context";
import { runsText } from "../context";
import { isNumber, unique, type Point } from "../data";
import { svg } from "../dom";
import { axisX, axisY, frame, grid, panelTitle, text, type Figure, type Tip } from "../plot";
import { aside, number, percent, plural, range, share } from "../text";
import { colour } from "../theme";

/** Fewer values of a key are told apart better by colour and shape. */
const least = 4;
/** Beyond so many panels nobody compares them. */
const panelsMost = 6;

interface Quantity {
  id: string;
  title: string;
  what: string;
  of: (point: Point) => number | null | undefined;
  interval?: (point: Point) => [number | null | undefined, number | null | undefined];
}

const quantities: Quantity[] = [
  { id: "phase-consensus", title: "Consensus", what: "share of runs that reached consensus", of: ({ tipping, consensus }) => (tipping ? undefined : consensus?.share), interval: ({ consensus }) => [consensus?.low, consensus?.high] },
  { id: "phase-held", title: "The commonest opinion", what: "share of agents that hold the commonest opinion at the end, mean over runs", of: ({ held }) => held?.mean },
  { id: "phase-tipped", title: "Tipping", what: "share of runs that the committed minority tipped", of: ({ tipping }) => tipping?.share, interval: ({ tipping }) => [tipping?.low, tipping?.high] },
];

/** The two swept numbers with the most values, the one with more across. */
function axes(points: Point[]): [string, string] | undefined {
  const names = unique(points.flatMap((point) => Object.keys(point.keys ?? {})));
  const numeric = names.filter((name) => points.every((point) => isNumber(point.keys?.[name])));
  const counts = new Map(numeric.map((name) => [name, unique(points.map((point) => point.keys?.[name])).length]));
  const [across, up] = numeric.sort((a, b) => counts.get(b)! - counts.get(a)!);
  return across !== undefined && up !== undefined && counts.get(up)! >= least ? [across, up] : undefined;
}

export function phase(context: Context): (Figure | undefined)[] {
  // Where a threshold was looked for, most fields were not run.
  if (context.found) return [];
  const both = axes(context.points);
  return both ? quantities.map((quantity) => plot(context, both, quantity)) : [];
}

function plot(context: Context, [across, up]: [string, string], quantity: Quantity): Figure | undefined {
  const points = context.points.filter((point) => isNumber(quantity.of(point)));
  if (unique(points.map((point) => quantity.of(point))).length < 2) return undefined;
  const key = (point: Point, name: string) => point.keys?.[name] as number;
  const rest = (point: Point) =>
    Object.entries(point.keys ?? {}).filter(([name]) => name !== across && name !== up).map(([, other]) => (typeof other === "string" ? other : JSON.stringify(other))).join(", ");
  const panels = unique(points.map(rest));
  if (panels.length > panelsMost) return undefined;
  const columns = unique(points.map((point) => key(point, across))).sort((a, b) => a - b);
  const rows = unique(points.map((point) => key(point, up))).sort((a, b) => b - a);
  // A border is given in the order of the sweep.
  const turned = Object.keys(points[0]!.keys ?? {}).indexOf(across) > Object.keys(points[0]!.keys ?? {}).indexOf(up);
  const borders = context.published.filter(({ of }) => of === "border").map(({ source, values }) => ({
    source: source ?? "published",
    values: (values ?? []).flatMap((pair) => (isNumber(pair?.[0]) && isNumber(pair?.[1]) ? [[pair[0], pair[1]] as [number, number]] : [])),
  }));
  return {
    id: quantity.id,
    title: `${quantity.title} by ${across} and ${up}`,
    caption: `Each field is a condition: the darker, the larger the ${quantity.what}${aside(runsText(points))}. The fields stand in the order of their values, not to scale.${borders.map(({ source }) => ` Dashed: ${source}.`).join("")}`,
    draw(width) {
      const layout = grid({ count: panels.length, width, top: 0, least: Math.min(280, width - 90), greatest: 560, columns: 2, left: 78, title: panels.length > 1 ? 34 : 12, height: () => Math.max(120, Math.min(30, 360 / rows.length) * rows.length) });
      const root = frame(layout.width, layout.height + 30, quantity.title);
      const tips: Tip[] = [];
      panels.forEach((which, index) => {
        const panel = layout.panels[index]!;
        if (which) panelTitle(root, panel, which);
        const [wide, tall] = [panel.width / columns.length, panel.height / rows.length];
        const placeX = (value: number) => panel.x + (columns.indexOf(value) + 0.5) * wide;
        const placeY = (value: number) => panel.y + (rows.indexOf(value) + 0.5) * tall;
        // As many labels as fit.
        const some = (values: number[], room: number) => values.filter((_, i) => i % Math.max(1, Math.ceil(room)) === 0);
        const write = (tick: number) => tick.toLocaleString("en", { maximumFractionDigits: 4, notation: Math.abs(tick) >= 1e5 ? "compact" : "standard" });
        axisY(root, panel, placeY, { ticks: some(rows, 16 / tall), format: write, labels: panel.first, title: panel.first ? up : false, away: 58 });
        axisX(root, panel, placeX, { ticks: some(columns, 46 / wide), format: write, title: panel.last ? across : false });
        for (const point of points.filter((point) => rest(point) === which)) {
          const value = quantity.of(point)!;
          const [x, y] = [placeX(key(point, across)), placeY(key(point, up))];
          root.append(svg("rect", {
            x: x - wide / 2 + 0.5, y: y - tall / 2 + 0.5, width: Math.max(1, wide - 1), height: Math.max(1, tall - 1),
            fill: colour("simulated"), "fill-opacity": 0.04 + 0.96 * Math.max(0, Math.min(1, value)), stroke: colour("grid"), "stroke-width": 1,
          }));
          if (wide >= 38 && tall >= 16) root.append(text(x, y + 4, percent(value), { anchor: "middle", size: 11, fill: value > 0.55 ? "paper" : "ink" }));
          const [low, high] = quantity.interval?.(point) ?? [];
          const ends = range(low, high, share);
          tips.push({
            x, y, box: { x: x - wide / 2, y: y - tall / 2, width: wide, height: tall },
            lines: () => [`${across} ${number(key(point, across))}, ${up} ${number(key(point, up))}`, `${share(value)}${ends && ` (${ends})`}`, plural(point.runs ?? 0, "run")],
          });
        }
        // Between the values that were run, lines of theory are straight.
        const [x, y] = [scaleLinear(columns, columns.map(placeX)), scaleLinear(rows, rows.map(placeY))];
        const inside = (value: number, values: number[]) => value >= Math.min(...values) && value <= Math.max(...values);
        for (const { values } of borders) {
          const along = values.map(([a, b]) => (turned ? [b, a] : [a, b]) as [number, number]).filter(([a, b]) => inside(a, columns) && inside(b, rows));
          const d = line<[number, number]>(([a]) => x(a), ([, b]) => y(b))(along) ?? "";
          root.append(svg("path", { d, fill: "none", stroke: colour("paper"), "stroke-width": 4 }), svg("path", { d, fill: "none", stroke: colour("record-line"), "stroke-width": 2, "stroke-dasharray": "5 3" }));
        }
      });
      return { svg: root, tips };
    },
  };
}
