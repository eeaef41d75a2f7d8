// How the outcome depends on the size of a committed minority: the chance of tipping, and the final share of its name.
import { max } from "d3-array";
import { scaleLinear } from "d3-scale";
import { line } from "d3-shape";
import { panelsOf, type Context } from "../context";
import { isNumber, unique, type Interval, type Point, type Tipping } from "../data";
import { svg } from "../dom";
import { axisX, axisY, frame, grid, key, marker, panelTitle, shareTicks, symbols, whisker, type Figure, type KeyItem, type Tip } from "../plot";
import { aside, percent, plural, share, span, withInterval } from "../text";
import { colour, seriesCount } from "../theme";

/** The names that the program gives to what a minority is; all else that varies makes a panel. */
const committed = /commit|minorit|majorit/i;

const direction = (tipping: Tipping) => `${tipping.majority ?? "?"} → ${tipping.minority ?? "?"}`;

function panels(context: Context) {
  const points = context.points.filter((point) => isNumber(point.tipping?.fraction));
  return panelsOf(points, (name, value, { tipping }) =>
    committed.test(name) || [tipping?.count, tipping?.fraction, tipping?.minority, tipping?.majority].some((part) => part != null && String(part) === value));
}

interface Quantity {
  id: string;
  title: string;
  axis: string;
  caption: string;
  interval: boolean;
  of: (tipping: Tipping) => Interval;
}

const quantities: Quantity[] = [
  {
    id: "tipping",
    title: "Tipping by a committed minority",
    axis: "Probability of tipping",
    caption: "Share of runs in which a committed minority overturned the convention, against its fraction of the population",
    interval: true,
    of: (tipping) => tipping,
  },
  {
    id: "final-share",
    title: "Final share of the minority’s name",
    axis: "Final share",
    caption: "Share of choices that fell on the minority’s name at the end of a run, averaged over runs, against the minority’s fraction of the population",
    interval: false,
    of: (tipping) => ({ share: tipping.final_share }),
  },
];

export const tipping = (context: Context): (Figure | undefined)[] => quantities.map((quantity) => plot(context, quantity));

function plot(context: Context, quantity: Quantity): Figure | undefined {
  const all = panels(context);
  const points = all.flatMap((panel) => panel.points).filter((point) => isNumber(quantity.of(point.tipping!).share));
  if (!points.length) return undefined;
  const directions = unique(points.map((point) => direction(point.tipping!)));
  const recorded = points.filter((point) => isNumber(point.recorded?.tipping && quantity.of(point.recorded.tipping).share));
  const fractionOf = (point: Point, tipping: Tipping | null | undefined) => tipping?.fraction ?? point.tipping?.fraction ?? 0;
  const endOf = (members: Point[]) =>
    Math.min(1, 1.08 * (max(members, (point) => Math.max(fractionOf(point, point.tipping), fractionOf(point, point.recorded?.tipping))) || 1));
  const ends = all.map((panel) => endOf(panel.points));
  // One axis for all makes thresholds easy to compare, but would squeeze a model that tips much sooner than the others.
  const shared = Math.max(...ends) < 2.5 * Math.min(...ends);
  const style = (which: string) => {
    const index = directions.indexOf(which);
    return { paint: `series${index % seriesCount}`, symbol: symbols[index % symbols.length]! };
  };
  const beside = quantity.interval ? context.published.filter(({ of }) => of === "tipped").map((published) => ({
    source: published.source ?? "published",
    joined: published.line === true,
    values: (published.values ?? []).flatMap((value) => {
      const [at, probability, error] = value ?? [];
      return isNumber(at) && isNumber(probability) ? [{ at, share: probability, low: probability - 2 * (error ?? 0), high: probability + 2 * (error ?? 0) }] : [];
    }),
  })) : [];
  const runs = span(points.map((point) => point.tipping?.of ?? point.runs));
  const recordedRuns = span(recorded.map((point) => point.recorded?.tipping?.of ?? point.recorded?.runs));

  return {
    id: quantity.id,
    title: quantity.title,
    caption:
      `${quantity.caption} ${aside(runs && `${runs} runs per point`)}. Colour and shape tell the direction, from the convention to the minority’s name.` +
      (quantity.interval ? " Whiskers are 95% intervals; the dotted line marks even odds." : " No interval is shown.") +
      (recorded.length ? ` Grey: recorded populations, hollow markers of the same shape${quantity.interval ? " with their 95% intervals" : ""}${aside(recordedRuns && `${recordedRuns} runs per point`)}.` : "") +
      (quantity.interval && points.some((point) => point.tipping!.count === 0) ? " Where runs tip with nobody committed, the convention in place is not stable by itself." : "") +
      beside.map(({ source, joined }) => ` ${joined ? "Dashed" : "Hollow circles"}: ${source}.`).join("") +
      (shared ? "" : " The horizontal axes differ between panels."),
    draw(width) {
      const items: KeyItem[] = directions.map((which) => ({ kind: "dot", label: which, colour: style(which).paint, symbol: style(which).symbol }));
      if (recorded.length) items.push({ kind: "hollow", label: context.recorded, colour: "recorded" });
      items.push(...beside.map(({ source, joined }): KeyItem => ({ kind: joined ? "dashed" : "hollow", label: source, colour: "record-line" })));
      const draft = svg("g");
      const layout = grid({ count: all.length, width, top: key(draft, items, 56, width), least: 220, columns: 4, greatest: 520, height: () => 190 });
      const root = frame(layout.width, layout.height, quantity.title);
      root.append(draft);
      const tips: Tip[] = [];
      for (const panel of layout.panels) {
        const { title, points: members } = all[panel.index]!;
        const x = scaleLinear([0, shared ? Math.max(...ends) : ends[panel.index]!], [panel.x, panel.x + panel.width]);
        const y = scaleLinear([0, 1], [panel.y + panel.height, panel.y]);
        const sizes = span(members.map((point) => point.size));
        panelTitle(root, panel, title || context.name, sizes && `${sizes} agents`);
        axisY(root, panel, y, { ticks: shareTicks(panel.height), format: percent, labels: panel.first, title: panel.first && quantity.axis });
        const ticks = x.ticks(Math.max(2, panel.width / 55));
        axisX(root, panel, x, { ticks, format: percent, title: panel.last && "Committed minority (share of agents)" });
        if (quantity.interval) root.append(svg("line", { x1: panel.x, x2: panel.x + panel.width, y1: y(0.5), y2: y(0.5), stroke: colour("muted"), "stroke-dasharray": "1 3" }));

        for (const { source, joined, values } of beside) {
          const inside = values.filter(({ at }) => at <= x.domain()[1]!);
          const tint = colour("record-line");
          if (joined) root.append(svg("path", { d: line<(typeof inside)[number]>(({ at }) => x(at), (value) => y(value.share))(inside) ?? "", fill: "none", stroke: tint, "stroke-width": 1.5, "stroke-dasharray": "5 3" }));
          for (const value of joined ? [] : inside) {
            whisker(root, x(value.at), value, y, tint, { upright: true, faint: true });
            root.append(marker(x(value.at), y(value.share), tint, true));
            tips.push({ x: x(value.at), y: y(value.share), box: panel, lines: () => [`${source}: ${share(value.share)}`, `${share(value.at)} of agents`] });
          }
        }
        directions.forEach((which, index) => {
          const { paint, symbol } = style(which);
          const mine = members
            .filter((point) => direction(point.tipping!) === which)
            .sort((a, b) => (a.tipping?.fraction ?? 0) - (b.tipping?.fraction ?? 0));
          // Directions stand a little apart, so that whiskers at the same fraction can be told from one another.
          const apart = (index - (directions.length - 1) / 2) * 5;
          const ours = mine.map((point) => ({ point, who: context.ours, tipping: point.tipping, hollow: false }));
          const others = mine.map((point) => ({ point, who: context.recorded, tipping: point.recorded?.tipping, hollow: true }));
          const trend = ours.filter((entry) => isNumber(quantity.of(entry.tipping!).share));
          root.append(svg("path", {
            d: line<(typeof trend)[number]>((entry) => x(entry.tipping!.fraction!) + apart, (entry) => y(quantity.of(entry.tipping!).share!))(trend) ?? "",
            fill: "none", stroke: colour(paint), "stroke-width": 1.75, "stroke-opacity": 0.7,
          }));
          for (const { point, who, tipping, hollow } of [...others, ...ours]) {
            const value = tipping && quantity.of(tipping);
            if (!tipping || !isNumber(value?.share)) continue;
            const tint = colour(hollow ? "recorded" : paint);
            const at = x(fractionOf(point, tipping)) + apart + (hollow ? 2.5 : 0);
            whisker(root, at, value, y, tint, { upright: true, faint: hollow });
            root.append(marker(at, y(value.share), tint, hollow, symbol));
            tips.push({
              x: at, y: y(value.share), box: panel,
              lines: () => [
                [title, which].filter(Boolean).join(", "),
                `${who}: ${withInterval(value)}${quantity.interval && isNumber(tipping.tipped) ? `, ${tipping.tipped} of ${plural(tipping.of ?? 0, "run")}` : ""}`,
                `${isNumber(tipping.count) ? `${tipping.count} committed, ` : ""}${share(fractionOf(point, tipping))} of agents`,
              ],
            });
          }
        });
      }
      return { svg: root, tips };
    },
  };
}
