// The data that the program writes into the page. Any field may be missing or null, and all text is untrusted.

type Maybe<T> = T | null | undefined;
type Numbers = Maybe<Maybe<number>[]>;

export interface Interval {
  share?: Maybe<number>;
  low?: Maybe<number>;
  high?: Maybe<number>;
}

export interface Proportion extends Interval {
  count?: Maybe<number>;
}

export interface NameShare extends Proportion {
  name: string;
}

export interface Rounds {
  values?: Numbers;
  n?: Maybe<number>;
  median?: Maybe<number>;
  q1?: Maybe<number>;
  q3?: Maybe<number>;
  mean?: Maybe<number>;
  sd?: Maybe<number>;
}

export interface Success {
  round?: Maybe<number[]>;
  median?: Numbers;
  q1?: Numbers;
  q3?: Numbers;
  low?: Numbers;
  high?: Numbers;
}

export interface ExampleRun {
  run?: Maybe<number>;
  winner?: Maybe<string>;
  round?: Maybe<number[]>;
  names?: Maybe<Record<string, Numbers>>;
}

export interface Tipping extends Interval {
  majority?: Maybe<string>;
  minority?: Maybe<string>;
  count?: Maybe<number>;
  fraction?: Maybe<number>;
  tipped?: Maybe<number>;
  of?: Maybe<number>;
  final_share?: Maybe<number>;
}

export interface Individual {
  memory?: Maybe<string[][]>;
  memory_text?: Maybe<string>;
  answers?: Maybe<number>;
  choices?: Maybe<NameShare[]>;
  p_uniform?: Maybe<number>;
}

/** What is known of a condition, whether it was simulated here or recorded elsewhere. */
export interface Outcome {
  runs?: Maybe<number>;
  consensus?: Maybe<Proportion>;
  rounds?: Maybe<Rounds>;
  winners?: Maybe<NameShare[]>;
  prior?: Maybe<NameShare[]>;
  success?: Maybe<Success>;
  /** The share of agents that hold the commonest opinion at the end. */
  held?: Maybe<Rounds>;
  /** Measures that are followed, by name. */
  followed?: Maybe<Record<string, Maybe<Followed>>>;
  tipping?: Maybe<Tipping>;
  individual?: Maybe<Individual>;
  void_share?: Maybe<number>;
  /** Unusable answers of language models, of all; missing where no agent is one. */
  invalid_share?: Maybe<number>;
  stay_after_success?: Maybe<number>;
  switch_after_failure?: Maybe<number>;
  collective_bias?: Maybe<{ statistic?: Maybe<number>; p?: Maybe<number>; text?: Maybe<string> }>;
}

/** A measure that is followed: its course, and a value of each run. */
export interface Followed {
  label?: Maybe<string>;
  place?: Maybe<number>;
  share?: Maybe<boolean>;
  /** Whether the value of a run is its mean over the second half. */
  late?: Maybe<boolean>;
  course?: Maybe<Success>;
  end?: Maybe<Rounds>;
}

export interface Point extends Outcome {
  label: string;
  keys?: Maybe<Record<string, unknown>>;
  size?: Maybe<number>;
  names?: Maybe<string[]>;
  shares?: Maybe<ExampleRun[]>;
  recorded?: Maybe<Outcome & { source?: Maybe<string> }>;
}

export interface LiveModel {
  name?: Maybe<string>;
  server?: Maybe<string>;
  identity?: Maybe<string>;
  how?: Maybe<string>;
  why?: Maybe<string>;
  calls?: Maybe<number>;
  prompts?: Maybe<number>;
  tokens?: Maybe<number>;
  usd?: Maybe<number>;
}

/** What an audit concluded for a condition: two sentences, on the outcome and on the response, and the word for each. */
export interface Verdict {
  condition?: Maybe<string>;
  sentences?: Maybe<string[]>;
  interaction?: Maybe<string>;
  response?: Maybe<string>;
}

export interface Effect {
  name?: Maybe<string>;
  value?: Maybe<number>;
  low?: Maybe<number>;
  high?: Maybe<number>;
  level?: Maybe<number>;
}

export interface Bars {
  kind: "bars";
  title?: Maybe<string>;
  axis?: Maybe<string>;
  rows?: Maybe<{ label?: Maybe<string>; group?: Maybe<string>; who?: Maybe<string>; value?: Maybe<number>; low?: Maybe<number>; high?: Maybe<number> }[]>;
  reference?: Maybe<number>;
}

export interface Line {
  label?: Maybe<string>;
  who?: Maybe<string>;
  joined?: Maybe<boolean>;
  x?: Numbers;
  y?: Numbers;
  low?: Numbers;
  high?: Numbers;
}

export interface Curves {
  kind: "curves";
  title?: Maybe<string>;
  x?: Maybe<string>;
  y?: Maybe<string>;
  lines?: Maybe<Line[]>;
  reference?: Maybe<number>;
  /** Whether the horizontal axis is logarithmic. */
  log_x?: Maybe<boolean>;
}

export interface Samples {
  kind: "samples";
  title?: Maybe<string>;
  axis?: Maybe<string>;
  log?: Maybe<boolean>;
  rows?: Maybe<{ label?: Maybe<string>; who?: Maybe<string>; values?: Numbers }[]>;
}

export type Picture = Bars | Curves | Samples;

/** One audit's answer about one condition. */
export interface Finding {
  audit?: Maybe<string>;
  condition?: Maybe<string>;
  bears_on?: Maybe<string>;
  question?: Maybe<string>;
  rivals?: Maybe<string[]>;
  finds?: Maybe<string>;
  effect?: Maybe<Effect>;
  statistic?: Maybe<{ name?: Maybe<string>; value?: Maybe<number>; p?: Maybe<number> }>;
  means?: Maybe<string>;
  does_not_mean?: Maybe<string>;
  would_tell?: Maybe<string>;
  source?: Maybe<string>;
  cautions?: Maybe<string[]>;
  pictures?: Maybe<Picture[]>;
}

export interface Audit {
  format?: Maybe<number>;
  verdicts?: Maybe<Verdict[]>;
  findings?: Maybe<Finding[]>;
}

/** What was to be decided, fixed beforehand, and whether it was. */
export interface Statement {
  name?: Maybe<string>;
  words?: Maybe<string>;
  decided?: Maybe<string>;
  picture?: Maybe<Picture>;
}

/** A table as texts, the first row of which is its head; `right` numbers the columns that are flush right, from 0. */
export interface Texts {
  title?: Maybe<string>;
  note?: Maybe<string>;
  right?: Maybe<number[]>;
  rows?: Maybe<Maybe<string>[][]>;
}

/** What audits find in models whose every row is known. */
export interface Benchmark {
  /** What it is called, where it is no benchmark of audits. */
  title?: Maybe<string>;
  conclusion?: Maybe<string>;
  statements?: Maybe<Statement[]>;
  tables?: Maybe<Texts[]>;
  pictures?: Maybe<Picture[]>;
}

/** What others found, or theory says, by the swept number. */
export interface Published {
  of?: Maybe<string>;
  source?: Maybe<string>;
  values?: Maybe<Numbers[]>;
  line?: Maybe<boolean>;
}

/** Where an outcome passes its threshold in a swept number. */
export interface Threshold {
  label?: Maybe<string>;
  /** The number in which thresholds are extrapolated. */
  n?: Maybe<number>;
  value?: Maybe<number>;
  low?: Maybe<number>;
  high?: Maybe<number>;
  points?: Maybe<number>;
  runs?: Maybe<number>;
  caution?: Maybe<string>;
}

/** What thresholds come to at infinity: value + slope n^-exponent. */
export interface Limit {
  label?: Maybe<string>;
  value?: Maybe<number>;
  low?: Maybe<number>;
  high?: Maybe<number>;
  exponent?: Maybe<number>;
  exponents?: Numbers;
  slope?: Maybe<number>;
  caution?: Maybe<string>;
}

export interface Found {
  key?: Maybe<string>;
  of?: Maybe<string>;
  at?: Maybe<number>;
  over?: Maybe<string>;
  thresholds?: Maybe<Threshold[]>;
  limits?: Maybe<Limit[]>;
}

export interface Report {
  placeholder?: true;
  format?: number;
  name?: Maybe<string>;
  claim?: Maybe<string>;
  game?: Maybe<string>;
  experiment_toml?: Maybe<string>;
  plan_toml?: Maybe<string>;
  provenance?: Maybe<{
    version?: Maybe<string>;
    revision?: Maybe<string>;
    seed?: Maybe<number | string>;
    digest?: Maybe<string>;
    sources?: Maybe<string[]>;
  }>;
  kind_of_figure?: Maybe<string>;
  /** How live models were asked. */
  live?: Maybe<LiveModel[]>;
  points?: Maybe<Point[]>;
  published?: Maybe<Published[]>;
  found?: Maybe<Found>;
  /** Whether it emerged or was recalled; missing where no audit was asked for. */
  audit?: Maybe<Audit>;
  /** How well audits tell what models read; missing where it is no benchmark. */
  benchmark?: Maybe<Benchmark>;
  /** How to describe and to cite the results where they are used. */
  methods?: Maybe<string>;
  bibtex?: Maybe<string>;
}

export const isNumber = (value: unknown): value is number => typeof value === "number" && Number.isFinite(value);

/** The numbers of a list, with what is missing left out. */
export const numbers = (list: Numbers): number[] => (list ?? []).filter(isNumber);

export const unique = <T>(list: Iterable<T>): T[] => [...new Set(list)];

/** The measures that any of the points follow, in their order. */
export function followedIn(points: Point[]): { key: string; label: string; share: boolean; late: boolean; place: number }[] {
  const all = new Map<string, { key: string; label: string; share: boolean; late: boolean; place: number }>();
  for (const [key, one] of points.flatMap((point) => Object.entries(point.followed ?? {}))) {
    if (one && one.label !== "" && !all.has(key)) all.set(key, { key, label: key.includes(":") ? one.label || key : key.replaceAll("_", " "), share: one.share === true, late: one.late === true, place: one.place ?? 0 });
  }
  return [...all.values()].sort((a, b) => a.place - b.place || a.key.localeCompare(b.key));
}
