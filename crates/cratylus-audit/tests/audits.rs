//! Promises of the audits, on populations whose mechanism is known. What is found in recorded data is tested where
//! those are read (`cratylus-io/tests/audits.rs`).

#[path = "../../cratylus-core/tests/common/mod.rs"]
mod common;
use common::each;
use cratylus_audit::audits::findings;
use cratylus_audit::case::{AuditOptions, Case};
use cratylus_audit::evidence::{Condition, Decisions, Record};
use cratylus_audit::finding::Finds;
use cratylus_audit::rivals::{Fitted, LADDER, Ladder, RivalSetting};
use cratylus_audit::self_test::{self, Design, MECHANISMS, record, trial};
use cratylus_audit::surrogate::{histories, yoked};
use cratylus_core::policy::Policy;
use cratylus_core::{PairEvent, Seed};
use std::sync::Arc;

fn options() -> AuditOptions {
    AuditOptions { populations: 200, draws: 1000, resamples: 6, ..AuditOptions::default() }
}

fn population(name: &str, design: &Design, seed: u64) -> Condition {
    let mechanism = MECHANISMS.iter().find(|mechanism| mechanism.name == name).expect("a known mechanism");
    record(mechanism, design, seed)
}

fn setting(decisions: &Decisions) -> RivalSetting {
    RivalSetting { n_names: decisions.n_names, memory: decisions.memory, payoff: [1.0, -0.5] }
}

#[test]
fn no_known_mechanism_is_taken_for_another() {
    let all: Vec<usize> = (0..MECHANISMS.len()).collect();
    let trials = each(&all, |&mechanism| trial(mechanism, &Design::default(), 77, &options()));
    let report = self_test::report(Design::default(), &trials);
    assert_eq!((report.interaction.wrong, report.recall.wrong), (0, 0), "{:#?}", report.rows);
    // It must not say so by never saying anything: these are told.
    let row = |name: &str| report.rows.iter().find(|row| row.mechanism == name).expect("a known mechanism");
    for name in [
        "frequency follower",
        "symmetric follower",
        "label-biased follower",
        "follower, 5 % recall",
        "follower, 20 % recall",
        "lagged followers",
        "slow follower",
        "lose-shift to any",
    ] {
        assert_eq!(row(name).interaction, [1, 0, 0], "{name}");
    }
    for name in ["outcome recall", "prior only", "own inertia", "harness decides", "noise"] {
        assert_eq!(row(name).interaction, [0, 1, 0], "{name}");
    }
    for name in ["outcome recall", "prior only", "follower, 5 % recall", "follower, 20 % recall", "follower, 50 % recall"] {
        assert_eq!(row(name).recall, [1, 0, 0], "{name}");
    }
    for name in ["frequency follower", "symmetric follower", "win-stay-lose-shift", "lagged followers", "slow follower"] {
        assert_eq!(row(name).recall, [0, 1, 0], "{name}");
    }
}

#[test]
fn leaving_out_a_run_is_fitting_without_it() {
    let design = Design { runs: 6, names: 3, rounds: 8, memory: 3, ..Design::default() };
    let whole = population("frequency follower", &design, 3);
    let decisions = Decisions::read(&whole);
    let without = Condition { runs: whole.runs[1..].to_vec(), ..whole.clone() };
    let fewer = Decisions::read(&without);
    let subtracted = decisions.weighed(|run| if run == 0 { 0.0 } else { 1.0 });
    for entry in LADDER {
        for labelled in [false, true] {
            let form = (entry.form)(&setting(&decisions));
            let near = Fitted::fit(&form, labelled, &decisions, &decisions.counts, None);
            let one = Fitted::fit(&form, labelled, &decisions, &subtracted, Some(&near));
            let other = Fitted::fit(&form, labelled, &fewer, &fewer.counts, None);
            for window in fewer.windows.iter().take(40) {
                let (mut a, mut b) = ([0.0; 3], [0.0; 3]);
                one.distribution(window, &mut a);
                other.distribution(window, &mut b);
                let apart = a.iter().zip(&b).map(|(a, b)| (a - b).abs()).fold(0.0, f64::max);
                assert!(apart < 2e-3, "{} (labels: {labelled}) after {window:?}: {a:?} and {b:?}", entry.name);
            }
        }
    }
}

#[test]
fn rivals_without_labels_answer_mirrored_memories_alike() {
    let condition = population("label-biased follower", &Design { runs: 8, ..Design::default() }, 5);
    let decisions = Decisions::read(&condition);
    let ladder = Ladder::climb(&decisions, &setting(&decisions), None);
    // The one that goes by the length of its memory has labels of its own.
    for rung in ladder.rungs.iter().filter(|rung| !rung.labelled && rung.entry.code != "M1'") {
        for window in &decisions.windows {
            let mirror: Vec<[u16; 2]> = window.iter().map(|round| round.map(|name| 1 - name)).collect();
            let (mut a, mut b) = ([0.0; 2], [0.0; 2]);
            rung.response.distribution(window, &mut a);
            rung.response.distribution(&mirror, &mut b);
            assert!((a[0] - b[1]).abs() < 1e-9, "{} after {window:?}: {a:?} and {b:?}", rung.entry.name);
        }
    }
}

#[test]
fn the_right_rival_wins_and_its_parameters_are_found() {
    let condition = population("win-stay-lose-shift", &Design { runs: 20, ..Design::default() }, 9);
    let decisions = Decisions::read(&condition);
    let ladder = Ladder::climb(&decisions, &setting(&decisions), None);
    let rung = ladder.rung("M2", false);
    // A lapse of 5 % falls on the right name half of the time.
    let (name, lapse) = &rung.response.shown()[0];
    assert_eq!(name, "lapse");
    assert!((lapse - 0.025).abs() < 0.005, "{lapse}");
    assert!(rung.behind > -10.0, "{}", rung.behind);
    assert!(ladder.rung("M3", false).behind < -1000.0);
}

/// Agreement among agents of `policy` in the second half of a population.
fn late(events: &[PairEvent]) -> f64 {
    let events = &events[events.len() / 2..];
    events.iter().filter(|event| event.success == Some(true)).count() as f64 / events.len() as f64
}

#[test]
fn frozen_relabelled_histories_take_agreement_to_chance() {
    for names in [2, 8] {
        let condition = population("symmetric follower", &Design { names, runs: 12, ..Design::default() }, 4);
        let decisions = Decisions::read(&condition);
        let ladder = Ladder::climb(&decisions, &setting(&decisions), None);
        let response = &ladder.rung("M7", true).response;
        let told = histories(&condition);
        let agreement: Vec<f64> =
            (0..20).map(|n| late(&yoked(&condition, Arc::new(response.clone()), &told, 480, [1, n]))).collect();
        let mean = agreement.iter().sum::<f64>() / agreement.len() as f64;
        assert!((mean - 1.0 / names as f64).abs() < 0.06, "{names} names: {mean}");
    }
}

#[test]
fn partners_who_were_not_listened_to_have_no_influence() {
    // The agents of a yoked population learn from frozen histories; whom they meet is chance.
    let condition = population("symmetric follower", &Design { runs: 12, ..Design::default() }, 8);
    let decisions = Decisions::read(&condition);
    let ladder = Ladder::climb(&decisions, &setting(&decisions), None);
    let response = &ladder.rung("M7", true).response;
    let told = histories(&condition);
    let runs = (0..20).map(|n| {
        let events = yoked(&condition, Arc::new(response.clone()), &told, 480, [2, n]);
        Record { events, ..condition.runs[0].clone() }
    });
    let mut deaf = Condition { runs: runs.collect(), ..condition.clone() };
    deaf.runs.iter_mut().for_each(|run| (run.outcome.winner, run.outcome.rounds_to_consensus) = (None, None));
    let influence = |condition: &Condition| {
        let options = options();
        let case = Case::new(condition, std::slice::from_ref(condition), &options).unwrap();
        findings(&case, &|audit| audit == "history").remove(0)
    };
    let finding = influence(&deaf);
    assert_eq!(finding.finds, Finds::SupportsRecall, "{}", finding.means);
    assert!(finding.statistic.unwrap().p.unwrap() > 0.01);
    assert_eq!(influence(&condition).finds, Finds::SupportsInteraction);
}

#[test]
fn the_same_record_gives_the_same_findings() {
    let condition = population("follower, 20 % recall", &Design { runs: 10, ..Design::default() }, 6);
    let all = std::slice::from_ref(&condition);
    let options = AuditOptions { populations: 60, draws: 200, resamples: 3, ..AuditOptions::default() };
    let asked = || findings(&Case::new(&condition, all, &options).unwrap(), &|_| true);
    let (one, other) = (asked(), asked());
    assert_eq!(serde_json::to_string(&one).unwrap(), serde_json::to_string(&other).unwrap());
    assert_eq!(one.len(), cratylus_audit::audits::ALL.len());
    // Each finding stands by itself: asked alone, an audit answers as in company.
    let alone = findings(&Case::new(&condition, all, &options).unwrap(), &|audit| audit == "tipping");
    assert_eq!(alone[0], *one.iter().find(|finding| finding.audit == "tipping").unwrap());
}

#[test]
fn what_cannot_be_audited_is_said() {
    let few = population("symmetric follower", &Design { runs: 3, ..Design::default() }, 1);
    let why = Case::new(&few, std::slice::from_ref(&few), &options()).err().unwrap();
    assert!(why.contains("3 runs"), "{why}");
    let none = population("symmetric follower", &Design { memory: 0, ..Design::default() }, 1);
    let why = Case::new(&none, std::slice::from_ref(&none), &options()).err().unwrap();
    assert!(why.contains("remember nothing"), "{why}");
}

/// Records in which nothing varies once broke the findings' file and were called recall.
#[test]
fn a_record_in_which_nothing_varies_is_audited_like_any_other() {
    let mut condition = population("symmetric follower", &Design { runs: 6, ..Design::default() }, 2);
    for run in &mut condition.runs {
        run.events.truncate(200);
        run.events.iter_mut().for_each(|event| (event.names, event.success) = ([Some(1), Some(1)], Some(true)));
        run.starts = vec![vec![[1, 1]; 5]; 24];
    }
    let options = options();
    let case = Case::new(&condition, std::slice::from_ref(&condition), &options).unwrap();
    let found = findings(&case, &|_| true);
    let text = serde_json::to_string(&found).unwrap();
    let back: Vec<cratylus_audit::finding::Finding> = serde_json::from_str(&text).expect("findings read back");
    assert_eq!(back.len(), found.len());
    let of = |audit: &str| found.iter().find(|finding| finding.audit == audit).unwrap().finds;
    assert_eq!((of("mechanism"), of("position"), of("history")), (Finds::CannotTell, Finds::CannotTell, Finds::CannotTell));
}

#[test]
fn agents_that_avoid_their_partners_depend_on_them() {
    // What a partner said, these agents do not say next: surely an influence, and a negative one.
    let condition = population("win-stay-lose-shift", &Design { runs: 8, ..Design::default() }, 3);
    let mut contrary = condition.clone();
    for (n, run) in (0..).zip(&mut contrary.runs) {
        let mut last = [0u32; 24];
        for event in &mut run.events {
            let mut stream = Seed(n).stream(cratylus_core::Purpose::Resample, event.t);
            let names =
                event.agents.map(|agent| if stream.unit() < 0.2 { stream.below(2) as u32 } else { 1 - last[agent as usize] });
            event.names = names.map(Some);
            event.success = Some(names[0] == names[1]);
            (last[event.agents[0] as usize], last[event.agents[1] as usize]) = (names[1], names[0]);
        }
        (run.outcome.winner, run.outcome.rounds_to_consensus, run.outcome.consensus) = (None, None, false);
    }
    let options = options();
    let case = Case::new(&contrary, std::slice::from_ref(&contrary), &options).unwrap();
    let finding = findings(&case, &|audit| audit == "history").remove(0);
    assert!(finding.effect.as_ref().unwrap().high < -0.1, "{finding:?}");
    assert_eq!(finding.finds, Finds::SupportsInteraction, "{}", finding.means);
}
