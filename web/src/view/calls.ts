// Every call to a model: what was asked, and what came back.
import { isNumber } from "../data";
import { html } from "../dom";
import { percent, plural } from "../text";
import { ask, aborted, message, type Call, type Calls, type FullCall, type Run } from "./api";
import { list, type Column, type List } from "./list";
import { apart, button, calmly, chances, choice, field, money, prompt, when, whole, type Place } from "./parts";

const answerOf = ({ text, names }: Call) =>
  text ?? [...(names ?? [])].sort((a, b) => (b.p ?? 0) - (a.p ?? 0)).slice(0, 3).map(({ name, p }) => `${apart(name)} ${percent(p)}`).join(", ");

const columns: Column<Call>[] = [
  { head: "Call", part: 1, number: true, text: ({ row }) => whole(row) },
  { head: "Model", part: 2, minor: true, text: ({ model }) => model ?? "" },
  { head: "Asked", part: 6, text: ({ begins }) => begins ?? "" },
  { head: "Answer", part: 3, text: answerOf },
  { head: "", part: 1.2, text: (call) => [call.void && "void", (call.again ?? 0) > 0 && "resent"].filter(Boolean).join(", ") },
  { head: "Sent", part: 0.8, number: true, minor: true, text: ({ times_sent }) => whole(times_sent) },
  { head: "Tokens", part: 1.3, number: true, minor: true, text: ({ prompt_tokens, completion_tokens }) => (isNumber(prompt_tokens) ? `${whole(prompt_tokens)} + ${whole(completion_tokens ?? 0)}` : "") },
  { head: "Cost", part: 1.3, number: true, minor: true, text: ({ usd }) => money(usd) },
  { head: "ms", part: 0.9, number: true, minor: true, text: ({ ms }) => (isNumber(ms) ? whole(Math.round(ms)) : "") },
  { head: "At", part: 2.6, minor: true, text: ({ at }) => when(at) },
];

const raw = (head: string, value: unknown) => value != null && html("details", {}, html("summary", {}, head), html("pre", { tabindex: 0 }, JSON.stringify(value, null, 2)));

function full(call: FullCall): HTMLElement[] {
  return [
    html("div", {}, html("h3", {}, "Prompt"), prompt(call.messages ?? [], call.prefill), raw("As it was sent", call.sent) || null),
    html("div", {}, html("h3", {}, "Answer"),
      call.void && html("p", {}, html("b", {}, "void: "), "no usable answer"),
      call.text != null && html("pre", { tabindex: 0 }, call.text),
      call.names?.length ? chances(call.names) : null,
      call.logprobs?.length ? html("details", {}, html("summary", {}, "Log probabilities of tokens"), html("ul", { class: "tokens" }, ...call.logprobs.slice(0, 100).map(({ token, logprob }) => html("li", {}, html("code", {}, token ?? ""), ` ${logprob?.toFixed(3) ?? "?"}`)))) : null,
      raw("As it came back", call.answer) || null),
  ];
}

export function calls({ query, signal, remember }: Place, run: Run): { elements: HTMLElement[]; refresh: () => void } {
  const { id } = run;
  const totals = html("p", { class: "facts", role: "status" });
  const find = html("input", { type: "search", value: query.get("find"), autocomplete: "off", spellcheck: "false", placeholder: "in prompts and answers" });
  let only = query.get("only") ?? "all";
  const detail = html("section", { class: "call", "aria-label": "Call", hidden: true });
  let stop: AbortController | undefined;

  const show = async ({ row }: Call, focus: boolean) => {
    stop?.abort();
    const mine = (stop = new AbortController());
    signal.addEventListener("abort", () => mine.abort(), { signal: mine.signal });
    try {
      const call = await ask<FullCall>("call", { id, row }, mine.signal);
      const heading = html("h2", { tabindex: -1 }, `Call ${whole(row)}`);
      detail.replaceChildren(
        html("div", { class: "bar" }, heading, button("Close", close)),
        html("p", { class: "facts" }, [call.model && apart(call.model), (call.shown?.length ?? 0) > 0 && `shown ${call.shown!.slice(0, 12).map((name) => apart(name)).join(", ")}`, (call.times_sent ?? 1) > 1 && `sent ${call.times_sent} times`, isNumber(call.prompt_tokens) && `${whole(call.prompt_tokens)} + ${whole(call.completion_tokens ?? 0)} tokens`, money(call.usd), isNumber(call.ms) && `${Math.round(call.ms)} ms`, call.at].filter(Boolean).join(" · ")),
        html("div", { class: "halves" }, ...full(call)));
      detail.hidden = false;
      remember({ row: String(row) });
      if (focus) heading.focus();
    } catch (error) {
      if (aborted(error)) return;
      detail.hidden = false;
      detail.replaceChildren(html("p", { class: "warning" }, message(error)));
    }
  };
  const follow = calmly((call: Call) => { if (!detail.hidden) void show(call, false); }, 150);

  const rows: List = list<Call>({
    label: "Calls", stem: "calls", columns, signal,
    ask: async (from, n, stopped) => {
      const found = await ask<Calls>("calls", { id, from, n, find: find.value.trim(), only }, stopped);
      const matched = found.matched ?? found.total ?? 0;
      totals.textContent = [matched === found.total ? plural(matched, "call") : `${whole(matched)} of ${plural(found.total ?? 0, "call")}`, isNumber(found.tokens) && plural(found.tokens, "token"), money(found.usd)].filter(Boolean).join(" · ");
      return { total: matched, rows: found.rows ?? [] };
    },
    open: (call) => void show(call, true),
    moved: follow,
  });

  function close(): void {
    detail.hidden = true;
    remember({ row: null });
    rows.focus();
  }
  const changed = () => {
    remember({ find: find.value.trim(), only: only === "all" ? null : only });
    totals.textContent = "Searching …";
    rows.restart();
  };
  find.addEventListener("input", calmly(changed, 300));
  const form = html("form", { class: "controls", role: "search" }, field("Find", find), field("Which", choice([["all", "all"], ["void", "void"], ["resent", "resent"]], only, (value) => { only = value; changed(); })));
  form.addEventListener("submit", (event) => event.preventDefault());
  const asked = query.get("row");
  if (asked !== null) void show({ row: Number(asked) }, false);
  return { elements: [html("section", { "aria-label": "Calls" }, form, totals, rows.element), detail], refresh: rows.refresh };
}
