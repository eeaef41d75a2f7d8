// Rounds to consensus: every run as a dot, with median and quartiles, the recorded runs beneath.
import { scaleLinear, scaleLog } from "d3-scale";
import { recordedSentence, runsText, type Context } from "../context";
import { isNumber, numbers, type Outcome, type Rounds } from "../data";
import { svg } from "../dom";
import { axisX, frame, key, logTicks, swarm, text, type Figure, type KeyItem, type Tip } from "../plot";
import { aside, duration, number, percent, range, textWidth } from "../text";
import { colour } from "../theme";

const known = (rounds: Rounds | null | undefined) => numbers(rounds?.values).length > 0 || isNumber(rounds?.median);
const extent = (rounds: Rounds | null | undefined) => numbers([...(rounds?.values ?? []), rounds?.median, rounds?.q1, rounds?.q3].map((value) => value ?? null)).filter((value) => value > 0);

function summary(rounds: Rounds | null | undefined): string {
  if (!isNumber(rounds?.median)) return "";
  const middle = rounds.n === 1 ? "" : range(rounds.q1, rounds.q3, duration);
  return duration(rounds.median) + (middle && ` [${middle}]`);
}

function reached(outcome: Outcome): string {
  const { consensus, runs } = outcome;
  return isNumber(consensus?.count) && isNumber(runs) && consensus.count < runs ? `${number(consensus.count)} of ${number(runs)} runs` : "";
}

export function rounds(context: Context): Figure | undefined {
  const points = context.points.filter((point) => known(point.rounds) || known(point.recorded?.rounds));
  if (!points.some((point) => known(point.rounds))) return undefined;
  const values = points.flatMap((point) => [...extent(point.rounds), ...extent(point.recorded?.rounds)]);
  const [least, greatest] = [Math.min(...values), Math.max(...values)];
  const log = greatest / least > 20;
  const hasRecorded = points.some((point) => known(point.recorded?.rounds));
  const title = "Rounds to consensus";

  return {
    id: "rounds",
    title,
    caption:
      `Population rounds until consensus${log ? ", on a logarithmic axis" : ""}${aside(runsText(points))}. Each dot is a run that reached consensus; the box spans the middle half of them and the line in it marks the median. ` +
      "On the right: median [quartiles], and how many runs reached consensus where not all did." +
      (hasRecorded ? recordedSentence(points.filter((point) => known(point.recorded?.rounds)), "recorded populations") : ""),
    draw(width) {
      const narrow = width < 620;
      const dense = points.length > 16;
      const lane = dense ? 18 : 30;
      const labelWidth = narrow ? 0 : Math.min(0.27 * width, Math.max(...points.map((point) => textWidth(point.label, 13, 600)))) + 20;
      const noted = (outcome: Outcome | null | undefined): string[] =>
        outcome ? (dense ? [[summary(outcome.rounds), reached(outcome)].filter(Boolean).join(", ")] : [summary(outcome.rounds), reached(outcome)]) : [];
      const noteWidth = narrow ? 0 : 12 + Math.max(...points.flatMap((point) => [...noted(point), ...noted(point.recorded)]).map((note) => textWidth(note)));
      const draft = svg("g");
      const items: KeyItem[] = [{ kind: "square", colour: "simulated", label: context.ours }];
      if (hasRecorded) items.push({ kind: "square", colour: "recorded", label: context.recorded });
      let y = key(draft, items, labelWidth, width) + 4;
      const rows = points.map((point) => {
        const lanes = (["ours", "recorded"] as const)
          .map((who) => ({ who, outcome: who === "ours" ? point : point.recorded }))
          .filter((entry): entry is typeof entry & { outcome: Outcome } => known(entry.outcome?.rounds));
        const top = y;
        y += (narrow ? 22 : 0) + lanes.length * lane + (dense ? 6 : 16);
        return { point, lanes, top };
      });
      const box = { x: labelWidth + 8, y: rows[0]!.top, width: width - labelWidth - noteWidth - 24, height: y - rows[0]!.top };
      const root = frame(width, y + 44, title);
      root.append(draft);
      const x = log
        ? scaleLog([least * 0.9, greatest * 1.1], [box.x, box.x + box.width])
        : scaleLinear([0, greatest * 1.03], [box.x, box.x + box.width]);
      const ticks = log ? logTicks(least * 0.9, greatest * 1.1) : x.ticks(Math.max(3, box.width / 90));
      axisX(root, box, x, { ticks, format: (tick) => tick.toLocaleString("en"), title: "Population rounds to consensus", lines: true });
      const tips: Tip[] = [];
      for (const { point, lanes, top } of rows) {
        const start = top + (narrow ? 22 : 0);
        if (narrow) root.append(text(0, top + 15, point.label, { fill: "ink", weight: 600, size: 13, room: width * 0.55 }));
        else root.append(text(labelWidth - 8, start + (lanes.length * lane) / 2 + 4, point.label, { fill: "ink", weight: 600, size: 13, anchor: "end", room: labelWidth - 12 }));
        lanes.forEach(({ who, outcome }, i) => {
          const middle = start + (i + 0.5) * lane;
          const paint = colour(who === "ours" ? "simulated" : "recorded");
          const name = who === "ours" ? context.ours : context.recorded;
          const spread = outcome.rounds!;
          const list = numbers(spread.values).filter((value) => value > 0);
          const radius = dense ? 1.8 : list.length <= 5 ? 4 : 2.4;
          const half = lane / 2 - 2;
          if (isNumber(spread.q1) && isNumber(spread.q3) && list.length !== 1) root.append(svg("rect", { x: x(spread.q1), width: Math.max(1, x(spread.q3) - x(spread.q1)), y: middle - half, height: 2 * half, rx: 3, fill: paint, "fill-opacity": 0.18 }));
          const dots = svg("g", { fill: paint, "fill-opacity": list.length > 400 ? 0.25 : 0.6 });
          if (list.length) for (const dot of swarm(list.map((value) => x(value)), radius, lane / 2 - radius - 1)) dots.append(svg("circle", { cx: dot.x, cy: middle + dot.shift, r: radius }));
          root.append(dots);
          // The edge in the colour of the page keeps the median visible in a crowd of dots.
          if (isNumber(spread.median) && list.length !== 1) root.append(svg("rect", { x: x(spread.median) - 2.5, width: 5, y: middle - half, height: 2 * half, fill: paint, stroke: colour("paper"), "stroke-width": 1.5 }));
          const notes = noted(outcome).filter(Boolean);
          if (narrow && i === 0) root.append(text(width - 2, top + 15, notes.join(", "), { anchor: "end", room: width * 0.42 }));
          if (!narrow) notes.forEach((note, line) =>
            root.append(text(width - 6, middle + 4 + (line - (notes.length - 1) / 2) * 13, note, { anchor: "end", fill: who === "ours" ? "ink" : "muted" })));
          tips.push({
            x: isNumber(spread.median) ? x(spread.median) : x(list[0] ?? least), y: middle, along: false,
            box: { x: box.x, y: middle - lane / 2, width: box.width, height: lane },
            lines: () => [
              `${point.label}, ${name.toLowerCase()}`,
              `median ${summary(spread)} rounds`,
              ...(isNumber(spread.mean) ? [`mean ${duration(spread.mean)}${isNumber(spread.sd) ? ` ± ${duration(spread.sd)} (sd)` : ""}`] : []),
              ...(isNumber(outcome.consensus?.share) ? [`${percent(outcome.consensus.share)} of ${number(outcome.runs)} runs reached consensus`] : []),
            ],
          });
        });
      }
      return { svg: root, tips };
    },
  };
}
