// Drives the viewer as a user would, against a running server, and says what it checked.
//
//   node test/view.mjs http://127.0.0.1:1234 ordinary=consensus other=second calls=live large=big hostile=evil running=slow
//
// Each kind of run directory has its own checks, which are left out where no directory of the kind is named:
// ordinary (finished, with a population), other (a second one, to compare with), calls (asked live models),
// large (10,000 agents or so), categories (the category game), hostile (names that try to be markup), running (still going on),
// model (trained, with its card), training (a model that is still trained).
import { readFile } from "node:fs/promises";
import { chromium } from "playwright-core";

const [base, ...given] = process.argv.slice(2);
if (!base) {
  console.error("usage: node test/view.mjs URL [kind=id …]");
  process.exit(2);
}
const ids = Object.fromEntries(given.map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)]));
const origin = new URL(base).origin;
const address = (...path) => `#/${path.map((part) => encodeURIComponent(part)).join("/")}`;

class Failure extends Error {}
let passed = 0;

function check(holds, what, seen = "") {
  if (!holds) throw new Failure(seen === "" ? what : `${what}; seen: ${String(seen).slice(0, 300)}`);
  passed += 1;
  console.log(`ok  ${what}`);
}

/** What no page may ever do, gathered over all of them. */
const wrongs = [];

async function open(browser, hash = "#/", options = {}) {
  const context = await browser.newContext({ viewport: { width: 1280, height: 900 }, acceptDownloads: true, ...options });
  const page = await context.newPage();
  page.on("console", (said) => said.type() === "error" && wrongs.push(`console: ${said.text()}`));
  page.on("pageerror", (error) => wrongs.push(`error: ${error.stack ?? error}`));
  page.on("dialog", (dialog) => {
    wrongs.push(`dialog: ${dialog.message()}`);
    void dialog.dismiss();
  });
  page.on("request", (request) => {
    const url = request.url();
    if (!url.startsWith(`${origin}/`) && !/^(?:data|blob):/.test(url)) wrongs.push(`request to another place: ${url}`);
  });
  await page.addInitScript(() => {
    addEventListener("securitypolicyviolation", (event) => console.error(`policy: ${event.violatedDirective} ${event.blockedURI}`));
  });
  const url = new URL(base);
  url.hash = hash;
  await page.goto(url.href);
  return page;
}

async function go(page, hash) {
  await page.evaluate((to) => { location.hash = to; }, hash);
}

/** Waits until something holds in the page. */
async function until(page, what, test, argument, timeout = 15_000) {
  try {
    await page.waitForFunction(test, argument, { timeout });
  } catch {
    throw new Failure(`${what} (waited ${timeout / 1000} s)`);
  }
  check(true, what);
}

async function download(page, locator) {
  const [file] = await Promise.all([page.waitForEvent("download"), locator.click()]);
  return { name: file.suggestedFilename(), bytes: await readFile(await file.path()) };
}

const rowsOf = (page) => page.locator(".runs tbody tr:not(.head)");
const never = async (page) => {
  const [wide, room] = await page.evaluate(() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]);
  check(wide <= room, `the page does not scroll sideways at ${page.viewportSize().width} px`, `${wide} of ${room}`);
};

/** The list of runs: shown quickly, sorted, filtered, grouped, kept in the address. */
async function theList(browser) {
  const page = await open(browser);
  await until(page, "the list of runs appears", () => document.querySelector(".runs tbody tr"));
  const painted = await page.evaluate(() => Math.round(performance.now()));
  const count = await rowsOf(page).count();
  console.log(`    ${count} runs, ${painted} ms after the page was asked for`);

  const head = page.locator("th", { has: page.getByRole("button", { name: "Experiment", exact: true }) });
  await head.getByRole("button").focus();
  await page.keyboard.press("Enter");
  check(await head.getAttribute("aria-sort") === "ascending", "a heading sorts by keyboard, and says so");
  const firstUp = await rowsOf(page).first().locator("th a").textContent();
  await page.keyboard.press("Enter");
  check(await head.getAttribute("aria-sort") === "descending", "the same heading again turns the order");
  const names = await rowsOf(page).locator("th a").allTextContents();
  const order = [...names].sort((a, b) => b.localeCompare(a, "en", { numeric: true }));
  check(JSON.stringify(names) === JSON.stringify(order), "rows are in the order of the heading", names.slice(0, 3));
  check((await page.evaluate(() => location.hash)).includes("sort=-name"), "the order is kept in the address");
  for (const button of await page.locator("button.sort:visible").all()) await button.click();
  check(await page.locator("th[aria-sort='ascending'], th[aria-sort='descending']").count() === 1, "every column sorts");

  const words = (ids.ordinary ?? firstUp).split(/[^\p{L}\p{N}]+/u).filter(Boolean).slice(0, 2).reverse().join(" ");
  await page.getByLabel("Find").fill(words);
  await until(page, `the words “${words}” filter the rows in any order`, ([sought, all]) => {
    const shown = [...document.querySelectorAll(".runs tbody tr:not(.head)")];
    // All agents count, of which a row shows two.
    const telling = shown.filter((row) => !/and \d+ more/.test(row.textContent));
    return shown.length > 0 && shown.length <= all && location.hash.includes("q=") && telling.every((row) => sought.toLowerCase().split(" ").every((word) => row.textContent.toLowerCase().includes(word)));
  }, [words, count]);
  await page.getByLabel("Find").fill("zzz no such run zzz");
  await until(page, "a filter that nothing matches leaves no row", () => !document.querySelector(".runs tbody tr"));
  await page.getByLabel("Find").fill("");
  await until(page, "an empty filter brings all rows back", (all) => document.querySelectorAll(".runs tbody tr:not(.head)").length === all, count);

  const states = await page.getByLabel("State").locator("option").evaluateAll((options) => options.map((option) => option.value).filter(Boolean));
  await page.getByLabel("State").selectOption(states[0]);
  const ofState = await rowsOf(page).count();
  check(ofState > 0 && ofState <= count, `the state “${states[0]}” filters rows`);
  await page.getByLabel("State").selectOption("");
  await page.getByLabel("Group by experiment").check();
  check(await page.locator(".runs tr.head").count() > 0, "rows are grouped by experiment");
  await page.getByLabel("Group by experiment").uncheck();

  const file = await download(page, page.getByRole("button", { name: /Download this table as CSV/ }).first());
  check(file.name.endsWith(".csv") && file.bytes.toString().split("\r\n").length === count + 2, "the table of runs is saved as CSV, a line for each row", file.bytes.toString().slice(0, 200));
  for (const width of [1280, 400]) {
    await page.setViewportSize({ width, height: 900 });
    await never(page);
  }
  await page.context().close();
}

/** A finished run: its report, plan, single runs, and files. */
async function ordinary(browser, id) {
  const page = await open(browser);
  await until(page, "the list of runs appears", () => document.querySelector(".runs tbody tr"));
  await page.getByLabel("Find").fill(id);
  await page.locator(`.runs a[href="${address("run", id)}"]`).click();
  await until(page, "a run opens with figures", () => document.querySelector("figure .stage svg path"));
  check(await page.locator("h1").isVisible() && await page.evaluate(() => document.activeElement?.tagName === "H1"), "the heading has the focus after going there");
  check(await page.getByRole("heading", { name: "Summary" }).count() === 1, "the report has its summary");

  const svg = await download(page, page.getByRole("button", { name: "Download figure 1 as SVG" }));
  const text = svg.bytes.toString();
  check(svg.name.endsWith(".svg") && text.startsWith("<svg") && !text.includes("var(--") && text.includes("tabular-nums"), "a figure is saved as SVG, with the light colours", text.slice(0, 120));
  const png = await download(page, page.getByRole("button", { name: "Download figure 1 as PNG" }));
  check(png.name.endsWith(".png") && png.bytes.subarray(1, 4).toString() === "PNG" && png.bytes.length > 5000, "a figure is saved as PNG");
  const csv = await download(page, page.locator("section", { has: page.getByRole("heading", { name: "Summary" }) }).getByRole("button", { name: /CSV/ }));
  check(csv.bytes.toString().startsWith("Condition,"), "the summary is saved as CSV", csv.bytes.toString().slice(0, 100));
  const table = await page.locator(".files a").first().getAttribute("href");
  check((await page.request.get(new URL(table, base).href)).ok(), "a whole table is there to download", table);

  const cite = page.locator("section", { has: page.getByRole("heading", { name: "Cite" }) });
  if (await cite.count()) {
    await cite.getByRole("button", { name: "Copy" }).first().click();
    await until(page, "what to cite is copied", () => [...document.querySelectorAll(".listing button")].some((button) => /Copied|Selected/.test(button.textContent)));
  }

  const stage = page.locator("figure .stage").first();
  await stage.focus();
  await page.keyboard.press("ArrowRight");
  check(await page.locator(".reading").first().isVisible(), "arrow keys read out a figure");

  await page.getByRole("link", { name: "Plan", exact: true }).click();
  await until(page, "the plan lists settings", () => document.querySelectorAll(".settings tbody tr").length > 5);
  const settings = await page.locator(".settings tbody tr").count();
  await page.getByLabel("Origin").selectOption("default");
  const byDefault = await page.locator(".settings tbody tr").count();
  check(byDefault < settings, "settings are told apart by where they come from", `${byDefault} of ${settings}`);
  await page.getByLabel("Origin").selectOption("");
  await page.getByLabel("Find").fill("game kind");
  await until(page, "settings are filtered by words", (all) => document.querySelectorAll(".settings tbody tr").length < all, settings);
  if (ids.other) {
    await page.getByLabel("Another run").selectOption(ids.other);
    await until(page, "what differs from another run is said", () => /differ/.test(document.querySelector("main").textContent.split("What differs from another run").pop()));
  }

  await page.getByRole("link", { name: "Single runs", exact: true }).click();
  await until(page, "single runs are listed", () => document.querySelector(".list .row[aria-rowindex]"));
  await page.locator(".list").focus();
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("Enter");
  await until(page, "a single run opens by keyboard", () => /\/replica\/\d+/.test(location.hash));
  await until(page, "its measures over time are drawn", () => document.querySelectorAll(".figures .stage svg path").length > 1);
  await theirPopulation(page);

  await page.goBack();
  await until(page, "the back button leads back to the list of single runs", () => /\/replicas/.test(location.hash) && document.querySelector(".list .row[aria-rowindex]"));
  for (const width of [1280, 400]) {
    await page.setViewportSize({ width, height: 900 });
    for (const part of [[], ["plan"], ["replicas"], ["replica", 0]]) {
      await go(page, address("run", id, ...part));
      await page.waitForTimeout(600);
      await never(page);
    }
  }
  await page.context().close();
}

const frameOf = (page) => page.locator("canvas.agents").getAttribute("data-frame").then(Number);

/** The population of the single run that is open. */
async function theirPopulation(page) {
  await until(page, "the population is shown", () => Number(document.querySelector("canvas.agents")?.dataset.frame) >= 0);
  const range = page.getByLabel("Frame", { exact: true });
  const last = Number(await range.getAttribute("max"));
  check(last > 0, "the population has more than one frame", last);
  await range.focus();
  await page.keyboard.press("End");
  await until(page, "End goes to the last frame", (frame) => document.querySelector("canvas.agents").dataset.frame === String(frame), last);
  const end = await page.locator(".where").textContent();
  await page.keyboard.press("Home");
  await until(page, "Home goes to the first frame", () => document.querySelector("canvas.agents").dataset.frame === "0");
  check(await page.locator(".where").textContent() !== end, "the moment is said");
  const size = Number((await page.locator(".population > .facts").textContent()).replace(/,/g, "").match(/\d+/)[0]);
  const counted = await page.locator(".legend li:not(:has(rect)) .count").allTextContents();
  check(counted.reduce((sum, text) => sum + Number(text.split(" ")[0].replace(/,/g, "")), 0) === size, "the legend counts every agent once", counted);
  await page.keyboard.press("ArrowRight");
  await until(page, "an arrow key goes to the next frame", () => document.querySelector("canvas.agents").dataset.frame === "1");
  await until(page, "the shares are announced", () => /Frame 2 of/.test(document.querySelector(".population > .unseen").textContent));
  await page.keyboard.press("Space");
  await until(page, "space plays", () => Number(document.querySelector("canvas.agents").dataset.frame) > 1);
  await page.keyboard.press("Space");
  await page.waitForTimeout(100);
  const stopped = await frameOf(page);
  await page.waitForTimeout(500);
  check(await frameOf(page) === stopped || stopped === last, "space stops");
  const strip = await page.locator(".strip").boundingBox();
  await page.mouse.click(strip.x + strip.width * 0.99, strip.y + 20);
  await until(page, "a click on the strip goes there", ([old, end]) => Number(document.querySelector("canvas.agents").dataset.frame) > Math.min(old, end - 1), [stopped, last]);

  // The agent is found by what is painted, as a reader would.
  await page.locator("canvas.agents").scrollIntoViewIfNeeded();
  const spot = await page.evaluate(() => {
    const canvas = document.querySelector("canvas.agents");
    const { data, width } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
    for (let i = Math.floor(data.length / 8) * 4; i < data.length; i += 4) if (data[i + 3] > 200) return [((i / 4) % width) / width, Math.floor(i / 4 / width) / width];
  });
  const box = await page.locator("canvas.agents").boundingBox();
  await page.mouse.click(box.x + (spot[0] + 0.004) * box.width, box.y + (spot[1] + 0.006) * box.height);
  await until(page, "a click on an agent opens what it remembers", () => /Agent \d+/.test(document.querySelector(".panel h3")?.textContent ?? ""));
  const moment = await page.locator(".panel .facts").textContent();
  const back = page.getByRole("button", { name: "‹ Previous interaction" });
  if (await back.isEnabled()) {
    await back.click();
    await until(page, "the panel goes to the agent’s interaction before", (then) => document.querySelector(".panel .facts")?.textContent !== then, moment);
  }
  await page.locator("canvas.agents").focus();
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("Enter");
  await until(page, "keys choose and open an agent", () => /agent=\d+/.test(location.hash) && document.querySelector(".panel h3"));
  await page.locator(".panel").getByRole("button", { name: "Close" }).click();
  check(await page.locator(".panel").isHidden(), "the panel closes");
}

/** Two runs beside each other. */
async function compared(browser, id, other) {
  const page = await open(browser);
  await until(page, "the list of runs appears", () => document.querySelector(".runs tbody tr"));
  const compare = page.getByRole("button", { name: /^Compare/ });
  check(await compare.isDisabled(), "nothing is compared before two runs are chosen");
  for (const one of [id, other]) await page.locator("tr", { has: page.locator(`a[href="${address("run", one)}"]`) }).getByRole("checkbox").check();
  await compare.click();
  await until(page, "two runs are compared in figures", () => document.querySelectorAll("figure .stage svg path").length > 2);
  check(await page.getByRole("heading", { name: "Summary" }).count() === 1, "a table compares them");
  check(await page.getByRole("heading", { name: "Settings that differ" }).count() === 1, "what their plans differ in is said");
  const rows = () => page.locator("section", { has: page.getByRole("heading", { name: "Summary" }) }).locator("tbody tr").count();
  const before = await rows();
  const conditions = page.locator("details", { has: page.locator(".boxes") });
  if (!(await conditions.evaluate((details) => details.open))) await conditions.locator("summary").click();
  await page.locator(".boxes input").first().uncheck();
  check(await rows() === before - 1, "a condition can be left out", await rows());
  await page.goBack();
  await until(page, "the back button leads back to the runs", () => document.querySelector(".runs tbody tr"));
  check(await page.locator(".tick input:checked").count() === 2, "the selection is still there");
  await page.context().close();
}

/** A run that asked live models. */
async function calls(browser, id) {
  const page = await open(browser, address("run", id, "calls"));
  await until(page, "calls are listed", () => document.querySelector(".list .row[aria-rowindex] [role=gridcell]"));
  const list = page.locator(".list");
  const total = Number(await list.getAttribute("aria-rowcount")) - 1;
  check(total > 0, `there are ${total} calls`);
  await list.focus();
  await page.keyboard.press("Enter");
  await until(page, "Enter opens a call, prompt and answer beside each other", () => document.querySelector(".call .halves pre"));
  await page.getByRole("button", { name: "Close" }).click();
  check(await page.evaluate(() => document.activeElement.classList.contains("list")), "closing gives the focus back to the list");
  await page.keyboard.press("End");
  await until(page, "End goes to the last call", (n) => document.querySelector(".row.active")?.getAttribute("aria-rowindex") === String(n + 1) && !/^…$/.test(document.querySelector(".row.active").textContent), total);
  const low = await page.evaluate(() => {
    const box = document.querySelector(".list").getBoundingClientRect();
    const row = document.querySelector(".row.active").getBoundingClientRect();
    return row.top >= box.top && row.bottom <= box.bottom + 1;
  });
  check(low, "the last call is in sight");
  check(await page.locator(".list .row").count() < 60, "only the rows in sight exist");
  await page.getByLabel("Which").selectOption("void");
  await until(page, "void calls are counted", () => !/Searching/.test(document.querySelector("main section .facts").textContent));
  await page.getByLabel("Which").selectOption("all");
  await page.getByLabel("Find").fill("zzzz-nothing");
  await until(page, "a search that finds nothing says so", (n) => /^0 of/.test(document.querySelector("main section .facts").textContent) && n > 0, total, 60_000);
  await page.getByLabel("Find").fill("");
  await until(page, "without a search all calls are back", (n) => document.querySelector(".list").getAttribute("aria-rowcount") === String(n + 1), total);
  await never(page);
  await page.context().close();
}

/** A large population plays smoothly. */
async function large(browser, id) {
  const page = await open(browser, address("run", id, "replica", 0));
  await until(page, "a large population is shown", () => Number(document.querySelector("canvas.agents")?.dataset.frame) >= 0, undefined, 120_000);
  const size = Number((await page.locator(".population > .facts").textContent()).replace(/,/g, "").match(/\d+/)[0]);
  await page.waitForTimeout(1000);
  await page.getByLabel("Speed").selectOption("60");
  await page.getByRole("button", { name: "Play" }).click();
  const { ticks, frames, ms } = await page.evaluate(() => new Promise((done) => {
    const canvas = document.querySelector("canvas.agents");
    const began = performance.now();
    let [ticks, frames, last] = [0, 0, canvas.dataset.frame];
    const tick = (now) => {
      ticks += 1;
      if (canvas.dataset.frame !== last) [frames, last] = [frames + 1, canvas.dataset.frame];
      if (now - began < 2500) requestAnimationFrame(tick);
      else done({ ticks, frames, ms: now - began });
    };
    requestAnimationFrame(tick);
  }));
  console.log(`    ${size} agents: ${(1000 * ticks / ms).toFixed(0)} pictures a second, of which ${(1000 * frames / ms).toFixed(0)} showed another frame`);
  if (size <= 20_000) check(1000 * ticks / ms >= 30, `${size} agents play with 30 pictures a second or more`, 1000 * ticks / ms);
  await page.context().close();
}

/** Text that tries to be markup, or to break out of where it stands. */
async function categories(browser, id) {
  const page = await open(browser, address("run", id));
  await until(page, "the categories of a run are drawn over time", () => document.querySelector("#categories svg path") && document.querySelector("#agreement svg path"));
  await go(page, address("run", id, "replica", 0));
  const object = page.getByLabel("What they would call the object at");
  await object.waitFor();
  check((await object.inputValue()) === "0.5", "agents are coloured by what they would call an object in the middle");
  await page.getByLabel("Frame", { exact: true }).press("End");
  await until(page, "the last frame is counted", () => !/^(?:0|)$/.test(document.querySelector(".legend li .count")?.textContent ?? ""));
  const before = await page.locator(".legend li bdi").first().textContent();
  await object.fill("0.05");
  await object.press("Enter");
  await until(page, "another object is asked about", () => /object=0\.05/.test(location.hash));
  await until(page, "its names are others", (was) => {
    const first = document.querySelector(".legend li bdi")?.textContent;
    return first && first !== was;
  }, before);
  const number = page.getByRole("spinbutton", { name: "Agent", exact: true });
  await number.fill("3");
  await number.press("Enter");
  await until(page, "an agent's categories are listed", () => document.querySelectorAll("[aria-label=Categories] tbody tr").length > 3);
  const rows = await page.locator("[aria-label=Categories] tbody tr").allTextContents();
  check(/^0\.000/.test(rows[0]), "they begin at 0", rows[0]);
  const saved = (await download(page, page.locator(".panel button.csv").first())).bytes.toString();
  check(/^From,To,Says,Knows\r\n0\.000,/.test(saved), "an agent's table is saved as CSV", saved.slice(0, 80));
  check(/speaker|hearer/.test(await page.locator(".turn").first().textContent()) && /both saw 0\.\d{3}.*\(the topic\)|both saw .*topic/.test(await page.locator(".turn").first().textContent()), "what both saw is told");
  await page.context().close();
}

async function hostile(browser, id) {
  const page = await open(browser);
  await until(page, "the list of runs appears", () => document.querySelector(".runs tbody tr"));
  for (const part of [["run", id], ["run", id, "plan"], ["run", id, "replicas"], ["run", id, "replica", 0], ["run", id, "calls"]]) {
    await go(page, `${address(...part)}?agent=1&row=0&frame=3`);
    await page.waitForTimeout(1500);
    await never(page);
    const strange = await page.evaluate(() => [...document.querySelectorAll("main img, main script, main iframe, main object, main embed, main link, main style, main base, main form[action], main [onerror], main [onload], main [onclick]")].map((element) => element.outerHTML));
    check(strange.length === 0, `nothing was injected into ${part.slice(2).join("/") || "the results"}`, strange);
    const outward = await page.evaluate(() => [...document.querySelectorAll("main a")].map((link) => link.href).filter((href) => new URL(href).origin !== location.origin));
    check(outward.length === 0, "no link leads elsewhere", outward);
  }
  await go(page, `#/compare/${[id, ids.ordinary ?? id].map(encodeURIComponent).join(",")}`);
  await until(page, "a hostile run is compared", () => document.querySelector("figure .stage svg path"));
  check(await page.evaluate(() => Object.prototype.x === undefined && !("polluted" in {})), "no prototype was changed");
  await page.context().close();
}

/** A run that goes on while it is looked at. */
async function running(browser, id) {
  const page = await open(browser);
  await until(page, "a running run is in the list", (href) => document.querySelector(`.runs a[href="${href}"]`), address("run", id));
  const row = page.locator("tr", { has: page.locator(`a[href="${address("run", id)}"]`) });
  await row.getByRole("link").focus();
  const before = await row.locator(".of-progress").textContent();
  await until(page, "its progress moves by itself", ([href, then]) => document.querySelector(`.runs a[href="${href}"]`).closest("tr").querySelector(".of-progress").textContent !== then, [address("run", id), before], 30_000);
  check(await row.getByRole("link").evaluate((link) => link === document.activeElement), "the focus stays where it was");
  await page.keyboard.press("Enter");
  await until(page, "a running run opens", () => document.querySelector(".going progress"));
  await page.waitForTimeout(1500);
  await page.evaluate(() => scrollTo(0, 700));
  const place = await page.evaluate(() => scrollY);
  const done = await page.locator(".going .facts").textContent();
  await until(page, "its page follows it", (then) => document.querySelector(".going .facts").textContent !== then, done, 30_000);
  await page.waitForTimeout(700);
  check(Math.abs(await page.evaluate(() => scrollY) - place) < 40, "the page stays where it was scrolled to", `${place}, then ${await page.evaluate(() => scrollY)}`);
  await page.context().close();
}

/** A model that was trained. */
async function model(browser, id) {
  const page = await open(browser);
  await until(page, "a model is in the list", (href) => document.querySelector(`.runs a[href="${href}"]`), address("training", id));
  const row = page.locator("tr", { has: page.locator(`a[href="${address("training", id)}"]`) });
  check(await row.getByRole("checkbox").count() === 0, "a model cannot be chosen for comparison");
  await row.getByRole("link").focus();
  await page.keyboard.press("Enter");
  await until(page, "a model opens with its loss", () => document.querySelector("#loss .stage svg path"));
  check(await page.evaluate(() => document.activeElement?.tagName === "H1"), "the heading has the focus after going there");
  await page.locator("#loss .stage").focus();
  await page.keyboard.press("ArrowRight");
  check(/^step [\d,]+$/.test(await page.locator(".reading .head").textContent()), "arrow keys read out the loss", await page.locator(".reading").textContent());
  check(await page.getByRole("heading", { name: "What it writes" }).count() === 1, "what it writes is shown");
  await page.getByRole("link", { name: "Card", exact: true }).click();
  await until(page, "its card says what it could know", () => [...document.querySelectorAll(".card li")].some((item) => /^It (?:read|did not read) the names/.test(item.textContent)));
  const csv = await download(page, page.locator(".card").getByRole("button", { name: /CSV/ }));
  check(csv.bytes.toString().startsWith("Ingredient,Kind,Rows,Share of rows"), "its ledger is saved as CSV", csv.bytes.toString().slice(0, 100));
  await page.locator(".card .listing").getByRole("button", { name: "Copy" }).click();
  await until(page, "its plan is copied", () => /Copied|Selected/.test(document.querySelector(".card .listing button").textContent));
  for (const width of [1280, 400]) {
    await page.setViewportSize({ width, height: 900 });
    await never(page);
  }
  await page.context().close();
}

/** A model that is trained while it is looked at. */
async function training(browser, id) {
  const page = await open(browser, address("training", id));
  await until(page, "a training that goes on is shown", () => document.querySelector(".going .is-running") && document.querySelector("#loss .stage svg path"));
  const done = await page.locator(".going .facts").textContent();
  await until(page, "its page follows it", (then) => document.querySelector(".going .facts").textContent !== then, done, 30_000);
  check(/left/.test(await page.locator("header .going + .facts").textContent()), "it is said how long it will take");
  await page.locator("#loss .stage").focus();
  await page.keyboard.press("End");
  const read = await page.locator(".reading").textContent();
  const then = await page.locator(".going .facts").textContent();
  await until(page, "it goes on", (before) => document.querySelector(".going .facts").textContent !== before, then, 30_000);
  check(await page.locator(".reading").isVisible() && await page.locator(".reading").textContent() === read, "what is read out stays while it goes on");
  await page.keyboard.press("Escape");
  await page.waitForTimeout(5000);
  await page.keyboard.press("End");
  check(await page.locator(".reading").textContent() !== read, "after that the figure is drawn anew, with the focus where it was");
  await page.context().close();
}

/** What holds for every page. */
async function everywhere(browser) {
  const dark = await open(browser, "#/", { colorScheme: "dark" });
  await until(dark, "the list of runs appears in the dark", () => document.querySelector(".runs tbody tr"));
  const paper = await dark.evaluate(() => getComputedStyle(document.body).backgroundColor);
  check(/^rgb\((\d{1,2}), /.test(paper), "dark readers get dark paper", paper);
  await dark.context().close();
  const page = await open(browser, address("run", "no such run"));
  await until(page, "a run that is not there is said not to be", () => document.querySelector(".warning"));
  // The browser itself reports the status, which is meant.
  for (let i = wrongs.length - 1; i >= 0; i -= 1) if (/status of 404/.test(wrongs[i])) wrongs.splice(i, 1);
  check(await page.locator("main, header, h1").count() >= 3, "there are landmarks and a heading");
  await page.keyboard.press("Tab");
  check(await page.evaluate(() => document.activeElement.classList.contains("skip")), "the first key leads past the head of the page");
  const reply = await page.request.get(base);
  check(/default-src 'none'/.test(reply.headers()["content-security-policy"] ?? ""), "the server sends its policy");
  await page.goto(new URL("?token=abc#/", base).href);
  await until(page, "a token is dropped from the address", () => location.search === "");
  await page.context().close();
}

const parts = [
  [theList, []],
  [everywhere, []],
  [ordinary, ["ordinary"]],
  [compared, ["ordinary", "other"]],
  [calls, ["calls"]],
  [large, ["large"]],
  [categories, ["categories"]],
  [hostile, ["hostile"]],
  [running, ["running"]],
  [model, ["model"]],
  [training, ["training"]],
];

const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium",
  args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync"],
});
let failed = 0;
for (const [part, kinds] of parts) {
  const missing = kinds.filter((kind) => !(kind in ids));
  if (missing.length) {
    console.log(`--  ${part.name}: left out, no run is given as ${missing.join(" and ")}`);
    continue;
  }
  console.log(`--  ${part.name}`);
  wrongs.length = 0;
  try {
    await part(browser, ...kinds.map((kind) => ids[kind]));
    if (wrongs.length) throw new Failure(`the page misbehaved: ${[...new Set(wrongs)].slice(0, 5).join("; ")}`);
    check(true, `${part.name}: no error, no breach of the policy, no request elsewhere`);
  } catch (error) {
    failed += 1;
    console.error(`FAILED  ${part.name}: ${error instanceof Failure ? error.message : error.stack}${wrongs.length ? `\n        also: ${[...new Set(wrongs)].slice(0, 5).join("; ")}` : ""}`);
  }
}
await browser.close();
console.log(`${passed} checks passed${failed ? `, ${failed} parts failed` : ""}`);
process.exit(failed ? 1 : 0);
