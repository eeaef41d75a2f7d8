// What the server answers, and how it is asked. Any field may be missing, and all text is untrusted.
import type { Proportion, Report } from "../data";

type Maybe<T> = T | null | undefined;

export interface Entry {
  id: string;
  /** `training` where it is a model that is trained here; else it is a run. */
  kind?: Maybe<string>;
  /** Of a training: steps taken, of how many. */
  step?: Maybe<number>;
  steps?: Maybe<number>;
  name?: Maybe<string>;
  claim?: Maybe<string>;
  state?: Maybe<string>;
  says?: Maybe<string>;
  game?: Maybe<string>;
  agents?: Maybe<string[]>;
  sizes?: Maybe<number[]>;
  points?: Maybe<number>;
  replicas?: Maybe<number>;
  runs?: Maybe<number>;
  done?: Maybe<number>;
  consensus?: Maybe<Proportion & { of?: Maybe<number> }>;
  winners?: Maybe<{ name: string; count?: Maybe<number>; share?: Maybe<number> }[]>;
  calls?: Maybe<number>;
  usd?: Maybe<number>;
  audits?: Maybe<{ passed?: Maybe<number>; of?: Maybe<number>; says?: Maybe<string> }>;
  started?: Maybe<string>;
  ended?: Maybe<string>;
  digest?: Maybe<string>;
  stamp?: Maybe<string>;
  trouble?: Maybe<string>;
}

export interface Listing {
  folder?: Maybe<string>;
  version?: Maybe<string>;
  reading?: Maybe<number>;
  runs?: Maybe<Entry[]>;
}

export interface PointOfRun {
  label?: Maybe<string>;
  first?: Maybe<number>;
  runs?: Maybe<number>;
  done?: Maybe<number>;
  size?: Maybe<number>;
  names?: Maybe<string[]>;
}

export interface Run {
  /** Whether runs can be looked at one by one. */
  single?: Maybe<boolean>;
  id: string;
  state?: Maybe<string>;
  says?: Maybe<string>;
  runs?: Maybe<number>;
  done?: Maybe<number>;
  stamp?: Maybe<string>;
  live?: Maybe<boolean>;
  report?: Maybe<Report>;
  asked?: Maybe<Record<string, unknown>>;
  plan?: Maybe<Record<string, unknown>[]>;
  points?: Maybe<PointOfRun[]>;
  /** Whether live models were called, as far as the run has come. */
  calls?: Maybe<boolean>;
  tables?: Maybe<string[]>;
  population?: Maybe<boolean>;
  staged?: Maybe<boolean>;
  no_population?: Maybe<string>;
}

export interface Replica {
  run: number;
  replica?: Maybe<number>;
  seed?: Maybe<number | string>;
  interactions?: Maybe<number>;
  rounds?: Maybe<number>;
  consensus?: Maybe<boolean>;
  winner?: Maybe<string>;
  rounds_to_consensus?: Maybe<number>;
  success_rate?: Maybe<number>;
  void_share?: Maybe<number>;
  tipped?: Maybe<boolean>;
  minority_share?: Maybe<number>;
}

export interface Series {
  run: number;
  measures?: Maybe<Record<string, { round?: Maybe<number[]>; value?: Maybe<Maybe<number>[]> }>>;
}

export interface Population {
  run: number;
  size: number;
  names: string[];
  interactions: number;
  step: number;
  frames: number;
  committed?: Maybe<number[]>;
  layout?: Maybe<{ kind: string; sides?: Maybe<number[]>; edges?: Maybe<[number, number][]> }>;
  success?: Maybe<Maybe<number>[]>;
  source?: Maybe<string>;
  /** In the category game, of which object it is shown what agents would say. */
  object?: Maybe<number>;
  note?: Maybe<string>;
}

export interface Chance {
  name: string;
  p?: Maybe<number>;
}

export interface Message {
  role?: Maybe<string>;
  text?: Maybe<string>;
}

export interface Turn {
  t: number;
  seat?: Maybe<string>;
  partner?: Maybe<number>;
  said?: Maybe<string>;
  partner_said?: Maybe<string>;
  success?: Maybe<boolean>;
  asked?: Maybe<{ messages?: Maybe<Message[]>; prefill?: Maybe<string> }>;
  gave?: Maybe<Chance[]>;
  text?: Maybe<string>;
  invalid?: Maybe<number>;
  /** Whether nothing was at stake that succeeds or fails. */
  open?: Maybe<boolean>;
  /** Everything shown and done, in words, where that is more than two names. */
  done?: Maybe<{ who?: Maybe<number>; saw?: Maybe<string>; did?: Maybe<string>; pay?: Maybe<number> }[]>;
  /** What both saw, and which of it the speaker talked about. */
  saw?: Maybe<{ objects?: Maybe<number[]>; topic?: Maybe<number> }>;
}

export interface Agent {
  agent: number;
  t: number;
  kind?: Maybe<string>;
  committed?: Maybe<string>;
  memory?: Maybe<{ own?: Maybe<string>; partner?: Maybe<string>; success?: Maybe<boolean> }[]>;
  knows?: Maybe<string[]>;
  categories?: Maybe<{ from: number; to: number; says?: Maybe<string>; words?: Maybe<string[]> }[]>;
  /** What kinds of their own have become, as plain data. */
  mind?: unknown;
  would?: Maybe<Chance[]>;
  last?: Maybe<Turn>;
  next?: Maybe<Turn>;
}

export interface Call {
  row: number;
  model?: Maybe<string>;
  shown?: Maybe<string[]>;
  begins?: Maybe<string>;
  text?: Maybe<string>;
  names?: Maybe<Chance[]>;
  void?: Maybe<boolean>;
  again?: Maybe<number>;
  times_sent?: Maybe<number>;
  prompt_tokens?: Maybe<number>;
  completion_tokens?: Maybe<number>;
  usd?: Maybe<number>;
  ms?: Maybe<number>;
  at?: Maybe<string>;
}

export interface FullCall extends Call {
  messages?: Maybe<Message[]>;
  prefill?: Maybe<string>;
  logprobs?: Maybe<{ token?: Maybe<string>; logprob?: Maybe<number> }[]>;
  sent?: unknown;
  answer?: unknown;
}

export interface Calls {
  total?: Maybe<number>;
  matched?: Maybe<number>;
  tokens?: Maybe<number>;
  usd?: Maybe<number>;
  rows?: Maybe<Call[]>;
}

/** Values of single steps. */
export interface Course {
  x?: Maybe<Maybe<number>[]>;
  y?: Maybe<Maybe<number>[]>;
}

/** What a model could know of the game. */
export interface Truth {
  rule?: Maybe<string>;
  described?: Maybe<string>;
  outcome?: Maybe<string>;
  text?: Maybe<boolean>;
  names?: Maybe<boolean>;
  signs?: Maybe<boolean>;
}

export interface LedgerEntry {
  name?: Maybe<string>;
  kind?: Maybe<string>;
  rows?: Maybe<number>;
  tokens?: Maybe<number>;
  distinct?: Maybe<number>;
  most_copies?: Maybe<number>;
  sha256?: Maybe<string>;
  source?: Maybe<{ file?: Maybe<string>; licence?: Maybe<string>; sha256?: Maybe<string> }>;
}

/** What a corpus held. */
export interface Ledger {
  rows?: Maybe<number>;
  tokens?: Maybe<number>;
  sha256?: Maybe<string>;
  unread?: Maybe<string[]>;
  ingredients?: Maybe<LedgerEntry[]>;
}

export interface Card {
  weights?: Maybe<number>;
  weights_sha256?: Maybe<string>;
  version?: Maybe<string>;
  steps?: Maybe<number>;
  tokens?: Maybe<number>;
  truth?: Maybe<Truth>;
  ledger?: Maybe<Ledger>;
  judged?: Maybe<{ ingredient?: Maybe<string>; fresh?: Maybe<number>; read?: Maybe<number>; rows?: Maybe<number> }[]>;
  /** The model whose weights it began with. */
  parent?: Maybe<{ name?: Maybe<string>; weights_sha256?: Maybe<string> }>;
  plan?: unknown;
}

/** A model that is trained, or was. */
export interface Training {
  id: string;
  name?: Maybe<string>;
  state?: Maybe<string>;
  step?: Maybe<number>;
  steps?: Maybe<number>;
  tokens?: Maybe<number>;
  tokens_per_second?: Maybe<number>;
  seconds_left?: Maybe<number>;
  loss?: Maybe<Course>;
  /** Of fresh rows of each ingredient. */
  ingredients?: Maybe<(Course & { name?: Maybe<string> })[]>;
  /** What it writes, oldest first. */
  samples?: Maybe<{ step?: Maybe<number>; text?: Maybe<string> }[]>;
  /** Written when it is finished. */
  card?: Maybe<Card>;
}

type Query = Record<string, string | number>;

export const address = (what: string, query: Query = {}): string => {
  const search = new URLSearchParams(Object.entries(query).map(([name, value]) => [name, String(value)]));
  return `api/${what}${search.size ? `?${search}` : ""}`;
};

const fetched = async (what: string, query: Query, signal?: AbortSignal): Promise<Response> =>
  checked(await fetch(address(what, query), { signal }));

async function checked(answer: Response): Promise<Response> {
  if (answer.ok) return answer;
  const said = (await answer.json().catch(() => null)) as { error?: string } | null;
  throw new Error(said?.error || `the server answered ${answer.status}`);
}

export const ask = async <T>(what: string, query: Query = {}, signal?: AbortSignal): Promise<T> =>
  (await fetched(what, query, signal)).json() as Promise<T>;

/** The same of something that is asked for again and again: as long as it is what it was, nothing is sent. */
export function asksAgain<T>(what: string): (signal?: AbortSignal) => Promise<T> {
  let last: { tag: string; value: T } | null = null;
  return async (signal) => {
    const answer = await fetch(address(what), { signal, headers: last ? { "If-None-Match": last.tag } : {} });
    if (answer.status === 304 && last) return last.value;
    const value = (await checked(answer).then((answer) => answer.json())) as T;
    const tag = answer.headers.get("ETag");
    last = tag ? { tag, value } : null;
    return value;
  };
}

export const askBytes = async (what: string, query: Query, signal?: AbortSignal): Promise<Uint8Array> =>
  new Uint8Array(await (await fetched(what, query, signal)).arrayBuffer());

export const aborted = (error: unknown) => error instanceof DOMException && error.name === "AbortError";
export const message = (error: unknown) => (error instanceof Error ? error.message : String(error));
