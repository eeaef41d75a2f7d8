// The shares of the names over all frames as a strip, with the frame that is shown marked in it.
import { html } from "../dom";
import type { Frames } from "./frames";
import { colours, type Kind } from "./looks";

const height = 76;

export class Strip {
  readonly element = html("canvas", { class: "strip", role: "img", "aria-label": "Share of each name over the frames" });
  #paint = colours();
  #scale = 1;

  constructor(readonly frames: number, readonly kinds: Kind[], seek: (frame: number) => void) {
    const scrub = (event: PointerEvent) => {
      if (!(event.buttons & 1)) return;
      const bounds = this.element.getBoundingClientRect();
      seek(Math.floor(((event.clientX - bounds.left) / bounds.width) * frames));
    };
    this.element.addEventListener("pointerdown", (event) => {
      this.element.setPointerCapture(event.pointerId);
      scrub(event);
    });
    this.element.addEventListener("pointermove", scrub);
  }

  prepare(): void {
    this.#paint = colours();
    this.#scale = Math.min(2, devicePixelRatio || 1);
    this.element.width = Math.round(this.element.clientWidth * this.#scale);
    this.element.height = Math.round(height * this.#scale);
  }

  draw(source: Frames, frame: number): void {
    const pen = this.element.getContext("2d")!;
    const { width, height: tall } = this.element;
    const columns = Math.min(width, this.frames);
    const kinds = this.kinds.length;
    const paints = this.kinds.map(({ paint }) => this.#paint(paint));
    pen.clearRect(0, 0, width, tall);
    // A frame that was not counted looks like the last one before it that was.
    let counted = -1;
    for (let column = 0; column < columns; column += 1) {
      const from = Math.floor((column * this.frames) / columns);
      for (let at = Math.floor(((column + 1) * this.frames) / columns) - 1; at >= from; at -= 1) {
        if (!source.counted[at]) continue;
        counted = at;
        break;
      }
      if (counted < 0) continue;
      const left = Math.floor((column * width) / columns);
      const right = Math.floor(((column + 1) * width) / columns);
      let floor = tall;
      // Those who have no name yet leave the strip empty.
      for (let kind = 0; kind < kinds - 1; kind += 1) {
        const part = (source.counts[counted * kinds + kind]! / source.about.size) * tall;
        pen.fillStyle = paints[kind]!;
        pen.fillRect(left, floor - part, right - left, part);
        floor -= part;
      }
    }
    const now = ((frame + 0.5) / this.frames) * width;
    for (const [name, wide] of [["paper", 5], ["ink", 2]] as const) {
      pen.fillStyle = this.#paint(name);
      pen.fillRect(now - (wide / 2) * this.#scale, 0, wide * this.#scale, tall);
    }
  }
}
