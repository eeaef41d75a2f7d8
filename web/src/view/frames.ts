// The frames of a population: fetched in pieces, kept in a bounded cache, and counted once.
import { askBytes, aborted, type Population } from "./api";

export const severalNames = 253;
export const noName = 255;

/** What an agent can be beside one of the names: of several, of another, of none yet. */
export const others = 3;

const bytesKept = 64 << 20;
const bytesAsked = 1 << 20;

/** Beyond this many bytes the strip is made of frames here and there instead of all. */
const bytesCounted = 32 << 20;

export class Frames {
  /** How many agents would choose each name, any of several, another one, or none, frame after frame. */
  readonly counts: Uint32Array;
  readonly counted: Uint8Array;
  readonly kinds: number;
  readonly #perPiece: number;
  #pieces = new Map<number, Uint8Array>();
  #wanted = new Map<number, Promise<void>>();

  constructor(readonly id: string, readonly about: Population, readonly signal: AbortSignal, readonly heard: () => void, readonly failed: (error: unknown) => void) {
    this.kinds = about.names.length + others;
    this.counts = new Uint32Array(about.frames * this.kinds);
    this.counted = new Uint8Array(about.frames);
    this.#perPiece = Math.max(1, Math.min(200, Math.floor(bytesAsked / about.size)));
    void this.#countAll();
  }

  /** A frame if it is there; else it is asked for. */
  at(frame: number): Uint8Array | undefined {
    const piece = Math.floor(frame / this.#perPiece);
    const kept = this.#pieces.get(piece);
    if (!kept) return void this.#fetch(piece);
    this.#pieces.delete(piece);
    this.#pieces.set(piece, kept);
    // What is played next is asked for before it is needed.
    if (frame % this.#perPiece > this.#perPiece / 2 && (piece + 1) * this.#perPiece < this.about.frames && !this.#pieces.has(piece + 1)) void this.#fetch(piece + 1);
    const from = (frame % this.#perPiece) * this.about.size;
    return kept.subarray(from, from + this.about.size);
  }

  #fetch(piece: number): Promise<void> {
    const under = this.#wanted.get(piece);
    if (under) return under;
    const made = this.#load(piece);
    this.#wanted.set(piece, made);
    return made;
  }

  async #load(piece: number): Promise<void> {
    const from = piece * this.#perPiece;
    try {
      const bytes = await this.#ask(from, Math.min(this.#perPiece, this.about.frames - from));
      this.#pieces.set(piece, bytes);
      const most = Math.max(2, Math.floor(bytesKept / (this.#perPiece * this.about.size)));
      while (this.#pieces.size > most) this.#pieces.delete(this.#pieces.keys().next().value!);
      this.#wanted.delete(piece);
      this.heard();
    } catch (error) {
      // It may be asked for again a little later.
      setTimeout(() => this.#wanted.delete(piece), 2000);
      if (!aborted(error)) this.failed(error);
    }
  }

  async #ask(from: number, n: number): Promise<Uint8Array> {
    const { size, run, object } = this.about;
    const bytes = await askBytes("frames", { id: this.id, run, from, n, ...(object == null ? {} : { object }) }, this.signal);
    for (let frame = from; frame < from + n; frame += 1) this.#count(frame, bytes.subarray((frame - from) * size, (frame - from + 1) * size));
    return bytes;
  }

  #count(frame: number, bytes: Uint8Array): void {
    if (this.counted[frame]) return;
    const names = this.about.names.length;
    const counts = this.counts.subarray(frame * this.kinds, (frame + 1) * this.kinds);
    const all = new Uint32Array(256);
    for (const byte of bytes) all[byte]! += 1;
    counts.set(all.subarray(0, names));
    counts[names] = all[severalNames]!;
    counts[names + 2] = all[noName]!;
    counts[names + 1] = bytes.length - counts.reduce((sum, count) => sum + count, 0);
    this.counted[frame] = 1;
  }

  async #countAll(): Promise<void> {
    const { frames, size } = this.about;
    if (frames * size <= bytesCounted) {
      for (let piece = 0; piece * this.#perPiece < frames && !this.signal.aborted; piece += 1) if (!this.#pieces.has(piece)) await this.#fetch(piece);
      return;
    }
    const places = Math.max(2, Math.min(frames, 160, Math.floor(bytesCounted / size)));
    for (let i = 0; i < places && !this.signal.aborted; i += 1) {
      await this.#ask(Math.round((i * (frames - 1)) / (places - 1)), 1).then(this.heard, () => undefined);
    }
  }
}
