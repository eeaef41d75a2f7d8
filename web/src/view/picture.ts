// The picture of a population. How an agent of each kind looks is drawn once, and then copied pixel by pixel for each
// agent, so that ten thousand of them cost little.
import { symbol } from "d3-shape";
import { html } from "../dom";
import { plural } from "../text";
import type { Population } from "./api";
import type { Layout } from "./layout";
import { others } from "./frames";
import { colours, kindOf, type Kind } from "./looks";

/** From this radius on a letter fits into the mark of an agent, and from the other one on its shape can be told. */
const letterRadius = 7;
const shapeRadius = 2;
const greatestMark = 44;

export class Picture {
  readonly agents = html("canvas", { class: "agents", tabindex: 0, role: "application" });
  readonly #ground = html("canvas", { "aria-hidden": "true" });
  readonly element = html("div", { class: "picture" }, this.#ground, this.agents);
  readonly #committed: Uint8Array;
  #paint = colours();
  #side = 0;
  #scale = 1;
  #markSide = 0;
  #marks: Uint32Array[] = [];
  #pixels = new ImageData(1, 1);
  #words = new Uint32Array(1);

  constructor(about: Population, readonly layout: Layout, readonly kinds: Kind[]) {
    this.#committed = new Uint8Array(about.size);
    for (const agent of about.committed ?? []) this.#committed[agent] = 1;
    this.agents.setAttribute("aria-label", `Population of ${plural(about.size, "agent")}. Arrow keys go from agent to agent, Enter shows what one remembers, space plays.`);
  }

  /** Takes the size and the colours that the page has now. */
  prepare(): void {
    this.#paint = colours();
    this.#scale = Math.min(2, devicePixelRatio || 1);
    this.#side = Math.max(1, Math.round(this.element.clientWidth * this.#scale));
    for (const canvas of [this.#ground, this.agents]) canvas.width = canvas.height = this.#side;
    const gap = this.layout.gap * this.#side;
    this.#markSide = Math.max(1, Math.round(Math.min(greatestMark * this.#scale, gap < 5 ? gap + 0.4 : gap * 0.88)));
    this.#marks = [false, true].flatMap((held) => this.kinds.map((kind) => this.#mark(kind, held)));
    this.#pixels = new ImageData(this.#side, this.#side);
    this.#words = new Uint32Array(this.#pixels.data.buffer);
  }

  /** An agent as pixels; a committed one, held, stands in a square. */
  #mark(kind: Kind, held: boolean): Uint32Array {
    const side = this.#markSide;
    const pen = html("canvas", { width: side, height: side }).getContext("2d", { willReadFrequently: true })!;
    const radius = side / 2;
    const inner = held ? radius * 0.72 : radius;
    pen.translate(radius, radius);
    pen.fillStyle = pen.strokeStyle = this.#paint(kind.paint);
    if (radius < shapeRadius * this.#scale) {
      if (kind.hollow && kind.weight < 0.5) pen.fillStyle = this.#paint("grid");
      pen.fillRect(-radius, -radius, side, side);
    } else {
      const path = new Path2D(symbol(kind.shape, Math.PI * inner ** 2 * kind.weight)() ?? "");
      pen.lineWidth = Math.max(1, inner * 0.14);
      if (kind.hollow) pen.stroke(path);
      else pen.fill(path);
      if (kind.letter && inner >= letterRadius * this.#scale) {
        pen.fillStyle = this.#paint("paper");
        pen.font = `600 ${Math.round(inner * (kind.letter.length > 1 ? 0.7 : 0.9))}px ${getComputedStyle(document.body).fontFamily}`;
        pen.textAlign = "center";
        pen.textBaseline = "middle";
        pen.fillText(kind.letter, 0, inner * kind.middle);
      }
    }
    if (held) {
      pen.strokeStyle = this.#paint("ink");
      pen.lineWidth = Math.max(1, radius * 0.16);
      pen.strokeRect(-radius + pen.lineWidth / 2, -radius + pen.lineWidth / 2, side - pen.lineWidth, side - pen.lineWidth);
    }
    return new Uint32Array(pen.getImageData(0, 0, side, side).data.buffer);
  }

  drawAgents(frame: Uint8Array): void {
    const [side, markSide, words] = [this.#side, this.#markSide, this.#words];
    const { x, y } = this.layout;
    const [marks, committed] = [this.#marks, this.#committed];
    const kinds = this.kinds.length;
    words.fill(0);
    for (let agent = 0; agent < frame.length; agent += 1) {
      const mark = marks[kindOf(frame[agent]!, kinds - others) + (committed[agent] ? kinds : 0)]!;
      const left = Math.round(x[agent]! * side - markSide / 2);
      const top = Math.round(y[agent]! * side - markSide / 2);
      if (left < 0 || top < 0 || left + markSide > side || top + markSide > side) continue;
      for (let row = 0, from = 0, to = top * side + left; row < markSide; row += 1, to += side) {
        for (let column = 0; column < markSide; column += 1, from += 1) {
          const pixel = mark[from]!;
          if (pixel) words[to + column] = pixel;
        }
      }
    }
    this.agents.getContext("2d")!.putImageData(this.#pixels, 0, 0);
  }

  /** What lies beneath the agents: edges, and rings around the chosen one and its partner. */
  drawGround(chosen: number, partner: number): void {
    const pen = this.#ground.getContext("2d")!;
    const { x, y, edges } = this.layout;
    const at = (agent: number) => [x[agent]! * this.#side, y[agent]! * this.#side] as const;
    const join = (pairs: (readonly [number, number])[]) => {
      pen.beginPath();
      for (const [a, b] of pairs) {
        pen.moveTo(...at(a));
        pen.lineTo(...at(b));
      }
      pen.stroke();
    };
    pen.clearRect(0, 0, this.#side, this.#side);
    pen.strokeStyle = this.#paint("axis");
    pen.globalAlpha = edges.length > 1500 ? 0.2 : 0.45;
    pen.lineWidth = this.#scale;
    join(edges);
    pen.globalAlpha = 1;
    pen.strokeStyle = this.#paint("ink");
    pen.fillStyle = this.#paint("paper");
    pen.lineWidth = 2.5 * this.#scale;
    if (chosen >= 0 && partner >= 0) join([[chosen, partner]]);
    for (const [agent, dashes] of [[chosen, []], [partner, [4 * this.#scale, 3 * this.#scale]]] as const) {
      if (agent < 0) continue;
      pen.beginPath();
      pen.setLineDash([...dashes]);
      pen.arc(...at(agent), Math.max(5 * this.#scale, this.#markSide / 2 + 3 * this.#scale), 0, 2 * Math.PI);
      pen.fill();
      pen.stroke();
    }
    pen.setLineDash([]);
  }

  /** The agent at a place on the screen, or -1. */
  agentAt(clientX: number, clientY: number): number {
    const bounds = this.agents.getBoundingClientRect();
    const [u, v] = [(clientX - bounds.left) / bounds.width, (clientY - bounds.top) / bounds.height];
    const { x, y, gap } = this.layout;
    let best = -1;
    let least = Math.max(gap, 14 / bounds.width) ** 2;
    for (let agent = 0; agent < x.length; agent += 1) {
      const distance = (x[agent]! - u) ** 2 + (y[agent]! - v) ** 2;
      if (distance < least) [best, least] = [agent, distance];
    }
    return best;
  }
}
