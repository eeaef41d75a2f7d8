// Where agents stand, in a square of side 1. The same population always stands the same way.
import type { Population } from "./api";

export interface Layout {
  x: Float32Array;
  y: Float32Array;
  /** The distance between neighbours that may not touch. */
  gap: number;
  edges: [number, number][];
  /** How many agents stand in a row, where they stand in rows. */
  across?: number;
  /** Moves agents closer to where they belong; false once they stand. */
  settle?: () => boolean;
}

const greatestRing = 200;
const greatestNetwork = 1000;

/** Where agents are hardly more than a pixel, only rows keep their distance on the screen. */
const greatestSunflower = 40_000;

function ring(n: number): Layout {
  const radius = 0.46 - Math.min(0.03, 0.5 / n);
  const angle = (i: number) => (2 * Math.PI * i) / n - Math.PI / 2;
  const x = Float32Array.from({ length: n }, (_, i) => 0.5 + radius * Math.cos(angle(i)));
  const y = Float32Array.from({ length: n }, (_, i) => 0.5 + radius * Math.sin(angle(i)));
  return { x, y, gap: Math.min(0.12, 2 * radius * Math.sin(Math.PI / Math.max(2, n))), edges: [] };
}

/** As seeds stand in a sunflower: evenly, with nobody at a border by being in a row. */
function sunflower(n: number): Layout {
  const golden = Math.PI * (3 - Math.sqrt(5));
  const radius = (i: number) => 0.485 * Math.sqrt((i + 0.5) / n);
  const x = Float32Array.from({ length: n }, (_, i) => 0.5 + radius(i) * Math.cos(i * golden));
  const y = Float32Array.from({ length: n }, (_, i) => 0.5 + radius(i) * Math.sin(i * golden));
  return { x, y, gap: (0.485 * Math.sqrt(Math.PI)) / Math.sqrt(n) * 0.97, edges: [] };
}

/** Rows and columns; further dimensions as slices side by side. */
function lattice(n: number, sides: number[]): Layout {
  const across = sides[sides.length - 1]!;
  const down = sides[sides.length - 2] ?? 1;
  const slices = Math.max(1, Math.ceil(n / (across * down)));
  const abreast = Math.ceil(Math.sqrt((slices * down) / across));
  const columns = abreast * (across + 1) - 1;
  const rows = Math.ceil(slices / abreast) * (down + 1) - 1;
  const gap = 0.98 / Math.max(columns, rows);
  const left = 0.5 - (gap * columns) / 2;
  const top = 0.5 - (gap * rows) / 2;
  const x = new Float32Array(n);
  const y = new Float32Array(n);
  for (let i = 0; i < n; i += 1) {
    const slice = Math.floor(i / (across * down));
    x[i] = left + gap * ((slice % abreast) * (across + 1) + (i % across) + 0.5);
    y[i] = top + gap * (Math.floor(slice / abreast) * (down + 1) + (Math.floor(i / across) % down) + 0.5);
  }
  return { x, y, gap, edges: [], across };
}

/** Fruchterman and Reingold's forces from a fixed start: all push each other away, and edges pull. */
function network(n: number, edges: [number, number][]): Layout {
  const laid = sunflower(n);
  const { x, y } = laid;
  const far = 0.9 / Math.sqrt(n);
  const dx = new Float32Array(n);
  const dy = new Float32Array(n);
  const turns = 250;
  let turn = 0;
  const settle = () => {
    dx.fill(0);
    dy.fill(0);
    for (let a = 0; a < n; a += 1) {
      for (let b = 0; b < a; b += 1) {
        const [u, v] = [x[a]! - x[b]!, y[a]! - y[b]!];
        const push = (far * far) / Math.max(1e-7, u * u + v * v);
        dx[a]! += u * push;
        dy[a]! += v * push;
        dx[b]! -= u * push;
        dy[b]! -= v * push;
      }
      // A weak pull to the middle keeps separate parts in the picture.
      dx[a]! -= (x[a]! - 0.5) * 1.5 * far * Math.sqrt(n);
      dy[a]! -= (y[a]! - 0.5) * 1.5 * far * Math.sqrt(n);
    }
    for (const [a, b] of edges) {
      const [u, v] = [x[a]! - x[b]!, y[a]! - y[b]!];
      const pull = Math.hypot(u, v) / far;
      dx[a]! -= u * pull;
      dy[a]! -= v * pull;
      dx[b]! += u * pull;
      dy[b]! += v * pull;
    }
    const most = 0.08 * (1 - turn / turns);
    for (let a = 0; a < n; a += 1) {
      const length = Math.hypot(dx[a]!, dy[a]!) || 1;
      x[a]! += (dx[a]! / length) * Math.min(length, most);
      y[a]! += (dy[a]! / length) * Math.min(length, most);
    }
    fill(x, y);
    turn += 1;
    return turn < turns;
  };
  return { x, y, gap: Math.min(0.06, far * 0.6), edges, settle };
}

/** Stretches places to the square. */
function fill(x: Float32Array, y: Float32Array): void {
  for (const values of [x, y]) {
    let [low, high] = [Infinity, -Infinity];
    for (const value of values) [low, high] = [Math.min(low, value), Math.max(high, value)];
    const scale = high > low ? 0.93 / (high - low) : 0;
    for (let i = 0; i < values.length; i += 1) values[i] = 0.5 + (values[i]! - (low + high) / 2) * scale;
  }
}

export function layoutOf({ size, layout }: Population): Layout {
  const sides = (layout?.sides ?? []).filter((side) => side > 0);
  if (layout?.kind === "grid" && sides.length > 1 && sides.reduce((product, side) => product * side, 1) >= size) return lattice(size, sides);
  const edges = (layout?.edges ?? []).filter(([a, b]) => a < size && b < size && a !== b);
  if (layout?.kind === "network" && edges.length && size <= greatestNetwork) return network(size, edges);
  if (size <= greatestRing) return { ...ring(size), edges };
  return size <= greatestSunflower ? sunflower(size) : lattice(size, [Math.ceil(Math.sqrt(size)), Math.ceil(Math.sqrt(size))]);
}
