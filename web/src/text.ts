// How numbers and labels are written, and how much room they take.
import { fontFamily } from "./theme";
import { isNumber, type Interval } from "./data";

type Maybe = number | null | undefined;
const dash = "–";

export function percent(value: Maybe, digits = 0): string {
  return isNumber(value) ? `${(100 * value).toFixed(digits)}%` : "?";
}

/** A share with one decimal where a whole per cent would hide something. */
export function share(value: Maybe): string {
  if (!isNumber(value)) return "?";
  const whole = Math.abs(100 * value - Math.round(100 * value)) < 0.05;
  return percent(value, whole ? 0 : 1);
}

export const capital = (text: string) => text.slice(0, 1).toUpperCase() + text.slice(1);

export function number(value: Maybe): string {
  if (!isNumber(value)) return "?";
  if (value !== 0 && (Math.abs(value) < 0.01 || Math.abs(value) >= 1e6)) return value.toPrecision(2);
  const digits = Number.isInteger(value) || Math.abs(value) >= 100 ? 0 : Math.abs(value) >= 1 ? 1 : 2;
  return formats[digits]!.format(value);
}

// Made once, since making one takes longer than using it a hundred times.
const formats = [0, 1, 2].map((digits) => new Intl.NumberFormat("en", { maximumFractionDigits: digits, minimumFractionDigits: digits }));

const plain = (value: number, digits: number) =>
  value.toLocaleString("en", { minimumFractionDigits: digits, maximumFractionDigits: digits }).replace(/^-(?=[0.,]*$)/, "").replace("-", "−");

/** A value and the ends of its interval, with two digits of the width of the interval. */
export function estimate(value: Maybe, low?: Maybe, high?: Maybe): { value: string; interval: string } {
  const width = isNumber(low) && isNumber(high) ? Math.abs(high - low) : 0;
  const digits = 1 - Math.floor(Math.log10(width));
  const write = (part: Maybe) => (isNumber(part) && width > 0 && digits <= 6 ? plain(part, Math.max(0, digits)) : number(part).replace("-", "−"));
  return { value: write(value), interval: isNumber(low) && isNumber(high) ? `${write(low)} to ${write(high)}` : "" };
}

/** A value with its interval in brackets, in one line. */
export const estimated = (value: Maybe, low?: Maybe, high?: Maybe) => {
  const written = estimate(value, low, high);
  return written.value + (written.interval && ` (${written.interval})`);
};

/** A duration in rounds, always with as many decimals, so that the ends of a range match. */
export const duration = (value: Maybe) => (!isNumber(value) ? "?" : value < 99.95 ? value.toFixed(1) : Math.round(value).toLocaleString("en"));

export const pValue = (p: Maybe) => (!isNumber(p) ? "" : p < 0.001 ? "p\u00a0<\u00a00.001" : `p\u00a0=\u00a0${p.toFixed(3)}`);

export function range(low: Maybe, high: Maybe, write: (value: Maybe) => string): string {
  if (!isNumber(low) || !isNumber(high)) return "";
  return `${write(low).replace(/%$/, "")}${dash}${write(high)}`;
}

export function withInterval(value: Interval): string {
  const interval = range(value.low, value.high, share);
  return share(value.share) + (interval && ` (${interval})`);
}

/** "24" when all values agree, "24–48" otherwise, and nothing when there are none. */
export function span(values: Maybe[]): string {
  const known = values.filter(isNumber);
  if (!known.length) return "";
  const low = Math.min(...known);
  const high = Math.max(...known);
  return low === high ? number(low) : `${number(low)}${dash}${number(high)}`;
}

/** A text in brackets after another one, or nothing. */
export const aside = (text: string) => text && ` (${text})`;

export const plural = (count: number, one: string, many = `${one}s`) => `${count.toLocaleString("en")} ${count === 1 ? one : many}`;

const canvas = document.createElement("canvas").getContext("2d");

export function textWidth(text: string, size = 12, weight = 400): number {
  if (!canvas) return text.length * size * 0.56;
  canvas.font = `${weight} ${size}px ${fontFamily}`;
  return canvas.measureText(text).width;
}

/** Shortens a label to the room it has, in its middle, since the labels of a sweep often differ at the end. */
export function fit(text: string, room: number, size = 12, weight = 400): string {
  if (text.length < 1000 && textWidth(text, size, weight) <= room) return text;
  const letters = [...text];
  const shorter = (kept: number) => {
    const tail = Math.floor(kept * 0.4);
    return `${letters.slice(0, kept - tail).join("").trimEnd()}…${letters.slice(letters.length - tail).join("").trimStart()}`;
  };
  // Nothing much longer than its room is ever measured.
  for (let kept = Math.min(letters.length - 1, Math.ceil(room / 2)); kept > 1; kept -= 1) {
    if (textWidth(shorter(kept), size, weight) <= room) return shorter(kept);
  }
  return `${letters[0]}…`;
}
