// How an outcome depends on a number that is swept: phase diagrams and scaling, with error bars.
import { scaleLinear, scaleLog } from "d3-scale";
import { line } from "d3-shape";
import { runsText, type Context } from "../context";
import { followedIn, isNumber, unique, type Interval, type Point, type Rounds } from "../data";
import { svg } from "../dom";
import { axisX, axisY, frame, grid, key, logTicks, marker, symbols, whisker, type Figure, type KeyItem, type Tip } from "../plot";
import { aside, capital, duration, number, percent, plural, share } from "../text";
import { colour, seriesCount } from "../theme";

/** With fewer values a table says it as well. */
const least = 4;
/** The same where something is drawn beside them. */
const fewest = 3;

interface Quantity {
  /** What published values of it are called. */
  name: string;
  id: string;
  title: string;
  axis: string;
  caption: string;
  /** Shares run from 0 to 1; times may span decades. */
  bounded: boolean;
  of: (point: Point) => Interval | undefined;
  say: (value: number) => string;
}

const around = (mean: number, off: number): Interval => ({ share: mean, low: mean - off, high: mean + off });

/** The mean over runs, and twice its standard error around it. */
const ended = (sample: Rounds | null | undefined) => (isNumber(sample?.mean) ? around(sample.mean, (2 * (sample.sd ?? 0)) / Math.sqrt(sample.n || 1)) : undefined);

const quantities: Quantity[] = [
  {
    name: "consensus",
    id: "consensus-by",
    title: "Consensus",
    axis: "Runs that reached consensus",
    caption: "Share of runs that reached consensus, with 95% intervals",
    bounded: true,
    of: ({ consensus }) => (isNumber(consensus?.share) ? consensus : undefined),
    say: share,
  },
  {
    name: "held",
    id: "held-by",
    title: "The commonest opinion",
    axis: "Agents that hold it at the end",
    caption: "Share of agents that hold the commonest opinion at the end of a run, mean over runs; whiskers are twice the standard error of the mean",
    bounded: true,
    of: ({ held }) => ended(held),
    say: share,
  },
  {
    name: "rounds",
    id: "time-by",
    title: "Time to consensus",
    axis: "Population rounds to consensus",
    caption: "Population rounds until consensus, mean over the runs that reached it; whiskers are twice the standard error of the mean",
    bounded: false,
    of: ({ rounds }) => ended(rounds),
    say: duration,
  },
];

/** The measures that are followed, each by itself. */
const followed = (points: Point[]): Quantity[] =>
  followedIn(points).map(({ key, label, share: bounded, late }) => ({
    name: key === "perceptual_categories" ? "perceptual" : key === "linguistic_categories" ? "linguistic" : key,
    id: `${key.replace(/[^a-z0-9]+/gi, "-")}-by`,
    title: capital(label),
    axis: `${capital(label)}${late ? "" : " at the end"}`,
    caption: `${capital(label)} ${late ? "over the second half" : "at the end"} of a run, mean over runs; whiskers are twice the standard error of the mean`,
    bounded,
    of: (point) => ended(point.followed?.[key]?.end),
    say: bounded ? share : number,
  }));

/** The swept number with the most values. */
function swept(points: Point[], least: number): string | undefined {
  const names = unique(points.flatMap((point) => Object.keys(point.keys ?? {})));
  const numeric = names.filter((name) => points.every((point) => isNumber(point.keys?.[name])));
  const values = (name: string) => unique(points.map((point) => point.keys?.[name])).length;
  const best = numeric.sort((a, b) => values(b) - values(a))[0];
  return best !== undefined && values(best) >= least ? best : undefined;
}

/** A swept value in a key. Lists inside tables, as the sides of a lattice, follow the size that is swept and tell nothing apart. */
const words = (value: unknown): string =>
  value !== null && typeof value === "object" && !Array.isArray(value)
    ? Object.entries(value).filter(([, part]) => !Array.isArray(part)).map(([name, part]) => (name === "kind" ? String(part) : `${name} ${words(part)}`)).join(" ")
    : typeof value === "string" ? value : JSON.stringify(value);

export function sweep(context: Context): (Figure | undefined)[] {
  // Tipping and answers have figures of their own.
  const points = context.points.filter((point) => !point.tipping && !point.individual);
  // Beside what is known fewer values already say something.
  const by = swept(points, context.published.length ? fewest : least);
  return by === undefined ? [] : [...quantities, ...followed(points)].map((quantity) => plot(context, points, by, quantity));
}

function plot(context: Context, all: Point[], by: string, quantity: Quantity): Figure | undefined {
  const points = all.filter((point) => isNumber(quantity.of(point)?.share));
  const value = (point: Point) => quantity.of(point)!.share!;
  // Where every condition gives the same there is nothing to see.
  if (unique(points.map(value)).length < 2) return undefined;
  const at = (point: Point) => point.keys?.[by] as number;
  const rest = (point: Point) =>
    Object.entries(point.keys ?? {}).filter(([name]) => name !== by).map(([, other]) => words(other)).join(", ");
  const series = unique(points.map(rest));
  if (series.length > seriesCount) return undefined;
  const [low, high] = [Math.min(...points.map(at)), Math.max(...points.map(at))];
  // What lies beyond the swept numbers would squeeze the results.
  const beside = context.published.filter((published) => published.of === quantity.name).map((published) => ({
    source: published.source ?? "published",
    line: published.line === true,
    values: (published.values ?? []).flatMap((value) => {
      const [x, y, error] = value ?? [];
      return isNumber(x) && isNumber(y) && x >= low && x <= high ? [{ x, ...around(y, 2 * (error ?? 0)), y }] : [];
    }),
  })).filter(({ values }) => values.length);
  const drawn = beside.flatMap(({ values }) => values.map(({ y }) => y));
  const logX = low > 0 && high / low >= 8;
  const bottom = Math.min(...points.map(value), ...drawn);
  const top = Math.max(...points.map((point) => quantity.of(point)!.high ?? value(point)), ...drawn);
  // Where sizes span decades a power law is a straight line on two logarithmic axes.
  const logY = !quantity.bounded && bottom > 0 && top / bottom >= (logX ? 3 : 20);
  const logged = logX && logY ? " Both axes are logarithmic." : logX || logY ? ` The ${logX ? "horizontal" : "vertical"} axis is logarithmic.` : "";

  return {
    id: quantity.id,
    title: `${quantity.title} by ${by}`,
    caption: `${quantity.caption}${aside(runsText(points))}.${logged}${series.length > 1 ? " Colour and shape tell the other keys that are swept." : ""}${beside.map(({ source, line }) => ` ${line ? "Dashed" : "Hollow"}: ${source}.`).join("")}`,
    draw(width) {
      const draft = svg("g");
      const style = (i: number) => ({ paint: series.length > 1 ? `series${i}` : "simulated", symbol: symbols[i % symbols.length]! });
      const items: KeyItem[] = series.length > 1 || beside.length
        ? series.map((label, i) => ({ kind: "dot", label: label || context.ours, colour: style(i).paint, symbol: style(i).symbol })) : [];
      items.push(...beside.map(({ source, line }): KeyItem => ({ kind: line ? "dashed" : "hollow", label: source, colour: "recorded" })));
      const layout = grid({ count: 1, width, top: key(draft, items, 66, width), least: 240, greatest: 640, left: 66, title: 12, height: () => 250 });
      const root = frame(layout.width, layout.height + 16, quantity.title);
      root.append(draft);
      const panel = layout.panels[0]!;
      const across: [number, number] = [panel.x + 8, panel.x + panel.width - 8];
      const up: [number, number] = [panel.y + panel.height, panel.y];
      const x = logX ? scaleLog([low, high], across) : scaleLinear([low, high], across);
      const y = logY ? scaleLog([bottom * 0.8, top * 1.1], up) : scaleLinear([0, quantity.bounded ? 1 : top * 1.05], up);
      const inY = (shown: number) => y(Math.max(logY ? bottom * 0.8 : 0, shown));
      axisY(root, panel, y, {
        ticks: logY ? logTicks(bottom * 0.8, top * 1.1) : y.ticks(5),
        format: quantity.bounded ? percent : (tick) => tick.toLocaleString("en", { notation: "compact" }), title: quantity.axis,
      });
      axisX(root, panel, x, { ticks: logX ? logTicks(low, high) : x.ticks(Math.max(2, panel.width / 80)), format: (tick) => tick.toLocaleString("en"), title: by });
      const tips: Tip[] = [];
      for (const { source, line: joined, values } of beside) {
        const tint = colour("recorded");
        const sorted = [...values].sort((a, b) => a.x - b.x);
        if (joined) root.append(svg("path", { d: line<(typeof values)[number]>((value) => x(value.x), (value) => inY(value.y))(sorted) ?? "", fill: "none", stroke: tint, "stroke-width": 1.75, "stroke-dasharray": "5 3" }));
        for (const value of sorted) {
          if (!joined) whisker(root, x(value.x), value, inY, tint, { upright: true, faint: true });
          if (!joined) root.append(marker(x(value.x), inY(value.y), tint, true));
          tips.push({ x: x(value.x), y: inY(value.y), box: panel, lines: () => [`${by} ${number(value.x)}`, `${source}: ${quantity.say(value.y)}`] });
        }
      }
      series.forEach((which, i) => {
        const { paint, symbol } = style(i);
        const mine = points.filter((point) => rest(point) === which).sort((a, b) => at(a) - at(b));
        root.append(svg("path", {
          d: line<Point>((point) => x(at(point)), (point) => inY(value(point)))(mine) ?? "",
          fill: "none", stroke: colour(paint), "stroke-width": 1.75, "stroke-opacity": 0.6,
        }));
        for (const point of mine) {
          const interval = quantity.of(point)!;
          whisker(root, x(at(point)), interval, inY, colour(paint), { upright: true });
          root.append(marker(x(at(point)), inY(value(point)), colour(paint), false, symbol));
          tips.push({
            x: x(at(point)), y: inY(value(point)), box: panel,
            lines: () => [
              [`${by} ${number(at(point))}`, which].filter(Boolean).join(", "),
              `${quantity.say(value(point))}${isNumber(interval.low) && isNumber(interval.high) ? ` (${quantity.say(interval.low)} to ${quantity.say(interval.high)})` : ""}`,
              plural(point.runs ?? 0, "run"),
            ],
          });
        }
      });
      return { svg: root, tips };
    },
  };
}
