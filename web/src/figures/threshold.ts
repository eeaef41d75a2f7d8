// Where an outcome passes its threshold, by the size in which that is extrapolated, and what it comes to at infinity.
import { scaleLinear } from "d3-scale";
import { line } from "d3-shape";
import type { Context } from "../context";
import { isNumber, unique, type Limit, type Threshold } from "../data";
import { svg } from "../dom";
import { axisX, axisY, frame, grid, key, marker, symbols, whisker, type Figure, type KeyItem, type Tip } from "../plot";
import { estimated, number, plural } from "../text";
import { colour, seriesCount } from "../theme";

interface Line {
  label: string;
  found: (Threshold & { n: number; value: number })[];
  limit?: Limit & { value: number; exponent: number; slope: number };
}

export function threshold(context: Context): Figure | undefined {
  const found = context.found;
  const over = found?.over;
  if (!found || !over) return undefined;
  const known = (found.thresholds ?? []).filter((one): one is Line["found"][number] => isNumber(one.n) && isNumber(one.value));
  const limits = (found.limits ?? []).filter((one): one is NonNullable<Line["limit"]> => isNumber(one.value) && isNumber(one.exponent) && isNumber(one.slope));
  // A threshold's label holds the size, too; a limit's does not.
  const families = (found.limits ?? []).map(({ label }) => label ?? "");
  const family = (one: Threshold) => families.find((label) => label !== "" && (one.label ?? "").includes(label)) ?? "";
  const lines: Line[] = unique(known.map(family)).map((label) => ({
    label, found: known.filter((one) => family(one) === label).sort((a, b) => a.n - b.n), limit: limits.find((one) => (one.label ?? "") === label),
  }));
  if (known.length < 2 || lines.length > seriesCount) return undefined;
  // Sizes stand where the law makes a straight line of the thresholds, infinity at the left.
  const exponent = lines.find(({ limit }) => limit)?.limit?.exponent ?? 1;
  const place = (n: number) => n ** -exponent;
  const words = (limit: NonNullable<Line["limit"]>) =>
    `${lines.length > 1 ? `${limit.label}: ` : ""}${estimated(limit.value, limit.low, limit.high)} with exponent ${number(limit.exponent)}${limit.exponents ? ` (${number(limit.exponents[0])} to ${number(limit.exponents[1])})` : ", given"}`;
  return {
    id: "threshold",
    title: `Threshold in ${found.key} by ${over}`,
    caption: `Where the share of runs that ${found.of === "consensus" ? "reach consensus" : found.of === "tipped" ? "are tipped" : found.of} passes ${found.at}; whiskers are 95% intervals, from the last value on the one side to the first on the other. ${over} is drawn as its power −${number(exponent)}, so that infinity is at the left.${limits.length ? ` Extrapolated (hollow): ${limits.map(words).join("; ")}.` : ""}`,
    draw(width) {
      const draft = svg("g");
      const style = (i: number) => ({ paint: lines.length > 1 ? `series${i}` : "simulated", symbol: symbols[i % symbols.length]! });
      const items: KeyItem[] = lines.length > 1 ? lines.map(({ label }, i) => ({ kind: "dot", label, colour: style(i).paint, symbol: style(i).symbol })) : [];
      const layout = grid({ count: 1, width, top: key(draft, items, 84, width), least: 240, greatest: 640, left: 84, title: 12, height: () => 250 });
      const root = frame(layout.width, layout.height + 16, `Threshold in ${found.key}`);
      root.append(draft);
      const panel = layout.panels[0]!;
      const sizes = unique(known.map(({ n }) => n)).sort((a, b) => a - b);
      const ends = [...known, ...limits].flatMap(({ value, low, high }) => [value, low, high]).filter(isNumber);
      const [bottom, top] = [Math.min(...ends), Math.max(...ends)];
      const room = (top - bottom) * 0.08 || Math.abs(top) * 0.1 || 1;
      const x = scaleLinear([0, place(sizes[0]!)], [panel.x + 14, panel.x + panel.width - 14]);
      const y = scaleLinear([bottom - room, top + room], [panel.y + panel.height, panel.y]);
      axisY(root, panel, y, { ticks: y.ticks(5), format: (tick) => tick.toLocaleString("en", { maximumSignificantDigits: 4 }), title: found.key ?? "", away: 62 });
      // Sizes that would cover another's label go without.
      const shown: number[] = [];
      for (const n of [Infinity, ...[...sizes].reverse()]) {
        if (shown.every((other) => Math.abs(x(place(n)) - x(place(other))) >= 42)) shown.push(n);
      }
      axisX(root, panel, (n) => x(place(n)), { ticks: shown, format: (n) => (n === Infinity ? "∞" : n.toLocaleString("en")), title: over });
      const tips: Tip[] = [];
      lines.forEach(({ label, found: mine, limit }, i) => {
        const { paint, symbol } = style(i);
        if (limit) {
          const along = Array.from({ length: 41 }, (_, step) => (step / 40) * place(sizes[0]!));
          const law = (at: number) => limit.value + limit.slope * (at ** (1 / exponent)) ** limit.exponent;
          root.append(svg("path", { d: line<number>((at) => x(at), (at) => y(law(at)))(along) ?? "", fill: "none", stroke: colour(paint), "stroke-width": 1.75, "stroke-dasharray": "5 3" }));
          whisker(root, x(0), limit, y, colour(paint), { upright: true });
          root.append(marker(x(0), y(limit.value), colour(paint), true, symbol));
          tips.push({ x: x(0), y: y(limit.value), box: panel, lines: () => [[`${over} ∞`, label].filter(Boolean).join(", "), words(limit)] });
        }
        for (const one of mine) {
          whisker(root, x(place(one.n)), one, y, colour(paint), { upright: true });
          root.append(marker(x(place(one.n)), y(one.value), colour(paint), false, symbol));
          tips.push({
            x: x(place(one.n)), y: y(one.value), box: panel,
            lines: () => [[`${over} ${number(one.n)}`, label].filter(Boolean).join(", "), estimated(one.value, one.low, one.high), `${plural(one.points ?? 0, "value")} tried, ${plural(one.runs ?? 0, "run")}`, ...(one.caution ? [one.caution] : [])],
          });
        }
      });
      return { svg: root, tips };
    },
  };
}
