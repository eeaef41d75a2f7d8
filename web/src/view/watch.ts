// Asks for the listing of runs again and again: often while something moves, seldom while nothing does.
import { asksAgain, message, type Listing } from "./api";

const movingMs = 1500;
const stillMs = 5000;

let latest: Listing | undefined;
let trouble = "";
const listing = asksAgain<Listing>("runs");
const hearers = new Set<(listing: Listing | undefined, trouble: string) => void>();

/** Hears the listing at once if it is known, and whenever it was asked for, until the signal. */
export function watch(signal: AbortSignal, hear: (listing: Listing | undefined, trouble: string) => void): void {
  hearers.add(hear);
  signal.addEventListener("abort", () => hearers.delete(hear));
  if (latest) hear(latest, trouble);
}

async function turn(): Promise<void> {
  if (!document.hidden || !latest) {
    try {
      latest = await listing();
      trouble = "";
    } catch (error) {
      trouble = `The server does not answer: ${message(error)}`;
    }
    for (const hear of hearers) hear(latest, trouble);
  }
  const moves = trouble || (latest?.reading ?? 0) > 0 || latest?.runs?.some((run) => run.state === "running");
  setTimeout(turn, moves ? movingMs : stillMs);
}

export const startWatching = () => void turn();
