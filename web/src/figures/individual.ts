// What a single agent chooses, given what it remembers.
import { max } from "d3-array";
import { scaleLinear } from "d3-scale";
import { panelsOf, type Context } from "../context";
import { isNumber, unique, type Individual, type NameShare, type Point } from "../data";
import { svg } from "../dom";
import { axisX, frame, grid, key, marker, panelTitle, shareTicks, text, whisker, type Figure, type KeyItem, type Tip } from "../plot";
import { aside, pValue, percent, span, textWidth, withInterval } from "../text";
import { colour } from "../theme";

/** A memory as a reader says it: own name and partner's name for each round, oldest first. */
export function memoryText(individual: Individual | null | undefined): string {
  const memory = individual?.memory;
  if (!memory) return individual?.memory_text || "?";
  if (!memory.length) return "empty";
  const short = memory.every((round) => round.every((name) => [...name].length === 1));
  return memory.map((round) => round.join(short ? "" : "/")).join(" · ");
}

const isMemory = (name: string, value: string, point: Point) =>
  /state|memories/i.test(name) || (/memory/i.test(name) && !Number.isFinite(Number(value))) || value === point.individual?.memory_text;

export function individual(context: Context): Figure | undefined {
  const points = context.points.filter((point) => point.individual?.choices?.length);
  if (!points.length) return undefined;
  const panels = panelsOf(points, isMemory);
  const namesOf = (point: Point) => unique([...(point.names ?? []), ...(point.individual?.choices ?? []).map((choice) => choice.name)]);
  // With two names the share of one says it all; the first in the order of the experiment is shown.
  const pair = unique(points.flatMap(namesOf));
  const binary = pair.length === 2;
  const shown = (point: Point) => (binary ? [pair[0]!] : namesOf(point));
  const find = (data: Individual | null | undefined, name: string): NameShare | undefined => data?.choices?.find((choice) => choice.name === name);
  const recorded = points.filter((point) => point.recorded?.individual?.choices?.length);
  const title = "What single agents choose";
  const answers = span(points.map((point) => point.individual?.answers));
  const recordedAnswers = span(recorded.map((point) => point.recorded?.individual?.answers));

  return {
    id: "individual",
    title,
    caption:
      `Probability that a single agent chooses ${binary ? `“${pair[0]}”` : "each name"}, by what it remembers (own choice and partner’s choice of each round, oldest first${answers && `; ${answers} answers per memory`}). ` +
      `Whiskers are 95% intervals; the dashed line marks an even choice among the names${binary ? `, and the rest of the answers chose “${pair[1]}”` : ""}.` +
      (recorded.length ? ` Grey: recorded answers, with their 95% intervals${aside(recordedAnswers && `${recordedAnswers} answers per memory`)}.` : ""),
    draw(width) {
      const items: KeyItem[] = [{ kind: "dot", colour: "simulated", label: `${context.ours}, 95% interval` }];
      if (recorded.length) items.push({ kind: "dot", colour: "recorded", label: `${context.recorded}, 95% interval` });
      const lane = recorded.length ? (binary ? 28 : 20) : binary ? 22 : 15;
      const nameRoom = binary ? 0 : Math.min(70, max(points.flatMap(namesOf), (name) => textWidth(name, 11)) ?? 0) + 8;
      const stateRoom = Math.min(width < 620 ? 90 : 170, max(points, (point) => textWidth(memoryText(point.individual), 12, 600)) ?? 0) + 16;
      const left = nameRoom + stateRoom;
      const rowHeight = (point: Point) => shown(point).length * lane + (binary ? 0 : 10);
      const draft = svg("g");
      const layout = grid({
        count: panels.length, width, top: key(draft, items, 0, width), left, gap: left + 20, least: 160, columns: 4, greatest: 480,
        height: (index) => panels[index]!.points.reduce((sum, point) => sum + rowHeight(point), 4),
      });
      const root = frame(layout.width, layout.height, title);
      root.append(draft);
      const tips: Tip[] = [];
      for (const panel of layout.panels) {
        const { title: name, points: members } = panels[panel.index]!;
        const x = scaleLinear([0, 1], [panel.x, panel.x + panel.width]);
        panelTitle(root, panel, name || context.name, "", left);
        axisX(root, panel, x, { ticks: shareTicks(panel.width - 60), format: percent, lines: true, title: panel.last && (binary ? `Probability of choosing “${pair[0]}”` : "Probability of choosing a name") });
        let top = panel.y + 4;
        members.forEach((point, index) => {
          const names = shown(point);
          const height = rowHeight(point);
          const even = 1 / Math.max(1, namesOf(point).length);
          root.append(svg("line", { x1: x(even), x2: x(even), y1: top, y2: top + height, stroke: colour("muted"), "stroke-dasharray": "4 3" }));
          if (index && !binary) root.append(svg("line", { x1: panel.x - left, x2: panel.x + panel.width, y1: top - 2, y2: top - 2, stroke: colour("grid") }));
          root.append(text(panel.x - nameRoom - 9, top + (names.length * lane) / 2 + 4, memoryText(point.individual), { anchor: "end", fill: "ink", weight: binary ? 400 : 600, room: stateRoom - 10 }));
          names.forEach((choice, i) => {
            const middle = top + (i + 0.5) * lane;
            const apart = recorded.length ? (binary ? 5 : 4) : 0;
            if (!binary) root.append(text(panel.x - 7, middle + 4, choice, { anchor: "end", size: 11, room: nameRoom - 6 }));
            const ours = find(point.individual, choice);
            const theirs = find(point.recorded?.individual, choice);
            for (const [entry, paint, at] of [[theirs, "recorded", middle + apart], [ours, "simulated", middle - apart]] as const) {
              if (!isNumber(entry?.share)) continue;
              whisker(root, at, entry, x, colour(paint));
              root.append(marker(x(entry.share), at, colour(paint)));
            }
            tips.push({
              x: x(ours?.share ?? theirs?.share ?? even), y: middle - (ours ? apart : 0),
              box: { x: panel.x - left, y: middle - lane / 2, width: panel.width + left, height: lane },
              lines: () => [
                `${name || point.label}, memory ${memoryText(point.individual)}`,
                ...(ours ? [`${context.ours}: “${choice}” ${withInterval(ours)}`] : []),
                ...(theirs ? [`${context.recorded}: “${choice}” ${withInterval(theirs)}`] : []),
                ...(isNumber(point.individual?.p_uniform) ? [`Even choice: ${pValue(point.individual.p_uniform)}`] : []),
              ],
            });
          });
          top += height;
        });
      }
      return { svg: root, tips };
    },
  };
}
