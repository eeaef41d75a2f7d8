// One agent at a moment: what it remembers, what it would choose, what it was asked last and next, and what it did.
import { isNumber } from "../data";
import { html } from "../dom";
import { number } from "../text";
import { ask, aborted, message, type Agent, type Turn } from "./api";
import { button, chances, offerCsv, prompt, scrolled, whole } from "./parts";

export interface AgentPanel {
  element: HTMLElement;
  show: (agent: number, t: number) => void;
  shows: () => boolean;
  time: () => number;
}

const named = (name: string | null | undefined) => html("bdi", { class: "name" }, name ?? "nothing");

/** What the panel asks of the population beside it. */
interface Beside {
  seek: (t: number) => void;
  met: (partner: number) => void;
  open: (agent: number) => void;
  closed: () => void;
}

export function agentPanel(id: string, run: number, signal: AbortSignal, { seek, met, open, closed }: Beside): AgentPanel {
  const element = html("div", { class: "panel", role: "region", "aria-label": "Agent", hidden: true });
  let now = { agent: -1, t: 0 };
  let stop: AbortController | undefined;

  const go = (t: number) => {
    show(now.agent, t);
    seek(t);
  };

  function turn(head: string, given: Turn): HTMLElement {
    const { partner, said, partner_said: heard, success, asked, gave, text, saw } = given;
    const outcome = success === true ? "success" : success === false ? "failure" : given.open ? "" : "void";
    const done = saw ? [] : given.done ?? [];
    return html("section", { class: "turn" },
      html("h4", {}, head),
      html("p", {}, `Interaction ${whole(given.t)}, seat ${given.seat ?? "?"}`,
        isNumber(partner) && " with ", isNumber(partner) && button(`agent ${partner + 1}`, () => open(partner), { class: "plain" }),
        ": ", said != null && "said ", said != null && named(said), said != null && heard != null && ", ", heard != null && "heard ", heard != null && named(heard), said == null && heard == null && !done.length && "nothing was said", outcome && ". ", html("b", {}, outcome),
        saw?.objects?.length ? `; both saw ${saw.objects.map((object, index) => (index === saw.topic ? `${object.toFixed(3)} (the topic)` : object.toFixed(3))).join(", ")}` : "",
        (given.invalid ?? 0) > 0 && `; ${given.invalid} unusable`),
      done.length ? scrolled("Shown and done", ["Who", "", "Pay"], done.map(({ who, saw: seen, did, pay }) => [isNumber(who) ? `agent ${who + 1}` : "all", seen != null ? `saw ${seen}` : did ?? "", isNumber(pay) ? number(pay) : ""])) : null,
      gave?.length ? html("p", { class: "role" }, "gave") : null, gave?.length ? chances(gave) : null,
      text != null && html("p", { class: "role" }, "its words"), text != null && html("pre", { tabindex: 0 }, text),
      asked && html("details", { open: "" }, html("summary", {}, "What it was asked"), prompt(asked.messages ?? [], asked.prefill)));
  }

  function draw(agent: Agent): void {
    const { memory, knows, categories, would, last, next } = agent;
    const heading = html("h3", { tabindex: -1 }, `Agent ${agent.agent + 1}`);
    element.replaceChildren(...[
      html("div", { class: "bar" }, heading, button("Close", () => { hide(); closed(); })),
      html("p", { class: "facts" }, html("bdi", {}, agent.kind ?? ""), ` · after ${whole(agent.t)} interactions`),
      agent.committed != null && html("p", {}, "Committed to ", named(agent.committed)),
      html("div", { class: "buttons" },
        button("‹ Previous interaction", () => last && go(last.t), last ? {} : { disabled: "" }),
        button("Next interaction ›", () => next && go(next.t + 1), next ? {} : { disabled: "" })),
      would && html("h4", {}, "Would choose"), would && (would.length ? chances(would) : html("p", {}, "nothing yet")),
      memory && html("h4", {}, "Remembers"),
      memory && (memory.length
        ? scrolled("Memory, oldest first", ["Round", "Own", "Partner’s", "Success"], memory.map(({ own, partner, success }, index) => [String(index + 1), named(own), named(partner), success === true ? "yes" : success === false ? "no" : "–"]))
        : html("p", {}, "nothing yet")),
      knows && html("h4", {}, "Knows"), knows && html("p", {}, ...(knows.length ? knows.slice(0, 200).flatMap((name, index) => [index > 0 && ", ", named(name)]) : ["nothing yet"])),
      categories && html("h4", {}, `Divides the line into ${categories.length === 1 ? "one category" : `${categories.length} categories`}`),
      categories && scrolled("Categories", ["From", "To", "Says", "Knows"], categories.map(({ from, to, says, words }) => [from.toFixed(3), to.toFixed(3), named(says), html("bdi", {}, (words ?? []).slice(0, 50).join(", "))])),
      agent.mind != null && html("h4", {}, "Has become"), agent.mind != null && html("pre", { tabindex: 0 }, JSON.stringify(agent.mind, null, 1)),
      last && turn("Last interaction", last),
      next && turn("Next interaction", next),
    ].filter((node): node is HTMLElement => node instanceof Node));
    element.setAttribute("aria-label", `Agent ${agent.agent + 1}`);
    offerCsv(element, `run-${run}-agent-${agent.agent + 1}-after-${agent.t}`);
  }

  function hide(): void {
    stop?.abort();
    element.hidden = true;
    now = { agent: -1, t: 0 };
  }

  function show(agent: number, t: number): void {
    const fresh = now.agent !== agent;
    now = { agent, t };
    stop?.abort();
    const mine = (stop = new AbortController());
    signal.addEventListener("abort", () => mine.abort(), { signal: mine.signal });
    element.hidden = false;
    if (fresh) element.replaceChildren(html("p", { class: "facts" }, `Agent ${agent + 1} …`));
    ask<Agent>("agent", { id, run, agent, t }, mine.signal).then((found) => {
      const focused = element.contains(document.activeElement) ? (document.activeElement as HTMLElement).textContent : null;
      const top = element.scrollTop;
      draw(found);
      element.scrollTop = fresh ? 0 : top;
      if (focused !== null) ([...element.querySelectorAll("button")].find((one) => one.textContent === focused && !one.disabled) ?? element.querySelector<HTMLElement>("h3"))?.focus({ preventScroll: true });
      met(found.last?.partner ?? -1);
    }, (error) => {
      if (!aborted(error)) element.replaceChildren(html("p", { class: "warning" }, message(error)));
    });
  }

  element.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    hide();
    closed();
  });
  return { element, show, shows: () => !element.hidden, time: () => now.t };
}
