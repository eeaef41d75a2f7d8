// The few parts that all figures share: the frame, panels, axes, keys and marks with intervals.
import { symbol, symbolCircle, symbolDiamond, symbolSquare, symbolTriangle, type SymbolType } from "d3-shape";
import { svg } from "./dom";
import { isNumber, type Interval } from "./data";
import { fit, textWidth } from "./text";
import { colour, fontFamily } from "./theme";

export interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

/** Something a reader can point at; `along` makes it answer for its whole column of the box. */
export interface Tip {
  x: number;
  y: number;
  box: Box;
  along?: boolean;
  lines: () => string[];
}

export interface Drawing {
  svg: SVGSVGElement;
  tips: Tip[];
}

export interface Figure {
  id: string;
  title: string;
  caption: string;
  draw: (width: number) => Drawing;
}

export const symbols: SymbolType[] = [symbolCircle, symbolTriangle, symbolSquare, symbolDiamond];

export function frame(width: number, height: number, label: string): SVGSVGElement {
  const root = svg("svg", {
    xmlns: "http://www.w3.org/2000/svg",
    viewBox: `0 0 ${Math.ceil(width)} ${Math.ceil(height)}`,
    width: Math.ceil(width),
    height: Math.ceil(height),
    role: "img",
    "aria-label": label,
    "font-family": fontFamily,
    "font-size": 12,
  });
  // A policy may forbid the attribute; set as a property it is allowed, and files still hold it.
  root.style.fontVariantNumeric = "tabular-nums";
  return root;
}

interface TextStyle {
  anchor?: "start" | "middle" | "end";
  size?: number;
  weight?: number;
  fill?: string;
  room?: number;
  halo?: boolean;
  turned?: boolean;
}

/** Text at a point; where it is shortened to its room, the whole text stays as its title. */
export function text(x: number, y: number, content: string, style: TextStyle = {}): SVGTextElement {
  const { size = 12, weight = 400 } = style;
  const shown = style.room === undefined ? content : fit(content, style.room, size, weight);
  return svg(
    "text",
    {
      x,
      y,
      "text-anchor": style.anchor === "start" ? null : style.anchor,
      "font-size": size === 12 ? null : size,
      "font-weight": weight === 400 ? null : weight,
      fill: colour(style.fill ?? "muted"),
      stroke: style.halo ? colour("paper") : null,
      "stroke-width": style.halo ? 3 : null,
      "stroke-linejoin": style.halo ? "round" : null,
      "paint-order": style.halo ? "stroke" : null,
      transform: style.turned ? `rotate(-90 ${x} ${y})` : null,
    },
    shown,
    shown !== content && svg("title", {}, content),
  );
}

export interface KeyItem {
  kind: "line" | "dashed" | "band" | "dot" | "hollow" | "tick" | "square";
  label: string;
  colour: string;
  opacity?: number;
  symbol?: SymbolType;
  /** The line of a dot: its weight, or none, and its dashes. */
  weight?: number;
  dashes?: string;
}

function keyGlyph(item: KeyItem): SVGElement {
  const paint = colour(item.colour);
  switch (item.kind) {
    case "line":
    case "dashed":
      return svg("line", { x2: 22, stroke: paint, "stroke-width": 2, "stroke-dasharray": item.kind === "dashed" ? (item.dashes ?? "5 3") : null });
    case "band":
      return svg("rect", { y: -6, width: 22, height: 12, fill: paint, "fill-opacity": item.opacity ?? 0.25 });
    case "square":
      return svg("rect", { x: 5, y: -6, width: 12, height: 12, rx: 2, fill: paint, "fill-opacity": item.opacity ?? 1 });
    case "tick":
      return svg("line", { x1: 11, x2: 11, y1: -7, y2: 7, stroke: paint, "stroke-width": 2 });
    default:
      return svg("g", {},
        svg("line", { x2: 22, stroke: paint, "stroke-width": item.weight ?? 1.5, "stroke-dasharray": item.dashes }),
        marker(11, 0, paint, item.kind === "hollow", item.symbol));
  }
}

/** A key above the panels, wrapped to the width; returns the height it took. */
export function key(root: SVGElement, items: KeyItem[], x: number, width: number): number {
  let left = 0;
  let row = 0;
  for (const item of items) {
    const room = Math.min(textWidth(item.label), Math.max(40, width - x - 30));
    if (left > 0 && x + left + 28 + room > width) {
      left = 0;
      row += 1;
    }
    root.append(svg("g", { transform: `translate(${Math.round(x + left)} ${11 + 20 * row})` }, keyGlyph(item),
      text(28, 4, item.label, { fill: "ink", room })));
    left += 28 + room + 20;
  }
  return items.length ? 20 * (row + 1) + 12 : 0;
}

export interface Panel extends Box {
  index: number;
  /** Whether the panel stands in the first column, so that it carries the shared axis. */
  first: boolean;
  /** Whether no panel stands below it, so that it carries the title of the horizontal axis. */
  last: boolean;
}

interface GridOptions {
  count: number;
  width: number;
  top: number;
  /** The least and greatest width of a panel. */
  least: number;
  greatest?: number;
  columns?: number;
  height: (index: number) => number;
  left?: number;
  gap?: number;
  title?: number;
}

export interface Grid {
  panels: Panel[];
  width: number;
  height: number;
}

/** Sets panels out in rows of equal length as far as possible. */
export function grid(options: GridOptions): Grid {
  const { count, width, left = 56, gap = 26, title = 40, columns = 6 } = options;
  const right = 20;
  const fitting = Math.max(1, Math.floor((width - left - right + gap) / (options.least + gap)));
  const rows = Math.ceil(count / Math.min(fitting, columns));
  const across = Math.max(1, Math.ceil(count / rows));
  const room = (width - left - right + gap) / across - gap;
  const panelWidth = Math.min(room, options.greatest ?? 460);
  const panels: Panel[] = [];
  let y = options.top;
  for (let row = 0; row < rows; row += 1) {
    const indices = Array.from({ length: Math.min(across, count - row * across) }, (_, column) => row * across + column);
    const height = Math.max(...indices.map(options.height));
    for (const index of indices) {
      const column = index % across;
      panels.push({
        index,
        x: left + column * (panelWidth + gap),
        y: y + title,
        width: panelWidth,
        height: options.height(index),
        first: column === 0,
        last: index + across >= count,
      });
    }
    y += title + height + 30;
  }
  return { panels, width: left + across * (panelWidth + gap) - gap + right, height: y + 18 };
}

export function panelTitle(root: SVGElement, box: Box, title: string, subtitle = "", indent = 0): void {
  const room = box.width + indent;
  root.append(text(box.x - indent, box.y - (subtitle ? 25 : 12), title, { fill: "ink", weight: 600, size: 13, room }));
  if (subtitle) root.append(text(box.x - indent, box.y - 10, subtitle, { size: 11, room }));
}

type Scale = (value: number) => number;

interface AxisOptions {
  ticks: number[];
  format: (value: number) => string;
  title?: string | false;
  labels?: boolean;
  lines?: boolean;
  /** How far from the axis a vertical title stands. */
  away?: number;
}

export function axisX(root: SVGElement, box: Box, scale: Scale, { ticks, format, title, labels = true, lines }: AxisOptions): void {
  const floor = box.y + box.height;
  for (const tick of ticks) {
    const x = scale(tick);
    root.append(svg("line", lines
      ? { x1: x, x2: x, y1: box.y, y2: floor, stroke: colour("grid") }
      : { x1: x, x2: x, y1: floor, y2: floor + 4, stroke: colour("axis") }));
    if (labels) root.append(text(x, floor + 17, format(tick), { anchor: "middle" }));
  }
  root.append(svg("line", { x1: box.x, x2: box.x + box.width, y1: floor, y2: floor, stroke: colour("axis") }));
  if (title) root.append(text(box.x + box.width / 2, floor + 35, title, { anchor: "middle", fill: "ink", room: box.width + 60 }));
}

export function axisY(root: SVGElement, box: Box, scale: Scale, { ticks, format, title, labels = true, away = 44 }: AxisOptions): void {
  for (const tick of ticks) {
    const y = scale(tick);
    root.append(svg("line", { x1: box.x, x2: box.x + box.width, y1: y, y2: y, stroke: colour("grid") }));
    if (labels) root.append(text(box.x - 8, y + 4, format(tick), { anchor: "end" }));
  }
  if (title) root.append(text(box.x - away, box.y + box.height / 2, title, { anchor: "middle", fill: "ink", turned: true, room: box.height + 40 }));
}

export function marker(x: number, y: number, paint: string, hollow = false, type: SymbolType = symbolCircle, area = 52): SVGElement {
  return svg("path", {
    transform: `translate(${x.toFixed(2)} ${y.toFixed(2)})`,
    d: symbol(type, area)() ?? "",
    fill: hollow ? colour("paper") : paint,
    stroke: hollow ? paint : colour("paper"),
    "stroke-width": hollow ? 1.75 : 1,
  });
}

/** The interval of a share, drawn across or up. */
export function whisker(root: SVGElement, at: number, interval: Interval, scale: Scale, paint: string, { upright = false, faint = false } = {}): void {
  if (!isNumber(interval.low) || !isNumber(interval.high)) return;
  const [from, to] = [scale(interval.low), scale(interval.high)];
  root.append(svg("line", {
    ...(upright ? { x1: at, x2: at, y1: from, y2: to } : { x1: from, x2: to, y1: at, y2: at }),
    stroke: paint,
    "stroke-width": faint ? 1 : 1.75,
    // Intervals of two or three recorded runs span nearly everything; they must not hide the rest.
    "stroke-opacity": faint ? (upright ? 0.3 : 0.6) : null,
    "stroke-linecap": "round",
  }));
}

/** Ticks for shares that suit the room. */
export const shareTicks = (room: number) => (room < 150 ? [0, 0.5, 1] : [0, 0.25, 0.5, 0.75, 1]);

/** Distinct whole-number ticks, which linear scales do not promise on short domains. */
export const wholeTicks = (ticks: number[]) => ticks.filter((tick) => Number.isInteger(tick));

/** How far each dot leaves the line so that no two cover each other; a crowded column is squeezed into its room. */
export function swarm(places: number[], radius: number, room: number): { x: number; shift: number }[] {
  const columns = new Map<number, number[]>();
  for (const place of places) {
    const column = Math.round(place / (2 * radius));
    columns.set(column, [...(columns.get(column) ?? []), place]);
  }
  const tallest = Math.max(...[...columns.values()].map((column) => column.length));
  const step = Math.min(2 * radius, tallest > 1 ? (2 * room) / (tallest - 1) : 0);
  return [...columns].flatMap(([column, members]) =>
    members.map((_, i) => ({ x: column * 2 * radius, shift: (i - (members.length - 1) / 2) * step })));
}

/** 1, 2 and 5 in every decade, or the decades alone where there are many. */
export function logTicks(low: number, high: number): number[] {
  const steps = high / low > 1000 ? [1] : [1, 2, 5];
  const ticks = [];
  for (let decade = 10 ** Math.floor(Math.log10(low)); decade <= high; decade *= 10) ticks.push(...steps.map((step) => step * decade));
  return ticks.filter((tick) => tick >= low && tick <= high);
}
