// How the names of a population look: a colour and a shape each, and a letter where there is room for one.
import { symbolCircle, symbolSquare, type SymbolType } from "d3-shape";
import { svg } from "../dom";
import { marker } from "../plot";
import { colour, seriesCount } from "../theme";
import { noName, others, severalNames } from "./frames";

/** A polygon with its first corner at an angle, as large as a circle looks. */
const polygon = (corners: number, from: number): SymbolType => ({
  draw(pen, area) {
    const radius = Math.sqrt(area / Math.PI) * (corners === 3 ? 1.4 : 1.25);
    const down = corners === 3 ? radius * 0.2 * -Math.sin(from) : 0;
    for (let i = 0; i < corners; i += 1) {
      const angle = from + (2 * Math.PI * i) / corners;
      if (i) pen.lineTo(radius * Math.cos(angle), down + radius * Math.sin(angle));
      else pen.moveTo(radius * Math.cos(angle), down + radius * Math.sin(angle));
    }
    pen.closePath();
  },
});

/** Arms broad enough for a letter. */
const cross: SymbolType = {
  draw(pen, area) {
    const long = Math.sqrt(area) * 0.62;
    const broad = long * 0.45;
    const corners = [[-long, broad], [-long, -broad], [-broad, -broad], [-broad, -long], [broad, -long], [broad, -broad], [long, -broad], [long, broad], [broad, broad], [broad, long], [-broad, long], [-broad, broad]] as const;
    corners.forEach(([x, y], index) => (index ? pen.lineTo(x, y) : pen.moveTo(x, y)));
    pen.closePath();
  },
};

const up = polygon(3, -Math.PI / 2);
const down = polygon(3, Math.PI / 2);
const shapes = [symbolCircle, symbolSquare, up, polygon(4, 0), cross, down];

/** A letter for each name: its first where those differ, else its number. */
function lettersOf(names: string[]): string[] {
  if (names.every((name) => [...name].length <= 2)) return names;
  const first = names.map((name) => [...name][0] ?? "");
  return new Set(first).size === names.length && first.every((letter) => /[\p{L}\p{N}]/u.test(letter)) ? first : names.map((_, index) => String(index + 1));
}

/** What an agent can be: of one of the names, of several, of another name, or of none yet. */
export interface Kind {
  name: string;
  /** Missing where there is no name to be told by it. */
  letter?: string;
  paint: string;
  shape: SymbolType;
  hollow: boolean;
  /** How large it is, against the others. */
  weight: number;
  /** Where the middle of its letter lies, in radii. */
  middle: number;
}

export function kindsOf(names: string[]): Kind[] {
  const letters = lettersOf(names);
  const other = { paint: "axis", shape: symbolCircle, hollow: true, middle: 0 };
  return [
    ...names.map((name, index) => {
      const shape = shapes[index % shapes.length]!;
      return { name, letter: letters[index]!, paint: `series${index % seriesCount}`, shape, hollow: false, weight: shape === symbolCircle ? 0.85 : 0.6, middle: shape === up ? 0.2 : shape === down ? -0.1 : 0.05 };
    }),
    { ...other, name: "any of several names", shape: polygon(4, 0), weight: 0.6 },
    { ...other, name: "another name", weight: 0.85 },
    { ...other, name: "none yet", weight: 0.2 },
  ];
}

/** The kind that a byte of a frame means. */
export const kindOf = (byte: number, names: number) => (byte < names ? byte : byte === severalNames ? names : byte === noName ? names + others - 1 : names + 1);

export const swatch = ({ paint, hollow, shape, weight }: Kind): SVGElement =>
  svg("svg", { viewBox: "-8 -8 16 16", width: 16, height: 16, "aria-hidden": "true" }, marker(0, 0, colour(paint), hollow, shape, 130 * weight));

export const squareSwatch = (): SVGElement =>
  svg("svg", { viewBox: "-8 -8 16 16", width: 16, height: 16, "aria-hidden": "true" }, svg("rect", { x: -6.5, y: -6.5, width: 13, height: 13, fill: "none", stroke: colour("ink"), "stroke-width": 1.5 }));

/** The colours of the page as a canvas takes them. */
export function colours(): (name: string) => string {
  const style = getComputedStyle(document.documentElement);
  return (name) => style.getPropertyValue(`--${name}`).trim() || "#888";
}
