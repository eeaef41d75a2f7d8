// The numbers behind the figures, with recorded values in muted type beneath ours.
import type { Context } from "./context";
import { followedIn, isNumber, type LiveModel, type NameShare, type Outcome, type Point, type Proportion } from "./data";
import { html } from "./dom";
import { memoryText } from "./figures/individual";
import { capital, duration, number, pValue, range, share, withInterval } from "./text";

interface Column {
  head: string;
  note?: string;
  text: (outcome: Outcome, point: Point) => string;
  /** Text that runs on, rather than numbers that stand under one another. */
  prose?: boolean;
}

const proportion = (value: Proportion | null | undefined, of: number | null | undefined): string => {
  if (!value || (!isNumber(value.share) && !isNumber(value.count))) return "";
  const count = isNumber(value.count) && isNumber(of) ? `${number(value.count)} of ${number(of)}` : "";
  return [count, isNumber(value.share) && withInterval(value)].filter(Boolean).join(", ");
};

const leading = (list: NameShare[] | null | undefined): string => {
  const won = (list ?? []).filter((entry) => (entry.share ?? 0) > 0);
  const rest = won.length - 3;
  return won.slice(0, 3).map((entry) => `${entry.name} ${share(entry.share)}`).join(", ") + (rest > 0 ? `, and ${rest} more` : "");
};

const columns: Column[] = [
  { head: "Agents", text: (outcome, point) => (outcome === point && isNumber(point.size) ? number(point.size) : "") },
  { head: "Runs", text: ({ runs }) => (isNumber(runs) ? number(runs) : "") },
  { head: "Tipped", note: "95% interval", text: ({ tipping }) => (tipping ? proportion({ ...tipping, count: tipping.tipped }, tipping.of) : "") },
  { head: "Final share", note: "minority’s name", text: ({ tipping }) => (isNumber(tipping?.final_share) ? share(tipping.final_share) : "") },
  { head: "Reached consensus", note: "95% interval", text: ({ consensus, runs }) => proportion(consensus, runs) },
  {
    head: "Rounds, median", note: "quartiles",
    text: ({ rounds }) => (isNumber(rounds?.median) ? [duration(rounds.median), rounds.n !== 1 && range(rounds.q1, rounds.q3, duration)].filter(Boolean).join(" [") + (rounds.n !== 1 && isNumber(rounds.q1) && isNumber(rounds.q3) ? "]" : "") : ""),
  },
  {
    head: "Rounds, mean", note: "± sd",
    text: ({ rounds }) => (isNumber(rounds?.mean) ? duration(rounds.mean) + (isNumber(rounds.sd) ? ` ± ${duration(rounds.sd)}` : "") : ""),
  },
  {
    head: "Commonest opinion", note: "held at the end, ± sd",
    text: ({ held }) => (isNumber(held?.mean) ? share(held.mean) + (isNumber(held.sd) ? ` ± ${share(held.sd)}` : "") : ""),
  },
  { head: "Kept", note: "after success", text: ({ stay_after_success: rate }) => (isNumber(rate) ? share(rate) : "") },
  { head: "Changed", note: "after failure", text: ({ switch_after_failure: rate }) => (isNumber(rate) ? share(rate) : "") },
  { head: "Winners", prose: true, text: ({ winners }) => leading(winners) },
  { head: "Collective bias", prose: true, text: ({ collective_bias: bias }) => [bias?.text, !/\bp\s*[<=]/.test(bias?.text ?? "") && pValue(bias?.p)].filter(Boolean).join(", ") },
  { head: "Void", note: "share of interactions", text: ({ void_share: share_, invalid_share: invalid }) => (isNumber(share_) && (share_ > 0 || isNumber(invalid)) ? share(share_) : "") },
  { head: "Unusable", note: "share of answers", text: ({ invalid_share: invalid }) => (isNumber(invalid) ? share(invalid) : "") },
  { head: "Memory", text: (outcome, point) => (outcome === point && outcome.individual ? memoryText(outcome.individual) : "") },
  { head: "Answers", text: ({ individual }) => (isNumber(individual?.answers) ? number(individual.answers) : "") },
  { head: "Choices", note: "95% interval", prose: true, text: ({ individual }) => (individual?.choices ?? []).slice(0, 3).map((choice) => `${choice.name} ${withInterval(choice)}`).join(", ") },
  { head: "Even choice", text: ({ individual }) => pValue(individual?.p_uniform) },
];

const ofConsensus = new Set(["Reached consensus", "Rounds, median", "Rounds, mean", "Commonest opinion", "Kept", "Changed", "Winners", "Collective bias"]);

/** How live models were asked, and what it took. */
export function liveModels(models: LiveModel[] | null | undefined): HTMLElement | undefined {
  if (!models?.length) return undefined;
  const columns: [string, (model: LiveModel) => string, boolean?][] = [
    ["Server", ({ server }) => server ?? "", true],
    ["Asked by", ({ how }) => how ?? "", true],
    ["Because", ({ why }) => why ?? "", true],
    ["Calls", ({ calls }) => (isNumber(calls) ? number(calls) : "")],
    ["Prompts", ({ prompts }) => (isNumber(prompts) ? number(prompts) : "")],
    ["Tokens", ({ tokens }) => (isNumber(tokens) && tokens > 0 ? tokens.toLocaleString("en") : "")],
    ["US dollars", ({ usd }) => (isNumber(usd) && usd > 0 ? usd.toFixed(2) : "")],
  ];
  const used = columns.filter(([, text]) => models.some((model) => text(model)));
  return html(
    "div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Live models" },
    html(
      "table", {},
      html("thead", {}, html("tr", {}, html("th", { scope: "col" }, "Model"), ...used.map(([head, , prose]) => html("th", { scope: "col", class: prose ? "prose" : null }, head)))),
      html("tbody", {}, ...models.map((model) =>
        html("tr", {}, html("th", { scope: "row" }, model.name ?? "?"),
          ...used.map(([, text, prose]) => html("td", { class: prose ? "prose" : null }, text(model) || "–"))))),
    ),
  );
}

export function table(context: Context): HTMLElement | undefined {
  const { points } = context;
  // Where every condition is about a minority, what it did is the result, and the words about consensus crowd it out.
  const named = points.every((point) => point.tipping) ? columns.filter(({ head }) => !ofConsensus.has(head)) : columns;
  const about = [...named, ...followedIn(points).map(({ key, label, share: bounded, late }): Column => ({
    head: capital(label), note: late ? "second half, ± sd" : "at the end, ± sd",
    text: ({ followed }) => {
      const { mean, sd } = followed?.[key]?.end ?? {};
      const write = bounded ? share : number;
      return isNumber(mean) ? write(mean) + (isNumber(sd) ? ` ± ${write(sd)}` : "") : "";
    },
  }))];
  const used = about.filter((column) => points.some((point) => column.text(point, point) || (point.recorded && column.text(point.recorded, point))));
  if (!used.length) return undefined;
  const hasRecorded = points.some((point) => point.recorded);
  return html(
    "div", { class: "scroll", tabindex: 0, role: "region", "aria-label": "Summary table" },
    html(
      "table", {},
      html("caption", {}, html("span", {}, hasRecorded ? "Values of each condition; what was recorded elsewhere stands beneath in grey." : "Values of each condition.")),
      html("thead", {}, html("tr", {}, html("th", { scope: "col" }, "Condition"),
        ...used.map((column) => html("th", { scope: "col", class: column.prose ? "prose" : null }, column.head, column.note && html("small", {}, column.note))))),
      html("tbody", {}, ...points.map((point) =>
        html("tr", {}, html("th", { scope: "row" }, point.label, point.recorded && html("span", { class: "recorded" }, "recorded")),
          ...used.map((column) => html("td", { class: column.prose ? "prose" : null }, column.text(point, point) || "–",
            point.recorded && html("span", { class: "recorded" }, column.text(point.recorded, point) || (column.prose ? "" : "\u00a0"))))))),
    ),
  );
}
