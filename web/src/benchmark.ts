// How audits did on models whose every row is known: the conclusion, what was to be decided, pictures and tables.
// Nothing is worked out here; the words and the numbers are those of the program.
import type { Benchmark, Picture, Statement, Texts } from "./data";
import { html } from "./dom";
import { mount } from "./figure";
import { pictured } from "./figures/pictures";
import { marked, undecided, type Mark } from "./mark";
import { capital } from "./text";

const words: Record<string, Mark> = {
  yes: { says: "yes", paint: "series0", symbol: 0 },
  no: { says: "no", paint: "series1", symbol: 2 },
};

const decided = (word: string | null | undefined) =>
  marked((word && Object.hasOwn(words, word) && words[word]) || { ...undecided, says: word || "not decided" });

/** Beyond so many letters a text runs over several lines. */
const longest = 28;

/** A table whose cells are texts already. */
function texts({ title, note, right, rows }: Texts): HTMLElement | undefined {
  const [head, ...body] = rows ?? [];
  if (!head || !body.length) return undefined;
  const looks = head.map((_, column) => {
    if (right?.includes(column)) return "number";
    return body.some((row) => (row[column] ?? "").length > longest) ? "prose" : "left";
  });
  return html("div", { class: "scroll texts", tabindex: 0, role: "region", "aria-label": title || "Table" },
    html("table", {},
      note && html("caption", {}, html("span", {}, note)),
      html("thead", {}, html("tr", {}, ...head.map((text, column) => html(text ? "th" : "td", { scope: text ? "col" : null, class: looks[column] }, text)))),
      html("tbody", {}, ...body.map((row) => html("tr", {}, ...head.map((_, column) => {
        // A row that goes on with what stands above has no head of its own.
        const tag = column === 0 && row[0] ? "th" : "td";
        return html(tag, { scope: tag === "th" ? "row" : null, class: looks[column] }, row[column]);
      }))))));
}

export function benchmark(given: Benchmark | null | undefined, figuresBefore: number, fileStem: string): HTMLElement | undefined {
  let figures = figuresBefore;
  const draw = (picture: Picture | null | undefined, id: string, title: string, heading: "h3" | "h4") => {
    const figure = picture && pictured(`benchmark-${id}`, picture.title || title, [{ condition: "", picture }]);
    return figure ? mount(figure, (figures += 1), fileStem, heading) : undefined;
  };
  const statement = ({ name, words: said, decided: word, picture }: Statement, index: number) => html("div", { class: "statement" },
    html("h3", {}, html("span", { class: "of" }, capital(name || `Statement ${index + 1}`)), " ", decided(word)),
    said && html("p", {}, said),
    draw(picture, `statement-${index + 1}`, "Estimates", "h4"));
  const parts = [
    given?.conclusion && html("p", { class: "conclusion" }, given.conclusion),
    ...(given?.statements ?? []).map(statement),
    ...(given?.pictures ?? []).map((picture, index) => draw(picture, `picture-${index + 1}`, `Picture ${index + 1}`, "h3")),
    ...(given?.tables ?? []).flatMap((table) => {
      const made = texts(table);
      return made ? [table.title && html("h3", {}, table.title), made] : [];
    }),
  ].filter((node) => node instanceof Node);
  return parts.length ? html("section", { id: "benchmark", class: "benchmark" }, html("h2", {}, given?.title || "Benchmark"), ...parts) : undefined;
}
