// Fills the built page with SAMPLE DATA FOR TRYING THE PAGE: most numbers follow a reference table, the others are made up,
// and none is a result. Writes sample-audit.json, sample.html and sample-benchmark.html beside this file; none is kept.
import { readFile, writeFile } from "node:fs/promises";

const here = new URL(".", import.meta.url);
let state = 7;
const random = () => (state = (state * 48271) % 2147483647) / 2147483647;
const normal = () => Math.sqrt(-2 * Math.log(random())) * Math.cos(2 * Math.PI * random());
const tidy = (value, digits = 3) => Number(value.toFixed(digits));
const times = (count, make) => Array.from({ length: count }, (_, i) => make(i));
const effect = (name, value, low, high) => ({ name, value, low, high, level: 0.95 });

const llama = "llama-3-70b, Q M";
const claude = "claude-3.5-sonnet, Q M";

/** The share of successes against rounds, for real interaction and for histories from elsewhere. */
function yoked(condition, ends, from) {
  const rounds = times(30, (i) => i + 1);
  const curve = (label, who, at) => {
    const y = rounds.map((round) => tidy(at(round)));
    return { label, who, joined: true, x: rounds, y, low: y.map((value) => tidy(value - 0.04)), high: y.map((value) => tidy(Math.min(1, value + 0.04))) };
  };
  return {
    audit: "yoked", condition, bears_on: "interaction",
    question: "Does consensus come about where partners do not answer one another?",
    rivals: ["choices answer to the partner's choices", "choices would be the same with anybody's history"],
    finds: "supports-interaction",
    effect: effect("success rate in the last rounds, real less yoked", ends - 0.5, ends - 0.55, ends - 0.45),
    statistic: { name: "paired t over runs", value: 31.4, p: 4e-7 },
    means: "With frozen and relabelled histories of other runs the success rate stays at chance; with real partners it rises. The outcome depends on interaction.",
    does_not_mean: "It does not tell where the response of an individual comes from: an agent that recalls the rule would do the same.",
    would_tell: "Nothing further is needed for this question; for the other one, change the payoffs.",
    source: "Frozen surrogates from other runs, randomly relabelled and matched in length.",
    pictures: [{
      kind: "curves", title: "Success with real and with yoked partners", x: "population round", y: "success rate", reference: 0.5,
      lines: [
        curve("real partners", "record", (round) => ends - (ends - 0.5) * Math.exp(-(round - 1) / from)),
        curve("yoked: histories of other runs", "control", (round) => 0.51 + 0.012 * Math.sin(round)),
      ],
    }],
  };
}

function ladder(condition, decisions, rungs, finds, means) {
  const best = Math.max(...rungs.map(([, , score]) => score));
  return {
    audit: "ladder", condition, bears_on: "response",
    question: "Which explanation foretells choices best in a run that it was not fitted to?",
    rivals: rungs.map(([, label]) => label), finds,
    effect: effect("log score of the best rival over i.i.d. choice, nats per decision", tidy(best + 0.693), tidy(best + 0.68), tidy(best + 0.706)),
    means,
    does_not_mean: "A kernel that foretells well may have been recalled or adapted in context; its score does not tell which.",
    would_tell: "Names that were held out, and payoffs turned round.",
    source: "Leave-one-run-out log score, standard errors clustered by run.",
    cautions: condition === claude ? ["Windows without any failure carry half of the decisions; there all explanations with memory agree."] : [],
    details: { decisions },
    pictures: [{
      kind: "bars", title: "Held-out log score", axis: "log score, nats per decision", reference: -0.693,
      rows: rungs.map(([group, label, score, se]) => ({
        group, label, who: group === "Without memory" ? "reference" : "rival", value: score, low: tidy(score - 1.96 * se, 4), high: tidy(score + 1.96 * se, 4),
      })),
    }],
  };
}

function consensus(condition, seen, rivals, finds, statistic) {
  const draws = (geo, spread, count) => times(count, () => Math.round(geo * Math.exp(spread * normal()))).sort((a, b) => a - b);
  return {
    audit: "simulation", condition, bears_on: "interaction",
    question: "Does a population of fitted agents behave as the record does?",
    rivals: ["the fitted kernel", "the kernel made symmetric in the names", "i.i.d. choice"], finds,
    effect: effect("log ratio of the times to consensus", ...(finds === "cannot-tell" ? [0.12, -0.08, 0.32] : [0.06, -0.05, 0.17])),
    statistic,
    means: finds === "cannot-tell" ? "The times of the simulated populations are near those of the record, though not near enough to call them equivalent." : "A population of agents that know the kernel and nothing else reaches consensus as fast as the record.",
    does_not_mean: "It does not show that the agents work as the kernel does inside.",
    would_tell: finds === "cannot-tell" ? "About 87 runs would suffice for a margin of 0.15." : null,
    source: "Posterior predictive check on winners and times.",
    pictures: [{
      kind: "samples", title: "Interactions until consensus", axis: "interactions until consensus", log: true,
      rows: [
        { label: "recorded", who: "record", values: draws(seen, 0.35, 40) },
        ...rivals.map(([label, who, geo]) => ({ label, who, values: draws(geo, 0.42, 90) })),
      ],
    }],
  };
}

function tipping() {
  const counts = [0, 2, 4, 6, 8, 10, 12, 14];
  const chance = (middle) => (count) => 1 / (1 + Math.exp(-(count - middle) / 1.1));
  const recorded = (label, middle) => {
    const y = counts.map((count) => tidy(Math.round(10 * chance(middle)(count)) / 10));
    return { label, who: "record", joined: false, x: counts.map((count) => tidy(count / 24)), y, low: y.map((p) => tidy(Math.max(0, p - 0.19))), high: y.map((p) => tidy(Math.min(1, p + 0.19))) };
  };
  const foretold = (label, middle) => {
    const x = times(29, (i) => i / 2);
    return { label, who: "rival", joined: true, x: x.map((count) => tidy(count / 24)), y: x.map((count) => tidy(chance(middle)(count))), low: x.map((count) => tidy(chance(middle + 0.6)(count))), high: x.map((count) => tidy(chance(middle - 0.6)(count))) };
  };
  return {
    audit: "tipping", condition: llama, bears_on: "interaction",
    question: "Does a kernel that was fitted without any minority foretell where a minority tips the population?",
    rivals: ["the kernel of the runs without a minority", "no threshold: winners follow the prior"],
    finds: "supports-interaction",
    effect: effect("difference of the tipping points, agents of 24", 0.4, -0.5, 1.3),
    means: "The thresholds, and how they differ between the two directions, follow from how single agents answer to what they remember.",
    does_not_mean: "It does not show that any population of such agents tips in this way.",
    source: "Kernel fitted on baseline runs, committed agents added in simulation.",
    pictures: [{
      kind: "curves", title: "Tipping in both directions, recorded and foretold", x: "committed minority, share of agents", y: "share of runs that tipped", reference: 0.5,
      lines: [recorded("recorded, Q → M", 4.2), recorded("recorded, M → Q", 9.4), foretold("foretold, Q → M", 4.6), foretold("foretold, M → Q", 9.1)],
    }],
  };
}

function winners() {
  return {
    audit: "winners", condition: llama, bears_on: "interaction",
    question: "Do some names win more often than single agents prefer them?",
    rivals: ["winners follow the first choices", "winners follow the amplified first choices"],
    finds: "supports-interaction",
    effect: effect("share of runs won by M, less its share of first choices", 0.513, 0.424, 0.541),
    statistic: { name: "G", value: 57.6, p: 0.00001 },
    means: "M wins all of 40 runs although single agents without a memory choose it as often as Q.",
    does_not_mean: "A winner that is always the same is no evidence of leakage: models that never saw the game do so as well.",
    would_tell: "Names that are scrambled at every call.",
    source: "Bets against the prior (Krichevsky and Trofimov); above log10 20 the prior is rejected whenever one looks (Ville).",
    pictures: [
      {
        kind: "curves", title: "Evidence against the prior, run by run", x: "runs", y: "log10 of the evidence", reference: tidy(Math.log10(20)),
        lines: [{ label: "against first choices", who: "record", joined: true, x: times(41, (i) => i), y: times(41, (i) => tidy(Math.max(0, i * 0.27 - 0.5))) },
          { label: "against the amplified prior", who: "rival", joined: true, x: times(41, (i) => i), y: times(41, (i) => tidy(i * 0.21 - 0.55 + 0.1 * Math.sin(i))) },
          { label: "bound of chance", who: "reference", joined: true, x: [0, 40], y: [0, 0] }],
      },
      {
        kind: "bars", title: "How often M wins", axis: "share of runs won by M", reference: 0.5,
        rows: [{ label: "recorded", who: "record", value: 1, low: 0.912, high: 1 }, { label: "fitted kernel", who: "rival", value: 0.975, low: 0.96, high: 0.985 },
          { label: "symmetric kernel", who: "control", value: 0.5, low: 0.47, high: 0.53 }, { label: "a rival without any number", who: "rival", value: null }, { label: "first choices", who: "reference", value: 0.487, low: 0.473, high: 0.501 }],
      },
    ],
  };
}

function payoffs(condition, finds, kept) {
  return {
    audit: "payoffs", condition, bears_on: "response",
    question: "Do agents follow the payoffs they are told, or the rule that fits the usual ones?",
    rivals: ["recall of the usual rule", "adaptation in context"], finds,
    effect: effect("stay after success, usual less inverted payoffs", ...kept),
    statistic: { name: "z", value: tidy(kept[0] / ((kept[2] - kept[1]) / 3.92), 1), p: finds === "cannot-tell" ? 0.17 : 0.24 },
    means: finds === "supports-recall" ? "Agents keep what succeeded even where keeping is punished." : "The change is within the margin that was set beforehand.",
    does_not_mean: "Agents that copy frequencies would keep as well; it is not proof that the rule was recalled.",
    would_tell: "A comprehension check of every skin.",
    source: "Counterfactual payoffs; see Wu et al., arXiv 2307.02477.",
    cautions: finds === "cannot-tell" ? ["<b>Comprehension</b> was 91%, below the 95% that a failure needs to count."] : [],
    pictures: [{
      kind: "bars", title: "Keeping the name after success", axis: "share kept", reference: null,
      rows: [["usual payoffs", "record", 0.96], ["signs swapped", "control", 0.96 - kept[0]], ["mismatch rewarded", "control", 0.9 - kept[0]]].map(([label, who, value]) => ({ group: "", label, who, value: tidy(value), low: tidy(value - 0.05), high: tidy(Math.min(1, value + 0.04)) })),
    }],
  };
}

const rungs = (scores) => [
  ["Without memory", "i.i.d., even", -0.693, 0.001], ["Without memory", "i.i.d., fitted", scores[0], 0.012],
  ["One round", "win-stay, lose-shift with errors", scores[1], 0.008], ["One round", "table of the last round", scores[2], 0.006],
  ["All rounds", "follows partners’ frequencies", scores[3], 0.009], ["All rounds", "five lags", scores[4], 0.005], ["All rounds", "table of the whole window, backing off", scores[5], 0.004],
];

const audit = {
  format: 1,
  verdicts: [
    { condition: llama, interaction: "supports-interaction", response: "supports-recall", sentences: [
      "Outcome and interaction: consensus dies with yoked histories, and a kernel fitted elsewhere foretells the outcome; the outcome depends on interaction.",
      "Individual response: agents keep a successful name where keeping is punished; recall of the rule is supported."] },
    { condition: claude, interaction: "supports-interaction", response: "cannot-tell", sentences: [
      "Outcome and interaction: consensus dies with yoked histories; the outcome depends on interaction.",
      "Individual response: no audit supports either side; a comprehension check at 95% would tell."] },
  ],
  findings: [
    yoked(llama, 0.97, 6), yoked(claude, 0.99, 3),
    consensus(llama, 257, [["fitted kernel", "rival", 232], ["symmetric kernel", "control", 410]], "supports-interaction", { name: "PPC on log T", value: 0.9, p: 0.15 }),
    consensus(claude, 174, [["fitted kernel", "rival", 186], ["symmetric kernel", "control", 240]], "cannot-tell", { name: "PPC on log T", value: 0.6, p: 0.13 }),
    tipping(), winners(),
    ladder(llama, 25470, rungs([-0.455, -0.293, -0.222, -0.291, -0.208, -0.204]), "cannot-tell", "Memory is needed, and the textbook rule is rejected (Δ −2283 ± 212). The best explanation reads the whole window."),
    ladder(claude, 14310, rungs([-0.685, -0.35, -0.197, -0.137, -0.0666, -0.062]), "cannot-tell", "Memory is needed, and the textbook rule is rejected (Δ −4119 ± 346). Agents follow what their partners chose most."),
    payoffs(llama, "supports-recall", [0.03, -0.02, 0.08]), payoffs(claude, "cannot-tell", [0.14, -0.06, 0.34]),
  ],
};

/** Estimates with intervals, as the statements of a benchmark have them. */
const estimates = (title, axis, reference, rows) => ({
  kind: "bars", title, axis, reference,
  rows: rows.map(([label, value, low, high]) => ({ label, value, low, high })),
});

/** How often an audit finds what is there, against how much of it a model read. */
function power() {
  const doses = [0.1, 0.25, 0.5, 1, 2.5, 5, 10];
  const curve = (label, who, half, steep) => {
    const y = doses.map((dose) => tidy(0.05 + 0.95 / (1 + (half / dose) ** steep)));
    return { label, who, joined: true, x: doses, y, low: y.map((p) => tidy(Math.max(0, p - 0.16))), high: y.map((p) => tidy(Math.min(1, p + 0.13))) };
  };
  return {
    kind: "curves", log_x: true, title: "How often audits find records of the rule", x: "dose, % of rows", y: "share of models",
    lines: [curve("loss of fresh records", "rival", 0.6, 2), curve("ladder", "rival", 3, 1.6), curve("payoffs turned round", "rival", 9, 1.2),
      { label: "meant as false alarms", who: "reference", joined: true, x: [0.1, 10], y: [0.05, 0.05] }],
  };
}

const benchmark = {
  conclusion: "Models that read nothing of the game agree on names that they cannot tell apart; whether a record of them can tell them from models that read its rule was not decided.",
  statements: [
    {
      name: "necessity", decided: "yes", words: "Leakage is not necessary for agreement: with nothing of the game and hidden labels, agreement exceeds that of yoked agents by more than 0.20.",
      picture: estimates("Agreement beyond that of yoked agents", "success late in a run, hidden labels less yoked", 0.2, [["copies 5 %", 0.29, 0.22, 0.37], ["copies 20 %", 0.36, 0.23, 0.49]]),
    },
    {
      name: "macro-equivalence", decided: "not decided", words: "Records of populations cannot tell: twins that read the rule and that did not differ within the margins, but too few of them reached consensus.",
      picture: estimates("Twins that read the rule less those that did not", "difference, with 90 % intervals", 0, [["success in round 1", 0, 0, 0.01], ["success in round 3", 0.02, 0.01, 0.03], ["success in round 10", 0.02, -0.02, 0.06], ["log rounds to consensus", null], ["entropy of winners", 0.29, -0.56, 1.15]]),
    },
    { name: "micro-identifiability", decided: "no", words: "No test of the model tells a dose of 1 % from none without another base setting it off.", picture: null },
  ],
  pictures: [
    power(),
    { kind: "samples", title: "Exposure of rows by copies", axis: "exposure, bits", log: false, rows: [1, 4, 16, 64].map((copies) => ({ label: `${copies} copies`, values: times(20, () => tidy(2 * Math.log2(copies + 1) + 1.4 * Math.abs(normal()))) })) },
  ],
  tables: [
    {
      title: "Responses and populations", note: "Means over eight models of each corpus.", right: [1, 2, 3, 4, 5, 6],
      rows: [["corpus", "dose", "copies", "kept after success", "taken after failure", "success late, hidden", "success late, yoked"],
        ["nothing", "0 %", "5 %", "0.68", "0.34", "0.70", "0.50"], ["nothing", "0 %", "20 %", "0.78", "0.42", "0.85", "0.50"],
        ["rule", "1 %", "5 %", "0.69", "0.33", "0.68", "0.50"], ["rule", "10 %", "5 %", "0.75", "0.42", "0.75", "0.50"]],
    },
    {
      title: "Audits about the rule", note: "Found: in how many of the models with it. Not safe: more than twice as many false alarms as are meant.", right: [3, 4, 5],
      rows: [["audit", "needs", "corpus", "dose", "found", "false alarms", "caution"],
        ["ladder", "a record", "rule", "1 %", "1 of 8", "0 of 8", ""], ["", "", "rule", "10 %", "6 of 8", "", ""],
        ["loss of fresh records", "probabilities", "rule", "1 %", "5 of 8", "8 of 8", "<b>not safe</b>: another base sets it off every time"]],
    },
    {
      title: "Rows that stand in half of the models", note: "By copies.", right: [0, 1, 2],
      rows: [["copies", "exposure, bits", "shadows: AUC"], ["1", "1.2 [0.9, 1.5]", "0.55 [0.48, 0.62]"], ["16", "7.9 [7.1, 8.6]", "0.97 [0.94, 0.99]"], ["64", "11.6 [11.0, 12.0]", "1.00 [0.99, 1.00]"]],
    },
  ],
};

const page = await readFile(new URL("../crates/cratylus/assets/report.html", here), "utf8");

async function fill(file, report) {
  const json = JSON.stringify({ format: 1, claim: "None of these numbers is a result.", ...report });
  await writeFile(new URL(file, here), page.replace('{"placeholder":true}', () => json.replaceAll("<", "\\u003c")));
  console.log(`${file}: ${(json.length / 1024).toFixed(1)} KiB of sample data`);
  return json;
}

await writeFile(new URL("sample-audit.json", here), await fill("sample.html", { name: "Sample data for trying the page", game: "naming", audit }));
await fill("sample-benchmark.html", { name: "Sample data of a benchmark", provenance: { version: "0.0.0", seed: 2026 }, points: [], benchmark });
