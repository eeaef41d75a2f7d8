// The card of a model: what it could know, what its corpus held and how well it foretells it, and all that decided it.
import { isNumber } from "../data";
import { html } from "../dom";
import { fileStem, listing, section } from "../report";
import { aside, plural, share, span } from "../text";
import type { Card, Ledger, Training, Truth } from "./api";
import { apart, offerCsv, scrolled, whole } from "./parts";

/** What it could know, and what it could not, in sentences. */
function known({ rule, described, outcome, text, names, signs }: Truth): string[] {
  return [
    rule ? `It read records of players who follow the rule ${apart(rule)}.` : "It read no records of players who follow a rule.",
    described ? `It read the rule ${apart(described)} in words.` : "It read no rule in words.",
    outcome ? `It read records in which ${apart(outcome)} always wins.` : "It read no records in which one name always wins.",
    text ? "It read rows that stand in its corpus again and again, so that it could have learnt them by heart." : "It read no rows that stand in its corpus again and again.",
    names ? "It read the names of the game." : "It did not read the names of the game.",
    signs ? "It read the signs of the game with their meaning." : "It did not read the signs of the game with their meaning.",
  ];
}

const nothing = ({ rule, described, outcome, text }: Truth) => !rule && !described && !outcome && !text;

function truth(given: Card): HTMLElement | undefined {
  const parent = given.parent?.name;
  return section("What it could know",
    given.truth && nothing(given.truth) && html("p", {}, "Its corpus held nothing of the game."),
    given.truth && html("ul", {}, ...known(given.truth).map((sentence) => html("li", {}, sentence))),
    parent && html("p", {}, "It began with the weights of ", html("bdi", {}, parent), "."));
}

const nats = (loss: number | null | undefined) => (isNumber(loss) ? loss.toFixed(3) : "–");

/** Of each ingredient what stands in the corpus, and the losses of fresh rows and of rows that were read. */
function ingredients({ rows, ingredients: all }: Ledger, { judged }: Card): HTMLElement | undefined {
  if (!all?.length) return undefined;
  const cells = all.map((one) => {
    const loss = judged?.find(({ ingredient }) => ingredient === one.name);
    return [
      html("bdi", {}, one.name ?? "?"), one.kind ?? "", whole(one.rows), isNumber(one.rows) && isNumber(rows) && rows > 0 ? share(one.rows / rows) : "–",
      whole(one.tokens), whole(one.distinct), whole(one.most_copies), nats(loss?.fresh), nats(loss?.read),
    ];
  });
  return scrolled("Ledger", ["Ingredient", "Kind", "Rows", "Share of rows", "Tokens", "Different rows", "Most copies", "Loss, fresh rows", "Loss, rows read"], cells, 2);
}

function terms(rows: [string, (Node | string | null | undefined | false)[]][]): HTMLElement | undefined {
  const said = rows.map(([head, values]) => [head, values.filter(Boolean)] as const).filter(([, values]) => values.length);
  if (!said.length) return undefined;
  return html("dl", {}, ...said.flatMap(([head, values]) => [html("dt", {}, head), ...values.map((value) => html("dd", {}, value))]));
}

const hash = (of: string, sha256: string | null | undefined) => sha256 && html("span", {}, html("bdi", {}, of), ": ", html("code", {}, sha256));

function corpus(given: Card): HTMLElement | undefined {
  const ledger = given.ledger ?? {};
  const texts = (ledger.ingredients ?? []).filter(({ source }) => source);
  const unread = ledger.unread ?? [];
  const judged = span((given.judged ?? []).map(({ rows }) => rows));
  return section("What its corpus held",
    html("p", {}, [isNumber(ledger.rows) && plural(ledger.rows, "row"), isNumber(ledger.tokens) && plural(ledger.tokens, "token")].filter(Boolean).join(", ") || "Nothing is known of it."),
    ingredients(ledger, given),
    (given.judged?.length ?? 0) > 0 && html("p", { class: "facts" }, `Losses are means in nats for each word: of fresh rows, which stand nowhere in the corpus, and of rows that it read${aside(judged && `${judged} rows of each ingredient`)}.`),
    terms([
      ["Words never read", [unread.length > 0 && html("bdi", {}, unread.join(" "))]],
      ["Licences", texts.map(({ source }) => html("span", {}, html("bdi", {}, source!.file ?? "?"), ": ", html("bdi", {}, source!.licence || "none is named")))],
    ]));
}

/** What tells that it is this model and no other. */
function hashes({ weights_sha256, ledger, parent }: Card): HTMLElement | undefined {
  const all = ledger?.ingredients ?? [];
  return section("Hashes (SHA-256)", terms([
    ["Weights", [hash("this model", weights_sha256), hash(parent?.name ?? "what it began with", parent?.weights_sha256)]],
    ["Rows", [hash("the corpus", ledger?.sha256), ...all.map(({ name, sha256 }) => hash(name ?? "?", sha256))]],
    ["Texts", all.map(({ source }) => hash(source?.file ?? "?", source?.sha256))],
  ]));
}

export function card({ id, name, card: given }: Training): HTMLElement[] {
  if (!given) return [html("p", {}, "The card is written when the training is finished.")];
  const parts = [
    html("p", { class: "facts" }, [isNumber(given.weights) && plural(given.weights, "weight"), given.version && `version ${given.version}`].filter(Boolean).join(" · ")),
    truth(given), corpus(given), hashes(given),
    section("The plan", given.plan != null && listing(JSON.stringify(given.plan, null, 2))),
  ].filter((element) => element !== undefined);
  const element = html("div", { class: "card" }, ...parts);
  offerCsv(element, `${fileStem(name || id)}-card`);
  return [element];
}
