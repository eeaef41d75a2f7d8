// The viewer: which page an address shows. It works nothing out; all numbers and words are the server's.
import { html } from "../dom";
import { openInPrint } from "../figure";
import { reveal } from "../audit";
import { compare } from "./compare";
import { decoded, link, pageOf, type Place } from "./parts";
import { run } from "./run";
import { runs } from "./runs";
import { training } from "./training";
import { startWatching, watch } from "./watch";

const pages: Record<string, (place: Place) => void | Promise<void>> = { "": runs, run, compare, training };

const root = document.getElementById("main")!;
let leave = new AbortController();
/** Where the list of runs was left, with what it was filtered by. */
let home = "#/";

/** An address is `#/part/part?name=value`, each part encoded. */
function parse(hash: string): { path: string[]; query: URLSearchParams } {
  const [path = "", query = ""] = hash.replace(/^#\/?/, "").split(/\?(.*)/s);
  const parts = path.split("/");
  // Compared runs stand in one part, each encoded for itself.
  return { path: parts[0] === "compare" ? parts : parts.map(decoded), query: new URLSearchParams(query) };
}

function show(): void {
  leave.abort();
  leave = new AbortController();
  const { path, query } = parse(location.hash);
  const page = Object.hasOwn(pages, path[0]!) ? pages[path[0]!]! : runs;
  const { signal } = leave;
  root.className = "";
  root.replaceChildren(html("p", { class: "facts" }, "…"));
  const remember: Place["remember"] = (given) => {
    if (signal.aborted) return;
    for (const [name, value] of Object.entries(given)) {
      if (value) query.set(name, value);
      else query.delete(name);
    }
    const address = location.hash.replace(/\?.*$/s, "") || "#/";
    history.replaceState(null, "", query.size ? `${address}?${query}` : address);
    if (page === runs) home = location.hash;
  };
  if (page === runs) home = location.hash || "#/";
  scrollTo(0, 0);
  const shown = () => {
    // Who navigates by ear or keys starts at the heading; on the first page the browser decides.
    if (!signal.aborted && moved) root.querySelector<HTMLElement>("h1")?.focus({ preventScroll: true });
  };
  void Promise.resolve(page({ root, path, query, signal, remember })).then(shown);
}

let moved = false;
addEventListener("hashchange", () => {
  moved = true;
  show();
});

// Links within a page, as reports have them, are not addresses of pages.
addEventListener("click", (event) => {
  const anchor = event.target instanceof Element ? event.target.closest<HTMLAnchorElement>("a[href^='#']") : null;
  const target = anchor?.getAttribute("href") ?? "";
  if (!anchor) return;
  if (anchor.classList.contains("home")) {
    event.preventDefault();
    location.hash = home;
  } else if (!target.startsWith("#/")) {
    event.preventDefault();
    reveal(target.slice(1));
    document.getElementById(target.slice(1))?.focus({ preventScroll: true });
  }
});

// The token has become a cookie; it need not stay where shoulders can read it.
if (new URLSearchParams(location.search).has("token")) history.replaceState(null, "", location.pathname + location.hash);

const folder = document.getElementById("folder")!;
const trouble = document.getElementById("trouble")!;
watch(new AbortController().signal, (listing, said) => {
  const name = [listing?.folder, listing?.version && `version ${listing.version}`].filter(Boolean).join(" · ");
  if (folder.textContent !== name) folder.textContent = name;
  if (trouble.textContent !== said) trouble.textContent = said;
  // A folder that is itself a run, or a model, needs no list.
  if (!location.hash && listing?.runs?.length === 1 && listing.runs[0]!.id === ".") location.replace(link(pageOf(listing.runs[0]!), "."));
});
openInPrint();
startWatching();
show();
