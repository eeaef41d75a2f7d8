// Shares of the names over time in a few example runs.
import { max } from "d3-array";
import { scaleLinear } from "d3-scale";
import { area } from "d3-shape";
import type { Context } from "../context";
import { isNumber, unique, type ExampleRun, type Point } from "../data";
import { svg } from "../dom";
import { axisX, axisY, frame, grid, key, panelTitle, text, wholeTicks, type Figure, type KeyItem, type Tip } from "../plot";
import { number, percent, share, textWidth } from "../text";
import { colour } from "../theme";

const most = 24;

/** The names of a run with the winner first, so that its band grows from the common floor. */
function bands(run: ExampleRun) {
  const total = (values: (number | null)[]) => values.reduce<number>((sum, value) => sum + (value ?? 0), 0);
  const names = Object.entries(run.names ?? {})
    .map(([name, values]) => ({ name, values: (values ?? []) as (number | null)[] }))
    .sort((a, b) => Number(b.name === run.winner) - Number(a.name === run.winner) || total(b.values) - total(a.values));
  const floor = (run.round ?? []).map(() => 0);
  return names.map(({ name, values }) => ({
    name,
    steps: floor.map((low, i) => {
      const value = values[i];
      const high = low + (isNumber(value) ? value : 0);
      floor[i] = high;
      return { low, high };
    }),
  }));
}

export function shares(context: Context): Figure | undefined {
  const points = context.points.filter((point) => point.shares?.some((run) => run.round?.length));
  if (!points.length) return undefined;
  const each = Math.max(1, Math.floor(most / points.length));
  const panels: { point: Point; run: ExampleRun; stack: ReturnType<typeof bands> }[] = points.flatMap((point) =>
    (point.shares ?? []).filter((run) => run.round?.length).slice(0, each).map((run) => ({ point, run, stack: bands(run) })));
  const lastOf = (point: Point) => max(panels.filter((panel) => panel.point === point), (panel) => max(panel.run.round ?? [])) ?? 1;
  const title = "Example runs";

  return {
    id: "shares",
    title,
    caption:
      "Share of each name among the choices in a population round, one panel per example run, stacked with the winner at the bottom. " +
      `These are single runs (${panels.length === 1 ? "1 run" : `${panels.length} runs`}), shown as they went and not averaged. Runs of the same condition share their time axis; conditions do not.`,
    draw(width) {
      const names = unique(panels.flatMap((panel) => panel.stack.map((band) => band.name)));
      const coloured = names.filter((name) => context.colourOf(name) !== "other").sort((a, b) => context.colourOf(a).localeCompare(context.colourOf(b)));
      const items: KeyItem[] = coloured.map((name) => ({ kind: "square", colour: context.colourOf(name), opacity: 0.8, label: name }));
      if (coloured.length < names.length) items.push({ kind: "square", colour: "other", opacity: 0.8, label: "other names" });
      const draft = svg("g");
      const options = { count: panels.length, width, top: 0, least: 125, columns: columnsFor(panels, points), greatest: 460, gap: 20, height: () => 96 };
      // A single panel leaves room that the drawing is cut to, so the key keeps to what the panels take.
      const layout = grid({ ...options, top: key(draft, items, 56, grid(options).width) });
      const root = frame(layout.width, layout.height, title);
      root.append(draft);
      const tips: Tip[] = [];
      for (const panel of layout.panels) {
        const { point, run, stack } = panels[panel.index]!;
        const rounds = run.round ?? [];
        const last = lastOf(point);
        const x = scaleLinear([Math.min(1, last - 1), last], [panel.x, panel.x + panel.width]);
        const y = scaleLinear([0, 1], [panel.y + panel.height, panel.y]);
        panelTitle(root, panel, point.label, [isNumber(run.run) && `run ${run.run}`, run.winner ? `${run.winner} wins` : "no consensus"].filter(Boolean).join(": "));
        axisY(root, panel, y, { ticks: [0, 0.5, 1], format: percent, labels: panel.first, title: panel.first && "Share" });
        for (const { name, steps } of stack) {
          root.append(svg("path", {
            d: area<(typeof steps)[number]>((_, i) => x(rounds[i]!), (step) => y(step.low), (step) => y(step.high))(steps) ?? "",
            fill: colour(context.colourOf(name)), "fill-opacity": 0.8, stroke: colour("paper"), "stroke-width": 0.75,
          }));
        }
        for (const { name, steps } of stack) {
          const at = labelPlace(steps, rounds, x, panel.height, Math.min(textWidth(name, 12, 600), 80));
          if (at !== undefined) root.append(text(x(rounds[at]!), y((steps[at]!.low + steps[at]!.high) / 2) + 4, name, { anchor: "middle", fill: "ink", weight: 600, halo: true, room: 80 }));
        }
        axisX(root, panel, x, { ticks: wholeTicks(x.ticks(Math.max(2, panel.width / 55))), format: String, title: panel.last && "Population round" });
        const step = Math.max(1, Math.ceil(rounds.length / 200));
        for (let i = 0; i < rounds.length; i += step) {
          tips.push({
            x: x(rounds[i]!), y: panel.y + panel.height / 2, box: panel, along: true,
            lines: () => [
              `${point.label}, round ${number(rounds[i])}`,
              ...stack.map((band) => ({ name: band.name, size: band.steps[i]!.high - band.steps[i]!.low }))
                .filter((band) => band.size > 0).sort((a, b) => b.size - a.size).slice(0, 8).map((band) => `${band.name}: ${share(band.size)}`),
            ],
          });
        }
      }
      return { svg: root, tips };
    },
  };
}

/** Keeps the runs of a condition in one row where they all have as many. */
function columnsFor(panels: { point: Point }[], points: Point[]): number {
  const each = panels.length / points.length;
  const even = points.every((point) => panels.filter((panel) => panel.point === point).length === each);
  return even && each > 1 ? (each <= 2 ? each * 2 : Math.min(each, 6)) : 4;
}

/** The round at which a band is thickest and its label stays inside the panel, if it is thick enough anywhere. */
function labelPlace(steps: { low: number; high: number }[], rounds: number[], x: (round: number) => number, height: number, label: number): number | undefined {
  const left = x(rounds[0]!) + label / 2 + 4;
  const right = x(rounds[rounds.length - 1]!) - label / 2 - 4;
  let best: number | undefined;
  let thickest = 15 / height;
  steps.forEach((step, i) => {
    const place = x(rounds[i]!);
    const thickness = step.high - step.low;
    if (place >= left && place <= right && thickness > thickest) [best, thickest] = [i, thickness];
  });
  return best;
}
