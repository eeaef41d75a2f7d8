// Which names win: the share of runs with its interval, the recorded share beside it, and first choices as ticks.
import { max } from "d3-array";
import { scaleLinear } from "d3-scale";
import { recordedSentence, runsText, sizeText, type Context } from "../context";
import { isNumber, unique, type NameShare, type Point } from "../data";
import { svg } from "../dom";
import { axisX, frame, grid, key, marker, panelTitle, shareTicks, text, whisker, type Figure, type KeyItem, type Tip } from "../plot";
import { aside, percent, textWidth, withInterval } from "../text";
import { colour } from "../theme";

const most = 12;

interface Line {
  name: string;
  ours?: NameShare;
  recorded?: NameShare;
  prior?: NameShare;
}

/** The names of a condition; where there are many, those that never won give way to a count. */
function lines(point: Point): { shown: Line[]; hidden: number } {
  const find = (list: NameShare[] | null | undefined, name: string) => list?.find((entry) => entry.name === name);
  const names = unique([point.winners, point.recorded?.winners, point.prior ?? point.recorded?.prior].flatMap((list) => (list ?? []).map((entry) => entry.name)));
  const all = names.map((name) => ({
    name,
    ours: find(point.winners, name),
    recorded: find(point.recorded?.winners, name),
    prior: find(point.prior ?? point.recorded?.prior, name),
  }));
  const weight = (line: Line) => (line.ours?.share ?? 0) * 1e4 + (line.recorded?.share ?? 0) * 100 + (line.prior?.share ?? 0);
  all.sort((a, b) => weight(b) - weight(a));
  return { shown: all.slice(0, most), hidden: Math.max(0, all.length - most) };
}

export function winners(context: Context): Figure | undefined {
  const points = context.points.filter((point) => point.winners?.length);
  if (!points.length) return undefined;
  const panels = points.map((point) => ({ point, ...lines(point) }));
  const hasRecorded = panels.some((panel) => panel.shown.some((line) => line.recorded));
  const hasPrior = panels.some((panel) => panel.shown.some((line) => line.prior));
  const hidden = panels.some((panel) => panel.hidden);
  const title = "Which names win";

  return {
    id: "winners",
    title,
    caption:
      `Share of runs that ended in consensus on each name, most frequent first${aside(runsText(points))}; whiskers are 95% intervals.` +
      (hasRecorded ? recordedSentence(points.filter((point) => point.recorded?.winners?.length), "recorded populations, with their 95% intervals") : "") +
      (hasPrior ? " Ticks: how often single agents with an empty memory choose the name; a name far to the right of its tick wins more often than first choices alone suggest." : "") +
      (hidden ? ` At most ${most} names per condition are shown.` : ""),
    draw(width) {
      const items: KeyItem[] = [{ kind: "dot", colour: "simulated", label: `${context.ours}, 95% interval` }];
      if (hasRecorded) items.push({ kind: "dot", colour: "recorded", label: `${context.recorded}, 95% interval` });
      if (hasPrior) items.push({ kind: "tick", colour: "ink", label: "First choices, empty memory" });
      const lane = hasRecorded ? 26 : 20;
      const labels = Math.min(110, max(panels.flatMap((panel) => panel.shown), (line) => textWidth(line.name)) ?? 0) + 14;
      const draft = svg("g");
      const layout = grid({
        count: panels.length, width, top: key(draft, items, 0, width), left: labels, gap: labels + 22,
        least: 150, columns: 4, greatest: 420, height: (index) => panels[index]!.shown.length * lane + (panels[index]!.hidden ? 16 : 0) + 4,
      });
      const root = frame(layout.width, layout.height, title);
      root.append(draft);
      const tips: Tip[] = [];
      for (const panel of layout.panels) {
        const { point, shown, hidden: left } = panels[panel.index]!;
        const x = scaleLinear([0, 1], [panel.x, panel.x + panel.width]);
        panelTitle(root, panel, point.label, sizeText(point), labels);
        axisX(root, panel, x, { ticks: shareTicks(panel.width - 60), format: percent, lines: true, title: panel.last && "Share of runs won" });
        shown.forEach((line, i) => {
          const middle = panel.y + (i + 0.5) * lane + 2;
          const apart = hasRecorded ? 5 : 0;
          root.append(text(panel.x - 9, middle + 4, line.name, { anchor: "end", fill: "ink", room: labels - 10 }));
          if (isNumber(line.prior?.share)) root.append(svg("line", { x1: x(line.prior.share), x2: x(line.prior.share), y1: middle - lane / 2 + 3, y2: middle + lane / 2 - 3, stroke: colour("ink"), "stroke-width": 2 }));
          for (const [entry, paint, at] of [[line.recorded, "recorded", middle + apart], [line.ours, "simulated", middle - apart]] as const) {
            if (!isNumber(entry?.share)) continue;
            whisker(root, at, entry, x, colour(paint));
            root.append(marker(x(entry.share), at, colour(paint)));
          }
          tips.push({
            x: x(line.ours?.share ?? line.recorded?.share ?? 0), y: middle - (line.ours ? apart : 0),
            box: { x: panel.x - labels, y: middle - lane / 2, width: panel.width + labels, height: lane },
            lines: () => [
              `${point.label}: ${line.name}`,
              ...(line.ours ? [`${context.ours}: ${withInterval(line.ours)} of runs`] : []),
              ...(line.recorded ? [`${context.recorded}: ${withInterval(line.recorded)} of runs`] : []),
              ...(line.prior ? [`First choices: ${withInterval(line.prior)}`] : []),
            ],
          });
        });
        if (left) root.append(text(panel.x + 4, panel.y + shown.length * lane + 14, `and ${left} more`, { size: 11 }));
      }
      return { svg: root, tips };
    },
  };
}
