// What is followed over time: how finely agents of the category game divide the line, how few words they need for it, and how far
// they agree; and any other measure that says it is to be shown.
import { scaleLinear, scaleLog } from "d3-scale";
import { area, line } from "d3-shape";
import { runsText, sizeText, type Context } from "../context";
import { followedIn, isNumber, type Point } from "../data";
import { svg } from "../dom";
import { axisX, axisY, frame, grid, key, logTicks, panelTitle, shareTicks, type Figure, type Tip } from "../plot";
import { aside, capital, number, percent } from "../text";
import { colour } from "../theme";

interface Course {
  measure: string;
  label: string;
  paint: string;
  dashes?: string;
}

interface Row {
  round: number;
  median: number;
  low: number;
  high: number;
}

const counts: Course[] = [
  { measure: "perceptual_categories", label: "perceptual", paint: "series0" },
  { measure: "linguistic_categories", label: "linguistic", paint: "series1", dashes: "7 3" },
];

const shares: Course[] = [
  { measure: "perceptual_overlap", label: "overlap of perceptual categories", paint: "series0" },
  { measure: "linguistic_overlap", label: "overlap of linguistic categories", paint: "series1", dashes: "7 3" },
  { measure: "named_alike", label: "called alike", paint: "series2", dashes: "2 3" },
];

function rowsOf(point: Point, measure: string): Row[] {
  const course = point.followed?.[measure]?.course;
  return (course?.round ?? []).flatMap((round, i) => {
    const [median, low, high] = [course?.median?.[i], course?.low?.[i], course?.high?.[i]];
    return isNumber(median) ? [{ round, median, low: low ?? median, high: high ?? median }] : [];
  });
}

function courses(context: Context, id: string, title: string, axis: string, caption: string, drawn: Course[], bounded: boolean): Figure | undefined {
  const points = context.points.filter((point) => drawn.some(({ measure }) => rowsOf(point, measure).length > 1));
  if (!points.length) return undefined;
  const all = points.map((point) => drawn.map((course) => ({ course, rows: rowsOf(point, course.measure) })));
  const rows = all.flat().flatMap((one) => one.rows);
  const [first, last] = [Math.min(...rows.map((row) => row.round)), Math.max(...rows.map((row) => row.round))];
  const top = bounded ? 1 : Math.max(...rows.map((row) => row.high)) * 1.05;
  // Agreement beyond chance can fall below it.
  const bottom = Math.min(0, ...rows.map((row) => row.low));
  const single = points.every((point) => point.runs === 1);
  return {
    id, title,
    caption: `${caption}${aside(runsText(points))}. ${single ? "Lines: the run." : "Lines: median over runs; bands: 5th to 95th percentile."} The horizontal axis is logarithmic. All panels share their axes.`,
    draw(width) {
      const draft = svg("g");
      const items = drawn.map(({ label, paint, dashes }) => ({ kind: dashes ? "dashed" as const : "line" as const, label, colour: paint, dashes }));
      const layout = grid({ count: points.length, width, top: key(draft, items, 56, width), least: 230, columns: 3, greatest: 620, height: () => (points.length > 6 ? 140 : 200) });
      const root = frame(layout.width, layout.height, title);
      root.append(draft);
      const tips: Tip[] = [];
      for (const panel of layout.panels) {
        const point = points[panel.index]!;
        const x = scaleLog([first, Math.max(last, first + 1)], [panel.x, panel.x + panel.width]);
        const y = scaleLinear([bottom, top], [panel.y + panel.height, panel.y]);
        panelTitle(root, panel, point.label, sizeText(point));
        axisY(root, panel, y, { ticks: bounded ? shareTicks(panel.height) : y.ticks(5), format: bounded ? percent : String, labels: panel.first, title: panel.first && axis });
        axisX(root, panel, x, { ticks: logTicks(first, last), format: (tick) => tick.toLocaleString("en", { notation: "compact" }), title: panel.last && "Population round" });
        for (const { course, rows } of all[panel.index]!) {
          if (!single) root.append(svg("path", { d: area<Row>((row) => x(row.round), (row) => y(row.low), (row) => y(row.high))(rows) ?? "", fill: colour(course.paint), "fill-opacity": 0.16 }));
          root.append(svg("path", {
            d: line<Row>((row) => x(row.round), (row) => y(row.median))(rows) ?? "",
            fill: "none", stroke: colour(course.paint), "stroke-width": 2.25, "stroke-linejoin": "round", "stroke-dasharray": course.dashes,
          }));
        }
        const [most] = [...all[panel.index]!].sort((a, b) => b.rows.length - a.rows.length);
        for (const { round, median } of most!.rows) {
          tips.push({
            x: x(round), y: y(median), box: panel, along: true,
            lines: () => [`${point.label}, round ${number(round)}`, ...all[panel.index]!.flatMap(({ course, rows }) => {
              const row = rows.find((one) => one.round === round);
              const write = (value: number) => (bounded ? percent(value) : number(value));
              return row ? [`${course.label}: ${write(row.median)}${single ? "" : ` (${write(row.low)} to ${write(row.high)})`}`] : [];
            })],
          });
        }
      }
      return { svg: root, tips };
    },
  };
}

/** Those with figures of their own; success has one elsewhere. */
const own = [...[...counts, ...shares].map(({ measure }) => measure), "success_rate"];

/** Any other measures that are followed: those of names together, each of the rest by itself. */
function others(context: Context): (Figure | undefined)[] {
  const groups = new Map<string, ReturnType<typeof followedIn>>();
  for (const one of followedIn(context.points).filter(({ key }) => !own.includes(key))) {
    const kind = one.key.split(":")[0]!;
    groups.set(kind, [...(groups.get(kind) ?? []), one]);
  }
  const dashes = [undefined, "7 3", "2 3", "9 3 2 3"];
  return [...groups].map(([kind, all]) => {
    const drawn = all.slice(0, 8).map(({ key, label }, i): Course => ({ measure: key, label, paint: `series${i}`, dashes: dashes[i % dashes.length] }));
    const [{ label, share }] = [all[0]!];
    // What is not of names is of agents, whose number ends the label.
    const names = kind === "name_share";
    const title = names ? "Names said" : capital(all[0]!.key.includes(":") ? label.replace(/ \S+$/, "") : label);
    return courses(context, `course-${kind.replaceAll("_", "-")}`, `${title} over time`, names ? "Share" : title,
      names ? "Each name’s share of all that was said in a population round" : `${title}, in each population round`, drawn, share);
  });
}

/** What is followed over time, whatever the game. */
export const followed = (context: Context): (Figure | undefined)[] => [
  courses(context, "categories", "Categories over time", "Categories of an agent",
    "Perceptual categories of an agent, and linguistic ones: neighbouring perceptual categories for which it would say the same word; mean over agents", counts, false),
  courses(context, "agreement", "Agreement over time", "Agreement of two agents",
    "How far two agents divide the line alike (1 where all borders are the same), and the part of the line for which both would say the same word; mean over pairs of agents", shares, true),
  ...others(context),
];
