//! Recorded data of other people, read where it is present: `../shared/data` beside the project. Each test
//! says so where it is not.

mod common;
use common::shared;
use cratylus_core::summary::Summary;
use cratylus_core::watch::facts::Facts;
use cratylus_io::fit::{FitOrder, fit_dirs};
use cratylus_io::import::ai_norms::{Outcome, import};
use cratylus_io::store::manifest::Build;
use cratylus_io::store::run_dir::RunDir;
use cratylus_io::store::table;
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, LazyLock};

/// The recorded runs as run directories, imported once for all tests.
fn imported() -> Option<&'static Path> {
    static DIR: LazyLock<Option<PathBuf>> = LazyLock::new(|| {
        let raw = shared("ai-norms/raw")?;
        let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("ai-norms");
        import(&raw, &dir, Build { version: "test", revision: "test" }, |_| ()).unwrap();
        Some(dir)
    });
    DIR.as_deref()
}

fn facts(condition: &str) -> Option<Facts> {
    let dir = RunDir::open(&imported()?.join(condition), &Arc::new(cratylus_core::experiment::registry())).unwrap();
    let mut summary = Summary::new(&dir.points[0]);
    dir.each_measured(|row, readings| {
        match readings {
            Some(readings) => summary.see(readings),
            None => summary.end(row.clone()),
        }
        Ok(())
    })
    .unwrap();
    Some(summary.facts(&dir.points[0]))
}

#[test]
fn parquet_with_zstd_is_read_without_a_c_library() {
    let Some(path) = shared("ai-norms/interactions.parquet") else { return };
    let table = table::read(&path, None).unwrap();
    assert_eq!(table.rows(), 338_848);
    assert_eq!(table.texts("name_a").unwrap()[0], Some("Q"));
    assert_eq!(table.bools("success").unwrap()[..5], [Some(true), Some(true), Some(false), Some(false), Some(false)]);
    assert_eq!(table.ints("agent_b").unwrap()[..3], [Some(8), Some(9), Some(21)]);
}

type Row = (i64, i64, i64, String, String, bool);
/// A run's number, its rows, its committed agents, and whether it reached consensus.
type Played = (u64, Vec<Row>, String, Option<bool>);

#[test]
fn imported_runs_equal_the_tidy_tables_row_for_row() {
    let (Some(dir), Some(oracle)) = (imported(), shared("ai-norms")) else { return };
    let runs = table::read(&oracle.join("runs.parquet"), None).unwrap();
    let (id, file, number) = (runs.ints("run_id").unwrap(), runs.texts("file").unwrap(), runs.ints("run").unwrap());
    let (converged, committed) = (runs.ints("converged_index").unwrap(), runs.texts("committed_agents").unwrap());
    let (length, kind) = (runs.ints("interactions").unwrap(), runs.texts("kind").unwrap());

    let table = table::read(&oracle.join("interactions.parquet"), None).unwrap();
    let ints = ["run_id", "t", "agent_a", "agent_b"].map(|name| table.ints(name).unwrap());
    let names = ["name_a", "name_b"].map(|name| table.texts(name).unwrap());
    let success = table.bools("success").unwrap();
    let mut expected: BTreeMap<i64, Vec<Row>> = BTreeMap::new();
    for i in 0..table.rows() {
        let [run, t, a, b] = ints.each_ref().map(|column| column[i].unwrap());
        let row = (t, a, b, names[0][i].unwrap().into(), names[1][i].unwrap().into(), success[i].unwrap());
        expected.entry(run).or_default().push(row);
    }
    let memories = table::read(&oracle.join("initial_memories.parquet"), None).unwrap();
    let (m_run, m_agent) = (memories.ints("run_id").unwrap(), memories.ints("agent").unwrap());
    let (own, partner) = (memories.texts("own").unwrap(), memories.texts("partner").unwrap());
    let mut remembered: BTreeMap<i64, Vec<Vec<[String; 2]>>> = BTreeMap::new();
    for i in 0..memories.rows() {
        let agents = remembered.entry(m_run[i].unwrap()).or_default();
        agents.resize(agents.len().max(m_agent[i].unwrap() as usize), Vec::new());
        agents[m_agent[i].unwrap() as usize - 1].push([own[i].unwrap().into(), partner[i].unwrap().into()]);
    }

    let mut compared = 0;
    let mut dirs: BTreeMap<&str, BTreeMap<u64, Played>> = BTreeMap::new();
    for i in 0..runs.rows() {
        let file = file[i].unwrap();
        let stem = file.rsplit('/').next().unwrap().trim_end_matches(".pkl");
        let found = dirs.entry(stem).or_insert_with(|| {
            let run_dir = RunDir::open(&dir.join(stem), &Arc::new(cratylus_core::experiment::registry())).unwrap();
            let names = run_dir.points[0].experiment.names().to_vec();
            let mut all = BTreeMap::new();
            run_dir
                .each_played(|row, events| {
                    let word = |name: Option<u32>| names[name.unwrap() as usize].clone();
                    let rows = events.iter().map(|e| {
                        (
                            e.t as i64,
                            i64::from(e.agents[0]) + 1,
                            i64::from(e.agents[1]) + 1,
                            word(e.names[0]),
                            word(e.names[1]),
                            e.success.unwrap(),
                        )
                    });
                    let ids = row.committed.iter().map(|agent| (agent + 1).to_string()).collect::<Vec<_>>().join(" ");
                    all.insert(row.replica, (row.run, rows.collect(), ids, Some(row.outcome.consensus)));
                    Ok(())
                })
                .unwrap();
            all
        });
        let (run, rows, ids, consensus) = &found[&(number[i].unwrap() as u64)];
        let expected = expected.remove(&id[i].unwrap()).unwrap_or_default();
        assert_eq!(rows, &expected, "{stem}, run {}", number[i].unwrap());
        assert_eq!(rows.len() as i64, length[i].unwrap());
        assert_eq!(ids, committed[i].unwrap_or(""));
        if kind[i] == Some("converged_baseline") {
            assert_eq!((converged[i], *consensus), (length[i], Some(true)));
        }
        if let Some(remembered) = remembered.remove(&id[i].unwrap()) {
            assert_eq!(
                RunDir::open(&dir.join(stem), &Arc::new(cratylus_core::experiment::registry())).unwrap().memories().unwrap()[run],
                remembered
            );
        }
        compared += rows.len();
    }
    assert!(expected.is_empty() && remembered.is_empty(), "nothing is left over");
    assert_eq!((runs.rows(), compared), (806, 338_848));
}

/// Conventions reference, 1.3: mean ± sd, median, winners.
#[test]
fn rounds_to_consensus_and_winners_are_as_published() {
    let check = |condition: &str, mean: f64, sd: f64, median: f64, winners: &[(&str, u64)]| {
        let Some(facts) = facts(condition) else { return };
        let rounds = facts.rounds.unwrap();
        // The published spread divides by n, ours by n - 1.
        let spread = rounds.sd * ((rounds.n - 1) as f64 / rounds.n as f64).sqrt();
        assert!(
            (rounds.mean - mean).abs() < 0.006 && (spread - sd).abs() < 0.06 && (rounds.median - median).abs() < 0.006,
            "{condition}: {rounds:?}"
        );
        let won: BTreeMap<&str, u64> = facts.winners.iter().map(|w| (w.name.as_deref().unwrap(), w.count)).collect();
        assert_eq!(won, winners.iter().copied().collect(), "{condition}");
    };
    let ten = |model: &str| format!("{model}_converged_baseline_Q_M_X_Y_F_J_P_R_C_D_-50_100_5mem_complete_24ps_0.5tmp");
    let two = |model: &str| format!("{model}_converged_baseline_Q_M_-50_100_5mem_complete_24ps_0.5tmp");
    let llama_3 = [("R", 11), ("D", 7), ("Q", 6), ("C", 5), ("M", 3), ("Y", 2), ("J", 2), ("F", 2), ("X", 1), ("P", 1)];
    check(&ten("llama3_70b"), 11.58, 5.35, 10.44, &llama_3);
    check(&ten("claude"), 9.75, 2.48, 9.71, &[("C", 7), ("M", 4), ("Q", 4), ("Y", 3), ("R", 3), ("D", 3), ("X", 2), ("J", 1)]);
    check(&ten("llama2_70b"), 22.71, 9.68, 19.48, &[("R", 18), ("M", 1), ("P", 1)]);
    check(&two("llama3_70b"), 11.72, 5.61, 10.08, &[("M", 40)]);
    check(&two("llama31_70b"), 13.27, 9.44, 9.67, &[("M", 40)]);
    check(&two("claude"), 7.45, 1.79, 7.12, &[("M", 26), ("Q", 14)]);
    check(&two("llama2_70b"), 21.80, 14.5, 17.67, &[("M", 36), ("Q", 4)]);
}

/// Conventions reference, 1.3: mean success rate in population rounds 1 to 12, ten names.
#[test]
#[allow(clippy::approx_constant)] // A published success rate happens to look like 1 / pi.
fn success_over_rounds_is_as_published() {
    let check = |model: &str, published: [f64; 12]| {
        let Some(facts) = facts(&format!("{model}_converged_baseline_Q_M_X_Y_F_J_P_R_C_D_-50_100_5mem_complete_24ps_0.5tmp"))
        else {
            return;
        };
        let mean = facts.success.unwrap().mean;
        let off = mean.iter().zip(published).map(|(mean, published)| (mean - published).abs()).fold(0.0, f64::max);
        assert!(off < 0.0011, "{model}: {:?} is not {published:?}", &mean[..12]);
    };
    check("llama3_70b", [0.109, 0.209, 0.341, 0.491, 0.644, 0.758, 0.849, 0.908, 0.924, 0.950, 0.959, 0.977]);
    check("llama31_70b", [0.106, 0.167, 0.3180, 0.444, 0.594, 0.728, 0.776, 0.811, 0.877, 0.891, 0.916, 0.945]);
    check("claude", [0.113, 0.233, 0.360, 0.535, 0.718, 0.784, 0.840, 0.894, 0.932, 0.951, 0.968, 0.985]);
    check("llama2_70b", [0.100, 0.140, 0.119, 0.146, 0.181, 0.202, 0.265, 0.344, 0.387, 0.460, 0.517, 0.581]);
}

/// Conventions reference, 1.4 and 1.5.
#[test]
fn individual_answers_and_reactions_are_as_published() {
    let Some(first) = facts("llama31_no_memory_bias_test_QM_0mem") else { return };
    let individual = first.individual.unwrap();
    assert_eq!((individual.choices[0].count, individual.answers, individual.memory_text.as_str()), (4921, 10_000, "empty"));
    assert!((individual.p_uniform - 0.116).abs() < 5e-4);
    let ten = facts("llama3_no_memory_bias_test_QMXYFJPRCD_0mem").unwrap().individual.unwrap();
    assert!((2e-9..5e-9).contains(&ten.p_uniform), "{}", ten.p_uniform);
    let state = facts("llama31_bias_test_MQ_QM").unwrap().individual.unwrap();
    assert_eq!(state.memory_text, "MQ_QM");
    assert!((state.choices.iter().find(|c| c.name.as_deref() == Some("M")).unwrap().share - 0.848).abs() < 5e-4);
    let reaction = |model: &str| {
        let facts = facts(&format!("{model}_converged_baseline_Q_M_-50_100_5mem_complete_24ps_0.5tmp")).unwrap();
        (facts.stay_after_success.unwrap(), facts.switch_after_failure.unwrap())
    };
    for (model, stay, switch) in
        [("llama31_70b", 0.977, 0.713), ("llama3_70b", 1.0, 0.733), ("claude", 1.0, 0.579), ("llama2_70b", 0.999, 0.057)]
    {
        let (s, f) = reaction(model);
        assert!((s - stay).abs() < 6e-4 && (f - switch).abs() < 6e-4, "{model}: {s} {f}");
    }
}

/// Conventions reference, 1.6: the published criterion, run by run.
#[test]
fn minorities_tipped_as_often_as_published() {
    let check = |condition: &str, tipped: u64, of: u64| {
        let Some(facts) = facts(condition) else { return };
        let tipping = facts.tipping.unwrap();
        assert_eq!((tipping.tipped, tipping.of), (tipped, of), "{condition}: {tipping:?}");
    };
    let llama_3 = |n: u32, names: &str| format!("llama3_70b_swap_0_{n}cmtd_{names}_-50_100_3mem_complete_48ps_0.5tmp");
    let llama_2 = |n: u32, names: &str| format!("llama2_swap_0_{n}cmtd_{names}_-50_100_5mem_complete_24ps_0.5tmp");
    check(&llama_3(1, "Q_M"), 16, 16);
    check(&llama_3(2, "Q_M"), 5, 5);
    [1, 2, 3, 4].into_iter().for_each(|n| check(&llama_3(n, "M_Q"), 0, 5));
    check(&llama_3(5, "M_Q"), 2, 5);
    check(&llama_3(6, "M_Q"), 1, 2);
    check(&llama_2(6, "Q_M"), 0, 2);
    check(&llama_2(8, "Q_M"), 1, 3);
    check(&llama_2(10, "Q_M"), 2, 3);
    check(&llama_2(11, "Q_M"), 3, 3);
    check(&llama_2(12, "M_Q"), 0, 3);
    check(&llama_2(14, "M_Q"), 1, 3);
    check(&llama_2(16, "M_Q"), 3, 3);
}

#[test]
fn a_hostile_folder_is_refused_by_file_and_offset() {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join("hostile");
    std::fs::create_dir_all(&dir).unwrap();
    let file = dir.join("claude_converged_baseline_Q_M_-50_100_5mem_complete_24ps_0.5tmp.pkl");
    std::fs::write(&file, b"\x80\x04\x8c\x02os\x8c\x06system\x93\x8c\x04true\x85R.").unwrap();
    let done = import(&dir, &dir.join("out"), Build { version: "test", revision: "test" }, |_| ()).unwrap();
    let Outcome::Failed(error) = &done[0].outcome else { panic!("{done:?}") };
    assert!(error.contains("claude_converged_baseline") && error.contains("offset 14"), "{error}");
}

/// Two-fold scores of fits to the two-name condition alone, worked out here: nats per decision on runs left out, with the
/// penalties that each half chooses for itself. Below these a fit has become worse.
#[test]
fn runs_left_out_are_predicted_as_well_as_they_were() {
    let Some(dir) = imported() else { return };
    for (directory, runs, target) in [
        ("claude_converged_baseline_Q_M_-50_100_5mem_complete_24ps_0.5tmp", 40, -0.0635),
        ("llama31_70b_converged_baseline_Q_M_-50_100_5mem_complete_24ps_0.5tmp", 40, -0.205),
        ("llama2_70b_converged_baseline_Q_M_-50_100_5mem_complete_24ps_0.5tmp", 30, -0.036),
    ] {
        let train = [dir.join(directory)];
        let order = FitOrder {
            registry: Arc::new(cratylus_core::experiment::registry()),
            name: "one",
            train: &train,
            hold: &[],
            smoothing: None,
            resamples: 0,
            threads: 1,
        };
        let fitted = fit_dirs(&order, |_| ()).unwrap().model;
        let held = &fitted.held_out[0];
        println!("{directory}: {} {:?}", held.score, held.folds);
        assert_eq!(held.folds.len(), 2);
        assert!(held.score >= target, "{directory}: {} is below {target}", held.score);
        assert_eq!(fitted.conditions[0].facts.runs, runs, "copies count once");
    }
}
