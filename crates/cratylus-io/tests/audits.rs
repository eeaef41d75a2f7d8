//! The audits on other people's recorded runs, against numbers that others computed from the same data (the audit
//! reference, sections 2.1 to 2.4). Each test says so where the data are not there.

mod common;
use common::shared;
use cratylus_audit::audits::findings;
use cratylus_audit::case::{AuditOptions, Case};
use cratylus_audit::evidence::Condition;
use cratylus_audit::finding::{Finding, Finds};
use cratylus_audit::rivals::Ladder;
use cratylus_audit::verdict::{RESTS_ON, verdict};
use cratylus_io::evidence::conditions;
use cratylus_io::import::ai_norms::import;
use cratylus_io::store::manifest::Build;
use serde_json::Value;
use std::path::{Path, PathBuf};
use std::sync::LazyLock;

fn imported() -> Option<&'static Path> {
    static DIR: LazyLock<Option<PathBuf>> = LazyLock::new(|| {
        let raw = shared("ai-norms/raw")?;
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("ai-norms-audited");
        import(&raw, &dir, Build { version: "test", revision: "test" }, |_| ()).unwrap();
        Some(dir)
    });
    DIR.as_deref()
}

/// The conditions whose folders begin with these words.
fn read(beginnings: &[&str]) -> Option<Vec<Condition>> {
    let dir = imported()?;
    let mut all = Vec::new();
    let mut folders: Vec<PathBuf> = std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    folders.sort();
    for beginning in beginnings {
        let of = folders.iter().filter(|folder| folder.file_name().unwrap().to_str().unwrap().starts_with(beginning));
        all.extend(
            of.flat_map(|folder| conditions(folder, &std::sync::Arc::new(cratylus_core::experiment::registry())).unwrap())
                .map(Condition::without_copies),
        );
    }
    Some(all)
}

const QM: [[&str; 2]; 4] = [
    ["claude_converged_baseline_Q_M_-50_100_5mem_complete_24ps", "claude_no_memory_bias_test_QM"],
    ["llama2_70b_converged_baseline_Q_M_-50_100_5mem", "llama2_no_memory_bias_test_QM"],
    ["llama31_70b_converged_baseline_Q_M_-50_100_5mem", "llama31_no_memory_bias_test_QM"],
    ["llama3_70b_converged_baseline_Q_M_-50_100_5mem", "llama3_no_memory_bias_test_QM"],
];

fn asked(all: &[Condition], audits: &[&str]) -> Vec<Finding> {
    let options = AuditOptions { resamples: 10, ..AuditOptions::default() };
    findings(&Case::new(&all[0], all, &options).unwrap(), &|audit| audits.contains(&audit))
}

fn number(finding: &Finding, pointer: &str) -> f64 {
    finding.details.pointer(pointer).and_then(Value::as_f64).unwrap_or(f64::NAN)
}

fn close(a: f64, b: f64, within: f64, what: &str) {
    assert!((a - b).abs() <= within, "{what}: {a} is not {b} within {within}");
}

/// Table 2.2: scores of runs left out, in nats per decision. What is called frequency following there is a softmax of
/// counts, and here Polya's urn, which scores higher; the history table is smoothed as runs left out ask for, and may
/// score higher, too, but not lower. Llama 2's row there counts ten runs twice, and is left out.
#[test]
fn the_ladder_of_rivals_scores_as_published() {
    let table = [
        (QM[2][0], 25_470, [-0.693, -0.455, -0.293, -0.232, -0.222, -0.213, -0.208, -0.209, -0.204]),
        (QM[0][0], 14_310, [-0.693, -0.685, -0.350, -0.197, -0.197, -0.0665, -0.0666, -0.0623, -0.0620]),
        (
            "llama3_70b_converged_baseline_F_J_-50_100_5mem",
            26_366,
            [-0.693, -0.699, -0.252, -0.149, -0.149, -0.113, -0.113, -0.0686, -0.0647],
        ),
    ];
    for (beginning, decisions, published) in table {
        let Some(all) = read(&[beginning]) else { return };
        let options = AuditOptions::default();
        let case = Case::new(&all[0], &all, &options).unwrap();
        assert_eq!(case.decisions.len(), decisions, "{beginning}");
        let ladder: &Ladder = case.ladder();
        let of = [("M0", false), ("M1", true), ("M2", false), ("M2'", false), ("M2'", true), ("M6", false), ("M6", true)];
        for ((code, labelled), published) in of.into_iter().zip(published) {
            // The published ones are rounded.
            close(ladder.rung(code, labelled).score, published, 0.0018, &format!("{beginning} {code} {labelled}"));
        }
        for (labelled, published) in [(false, published[7]), (true, published[8])] {
            let score = ladder.rung("M7", labelled).score;
            assert!((published - 0.0005..published + 0.003).contains(&score), "{beginning} M7 {labelled}: {score}");
        }
        // What is rejected for every model: recall without memory, and the textbook's rule.
        assert!(ladder.best().entry.remembers);
        let textbook = ladder.rung("M2", false);
        assert!(textbook.behind < -6.0 * textbook.behind_se, "{beginning}");
    }
}

/// Table 2.1 for two names: winners against the prior, and the runs after which an e-process would have stopped.
#[test]
fn winners_against_priors_are_as_published() {
    let published =
        [(0.502, 26.0, 0.080, None), (0.501, 27.0, 1e-4, Some(7)), (0.508, 40.0, 1e-5, Some(7)), (0.487, 40.0, 1e-5, Some(7))];
    for (beginnings, (prior, wins, p, stops)) in QM.iter().zip(published) {
        let Some(all) = read(beginnings) else { return };
        let finding = &asked(&all, &["prior"])[0];
        close(number(finding, "/prior/M"), prior, 0.0005, "the prior");
        close(number(finding, "/winners/M"), wins, 0.0, "the wins");
        // Monte-Carlo tests of 10,000 draws reach no lower than 1e-4.
        close(number(finding, "/against_prior/p"), p, 0.01, "p");
        assert_eq!(finding.details["e_process_stops_after"].as_u64(), stops, "{}", finding.condition);
    }
}

/// Table 2.3, and what goes with the labels: P(win) and geometric mean time of the fitted response, the same with names
/// alike; within their simulation error (theirs had 400 populations, ours 1,000).
#[test]
fn populations_of_the_fitted_response_do_as_published() {
    // The last says whether the response suffices. Llama 2's figures there count ten runs twice; these are of the thirty.
    let published = [(0.63, 186.0, true), (0.90, 375.0, true), (1.00, 416.0, false), (0.975, 232.0, true)];
    for (beginnings, (wins, time, suffices)) in QM.iter().zip(published) {
        let Some(all) = read(beginnings) else { return };
        let found = asked(&all, &["sufficiency", "collective-bias"]);
        let (check, bias) = (&found[0], &found[1]);
        close(number(check, "/fitted/simulated_share"), wins, 0.04, &check.condition);
        close(number(check, "/fitted/simulated_geometric_mean_time") / time, 1.0, 0.05, &check.condition);
        close(number(bias, "/symmetric_share"), 0.485, 0.055, &check.condition);
        match suffices {
            true => assert_eq!(check.finds, Finds::SupportsInteraction, "{}", check.means),
            false => {
                assert_eq!(check.finds, Finds::CannotTell, "{}", check.means);
                assert!(number(check, "/fitted/p_time") < 0.001 && number(check, "/exchangeable/short_p") < 0.005);
            }
        }
    }
}

/// The published file of Llama 2 holds ten runs twice: thirty are distinct, and audited so (audit reference, corrections).
#[test]
fn copies_of_recorded_runs_count_once() {
    let Some(all) = read(&QM[1]) else { return };
    assert_eq!(all[0].runs.len(), 30);
    assert!(all[0].cautions.iter().any(|caution| caution.contains("runs 30 to 39 are 20 to 29")), "{:?}", all[0].cautions);
    let found = asked(&all, &["mechanism", "sufficiency", "history"]);
    let gain = found[0].effect.as_ref().unwrap();
    close(gain.value, 0.656, 0.001, "what memory adds");
    // There the interval is by the normal distribution, here by t.
    close(gain.high - gain.value, 0.223 * 2.045 / 1.96, 0.003, "its interval");
    close(number(&found[1], "/fitted/p_time"), 0.12, 0.03, "p of the time");
    close(number(&found[1], "/exchangeable/p"), 0.49, 0.05, "p of exchangeability");
    close(number(&found[2], "/influence"), 0.035, 0.001, "the influence");
    close(number(&found[2], "/influence_se"), 0.004, 0.0005, "its error");
}

/// Section 2.4: fitted to runs without minorities, the response foretells the runs with them, in both directions.
#[test]
fn recorded_minorities_are_foretold_by_runs_without_them() {
    let Some(all) = read(&["llama2_70b_converged_baseline_Q_M_-50", "llama2_swap"]) else { return };
    let finding = &asked(&all, &["tipping"])[0];
    assert_eq!(finding.finds, Finds::SupportsInteraction, "{}", finding.means);
    assert_eq!(finding.details["recorded"].as_array().unwrap().len(), 18);
    assert!(number(finding, "/mean_miss") < 0.12, "{}", finding.means);
    // M → Q takes more than Q → M: 67 % and 46 % in the published plot, by another criterion.
    let half = |i: usize| number(finding, &format!("/curves/{i}/half"));
    assert!((13.0..18.0).contains(&half(0)) && (8.0..12.0).contains(&half(1)), "{} {}", half(0), half(1));
}

/// What all of it comes to: for no model does agreement survive without partners, and nothing is shared beside memories.
#[test]
fn agreement_of_the_recorded_models_needs_partners() {
    for (beginnings, recall) in
        QM.iter().zip([Finds::SupportsInteraction, Finds::CannotTell, Finds::SupportsInteraction, Finds::SupportsInteraction])
    {
        let Some(all) = read(beginnings) else { return };
        let found = asked(&all, &RESTS_ON);
        for finding in &found {
            let yields = finding.audit != "yielding" || recall == Finds::SupportsInteraction;
            assert!(!yields || finding.finds == Finds::SupportsInteraction, "{}: {}", finding.condition, finding.means);
        }
        let said = verdict(&all[0].label, &found, &[]);
        // Llama 2 keeps M against all that partners say more than it keeps Q.
        assert_eq!((said.interaction, said.recall), (Finds::SupportsInteraction, recall), "{said:?}");
    }
}
