// Puts a drawing on the page: caption, readings under the pointer or the arrow keys, and files to take away.
import { html, svg } from "./dom";
import type { Drawing, Figure, Tip } from "./plot";
import { colour, resolveColours } from "./theme";

const exportWidth = 1052;
const printWidth = 760;

export function save(name: string, blob: Blob): void {
  const link = html("a", { href: URL.createObjectURL(blob), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}

/** The figure as a file has the same size and the light colours on every screen. */
function standalone(figure: Figure): { source: string; width: number; height: number } {
  const drawing = figure.draw(exportWidth).svg;
  drawing.prepend(svg("rect", { width: "100%", height: "100%", fill: colour("paper") }));
  resolveColours(drawing);
  return {
    // Names may hold characters that HTML tolerates and XML forbids.
    source: new XMLSerializer().serializeToString(drawing).replace(/[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|\p{Cs}/gu, "\ufffd"),
    width: drawing.viewBox.baseVal.width,
    height: drawing.viewBox.baseVal.height,
  };
}

async function savePng(figure: Figure, name: string): Promise<void> {
  const { source, width, height } = standalone(figure);
  const image = new Image();
  image.src = `data:image/svg+xml;charset=utf-8,${encodeURIComponent(source)}`;
  await image.decode();
  // Browsers refuse very large canvases, so tall figures get fewer pixels per unit.
  const scale = Math.min(3, 16_000 / height);
  const canvas = html("canvas", { width: Math.round(width * scale), height: Math.round(height * scale) });
  canvas.getContext("2d")?.drawImage(image, 0, 0, canvas.width, canvas.height);
  canvas.toBlob((blob) => blob && save(name, blob), "image/png");
}

function nearest(tips: Tip[], x: number, y: number): Tip | undefined {
  let best: Tip | undefined;
  let least = Infinity;
  for (const tip of tips) {
    const { box } = tip;
    if (x < box.x - 8 || x > box.x + box.width + 8 || y < box.y || y > box.y + box.height) continue;
    const distance = tip.along ? Math.abs(tip.x - x) : Math.hypot(tip.x - x, tip.y - y);
    if (distance < least) [best, least] = [tip, distance];
  }
  return best;
}

/** Shows readings for the pointer; arrow keys walk through the same readings, which a live region speaks. */
function interact(stage: HTMLElement, reading: HTMLElement, current: () => Drawing | undefined): void {
  let shown: Tip | undefined;
  let cursor: SVGElement | undefined;

  function show(tip: Tip | undefined): void {
    if (tip === shown) return;
    shown = tip;
    cursor?.remove();
    const drawing = current();
    reading.hidden = !tip;
    if (!tip || !drawing) return;
    cursor = tip.along
      ? svg("line", { x1: tip.x, x2: tip.x, y1: tip.box.y, y2: tip.box.y + tip.box.height, stroke: colour("ink"), "stroke-opacity": 0.5 })
      : svg("circle", { cx: tip.x, cy: tip.y, r: 8, fill: "none", stroke: colour("ink"), "stroke-width": 1.5 });
    drawing.svg.append(cursor);
    reading.replaceChildren(...tip.lines().map((line, index) => html("div", { class: index ? "line" : "head" }, line)));
    const scale = drawing.svg.getBoundingClientRect().width / drawing.svg.viewBox.baseVal.width;
    const room = stage.clientWidth;
    const left = tip.x * scale + drawing.svg.getBoundingClientRect().left - stage.getBoundingClientRect().left;
    const width = reading.offsetWidth;
    reading.style.left = `${Math.max(0, left + 14 + width > room ? left - width - 14 : left + 14)}px`;
    reading.style.top = `${Math.max(0, tip.y * scale - reading.offsetHeight - 10)}px`;
  }

  stage.addEventListener("pointermove", (event) => {
    const drawing = current();
    if (!drawing) return;
    const bounds = drawing.svg.getBoundingClientRect();
    const scale = drawing.svg.viewBox.baseVal.width / bounds.width;
    show(nearest(drawing.tips, (event.clientX - bounds.left) * scale, (event.clientY - bounds.top) * scale));
  });
  stage.addEventListener("pointerleave", () => show(undefined));
  stage.addEventListener("blur", () => show(undefined));
  stage.addEventListener("keydown", (event) => {
    const tips = current()?.tips ?? [];
    const at = shown ? tips.indexOf(shown) : -1;
    const next =
      event.key === "ArrowRight" || event.key === "ArrowDown" ? at + 1
      : event.key === "ArrowLeft" || event.key === "ArrowUp" ? at - 1
      : event.key === "Home" ? 0
      : event.key === "End" ? tips.length - 1
      : event.key === "Escape" ? -2
      : undefined;
    if (next === undefined || !tips.length) return;
    event.preventDefault();
    show(next === -2 ? undefined : tips[Math.max(0, Math.min(tips.length - 1, next))]);
  });
}

/** How to draw the figures that are on the page again; those taken off it are forgotten. */
const redraws = new WeakMap<Element, (width?: number) => void>();

/** Whoever prints a report does not want a hundred pages of settings with it. */
const greatestFold = 20_000;

/** Paper has nothing to unfold, and other widths than the screen. */
export function openInPrint(): void {
  let opened: HTMLDetailsElement[] = [];
  const redraw = (width?: number) => {
    for (const element of document.querySelectorAll("figure")) redraws.get(element)?.(width);
  };
  addEventListener("beforeprint", () => {
    opened = [...document.querySelectorAll("details")].filter((element) => !element.open && (element.querySelector("figure") || element.textContent!.length < greatestFold));
    for (const element of opened) element.open = true;
    redraw(printWidth);
  });
  addEventListener("afterprint", () => {
    for (const element of opened) element.open = false;
    redraw();
  });
}

/** Within a section a figure takes a lower heading. */
export function mount(figure: Figure, index: number, fileStem: string, heading: "h2" | "h3" | "h4" = "h2"): HTMLElement {
  const captionId = `${figure.id}-caption`;
  const stage = html("div", {
    class: "stage", tabindex: 0, role: "group", "aria-describedby": captionId,
    "aria-label": `${figure.title}. Arrow keys read out the values.`,
  });
  const reading = html("div", { class: "reading", role: "status", hidden: true });
  const file = `${fileStem}-${figure.id}`;
  const button = (label: string, act: () => unknown) => {
    const element = html("button", { type: "button", "aria-label": `Download figure ${index} as ${label}` }, label);
    element.addEventListener("click", act);
    return element;
  };
  const element = html(
    "figure", { id: figure.id, "aria-label": `Figure ${index}: ${figure.title}` },
    html("div", { class: "bar" }, html(heading, {}, figure.title), html("div", { class: "buttons" },
      button("SVG", () => save(`${file}.svg`, new Blob([standalone(figure).source], { type: "image/svg+xml" }))),
      button("PNG", () => savePng(figure, `${file}.png`)))),
    stage,
    html("figcaption", { id: captionId }, html("b", {}, `Figure ${index}.`), ` ${figure.caption}`),
  );

  let drawing: Drawing | undefined;
  let width = 0;
  const redraw = (given?: number) => {
    const room = given ?? Math.floor(stage.clientWidth);
    if (room === width || room === 0) return;
    width = room;
    drawing = figure.draw(Math.max(300, room));
    stage.replaceChildren(drawing.svg, reading);
    reading.hidden = true;
  };
  new ResizeObserver(() => redraw()).observe(stage);
  redraws.set(element, redraw);
  interact(stage, reading, () => drawing);
  return element;
}
