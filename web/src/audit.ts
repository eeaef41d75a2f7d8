// What the audits concluded: two sentences for each condition, a table of all findings, and the findings one by one.
// Nothing is worked out here; the words and the numbers are those of the program.
import { isNumber, unique, type Audit, type Finding, type Verdict } from "./data";
import { html } from "./dom";
import { mount } from "./figure";
import { alike, pictured } from "./figures/pictures";
import { marked, undecided, type Mark } from "./mark";
import { estimate, number, percent, pValue } from "./text";

const formatRead = 1;

/** Beyond this many findings, each audit but the first starts folded. */
const manyFindings = 6;

/** Beyond this many conditions, each finding of an audit but the first starts folded. */
const manyConditions = 4;

const words: Record<string, Mark> = {
  "supports-interaction": { says: "supports interaction", paint: "series0", symbol: 0 },
  "supports-recall": { says: "supports recall", paint: "series1", symbol: 2 },
  "cannot-tell": { ...undecided, says: "cannot tell" },
};

const bearings: Record<string, string> = {
  interaction: "bears on whether the outcome depends on interaction",
  response: "bears on where the individual response comes from",
};

function found(finds: string | null | undefined, times = 1): HTMLElement {
  const word = (finds && Object.hasOwn(words, finds) && words[finds]) || { ...undecided, says: finds || "?" };
  return marked({ ...word, says: word.says + (times > 1 ? ` ×${times}` : "") });
}

type Shown = Finding & { id: string };

const conditionOf = (part: { condition?: string | null }) => part.condition || "All conditions";
const auditOf = (finding: Finding) => finding.audit || "?";

function verdict(given: Verdict): HTMLElement {
  const sides = [given.interaction, given.response];
  return html("div", { class: "verdict" },
    html("h3", {}, conditionOf(given)),
    ...(given.sentences ?? []).map((sentence, i) => html("p", {}, i < sides.length && sides[i] ? found(sides[i]) : null, " ", sentence)));
}

/** Opens what a link leads to, which may lie in something folded, and goes there once the figures above it are drawn. */
export function reveal(id: string): void {
  const target = document.getElementById(id);
  for (let element: Element | null = target; element; element = element.parentElement) {
    if (element instanceof HTMLDetailsElement) element.open = true;
  }
  requestAnimationFrame(() => requestAnimationFrame(() => target?.scrollIntoView()));
}

/** All findings at a glance; whichever there are more of, audits or conditions, go down the page. */
function matrix(findings: Shown[]): HTMLElement {
  const audits = unique(findings.map(auditOf));
  const conditions = unique(findings.map(conditionOf));
  const mine = (audit: string) => findings.filter((finding) => auditOf(finding) === audit);
  const effects = (audit: string) => unique(mine(audit).map((finding) => finding.effect?.name).filter(Boolean));
  const auditHead = (audit: string, scope: string) => {
    const bearing = unique(mine(audit).map((finding) => finding.bears_on));
    return html("th", { scope, class: scope === "col" ? "prose" : null }, audit,
      html("small", {}, [bearing.length === 1 && bearing[0] && `on ${bearing[0]}`, effects(audit).length === 1 && effects(audit)[0]].filter(Boolean).join("; ")));
  };
  const conditionHead = (condition: string, scope: string) => html("th", { scope, class: scope === "col" ? "prose" : null }, condition);
  const cell = (audit: string, condition: string) => {
    const here = mine(audit).filter((finding) => conditionOf(finding) === condition);
    return html("td", { class: "prose" }, !here.length && "–", ...here.map((finding) => {
      const { value, interval } = estimate(finding.effect?.value, finding.effect?.low, finding.effect?.high);
      const link = html("a", { href: `#${finding.id}` }, found(finding.finds));
      link.addEventListener("click", () => reveal(finding.id));
      return html("div", {}, link, isNumber(finding.effect?.value) && html("small", {},
        [effects(audit).length > 1 && finding.effect?.name, value + (interval && ` (${interval})`)].filter(Boolean).join(": ")));
    }));
  };
  const down = conditions.length > audits.length;
  return html("div", { class: "scroll matrix", tabindex: 0, role: "region", "aria-label": "Findings by audit and condition" },
    html("table", {},
      html("caption", {}, html("span", {}, "What each audit found, with its effect and interval. Each entry leads to the finding.")),
      html("thead", {}, html("tr", {}, html("th", { scope: "col" }, down ? "Condition" : "Audit"),
        ...(down ? audits.map((audit) => auditHead(audit, "col")) : conditions.map((condition) => conditionHead(condition, "col"))))),
      html("tbody", {}, ...(down
        ? conditions.map((condition) => html("tr", {}, conditionHead(condition, "row"), ...audits.map((audit) => cell(audit, condition))))
        : audits.map((audit) => html("tr", {}, auditHead(audit, "row"), ...conditions.map((condition) => cell(audit, condition))))))));
}

interface Field {
  head: string;
  texts: (finding: Finding) => string[];
}

const one = (text: string | null | undefined) => (text ? [text] : []);

const fields: Field[] = [
  {
    head: "Effect",
    texts: ({ effect }) => {
      if (!isNumber(effect?.value)) return [];
      const { value, interval } = estimate(effect.value, effect.low, effect.high);
      return [`${effect.name ? `${effect.name}: ` : ""}${value}${interval && ` (${isNumber(effect.level) ? `${percent(effect.level, Number.isInteger(Math.round(effect.level * 1e4) / 100) ? 0 : 1)} interval ` : ""}${interval})`}`];
    },
  },
  {
    head: "Statistic",
    texts: ({ statistic }) => (!isNumber(statistic?.value) ? [] : [[`${statistic.name || "statistic"} = ${number(statistic.value).replace("-", "−")}`, pValue(statistic.p)].filter(Boolean).join(", ")]),
  },
  { head: "Compared", texts: ({ rivals }) => one(rivals?.join("; ")) },
  { head: "What it means", texts: ({ means }) => one(means) },
  { head: "What it does not mean", texts: ({ does_not_mean }) => one(does_not_mean) },
  { head: "What would tell", texts: ({ would_tell }) => one(would_tell) },
  { head: "Cautions", texts: ({ cautions }) => cautions ?? [] },
  { head: "Source", texts: ({ source }) => one(source) },
];

function terms(used: Field[], finding: Finding): HTMLElement | undefined {
  const rows = used.map(({ head, texts }) => ({ head, said: texts(finding).filter(Boolean) })).filter(({ said }) => said.length);
  if (!rows.length) return undefined;
  return html("dl", {}, ...rows.flatMap(({ head, said }) => [html("dt", {}, head), ...said.map((text) => html("dd", {}, text))]));
}

const fold = (tag: "div" | "details", attributes: Record<string, string>, open: boolean, head: Node, ...body: (Node | undefined)[]): HTMLElement =>
  html(tag, { ...attributes, ...(tag === "details" && open ? { open: "" } : {}) }, tag === "details" ? html("summary", {}, head) : head, ...body.filter((node) => node !== undefined));

/** Draws the pictures of findings and numbers them on from the figures before. */
type Draw = (title: string, findings: Shown[], nth: number) => HTMLElement | undefined;

function group(name: string, findings: Shown[], folded: boolean, open: boolean, draw: Draw): HTMLElement {
  const several = findings.length > 1;
  const questions = unique(findings.map((finding) => finding.question).filter(Boolean));
  // What all conditions have in common is said once.
  const same = fields.filter(({ texts }) => several && unique(findings.map((finding) => JSON.stringify(texts(finding)))).length === 1);
  const own = fields.filter((field) => !same.includes(field));
  const shared = terms(same, findings[0]!);

  // The nth pictures of all conditions are one figure where they show the same; else each stands with its finding.
  const most = Math.max(...findings.map((finding) => finding.pictures?.length ?? 0));
  const slots = Array.from({ length: most }, (_, nth) => {
    const having = findings.filter((finding) => finding.pictures?.[nth]);
    return { nth, having, together: having.length > 1 && alike(having.map((finding) => finding.pictures![nth]!)) };
  });
  const drawn = (set: Shown[], nth: number) => {
    const titles = unique(set.map((finding) => finding.pictures![nth]!.title).filter(Boolean));
    return draw(titles.length === 1 ? titles[0]! : name, set, nth);
  };
  const common = slots.filter(({ together }) => together).map(({ having, nth }) => drawn(having, nth));

  const block = (finding: Shown, index: number) => fold(
    findings.length > manyConditions ? "details" : "div", { class: "finding", id: finding.id }, index === 0,
    html("h4", {}, html("span", { class: "of" }, conditionOf(finding)), " ", found(finding.finds)),
    questions.length > 1 && finding.question ? html("p", {}, finding.question) : undefined,
    ...slots.filter(({ having, together }) => !together && having.includes(finding)).map(({ nth }) => drawn([finding], nth)),
    terms(own, finding));
  const bearing = unique(findings.map((finding) => finding.bears_on));
  const head = html("h3", {}, name, folded && html("span", { class: "marks" }, ...unique(findings.map(({ finds }) => finds)).map((finds) => found(finds, findings.filter((finding) => finding.finds === finds).length))));
  return fold(folded ? "details" : "div", { class: "group" }, open, head,
    questions.length === 1 ? html("p", { class: "question" }, questions[0]!) : undefined,
    bearing.length === 1 && bearing[0] && Object.hasOwn(bearings, bearing[0]) ? html("p", { class: "bearing" }, `This ${bearings[bearing[0]]}.`) : undefined,
    ...common,
    html("div", { class: several && slots.every(({ together }) => together) ? "beside" : null }, ...findings.map(block)),
    shared && html("div", { class: "finding" }, html("h4", {}, "The same for all conditions"), shared));
}

export function audit(given: Audit | null | undefined, figuresBefore: number, fileStem: string): HTMLElement | undefined {
  const verdicts = given?.verdicts ?? [];
  const findings = (given?.findings ?? []).map((finding, index) => ({ ...finding, id: `finding-${index + 1}` }));
  if (!verdicts.length && !findings.length) return undefined;
  let figures = figuresBefore;
  const draw: Draw = (title, set, nth) => {
    const repeated = unique(set.map(conditionOf)).length < set.length;
    const parts = set.map((finding) => {
      const picture = finding.pictures![nth]!;
      return { condition: [conditionOf(finding), repeated && picture.title].filter(Boolean).join(": "), picture };
    });
    const figure = pictured(`${set[0]!.id}-picture-${nth + 1}`, title, parts);
    return figure && mount(figure, (figures += 1), fileStem, "h4");
  };
  const folded = findings.length > manyFindings;
  const section = html("section", { id: "audit", class: "audit" });
  section.append(...[
    html("h2", {}, "Audit"),
    html("p", {}, "Did it emerge, or was it recalled? These are two questions: whether the outcome of the population depends on interaction, and where the response of an individual comes from. Neither answers the other."),
    isNumber(given?.format) && given.format > formatRead && html("p", { class: "warning" }, `These findings have format ${given.format}; this page knows format ${formatRead} and may misread them.`),
    verdicts.length > 0 && html("div", { class: "verdicts" }, ...verdicts.map(verdict)),
    findings.length > 0 && matrix(findings),
    ...unique(findings.map(auditOf)).map((name, index) => group(name, findings.filter((finding) => auditOf(finding) === name), folded, index === 0, draw)),
  ].filter((node) => node instanceof Node));
  return section;
}
