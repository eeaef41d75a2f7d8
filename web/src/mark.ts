// A verdict as a shape and in words; colour only repeats them.
import { html, svg } from "./dom";
import { marker, symbols } from "./plot";
import { colour } from "./theme";

export interface Mark {
  says: string;
  paint: string;
  symbol: number;
  hollow?: boolean;
}

/** Neither one side nor the other. */
export const undecided: Mark = { says: "", paint: "muted", symbol: 3, hollow: true };

export const marked = ({ says, paint, symbol, hollow }: Mark): HTMLElement =>
  html("span", { class: "found" },
    svg("svg", { viewBox: "-6.5 -6.5 13 13", width: 13, height: 13, "aria-hidden": "true" }, marker(0, 0, colour(paint), hollow, symbols[symbol], symbol === 3 ? 60 : 80)),
    says);
