//! `cratylus audit`: did it emerge, or was it recalled? Asks every audit of finished runs, prints what they found, and
//! keeps it beside the runs.

use crate::audit_plan::Plan;
use crate::caller::{print, print_json, registry};
use crate::experiment::BUILD;
use crate::failure::Failure;
use crate::findings::{FINDINGS, FORMAT, Kept, KeptCondition};
use crate::question::{Questioned, Questions, bill_words};
use crate::report;
use crate::scenes;
use crate::signals;
use crate::words::table;
use clap::Args;
use cratylus_audit::audits::{ALL, findings};
use cratylus_audit::case::{AuditOptions, Case};
use cratylus_audit::evidence::Condition;
use cratylus_audit::finding::{BearsOn, Finding, Finds};
use cratylus_audit::self_test::{self, Design, MECHANISMS, trial};
use cratylus_audit::verdict::verdict;
use cratylus_core::text::nearest;
use cratylus_io::each::each;
use cratylus_io::evidence::conditions;
use cratylus_io::models::http::escaped;
use cratylus_io::question::Bill;
use cratylus_io::store::run_dir::RunDir;
use cratylus_io::whole::write_whole;
use serde_json::json;
use std::path::{Path, PathBuf};

/// Ask of finished runs whether it emerged or was recalled.
///
/// Two questions, with an answer for each: does the outcome depend on interaction, and where does the
/// individual response come from? Every audit compares rival explanations and finds one of `supports
/// interaction`, `supports recall` and `cannot tell`. Directories of the same agents that are given
/// together serve as each other's evidence: agents asked alone give the prior, runs with committed
/// minorities stand beside the tipping that is foretold. The findings are kept in findings.json and
/// shown in report.html of each directory.
///
/// With a model (`--model`, `--endpoint`, `--agent`) it is questioned, too: what it recognises and
/// understands, and whether its response follows labels, memories, names, words and payoffs. What that
/// will ask and cost is said first, and nothing is asked without `--yes`. What was answered is kept, so
/// the same command goes on where it stopped, and a second one asks nothing. Runs that are audited
/// beside it are taken to be that model's.
///
/// A file that ends in .toml is a plan: it names published data, which are imported and audited together.
#[derive(Args)]
#[command(
    after_help = "Examples:\n  cratylus audit runs/consensus\n  cratylus audit runs/ai-norms/claude_*\n  cratylus audit runs/consensus --only mechanism,interaction --json\n  cratylus audit runs/live --endpoint http://127.0.0.1:8080/v1 --model my-model\n  cratylus audit --agent '{ kind = \"mock\", policy = { kind = \"best-response\", payoffs = true } }' --yes\n  cratylus audit --agent '{ kind = \"llm\", file = \"model.gguf\" }' --text supplement.txt --yes\n  cratylus audit --answers runs/leakage-probes --blind-out to-code.csv\n  cratylus audit experiments/re-audit.toml --data ai-norms=AI-norms/data\n  cratylus audit --benchmark experiments/leakage-benchmark-small.toml --set models=10"
)]
pub struct Audit {
    /// Finished run directories, or one plan (.toml).
    #[arg(value_name = "RUN_DIR")]
    dirs: Vec<PathBuf>,
    /// Where a plan's data are, in place of what it says.
    #[arg(long, value_name = "FORMAT=DIR")]
    data: Vec<String>,
    /// Also write findings and report of all conditions together into this folder [a plan: runs/<name>]
    #[arg(long, value_name = "DIR")]
    out: Option<PathBuf>,
    /// Run directories to compare with: is what is audited equivalent to them, within the margins?
    #[arg(long, value_name = "RUN_DIR", num_args = 1..)]
    against: Vec<PathBuf>,
    /// Ask these audits alone (`cratylus list audits`).
    #[arg(long, value_name = "AUDIT", value_delimiter = ',')]
    only: Vec<String>,
    /// How many populations are simulated for each rival; controls and tipping have numbers of their own.
    #[arg(long, value_name = "N", default_value_t = 1000, value_parser = clap::value_parser!(u64).range(20..=1_000_000))]
    populations: u64,
    /// The seed of all simulations, permutations and draws.
    #[arg(long, value_name = "N", default_value_t = 2025)]
    seed: u64,
    /// A difference in a name's share of wins that is too small to matter.
    #[arg(long, value_name = "SHARE", default_value_t = 0.15)]
    margin: f64,
    /// Audit populations whose mechanism is known in place of runs, and count what is found against the truth.
    #[arg(long, conflicts_with_all = ["dirs", "only"])]
    self_test: bool,
    /// Train models on known text, play populations of them, and score the audits against what their cards say.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["dirs", "only", "self_test"])]
    benchmark: Option<PathBuf>,
    /// Make this part of the benchmark's models alone, I from 1 to K; folders of parts copied into one are scored together.
    #[arg(long, value_name = "I/K", value_parser = crate::words::shard_of, requires = "benchmark")]
    shard: Option<[usize; 2]>,
    /// How many populations of each known mechanism.
    #[arg(long, value_name = "N", default_value_t = 20, requires = "self_test")]
    trials: u64,
    /// How many runs each of them has.
    #[arg(long, value_name = "N", default_value_t = 40, requires = "self_test", value_parser = clap::value_parser!(u64).range(4..=1000))]
    trial_runs: u64,
    /// How many names they choose from.
    #[arg(long, value_name = "N", default_value_t = 2, requires = "self_test", value_parser = clap::value_parser!(u64).range(2..=26))]
    trial_names: u64,
    /// Print everything that was found as JSON.
    #[arg(long)]
    json: bool,
    /// Show no progress.
    #[arg(long)]
    quiet: bool,
    #[command(flatten)]
    questions: Questions,
}

impl Audit {
    pub fn go(mut self) -> Result<(), Failure> {
        if self.dirs.is_empty() && !self.self_test && self.benchmark.is_none() {
            self.questions.or_of_environment();
        }
        if self.self_test {
            return self.audit_the_audit();
        }
        if let Some(file) = &self.benchmark {
            return crate::benchmark::go(file, &self.questions.sets, self.shard, self.out, self.json, self.quiet);
        }
        if let [plan] = &self.dirs[..]
            && plan.extension().is_some_and(|extension| extension == "toml")
        {
            return self.audit_plan(plan);
        }
        if !self.dirs.is_empty() && self.dirs.iter().all(|dir| signals::meant(dir)) {
            return signals::audit(&self.dirs, self.json);
        }
        if let Some(dir) = self.dirs.iter().find(|dir| signals::meant(dir)) {
            let why = format!("{} holds networks that learnt to signal, and others here do not", dir.display());
            return Err(Failure::input(why).help("audit them in calls of their own: they are asked other questions"));
        }
        if !self.dirs.is_empty() && self.dirs.iter().all(|dir| scenes::meant(dir)) {
            return scenes::audit(&self.dirs, self.json);
        }
        if let Some(dir) = self.dirs.iter().find(|dir| scenes::meant(dir)) {
            let why = format!("{} holds episodes of a scene, and others here do not", dir.display());
            return Err(Failure::input(why).help("audit them in calls of their own: they are asked other questions"));
        }
        self.check()?;
        if !self.data.is_empty() {
            return Err(Failure::input("`--data` says where a plan's data are, and no plan (.toml) is given"));
        }
        let (all, ends) = read(&self.dirs)?;
        let (against, _) = read(&self.against)?;
        let Some(questioned) = self.question()? else { return Ok(()) };
        let mut asked = ask_all(&all, &against, &questioned, &self.options(), &|audit| self.wanted(audit));
        let mut start = 0;
        for (dir, end) in self.dirs.iter().zip(ends) {
            let conditions = asked[start..end].to_vec();
            start = end;
            if conditions.iter().all(|condition| condition.findings.is_empty()) {
                continue;
            }
            self.keep(dir, conditions)?;
            report::read(dir)?.write(&dir.join(cratylus_io::store::names::REPORT))?;
            eprintln!("{}: findings.json and report.html", dir.display());
        }
        asked.extend(of_model(questioned));
        if let Some(out) = &self.out {
            self.together(out, "Audit", "", asked.clone())?;
        }
        self.say(&asked)
    }

    /// What questioning a model found: nothing where none is given. None where it was only said what would be asked.
    fn question(&self) -> Result<Option<Vec<Finding>>, Failure> {
        if !self.questions.any() {
            return Ok(Some(Vec::new()));
        }
        match self.questions.ask(&|audit| self.wanted(audit), !self.only.is_empty(), self.populations.min(400), self.quiet)? {
            Questioned::Findings(findings) => Ok(Some(findings.into_iter().map(Finding::finite).collect())),
            Questioned::Announced(bill) if self.json => {
                let bill: Vec<_> = bill
                    .iter()
                    .map(|Bill { audit, calls, tokens, usd, .. }| json!({ "audit": audit, "calls": calls, "tokens": tokens, "usd": usd }))
                    .collect();
                print_json(&json!({ "asked": false, "bill": bill }))?;
                Ok(None)
            }
            Questioned::Announced(bill) => {
                print(format!("{}\n\nNothing was asked of this; with --yes it is.", bill_words(&bill)))?;
                Ok(None)
            }
        }
    }

    /// Imports what a plan names, audits all of it, and writes one report.
    fn audit_plan(&self, path: &Path) -> Result<(), Failure> {
        self.check()?;
        let plan = Plan::read(path, &self.data)?;
        let out = self.out.clone().unwrap_or_else(|| PathBuf::from("runs").join(&plan.name));
        let dirs = plan.import(&out)?;
        // What cannot be read is told before anything long begins.
        let recognised = plan.recognition(&out)?;
        let (all, _) = read(&dirs)?;
        let (against, _) = read(&self.against)?;
        let Some(questioned) = self.question()? else { return Ok(()) };
        let mut asked = ask_all(&all, &against, &questioned, &self.options(), &|audit| self.wanted(audit));
        asked.extend(of_model(questioned));
        asked.extend(recognised.map(|finding| KeptCondition {
            condition: finding.condition.clone(),
            agents: "the models that were asked".into(),
            runs: 0,
            not_audited: None,
            verdict: None,
            findings: vec![finding],
        }));
        self.together(&out, &plan.name, &plan.claim, asked.clone())?;
        self.say(&asked)
    }

    fn options(&self) -> AuditOptions {
        let options = AuditOptions { seed: self.seed, populations: self.populations, ..AuditOptions::default() };
        AuditOptions { margins: cratylus_audit::case::Margins { share: self.margin, ..options.margins }, ..options }
    }

    fn wanted(&self, audit: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|only| only == audit)
    }

    /// Keeps findings in a folder.
    fn keep(&self, dir: &Path, conditions: Vec<KeptCondition>) -> Result<Kept, Failure> {
        let kept = Kept {
            format: FORMAT,
            version: BUILD.version.into(),
            seed: self.seed,
            populations: self.populations,
            margin: self.margin,
            only: self.only.clone(),
            conditions,
        };
        let text = serde_json::to_string_pretty(&kept).expect("findings are plain data");
        write_whole(&dir.join(FINDINGS), text.as_bytes())?;
        Ok(kept)
    }

    /// Writes findings and report of all conditions into one folder.
    fn together(&self, out: &Path, name: &str, claim: &str, conditions: Vec<KeptCondition>) -> Result<(), Failure> {
        std::fs::create_dir_all(out).map_err(|error| Failure::run(format!("making {}: {error}", out.display())))?;
        let kept = self.keep(out, conditions)?;
        report::write_audit(out, name, claim, &kept)?;
        eprintln!("{}: findings.json and report.html of all conditions", out.display());
        Ok(())
    }

    fn say(&self, asked: &[KeptCondition]) -> Result<(), Failure> {
        if self.json {
            return print_json(&asked);
        }
        let shown: Vec<&KeptCondition> = asked.iter().filter(|condition| !condition.findings.is_empty()).collect();
        if shown.is_empty() {
            let whys: Vec<String> =
                asked.iter().filter_map(|c| Some(format!("\n  {}: {}", c.condition, c.not_audited.as_ref()?))).collect();
            return Err(Failure::input(format!("nothing could be audited:{}", escaped(&whys.concat()))));
        }
        match shown.len() {
            0..=4 => print(shown.iter().map(|kept| text(kept)).collect::<Vec<_>>().join("\n\n"))?,
            _ => print(overview(&shown))?,
        }
        let skipped = asked.len() - shown.len();
        if skipped > 0 {
            let (are, have) = if skipped == 1 { ("condition", "its") } else { ("conditions", "their") };
            eprintln!("{skipped} {are} served as evidence only, or could not be audited; --json gives {have} reasons");
        }
        Ok(())
    }

    fn audit_the_audit(&self) -> Result<(), Failure> {
        let design = Design { names: self.trial_names as usize, runs: self.trial_runs, ..Design::default() };
        let options =
            AuditOptions { populations: self.populations.min(400), draws: 2000, resamples: 8, ..AuditOptions::default() };
        let jobs: Vec<(usize, u64)> = (0..self.trials).flat_map(|n| (0..MECHANISMS.len()).map(move |m| (m, n))).collect();
        let seed = self.seed;
        let bar = indicatif::ProgressBar::new(jobs.len() as u64);
        let trials = each(cores(), jobs, |(mechanism, n)| {
            let trial = trial(mechanism, &design, seed.wrapping_add(n.wrapping_mul(1_000_003)), &options);
            bar.inc(1);
            trial
        });
        bar.finish_and_clear();
        let report = self_test::report(design, &trials);
        if self.json { print_json(&report) } else { print(self_test_text(&report)) }
    }

    fn check(&self) -> Result<(), Failure> {
        if let (Some(flag), false) = (self.questions.needs_model(), self.questions.any()) {
            return Err(Failure::input(format!("{flag} is asked of a model, and none is given"))
                .help("give --model, --endpoint or --agent"));
        }
        if self.dirs.is_empty() && !self.questions.any() {
            return Err(
                Failure::input("which runs? Give one or more run directories").help("for example: cratylus audit runs/consensus")
            );
        }
        let mut given = std::collections::BTreeSet::new();
        let twice = self.dirs.iter().find(|dir| !given.insert(dir.canonicalize().unwrap_or_else(|_| (*dir).clone())));
        if let Some(dir) = twice {
            return Err(Failure::input(format!("{} is given twice", dir.display())));
        }
        let known = ALL.iter().map(|entry| entry.name).chain(cratylus_io::question::QuestionKind::ALL.map(|audit| audit.name()));
        let known: Vec<String> = known.map(String::from).collect();
        if let Some(other) = self.only.iter().find(|only| !known.contains(only)) {
            return Err(Failure::input(format!("there is no audit called `{other}`"))
                .help(nearest(other, &known).trim_start_matches("; ")));
        }
        let of_record = |only: &String| ALL.iter().any(|entry| entry.name == *only);
        if !self.only.is_empty() && !self.only.iter().any(of_record) && !self.questions.any() {
            return Err(Failure::input(format!("`{}` questions a model, and none is given", self.only[0]))
                .help("give --model, --endpoint or --agent, or --answers for answers that are there"));
        }
        if !(self.margin > 0.0 && self.margin < 1.0) {
            return Err(Failure::input("a margin is a share, above 0 and below 1"));
        }
        Ok(())
    }
}

/// Reads the conditions of some directories, each with a label of its own; and where each directory's end.
fn read(dirs: &[PathBuf]) -> Result<(Vec<Condition>, Vec<usize>), Failure> {
    let (mut all, mut ends): (Vec<Condition>, Vec<usize>) = (Vec::new(), Vec::new());
    for dir in dirs {
        // What is to be said of a directory is said before what it holds.
        if let Ok(dir) = RunDir::open(dir, &registry()) {
            report::warn(&dir);
        }
        for condition in conditions(dir, &registry()).map_err(Failure::input)? {
            let mut condition = condition.without_copies();
            if all.iter().any(|other| other.label == condition.label) {
                let name = dir.file_name().map_or_else(String::new, |name| name.to_string_lossy().into_owned());
                condition.label = format!("{} ({name})", condition.label);
            }
            all.push(condition);
        }
        ends.push(all.len());
    }
    Ok((all, ends))
}

/// How many conditions are audited side by side. What is found does not depend on it.
fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// Asks all conditions.
fn ask_all(
    all: &[Condition],
    against: &[Condition],
    questioned: &[Finding],
    options: &AuditOptions,
    wanted: &(dyn Fn(&str) -> bool + Sync),
) -> Vec<KeptCondition> {
    each(cores(), all.iter().collect(), |condition| ask(condition, all, against, questioned, options, wanted))
}

/// What a model was found to be that was questioned, as a condition of its own.
fn of_model(findings: Vec<Finding>) -> Option<KeptCondition> {
    let condition = findings.first()?.condition.clone();
    let verdict = Some(verdict(&condition, &findings, &[]));
    Some(KeptCondition { agents: condition.clone(), condition, runs: 0, not_audited: None, verdict, findings })
}

/// The self-test for a terminal.
fn self_test_text(report: &self_test::SelfTestReport) -> String {
    let share = |n: u64, of: u64| format!("{:.0} %", 100.0 * n as f64 / of.max(1) as f64);
    let mut rows = vec![
        ["mechanism", "truth", "depends", "does not", "cannot tell", "truth", "recall", "none", "cannot tell"]
            .map(String::from)
            .to_vec(),
    ];
    for row in &report.rows {
        let truth =
            |truth: Option<bool>, yes: &str, no: &str| truth.map_or("–", |truth| if truth { yes } else { no }).to_string();
        let mut cells = vec![row.mechanism.clone(), truth(row.truth_interaction, "depends", "does not")];
        cells.extend(row.interaction.iter().map(|&n| share(n, row.trials)));
        cells.push(truth(row.truth_recall, "recall", "none"));
        cells.extend(row.recall.iter().map(|&n| share(n, row.trials)));
        rows.push(cells);
    }
    let errors = |errors: &self_test::Errors| {
        format!(
            "{} wrong of {} ({:.2} % [{:.2} – {:.2}]; at most {:.0} % of one mechanism), {} cannot tell",
            errors.wrong,
            errors.of,
            100.0 * errors.share,
            100.0 * errors.low,
            100.0 * errors.high,
            100.0 * errors.worst,
            errors.cannot_tell
        )
    };
    let mut alarms = vec![["false alarms", "level", "seen", "of"].map(String::from).to_vec()];
    for alarm in &report.alarms {
        alarms.push(vec![
            alarm.test.clone(),
            format!("{:.1} %", 100.0 * alarm.level),
            format!("{:.1} % [{:.1} – {:.1}]", 100.0 * alarm.share, 100.0 * alarm.low, 100.0 * alarm.high),
            alarm.of.to_string(),
        ]);
    }
    let design = &report.design;
    format!(
        "{} agents, {} names, {} runs each\n\n{}\n\ninteraction: {}\noutcome recall: {}\n\n{}",
        design.size,
        design.names,
        design.runs,
        table(&rows, &[]),
        errors(&report.interaction),
        errors(&report.recall),
        table(&alarms, &[])
    )
}

fn ask(
    condition: &Condition,
    all: &[Condition],
    against: &[Condition],
    questioned: &[Finding],
    options: &AuditOptions,
    wanted: &dyn Fn(&str) -> bool,
) -> KeptCondition {
    let kept = |not_audited: Option<String>, findings: Vec<Finding>| {
        // What decides a verdict must have been asked.
        let decides = cratylus_audit::verdict::RESTS_ON.iter().all(|audit| wanted(audit));
        let verdict = (decides && !findings.is_empty()).then(|| verdict(&condition.label, &findings, questioned));
        let (label, agents) = (condition.label.clone(), condition.agents.clone());
        KeptCondition { condition: label, agents, runs: condition.runs.len() as u64, not_audited, verdict, findings }
    };
    let served = |other: &Condition| other.baseline() && other.windowed() && other.agents == condition.agents;
    if condition.alone() {
        let why = match all.iter().any(served) {
            true => "agents asked alone are evidence for populations of the same agents",
            false => "agents asked alone meet nobody; give populations of the same agents beside them",
        };
        return kept(Some(why.into()), Vec::new());
    }
    if !condition.baseline() && all.iter().any(served) {
        let why = match condition.point.experiment.n_committed() {
            0 => "its runs do not start from empty memories, and runs of the same agents that do are here",
            _ => "its minority stands beside the tipping that is foretold by runs from empty memories",
        };
        return kept(Some(why.into()), Vec::new());
    }
    match Case::new(condition, all, options) {
        Err(why) => kept(Some(why), Vec::new()),
        Ok(case) => {
            let mut case = case;
            case.against = against;
            let mut findings = findings(&case, wanted);
            for finding in &mut findings {
                finding.cautions.extend(condition.cautions.iter().cloned());
            }
            let none = findings.is_empty().then(|| "none of the audits that were asked applies to it".to_string());
            kept(none, findings)
        }
    }
}

/// A condition's findings for a terminal: a table, and the two sentences that follow.
fn text(kept: &KeptCondition) -> String {
    let mut rows = vec![["audit", "bears on", "finds", "effect"].map(String::from).to_vec()];
    for finding in &kept.findings {
        let bears_on = match finding.bears_on {
            BearsOn::Interaction => "interaction",
            BearsOn::Response => "response",
        };
        let effect = finding.effect.as_ref().map_or(String::new(), |effect| {
            format!("{} [{} – {}]  {}", number(effect.value), number(effect.low), number(effect.high), effect.name)
        });
        rows.push(vec![finding.audit.clone(), bears_on.into(), finding.finds.words().into(), effect]);
    }
    // Where there is no number, what is said in its place.
    let unmeasured = kept.findings.iter().filter(|finding| finding.effect.is_none());
    let unmeasured: String = unmeasured.map(|finding| format!("\n{}: {}", finding.audit, finding.means)).collect();
    let sentences = kept.verdict.as_ref().map_or(String::new(), |verdict| verdict.sentences.join("\n"));
    escaped(&format!("{} ({} runs)\n\n{}\n\n{sentences}", kept.condition, kept.runs, table(&rows, &[]) + &unmeasured))
}

/// Many conditions for a terminal: a line for each audit, a column for each word, and the sentences once for each set of
/// conditions that share them.
fn overview(kept: &[&KeptCondition]) -> String {
    let word = |finds: Finds| match finds {
        Finds::SupportsInteraction => "interaction",
        Finds::SupportsRecall => "recall",
        Finds::CannotTell => "–",
    };
    let audits: Vec<&str> = ALL
        .iter()
        .map(|entry| entry.name)
        .filter(|name| kept.iter().any(|k| k.findings.iter().any(|f| f.audit == *name)))
        .collect();
    let mut rows = vec![["condition", "runs"].into_iter().chain(audits.iter().copied()).map(String::from).collect::<Vec<_>>()];
    for condition in kept {
        let found = |audit: &&str| {
            condition.findings.iter().find(|finding| finding.audit == *audit).map_or("", |finding| word(finding.finds))
        };
        let mut row = vec![condition.condition.clone(), condition.runs.to_string()];
        row.extend(audits.iter().map(|audit| found(audit).to_string()));
        rows.push(row);
    }
    let mut sentences: Vec<(String, Vec<&str>)> = Vec::new();
    for condition in kept {
        for sentence in condition.verdict.iter().flat_map(|verdict| &verdict.sentences) {
            match sentences.iter_mut().find(|(known, _)| known == sentence) {
                Some((_, of)) => of.push(&condition.condition),
                None => sentences.push((sentence.clone(), vec![&condition.condition])),
            }
        }
    }
    sentences.sort_by_key(|(sentence, of)| (!sentence.starts_with("Interaction"), std::cmp::Reverse(of.len())));
    let said = sentences.iter().map(|(sentence, of)| match of.len() {
        n if n == kept.len() => format!("{sentence}\n  (all)"),
        _ => format!("{sentence}\n  ({})", of.join("; ")),
    });
    escaped(&format!("{}\n\n{}", table(&rows, &[1]), said.collect::<Vec<_>>().join("\n")))
}

/// A number with as many digits as are read.
fn number(x: f64) -> String {
    match x.abs() {
        _ if !x.is_finite() => "–".into(),
        0.0 => "0".into(),
        size if size >= 100.0 => format!("{x:.0}"),
        size if size >= 1.0 => format!("{x:.2}"),
        _ => format!("{x:.3}"),
    }
}
