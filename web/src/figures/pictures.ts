// The pictures of a finding: values with intervals, samples, and curves. One audit of several conditions is a figure of
// several panels. What a picture means is said beside it, not here.
import { quantileSorted } from "d3-array";
import { scaleLinear, scaleLog, type ScaleLinear } from "d3-scale";
import { area, line } from "d3-shape";
import { isNumber, numbers, unique, type Bars, type Curves, type Line, type Picture, type Samples } from "../data";
import { svg } from "../dom";
import { axisX, axisY, frame, grid, key, logTicks, marker, panelTitle, swarm, symbols, text, whisker, wholeTicks, type Drawing, type Figure, type KeyItem, type Tip } from "../plot";
import { estimate, estimated, fit, number, textWidth } from "../text";
import { colour, seriesCount } from "../theme";

/** A picture of one condition. */
interface Part<P> {
  condition: string;
  picture: P;
}

type Domain = [number, number];
type Who = "record" | "rival" | "control" | "reference";

const people: Who[] = ["record", "rival", "control", "reference"];
const whoOf = (who: unknown): Who => people.find((one) => one === who) ?? "rival";

/** Shape and filling tell who it is as well as colour does. */
const looks: Record<Who, { says: string; paint: string; symbol: number; hollow: boolean; dashes?: string; weight: number }> = {
  record: { says: "The record", paint: "ink", symbol: 0, hollow: false, weight: 2.75 },
  rival: { says: "Rival explanation", paint: "series0", symbol: 3, hollow: false, weight: 2 },
  control: { says: "Control", paint: "series1", symbol: 2, hollow: true, dashes: "6 4", weight: 2 },
  reference: { says: "Known beforehand", paint: "muted", symbol: 1, hollow: true, dashes: "1.5 3.5", weight: 2 },
};

const axesOf = (picture: Picture): string =>
  JSON.stringify(picture.kind === "curves" ? [picture.kind, picture.x, picture.y, picture.log_x] : [picture.kind, picture.axis, picture.kind === "samples" && picture.log]);

/** Whether pictures show the same quantities, so that they can be panels of one figure. */
export const alike = (pictures: Picture[]) => unique(pictures.map(axesOf)).length === 1;

export function pictured(id: string, title: string, parts: Part<Picture>[]): Figure | undefined {
  const of = <P extends Picture>(kind: P["kind"]) => parts.filter((part): part is Part<P> => part.picture.kind === kind);
  // A page may meet data from a later program; what it does not know it leaves out.
  switch (parts[0]?.picture.kind) {
    case "bars": return bars(id, title, of<Bars>("bars"));
    case "samples": return samples(id, title, of<Samples>("samples"));
    case "curves": return curves(id, title, of<Curves>("curves"));
    default: return undefined;
  }
}

/** One axis for all panels makes them comparable, unless it would squeeze one of them. */
function domains(panels: number[][], kind: "values" | "log" | "places" = "values"): { shared: boolean; of: (index: number) => Domain } {
  const ends = (values: number[]): Domain => [Math.min(...values), Math.max(...values)];
  const all = panels.filter((values) => values.length).map(ends);
  const union = ends(all.flat());
  const breadth = ([low, high]: Domain) => (kind === "log" ? Math.log(high / low) : high - low);
  const widths = all.map(breadth).filter((width) => width > 0);
  const shared = widths.every((width) => breadth(union) < 4 * width);
  return { shared, of: (index) => padded(shared || !panels[index]!.length ? union : ends(panels[index]!), kind) };
}

function padded([low, high]: Domain, kind: "values" | "log" | "places"): Domain {
  if (kind === "log") return [low * 0.85, high * 1.18];
  if (kind === "values" && low >= 0 && high <= 1 && high > 0.5) return [0, 1];
  if (low === high) return [low - (Math.abs(low) / 10 || 1), high + (Math.abs(high) / 10 || 1)];
  if (kind === "places") return [low, high];
  const [from, to] = [low > 0 && low < high / 2 ? 0 : low, high < 0 && high > low / 2 ? 0 : high];
  return scaleLinear([from, to], [0, 1]).nice().domain() as Domain;
}

const sentence = (label: string | null | undefined) => (label ? label[0]!.toUpperCase() + label.slice(1) : "");
const ended = (said: string) => said && (/[.?!]$/.test(said) ? said : `${said}.`);

function referenceOf(parts: { picture: { reference?: number | null } }[]): string {
  const values = unique(parts.map((part) => part.picture.reference).filter(isNumber));
  return !values.length ? "" : values.length === 1 ? estimate(values[0]).value : "a value";
}

const referenceKey = (marked: string): KeyItem[] => (marked ? [{ kind: "dashed", colour: "muted", label: `To compare: ${marked}`, dashes: "4 3" }] : []);

const whoKeys = (present: Who[]): KeyItem[] =>
  people.filter((who) => present.includes(who)).map((who) => {
    const { says, paint, symbol, hollow } = looks[who];
    return { kind: hollow ? "hollow" : "dot", colour: paint, symbol: symbols[symbol], label: says };
  });

/** A line of a picture that lists: its values for the axis, and how it is drawn on its lane. */
interface Row {
  label: string;
  group: string;
  who: Who;
  extent: number[];
  at: number;
  note: string;
  reading: string[];
  draw: (root: SVGElement, x: (value: number) => number, middle: number, half: number) => void;
}

interface Listing {
  condition: string;
  rows: Row[];
  reference?: number | null;
}

/** Rows of one group stand together, beneath its heading. */
function lanes(rows: Row[]): { heading?: string; row?: Row }[] {
  return unique(rows.map((row) => row.group)).flatMap((group) => [
    ...(group ? [{ heading: group }] : []),
    ...rows.filter((row) => row.group === group).map((row) => ({ row })),
  ]);
}

function list(title: string, axis: string, lists: Listing[], lane: number, reference: string, log: boolean, width: number): Drawing {
  const narrow = width < 620;
  const single = lists.length === 1;
  const scale = domains(lists.map((one) => [...one.rows.flatMap((row) => row.extent), ...(isNumber(one.reference) ? [one.reference] : [])]), log ? "log" : "values");
  const laid = lists.map((one) => lanes(one.rows));
  const rows = lists.flatMap((one) => one.rows);
  const labels = Math.max(...rows.map((row) => textWidth(row.label)));
  const named = unique(laid.map((lines) => JSON.stringify(lines.map(({ heading, row }) => [heading, row?.label])))).length === 1;
  // Where labels would leave no room for what they label, each stands above its lane.
  const stacked = labels > (narrow ? 0.42 : single ? 0.4 : named ? 0.3 : 0.16) * width;
  const left = stacked ? 12 : labels + 16;
  const notes = single && !narrow ? Math.max(...rows.map((row) => textWidth(row.note))) + 16 : 0;
  const step = lane + (stacked ? 19 : 0);
  const heightOf = (index: number) => laid[index]!.reduce((sum, line) => sum + (line.row ? step : 24), 6);

  const draft = svg("g");
  const present = unique(rows.map((row) => row.who));
  const items = [...(present.length > 1 ? whoKeys(present) : []), ...referenceKey(reference)];
  const layout = grid({
    count: lists.length, width: width - notes, top: key(draft, items, 0, width), left, gap: (named || stacked ? 0 : left) + 40,
    least: narrow ? 220 : 170, columns: 4, greatest: single ? 760 : 480, height: heightOf,
  });
  const root = frame(width, layout.height, title);
  root.append(draft);
  const tips: Tip[] = [];
  for (const panel of layout.panels) {
    const one = lists[panel.index]!;
    const mine = panel.first || !named;
    const ends = [panel.x, panel.x + panel.width];
    const x = log ? scaleLog(scale.of(panel.index), ends) : scaleLinear(scale.of(panel.index), ends);
    panelTitle(root, panel, one.condition, "", panel.first || !named ? left : 0);
    axisX(root, panel, x, { ...(log ? logMarks(scale.of(panel.index), panel.width) : marks(x as ScaleLinear<number, number>, panel.width)), lines: true, title: panel.last && fit(axis, panel.width + 20) });
    if (isNumber(one.reference)) {
      root.append(svg("line", { x1: x(one.reference), x2: x(one.reference), y1: panel.y, y2: panel.y + panel.height, stroke: colour("muted"), "stroke-width": 1.5, "stroke-dasharray": "4 3" }));
    }
    let top = panel.y + 4;
    for (const { heading, row } of laid[panel.index]!) {
      if (heading) {
        if (mine || stacked) root.append(text(panel.x - (stacked ? 8 : left), top + 16, heading, { fill: "ink", weight: 600, halo: stacked, room: stacked ? panel.width : left + panel.width * 0.6 }));
        top += 24;
      }
      if (!row) continue;
      const middle = top + step - lane / 2;
      const { paint } = looks[row.who];
      if (stacked) root.append(text(panel.x - 8, top + 15, row.label, { fill: "ink", halo: true, room: panel.width + 8 }));
      else if (mine) root.append(text(panel.x - 10, middle + 4, row.label, { anchor: "end", fill: "ink", weight: row.who === "record" && present.length > 1 ? 600 : 400, room: left - 12 }));
      row.draw(root, x, middle, lane / 2 - 2);
      if (notes) root.append(text(panel.x + panel.width + notes, middle + 4, row.note, { anchor: "end", fill: paint === "ink" ? "ink" : "muted" }));
      tips.push({
        x: x(row.at), y: middle, box: { x: panel.x - left, y: middle - lane / 2, width: panel.width + left, height: lane },
        lines: () => [[one.condition, row.label].filter(Boolean).join(": "), ...row.reading],
      });
      top += step;
    }
  }
  return { svg: root, tips };
}

/** As many ticks as there is room for their labels. */
function marks(scale: ScaleLinear<number, number>, room: number) {
  for (let count = Math.min(10, Math.floor(room / 40)); ; count -= 1) {
    const [ticks, format] = [scale.ticks(Math.max(1, count)), scale.tickFormat(Math.max(1, count))];
    if (count <= 1 || ticks.length * (Math.max(...ticks.map((tick) => textWidth(format(tick)))) + 16) < room) return { ticks, format };
  }
}

function logMarks([low, high]: Domain, room: number) {
  const all = logTicks(low, high);
  const format = (tick: number) => (tick >= 0.001 && tick < 1e6 ? tick.toLocaleString("en", { maximumFractionDigits: 3 }) : tick.toExponential(0).replace("+", ""));
  const needed = all.reduce((sum, tick) => sum + textWidth(format(tick)) + 16, 0);
  return { ticks: all.filter((_, i) => i % Math.ceil(needed / room) === 0), format };
}

function listCaption(axis: string, many: boolean, shared: boolean, ...rest: string[]): string {
  return [ended(sentence(axis)), ...rest, many ? (shared ? "The panels share their axis." : "The axes differ between panels.") : ""].filter(Boolean).join(" ");
}

function bars(id: string, title: string, parts: Part<Bars>[]): Figure | undefined {
  const mixed = unique(parts.flatMap(({ picture }) => picture.rows ?? []).map((bar) => whoOf(bar.who))).length > 1;
  const lists = parts.map(({ condition, picture }): Listing => ({
    condition,
    reference: picture.reference,
    rows: (picture.rows ?? []).filter((bar) => isNumber(bar.value)).map((bar) => {
      const who = whoOf(bar.who);
      const { paint, symbol, hollow, says } = looks[who];
      const value = bar.value!;
      return {
        label: bar.label ?? "?", group: bar.group ?? "", who, at: value, note: estimated(value, bar.low, bar.high),
        extent: numbers([value, bar.low, bar.high].map((end) => end ?? null)),
        reading: [...(bar.group ? [bar.group] : []), estimated(value, bar.low, bar.high), ...(mixed ? [says] : [])],
        draw(root, x, middle) {
          whisker(root, middle, bar, x, colour(paint));
          root.append(marker(x(value), middle, colour(paint), hollow, symbols[symbol], who === "record" ? 72 : 52));
        },
      };
    }),
  })).filter((one) => one.rows.length);
  if (!lists.length) return undefined;
  const axis = parts[0]!.picture.axis ?? "";
  const reference = referenceOf(parts);
  const shared = domains(lists.map((one) => one.rows.flatMap((row) => row.extent))).shared;
  const spread = lists.some((one) => one.rows.some((row) => row.extent.length > 1));
  return {
    id, title,
    caption: listCaption(axis, lists.length > 1, shared, spread ? "Whiskers are intervals." : "", reference && `The dashed line marks ${reference}, to compare with.`),
    draw: (width) => list(title, sentence(axis), lists, 21, reference, false, width),
  };
}

function samples(id: string, title: string, parts: Part<Samples>[]): Figure | undefined {
  const log = Boolean(parts[0]!.picture.log);
  let lost = false;
  const mixed = unique(parts.flatMap(({ picture }) => picture.rows ?? []).map((sample) => whoOf(sample.who))).length > 1;
  const lists = parts.map(({ condition, picture }): Listing => ({
    condition,
    rows: (picture.rows ?? []).flatMap((sample): Row[] => {
      const given = numbers(sample.values);
      const values = given.filter((value) => !log || value > 0).sort((a, b) => a - b);
      lost ||= values.length < given.length;
      if (!values.length) return [];
      const who = whoOf(sample.who);
      const [q1, middling, q3] = [0.25, 0.5, 0.75].map((share) => quantileSorted(values, share)!) as [number, number, number];
      const { value: median, interval } = estimate(middling, q1, q3);
      return [{
        label: sample.label ?? "?", group: "", who, at: middling, extent: values, note: q1 < q3 ? `${median} [${interval}]` : median,
        reading: [`median ${median}, middle half ${interval}`, `all ${estimate(middling, values[0], values[values.length - 1]).interval}`, ...(mixed ? [looks[who].says] : [])],
        draw(root, x, middle, half) {
          const paint = colour(looks[who].paint);
          const edge = { stroke: paint, "stroke-dasharray": looks[who].dashes && "3 2" };
          root.append(svg("rect", { x: x(q1), width: Math.max(1, x(q3) - x(q1)), y: middle - half, height: 2 * half, rx: 3, fill: paint, "fill-opacity": 0.14, ...(edge["stroke-dasharray"] ? edge : {}) }));
          const dots = svg("g", { fill: paint, "fill-opacity": 0.6 });
          for (const dot of swarm(values.map((value) => x(value)), 2.2, half - 2)) dots.append(svg("circle", { cx: dot.x, cy: middle + dot.shift, r: 2.2 }));
          root.append(dots, svg("rect", { x: x(middling) - 2.5, width: 5, y: middle - half, height: 2 * half, fill: paint, stroke: colour("paper"), "stroke-width": 1.5 }));
        },
      }];
    }),
  })).filter((one) => one.rows.length);
  if (!lists.length) return undefined;
  const axis = parts[0]!.picture.axis ?? "";
  const shared = domains(lists.map((one) => one.rows.flatMap((row) => row.extent)), log ? "log" : "values").shared;
  return {
    id, title,
    caption: listCaption(axis, lists.length > 1, shared,
      `Each dot is a value; the box spans the middle half and the line in it marks the median.${log ? " The axis is logarithmic." : ""}`,
      lost ? "Values of zero or less are left out." : ""),
    draw: (width) => list(title, sentence(axis), lists, 32, "", log, width),
  };
}

interface Place {
  x: number;
  y: number;
  low?: number | null;
  high?: number | null;
}

/** The course of a line, in which what has no number leaves a gap. Zero has no place on a logarithmic axis. */
const course = (curve: Line, log: boolean): Place[] =>
  (curve.x ?? []).map((x, i) => ({ x: x!, y: curve.y?.[i]!, low: curve.low?.[i], high: curve.high?.[i] })).filter(({ x }) => isNumber(x) && (!log || x > 0));

const present = ({ y }: Place) => isNumber(y);

/** Which places bear the shape of their line: of many only some that stand apart, and not where those of other lines do. */
function bearers(places: number[], room: number, nth: number): Set<number> {
  const apart = 56;
  if (places.length * apart <= room) return new Set(places.keys());
  const kept = new Set<number>();
  let next = places[0]! + (((nth * 3) % 8) / 8) * apart;
  places.forEach((place, i) => {
    if (place < next) return;
    kept.add(i);
    next = place + apart;
  });
  return kept;
}

function curves(id: string, title: string, parts: Part<Curves>[]): Figure | undefined {
  const log = Boolean(parts[0]!.picture.log_x);
  const lost = log && parts.some(({ picture }) => picture.lines?.some(({ x }) => numbers(x).some((place) => place <= 0)));
  const panels = parts.map(({ condition, picture }) => ({
    condition,
    reference: picture.reference,
    lines: (picture.lines ?? []).map((curve) => ({ label: curve.label ?? "?", who: whoOf(curve.who), joined: Boolean(curve.joined), course: course(curve, log), places: course(curve, log).filter(present) })).filter((curve) => curve.places.length),
  })).filter((panel) => panel.lines.length);
  if (!panels.length) return undefined;
  const all = panels.flatMap((panel) => panel.lines);
  const known = new Map(all.map((curve) => [`${curve.who} ${curve.label}`, curve]));
  const ranks = Object.fromEntries(people.map((who) => [who, [...known.keys()].filter((name) => known.get(name)!.who === who)])) as Record<Who, string[]>;
  const style = ({ who, label, joined }: (typeof all)[number]) => {
    const rank = ranks[who].indexOf(`${who} ${label}`);
    const look = looks[who];
    const nth = who === "control" ? Math.max(1, ranks.rival.length) + rank : rank;
    // Where several records stand together, the shape tells which rival belongs to which; else rivals shun the record's.
    const shape = who === "record" || ranks.record.length > 1 ? rank : nth + 1;
    return {
      paint: who === "rival" || who === "control" ? `series${nth % seriesCount}` : look.paint,
      symbol: symbols[shape % symbols.length]!, hollow: look.hollow, weight: look.weight, dashes: look.dashes, joined,
    };
  };
  const { x: across = "", y: up = "" } = parts[0]!.picture;
  const reference = referenceOf(parts);
  const xs = domains(panels.map((panel) => panel.lines.flatMap((curve) => curve.places.map((place) => place.x))), log ? "log" : "places");
  const ys = domains(panels.map((panel) => [
    ...panel.lines.flatMap((curve) => curve.places.flatMap((place) => numbers([place.y, place.low ?? null, place.high ?? null]))),
    ...(isNumber(panel.reference) ? [panel.reference] : []),
  ]));
  const shared = xs.shared && ys.shared;
  const spread = (joined: boolean) => all.some((curve) => curve.joined === joined && curve.places.some((place) => isNumber(place.low)));
  const whole = all.every((curve) => curve.places.every((place) => Number.isInteger(place.x)));
  const written = (place: number) => (whole || log ? place.toLocaleString("en", { maximumSignificantDigits: whole ? 21 : 3 }) : number(place));

  return {
    id, title,
    caption: [
      ended(`${sentence(up)}${across && `, against ${across}`}`),
      spread(true) && "Bands are intervals.", spread(false) && "Whiskers are intervals.",
      reference && `The dashed line marks ${reference}, to compare with.`,
      log && "The horizontal axis is logarithmic.", lost && "Places at zero or less are left out.",
      panels.length > 1 && (shared ? "The panels share their axes." : "The axes differ between panels."),
    ].filter(Boolean).join(" "),
    draw(width) {
      const items: KeyItem[] = people.flatMap((who) => ranks[who].map((name): KeyItem => {
        const curve = known.get(name)!;
        const look = style(curve);
        const plain = { colour: look.paint, label: curve.label, dashes: look.dashes, weight: curve.joined ? look.weight : 1.5 };
        if (who === "reference" && curve.joined) return { ...plain, kind: "dashed" };
        return { ...plain, kind: look.hollow ? "hollow" : "dot", symbol: look.symbol, dashes: curve.joined ? look.dashes : undefined };
      }));
      items.push(...referenceKey(reference));
      const draft = svg("g");
      const top = key(draft, items, 0, width);
      const scaleY = (index: number, height: number, y: number) => scaleLinear(ys.of(index), [y + height, y]);
      const labels = Math.max(...panels.map((_, index) => {
        const y = scaleY(index, 200, 0);
        return Math.max(...y.ticks(5).map((tick) => textWidth(y.tickFormat(5)(tick))));
      }));
      const layout = grid({
        count: panels.length, width, top, left: labels + 34, gap: ys.shared ? 36 : labels + 36,
        least: 210, columns: 4, greatest: panels.length === 1 ? 680 : 480, height: () => (panels.length > 8 ? 140 : 200),
      });
      const root = frame(width, layout.height, title);
      root.append(draft);
      const tips: Tip[] = [];
      for (const panel of layout.panels) {
        const { condition, lines, reference: level } = panels[panel.index]!;
        const loose = lines.filter((curve) => !curve.joined);
        const inset = loose.length ? 8 + 2 * loose.length : 0;
        const ends = [panel.x + inset, panel.x + panel.width - inset];
        const x = log ? scaleLog(xs.of(panel.index), ends) : scaleLinear(xs.of(panel.index), ends);
        const y = scaleY(panel.index, panel.height, panel.y);
        panelTitle(root, panel, condition, "", panel.first ? labels + 34 : 0);
        axisY(root, panel, y, { ticks: y.ticks(5), format: y.tickFormat(5), labels: panel.first || !ys.shared });
        if (panel.first && up) root.append(text(panel.x - labels - 20, panel.y + panel.height / 2, sentence(up), { anchor: "middle", fill: "ink", turned: true, room: panel.height + 4 }));
        const { ticks, format } = log ? logMarks(xs.of(panel.index), panel.width) : marks(x as ScaleLinear<number, number>, panel.width);
        axisX(root, panel, x, { ticks: whole ? wholeTicks(ticks) : ticks, format: whole ? (tick) => tick.toLocaleString("en") : format, title: panel.last && fit(sentence(across), panel.width + 20) });
        if (isNumber(level)) root.append(svg("line", { x1: panel.x, x2: panel.x + panel.width, y1: y(level), y2: y(level), stroke: colour("muted"), "stroke-width": 1.5, "stroke-dasharray": "4 3" }));

        // Single measurements at the same place stand a little apart, so that their whiskers can be told from one another.
        const apart = (curve: (typeof lines)[number]) => (curve.joined ? 0 : (loose.indexOf(curve) - (loose.length - 1) / 2) * 5);
        for (const curve of lines.filter(({ joined }) => joined)) {
          root.append(svg("path", {
            d: area<Place>((place) => x(place.x), (place) => y(place.low!), (place) => y(place.high!)).defined((place) => present(place) && isNumber(place.low) && isNumber(place.high))(curve.course) ?? "",
            fill: colour(style(curve).paint), "fill-opacity": 0.14,
          }));
        }
        // The record comes last, on top of what it is compared with.
        for (const curve of people.flatMap((who) => lines.filter((one) => one.who === who)).reverse()) {
          const { paint, symbol, hollow, weight, dashes } = style(curve);
          const tint = colour(paint);
          if (curve.joined) {
            root.append(svg("path", {
              d: line<Place>((place) => x(place.x), (place) => y(place.y)).defined(present)(curve.course) ?? "",
              fill: "none", stroke: tint, "stroke-width": weight, "stroke-dasharray": dashes, "stroke-linejoin": "round", "stroke-linecap": dashes ? null : "round",
            }));
          }
          if (curve.joined && curve.who === "reference") continue;
          const bears = curve.joined ? bearers(curve.places.map((place) => x(place.x)), panel.width, lines.indexOf(curve)) : undefined;
          curve.places.forEach((place, i) => {
            const at = x(place.x) + apart(curve);
            if (!curve.joined) whisker(root, at, place, y, tint, { upright: true });
            if (!bears || bears.has(i)) root.append(marker(at, y(place.y), tint, hollow, symbol, curve.joined ? 40 : 52));
          });
        }

        const at = new Map<number, string[]>();
        for (const curve of lines) {
          for (const place of curve.places) at.set(place.x, [...(at.get(place.x) ?? []), `${curve.label}: ${estimated(place.y, place.low, place.high)}`]);
        }
        const columns = [...at].sort((a, b) => a[0] - b[0]);
        const step = Math.max(1, Math.ceil(columns.length / 300));
        for (let i = 0; i < columns.length; i += step) {
          const [place, said] = columns[i]!;
          tips.push({ x: x(place), y: panel.y + panel.height / 2, box: panel, along: true, lines: () => [[condition, `${across || "at"} ${written(place)}`].filter(Boolean).join(", "), ...said] });
        }
      }
      return { svg: root, tips };
    },
  };
}
