// A model that is trained, or was: how far it is, its loss, what it writes, and its card. It follows the training.
import { isNumber } from "../data";
import { html } from "../dom";
import { mount } from "../figure";
import { pictured } from "../figures/pictures";
import { fileStem, section } from "../report";
import { plural } from "../text";
import { ask, aborted, message, type Training } from "./api";
import { card } from "./card";
import { link, replaceKeeping, whole, type Place } from "./parts";
import { watch } from "./watch";

const askMs = 2000;

/** So long as anybody would say it. */
function timeLeft(seconds: number): string {
  if (seconds < 45) return "less than a minute left";
  if (seconds < 90 * 60) return `about ${plural(Math.round(seconds / 60), "minute")} left`;
  if (seconds < 36 * 3600) return `about ${plural(Math.round(seconds / 3600), "hour")} left`;
  return `about ${plural(Math.round(seconds / 86_400), "day")} left`;
}

function losses({ id, name, loss, ingredients }: Training): HTMLElement[] {
  const lines = [
    { label: "rows of training", who: "reference", joined: true, x: loss?.x, y: loss?.y },
    ...(ingredients ?? []).map(({ name: ingredient, x, y }) => ({ label: `fresh rows: ${ingredient ?? "?"}`, who: "rival", joined: true, x, y })),
  ];
  const figure = pictured("loss", "Loss", [{ condition: "", picture: { kind: "curves", x: "step", y: "loss, nats for each word", log_x: true, lines } }]);
  return figure ? [html("div", { class: "figures" }, mount(figure, 1, fileStem(name || id)))] : [html("p", {}, "No step has been taken yet; the loss appears here.")];
}

/** What it writes now, and beneath what it wrote before. */
function samples({ samples: all }: Training): HTMLElement[] {
  const shown = (all ?? []).map(({ step, text }) => html("div", {}, html("p", { class: "role" }, `after ${plural(step ?? 0, "step")}`), html("pre", { tabindex: 0 }, text ?? "")));
  const latest = shown.pop();
  const part = section("What it writes", latest,
    shown.length > 0 && html("details", { class: "before" }, html("summary", {}, `What it wrote before: ${plural(shown.length, "sample")}`), ...shown));
  return part ? [part] : [];
}

/** A part of the page that is made anew where what it shows changed, and not while a figure in it is read. */
function part(of: (given: Training) => unknown, make: (given: Training) => HTMLElement[]) {
  const element = html("div");
  let written: string | undefined;
  return {
    element,
    show(given: Training) {
      const now = JSON.stringify(of(given) ?? null);
      if (now === written || (given.state === "running" && element.querySelector(".reading:not([hidden])"))) return;
      written = now;
      replaceKeeping(element, make(given));
    },
  };
}

export async function training({ root, path, signal }: Place): Promise<void> {
  const id = path[1] ?? "";
  const tab = path[2] ?? "";
  let found: Training;
  try {
    found = await ask<Training>("training", { id }, signal);
  } catch (error) {
    if (!aborted(error)) root.replaceChildren(html("h1", { tabindex: -1 }, "This model cannot be shown"), html("p", { class: "warning" }, message(error)));
    return;
  }
  const name = found.name || id;
  document.title = `${name.slice(0, 100)} – Cratylus`;

  const state = html("span", { class: "state" });
  const bar = html("progress", { "aria-label": "Steps taken" });
  const done = html("span", { class: "facts" });
  const pace = html("p", { class: "facts" });
  const trouble = html("p", { class: "warning", role: "status", hidden: true });
  const toCard = html("a", { href: link("training", id, "card"), "aria-current": tab === "card" ? "page" : null }, "Card");
  const nav = html("nav", { class: "tabs", "aria-label": "Parts of this model" },
    html("a", { href: link("training", id), "aria-current": tab === "" ? "page" : null }, "Training"), toCard);
  const parts = tab === "card"
    ? [part((given) => given.card, (given) => card(given))]
    : [part((given) => [given.loss, given.ingredients], losses), part((given) => given.samples, samples)];

  const show = () => {
    const { step, steps, tokens, tokens_per_second: speed, seconds_left: left } = found;
    const runs = found.state === "running";
    state.textContent = found.state ?? "";
    state.className = `state is-${(found.state ?? "").replace(/\W/g, "")}`;
    bar.hidden = !isNumber(steps);
    bar.max = Math.max(1, steps ?? 1);
    bar.value = step ?? 0;
    done.textContent = isNumber(steps) ? `${whole(step ?? 0)} of ${plural(steps, "step")}` : "";
    pace.textContent = [
      isNumber(tokens) && plural(tokens, "token"), runs && isNumber(speed) && `${plural(Math.round(speed), "token")} a second`, runs && isNumber(left) && timeLeft(left),
    ].filter(Boolean).join(" · ");
    toCard.hidden = !found.card && tab !== "card";
    for (const one of parts) one.show(found);
  };
  root.replaceChildren(
    html("header", {}, id !== "." && id !== name && html("p", { class: "kicker" }, html("bdi", {}, id)),
      html("h1", { tabindex: -1 }, html("bdi", {}, name)), html("p", { class: "going" }, state, bar, done), pace, trouble),
    nav, html("div", { class: "body" }, ...parts.map(({ element }) => element)));
  show();

  let asking = false;
  async function again(): Promise<void> {
    if (asking || document.hidden) return;
    asking = true;
    try {
      found = await ask<Training>("training", { id }, signal);
      trouble.hidden = true;
      show();
    } catch (error) {
      if (!aborted(error)) [trouble.hidden, trouble.textContent] = [false, message(error)];
    }
    asking = false;
  }
  const timer = setInterval(() => found.state === "running" && void again(), askMs);
  signal.addEventListener("abort", () => clearInterval(timer));
  // One that stopped may go on; the list of runs tells.
  let stamp: string | null | undefined;
  watch(signal, (listing) => {
    const entry = listing?.runs?.find((one) => one.id === id);
    if (!entry || found.state === "running") return;
    if (entry.state !== found.state || (stamp && entry.stamp !== stamp)) void again();
    stamp = entry.stamp;
  });
}
