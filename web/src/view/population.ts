// A population as it goes: who would choose which name, frame after frame, with a strip of the shares beneath.
import { isNumber } from "../data";
import { html } from "../dom";
import { percent, plural, share } from "../text";
import { agentPanel } from "./agent";
import { ask, message, type Population } from "./api";
import { Frames } from "./frames";
import { layoutOf, type Layout } from "./layout";
import { kindsOf, squareSwatch, swatch, type Kind } from "./looks";
import { apart, button, calmly, choice, field, whole, type Place } from "./parts";
import { Picture } from "./picture";
import { Strip } from "./strip";

const speeds = ["1", "2", "5", "10", "20", "30", "60"].map((speed) => [speed, `${speed} frames a second`] as [string, string]);

/** The names with how many agents would choose each. */
function legendOf(kinds: Kind[], committed: number): { element: HTMLElement; write: (counts: Uint32Array, size: number) => void } {
  const written = kinds.map(() => html("span", { class: "count" }));
  const element = html("ul", { class: "legend" },
    ...kinds.map((kind, index) => html("li", {}, swatch(kind), html("bdi", { class: "clip", title: kind.name.slice(0, 500) }, kind.name), kind.letter && kind.letter !== kind.name && html("small", {}, kind.letter), written[index]!)),
    committed > 0 && html("li", {}, squareSwatch(), "committed", html("span", { class: "count" }, whole(committed))));
  return {
    element,
    write: (counts, size) => written.forEach((cell, kind) => {
      const text = counts[kind] ? `${whole(counts[kind])} · ${share(counts[kind]! / size)}` : "0";
      if (cell.textContent !== text) cell.textContent = text;
    }),
  };
}

/** Lets a layout settle in small steps, or at once for those who want nothing to move. */
function settle(layout: Layout, signal: AbortSignal, moved: () => void): void {
  const step = () => {
    if (signal.aborted) return;
    const until = matchMedia("(prefers-reduced-motion: reduce)").matches ? Infinity : performance.now() + 14;
    let more = true;
    while (more && performance.now() < until) more = layout.settle!();
    moved();
    if (more) requestAnimationFrame(step);
  };
  if (layout.settle) step();
}

export async function population(id: string, run: number, { signal, query, remember }: Place): Promise<{ element: HTMLElement; names: string[] }> {
  const wanted = query.get("object");
  const about = await ask<Population>("population", { id, run, ...(wanted ? { object: wanted } : {}) }, signal);
  const { size, names, interactions } = about;
  const frames = Math.max(1, about.frames);
  const step = Math.max(1, about.step);
  const passedAt = (frame: number) => Math.min(interactions, frame * step);
  const frameAt = (t: number) => (t >= interactions ? frames - 1 : Math.floor(t / step));
  const kinds = kindsOf(names);
  const layout = layoutOf(about);

  const status = html("p", { class: "warning", role: "alert", hidden: true });
  const source = new Frames(id, about, signal, () => later({ strip: true }), (error) => {
    status.hidden = false;
    status.textContent = message(error);
  });
  const picture = new Picture(about, layout, kinds);
  const legend = legendOf(kinds, about.committed?.length ?? 0);
  const strip = new Strip(frames, kinds, (to) => {
    stop();
    seek(to);
  });
  const panel = agentPanel(id, run, signal, {
    seek: (t) => seek(frameAt(t)),
    met: (partner) => ring(chosen, partner),
    open: (agent) => open(agent),
    closed: () => {
      ring(-1);
      picture.agents.focus({ preventScroll: true });
    },
  });
  const range = html("input", { type: "range", min: 0, max: frames - 1, step: 1, value: 0, "aria-label": "Frame" });
  const where = html("p", { class: "where" });
  const spoken = html("p", { class: "unseen", role: "status" });
  const play = button("Play", () => toggle(), { class: "main play" });
  const speed = choice(speeds, frames > 100 ? "20" : frames > 30 ? "10" : "5", () => undefined);
  const number = html("input", { type: "number", min: 1, max: size, step: 1, inputmode: "numeric" });

  /** The frame that is wanted and the one that is drawn; what of the next frame has passed while playing. */
  let frame = 0;
  let drawn = -1;
  let playing = false;
  let passed = 0;
  let then = 0;
  let chosen = -1;
  let partner = -1;
  let due = false;
  let dirty = { strip: false, ground: false, agents: false };

  function later(what: Partial<typeof dirty>): void {
    dirty = { ...dirty, ...what };
    if (due || signal.aborted) return;
    due = true;
    requestAnimationFrame(turn);
  }

  function turn(now: number): void {
    due = false;
    if (signal.aborted) return;
    if (playing) advance(now);
    then = now;
    const bytes = source.at(frame);
    if (bytes && (drawn !== frame || dirty.agents)) {
      picture.drawAgents(bytes);
      if (drawn !== frame) changed();
      drawn = frame;
      dirty.strip = true;
      picture.agents.dataset.frame = String(drawn);
    }
    if (dirty.strip) {
      range.value = String(frame);
      describe();
      strip.draw(source, frame);
    }
    if (dirty.ground) picture.drawGround(chosen, partner);
    // Agents that could not be drawn yet still wait for their frame.
    dirty = { strip: false, ground: false, agents: dirty.agents && !bytes };
    if (playing) later({});
  }

  function advance(now: number): void {
    passed += Math.min(0.25, (now - then) / 1000) * Number(speed.value);
    if (passed < 1) return;
    const next = Math.min(frames - 1, frame + Math.floor(passed));
    // Nobody is shown a frame that is not there; the play waits for it.
    if (!source.at(next)) return void (passed = 1);
    passed %= 1;
    frame = next;
    if (frame === frames - 1) stop();
  }

  const countsNow = () => source.counts.subarray(frame * kinds.length, (frame + 1) * kinds.length);
  const announce = calmly(() => {
    if (playing || !source.counted[frame]) return;
    const counts = countsNow();
    const most = kinds.map((kind, index) => ({ kind, count: counts[index]! })).filter(({ count }) => count > 0).sort((a, b) => b.count - a.count).slice(0, 6);
    spoken.textContent = `Frame ${frame + 1} of ${frames}: ${most.map(({ kind, count }) => `${kind.name.slice(0, 60)} ${percent(count / size)}`).join(", ")}`;
  }, 500);
  const keepFrame = calmly(() => remember({ frame: String(frame) }), 400);

  function changed(): void {
    announce();
    keepFrame();
    if (chosen >= 0 && !playing && panel.shows() && frameAt(panel.time()) !== frame) panel.show(chosen, passedAt(frame));
  }

  function describe(): void {
    const success = frame > 0 ? about.success?.[frame - 1] : undefined;
    where.textContent = [`Frame ${whole(frame + 1)} of ${whole(frames)}`, `after ${plural(passedAt(frame), "interaction")}`, `round ${(passedAt(frame) / Math.max(1, size)).toFixed(1)}`, isNumber(success) && `success ${percent(success)}`].filter(Boolean).join(" · ");
    range.setAttribute("aria-valuetext", where.textContent);
    if (source.counted[frame]) legend.write(countsNow(), size);
  }

  function seek(to: number): void {
    frame = Math.max(0, Math.min(frames - 1, to));
    passed = 0;
    later({ strip: true });
  }

  function stop(): void {
    if (!playing) return;
    playing = false;
    play.textContent = "Play";
    changed();
  }

  function toggle(): void {
    if (playing) return stop();
    if (frame >= frames - 1) seek(0);
    playing = true;
    play.textContent = "Pause";
    then = performance.now();
    later({});
  }

  /** Rings an agent, and the one it met. */
  function ring(agent: number, other = -1): void {
    chosen = agent;
    partner = other < size ? other : -1;
    number.value = agent < 0 ? "" : String(agent + 1);
    later({ ground: true });
  }

  function open(agent: number): void {
    if (!Number.isInteger(agent) || agent < 0 || agent >= size) return;
    stop();
    ring(agent);
    remember({ agent: String(agent + 1) });
    panel.show(agent, passedAt(frame));
  }

  picture.agents.addEventListener("click", (event) => open(picture.agentAt(event.clientX, event.clientY)));
  picture.agents.addEventListener("keydown", (event) => {
    const row = layout.across ?? 10;
    const steps: Record<string, number> = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: row, ArrowUp: -row };
    if (Object.hasOwn(steps, event.key)) {
      ring(chosen < 0 ? 0 : Math.max(0, Math.min(size - 1, chosen + steps[event.key]!)));
      spoken.textContent = `Agent ${chosen + 1}`;
    } else if (event.key === "Enter") open(chosen);
    else if (event.key === " ") toggle();
    else if (event.key === "Home") seek(0);
    else if (event.key === "End") seek(frames - 1);
    else return;
    event.preventDefault();
  });
  range.addEventListener("input", () => {
    stop();
    seek(Number(range.value));
  });
  range.addEventListener("keydown", (event) => {
    if (event.key !== " ") return;
    event.preventDefault();
    toggle();
  });
  number.addEventListener("change", () => open(Number(number.value) - 1));

  const object = isNumber(about.object) && html("input", { type: "number", min: 0, max: 1, step: "any", value: about.object, inputmode: "decimal" });
  // Another object gives other frames: the page is read again, at this address.
  if (object) object.addEventListener("change", () => {
    if (!object.checkValidity() || object.value === "") return;
    query.set("object", object.value);
    query.set("frame", String(frame));
    location.hash = `${location.hash.replace(/\?.*$/s, "")}?${query}`;
  });

  const prepare = () => {
    picture.prepare();
    strip.prepare();
    later({ strip: true, ground: true, agents: true });
  };
  let width = 0;
  const watching = new ResizeObserver(() => {
    if (picture.element.clientWidth === width) return;
    width = picture.element.clientWidth;
    prepare();
  });
  watching.observe(picture.element);
  signal.addEventListener("abort", () => watching.disconnect());
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", prepare, { signal });
  settle(layout, signal, () => later({ ground: true, agents: true }));
  seek(Number(query.get("frame")) || 0);
  const agent = Number(query.get("agent"));
  if (agent) open(agent - 1);

  const element = html("section", { class: "population", "aria-label": "Population" },
    html("h2", {}, "Population"),
    html("p", { class: "facts" }, [plural(size, "agent"), about.source, about.note && apart(about.note, 500)].filter(Boolean).join(" · ")),
    status,
    html("div", { class: "player" },
      html("div", { class: "seen" }, picture.element,
        html("div", { class: "transport" }, strip.element, range, html("div", { class: "controls" }, play, field("Speed", speed)), where)),
      html("div", { class: "side" }, legend.element, html("div", { class: "controls" }, field("Agent", number), object && field("What they would call the object at", object)), panel.element)),
    spoken);
  return { element, names };
}
