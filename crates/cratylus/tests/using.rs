//! The program as a user meets it: the main job, every verb's help, and every mistake with its way out.

mod common;
use common::{COPIERS, cratylus, folder, skipped, succeeds};
use std::path::{Path, PathBuf};

fn experiments() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../experiments")
}

#[test]
fn the_main_job_runs_four_recorded_models_and_writes_a_report() {
    let dir = folder("main-job");
    let file = experiments().join("consensus.toml");
    let said = succeeds(&dir, &["run", file.to_str().unwrap()]);
    for model in ["llama-2-70b", "llama-3-70b", "llama-3.1-70b", "claude-3.5-sonnet"] {
        let mut lines = said.out.lines().skip_while(|line| !line.starts_with(model));
        assert!(lines.next().unwrap().contains("100 %"), "{}", said.out);
        assert!(lines.next().unwrap().contains("recorded"), "recorded values stand beside: {}", said.out);
    }
    assert!(said.err.contains("not the same function of the window"), "Llama 3.1's finding is said: {}", said.err);
    let report = std::fs::read_to_string(dir.join("runs/consensus/report.html")).unwrap();
    assert!(report.contains("default-src 'none'") && !report.contains("{\"placeholder\":true}"));
    assert!(report.contains("\"recorded\":{") && report.len() < 1 << 20);
    let again = succeeds(&dir, &["report", "runs/consensus"]);
    assert_eq!(again.out, said.out);
    assert_eq!(std::fs::read_to_string(dir.join("runs/consensus/report.html")).unwrap(), report);
    let json: serde_json::Value = serde_json::from_str(&succeeds(&dir, &["report", "runs/consensus", "--json"]).out).unwrap();
    assert_eq!(json["points"].as_array().unwrap().len(), 4);
    assert_eq!(json["points"][0]["runs"], 40);
}

#[test]
fn every_experiment_that_is_shipped_is_valid_and_opens_with_its_claim() {
    for entry in std::fs::read_dir(experiments()).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        // What is for other verbs is told to be.
        let elsewhere = [
            ("\n[data]", "is a plan for `cratylus audit`"),
            ("\n[[corpora]]", "is a benchmark for `cratylus audit --benchmark`"),
            ("\n[adapter]", "is for `cratylus tune MODEL`"),
            ("\n[[ingredients]]", "is for `cratylus train`"),
        ];
        if let Some((_, words)) = elsewhere.iter().find(|(section, _)| text.contains(section)) {
            let said = cratylus(&experiments(), &["check", path.to_str().unwrap()]);
            assert!(said.code == Some(2) && said.err.contains(words), "{}", said.err);
            continue;
        }
        let said = succeeds(&experiments(), &["check", path.to_str().unwrap(), "--json"]);
        let json: serde_json::Value = serde_json::from_str(&said.out).unwrap();
        assert_eq!(json["valid"], true);
        assert!(text.starts_with("# Claim: ") && text.contains("\n# Takes "), "{}", path.display());
    }
}

#[test]
fn opinions_are_told_of_with_theory_beside_and_not_audited() {
    let dir = folder("opinions");
    let file = experiments().join("opinions.toml");
    let few = ["--set", "replicas=4", "--set", "population.size=2000", "--set", "stop.rounds=100", "--json"];
    let said = succeeds(&dir, &[&["run", file.to_str().unwrap()][..], &few].concat());
    let json: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    let held = |i: usize| json["points"][i]["held"]["mean"].as_f64().unwrap();
    // (1 + m) / 2 without limit of size is 0.5 at beta 0.9 and 0.9293 at 1.5.
    assert!((0.5..0.6).contains(&held(0)) && (held(4) - 0.9293).abs() < 0.02, "{} {}", held(0), held(4));
    let report = std::fs::read_to_string(dir.join("runs/opinions/report.html")).unwrap();
    assert!(report.contains("Curie and Weiss, without limit of size"));
    assert!(succeeds(&dir, &["report", "runs/opinions"]).out.contains("commonest"));
    let refused = cratylus(&dir, &["audit", "runs/opinions"]);
    assert!(refused.code == Some(2) && refused.err.contains("remember nothing"), "{}", refused.err);
}

#[test]
fn whoever_has_a_table_lets_two_agents_see_a_part_of_it_each() {
    let dir = folder("symbols-file");
    let rows: String = (0..60).map(|i| format!("{},{},{}\n", ["a", "b", "c"][i % 3], i % 3 * 10 + i / 6, i % 2)).collect();
    std::fs::write(dir.join("things.csv"), format!("kind,size,colour\n{rows}")).unwrap();
    let text = "seed = 1\nreplicas = 2\n[population]\nsize = 2\n[world]\nkind = \"file\"\nfile = \"things.csv\"\nobjects = 60\ncolumns = [[\"size\"], [\"size\", \"colour\"]]\nclass = \"kind\"\nstandardise = true\n[game]\nkind = \"symbols\"\nsigns = 3\n[agents]\nkind = \"gaussian-mixture\"\n[stop]\nsweeps = 20\n";
    std::fs::write(dir.join("e.toml"), text).unwrap();
    let said = succeeds(&dir, &["run", "e.toml", "--out", "run"]);
    assert!(said.out.contains("ARI 1") && said.out.contains("kappa"), "{}", said.out);
    for table in ["signs", "features", "interactions", "measures"] {
        assert!(dir.join(format!("run/{table}.parquet")).exists(), "{table}");
    }
    assert!(succeeds(&dir, &["replay", "run"]).out.contains("2 runs played again"));
    assert!(succeeds(&dir, &["report", "run"]).out.contains("kappa"));
    let audited = cratylus(&dir, &["audit", "run"]);
    assert!(audited.code == Some(2) && audited.err.contains("this is `symbols`"), "{}", audited.err);
    let wrong = |change: &[&str], words: &str| {
        let said = cratylus(&dir, &[&["check", "e.toml"][..], change].concat());
        assert!(said.code == Some(2) && said.err.contains(words), "{}", said.err);
    };
    wrong(&["--set", "world.objects=61"], "write `objects = 60`");
    wrong(&["--set", "world.class=kinds"], "no column `kinds`");
    wrong(&["--set", "agents.kind=dirichlet-mixture"], "perceive counts");
    std::fs::write(dir.join("things.csv"), format!("kind,size,colour\n{rows}").replace("b,10,1\n", "b,,1\n")).unwrap();
    wrong(&[], "things.csv`, line 3: `size` is missing");
}

#[test]
fn every_verb_has_help_with_an_example() {
    let dir = folder("help");
    for verb in ["run", "check", "report", "replay", "import", "fit", "audit", "list", "schema", "init", "corpus", "train"] {
        let said = succeeds(&dir, &[verb, "--help"]);
        assert!(
            said.out.contains("Example") && said.out.contains(&format!("cratylus {verb}")) && said.out.contains("--json"),
            "{}",
            said.out
        );
    }
    assert!(succeeds(&dir, &["--help"]).out.contains("cratylus run experiments/consensus.toml"));
}

#[test]
fn lists_and_schema_name_everything() {
    let dir = folder("lists");
    assert!(succeeds(&dir, &["list", "games"]).out.contains("naming"));
    let agents: serde_json::Value = serde_json::from_str(&succeeds(&dir, &["list", "agents", "--json"]).out).unwrap();
    let schema: serde_json::Value = serde_json::from_str(&succeeds(&dir, &["schema"]).out).unwrap();
    let kinds: Vec<&str> = schema["properties"]["agents"]["oneOf"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|kind| kind["properties"]["kind"]["const"].as_str())
        .collect();
    // Files of networks that learn to signal have keys of their own.
    let networks = ["gru", "lstm", "rnn", "feed-forward"];
    for agent in agents.as_array().unwrap().iter().filter(|agent| !networks.contains(&agent["name"].as_str().unwrap())) {
        assert!(kinds.contains(&agent["name"].as_str().unwrap()), "{agent} is not in the schema");
    }
    assert!(succeeds(&dir, &["list", "models"]).out.contains("claude-3.5-sonnet"));
    assert!(succeeds(&dir, &["list", "measures"]).out.contains("success_rate"));
    assert!(succeeds(&dir, &["list", "networks"]).out.contains("edge-list"));
    assert!(succeeds(&dir, &["list", "ingredients"]).out.contains("canaries"));
}

#[test]
fn the_starter_experiment_runs_and_is_never_overwritten() {
    let dir = folder("starter");
    succeeds(&dir, &["init", "mine.toml"]);
    assert_eq!(cratylus(&dir, &["init", "mine.toml"]).code, Some(2));
    succeeds(&dir, &["run", "mine.toml", "--set", "replicas=3", "--quiet"]);
}

#[test]
fn set_is_written_into_the_experiment_that_is_kept() {
    let dir = folder("set");
    std::fs::write(dir.join("e.toml"), COPIERS).unwrap();
    succeeds(
        &dir,
        &["run", "e.toml", "--quiet", "--set", "replicas=2", "--set", "game.names=[\"A\", \"B\"]", "--set", "name=other"],
    );
    let kept = std::fs::read_to_string(dir.join("runs/other/experiment.toml")).unwrap();
    assert!(
        kept.starts_with("# Copying with noise.") && kept.contains("names = [\"A\", \"B\"]") && kept.contains("replicas = 2"),
        "{kept}"
    );
    // The kept experiment is the whole of it: running the directory finds nothing left to do.
    assert!(succeeds(&dir, &["run", "runs/other"]).err.contains("already"));
}

#[test]
fn a_setting_of_a_swept_key_is_one_row_of_the_sweep() {
    let dir = folder("set-swept");
    std::fs::write(dir.join("e.toml"), COPIERS).unwrap();
    let few = ["--set", "replicas=2", "--quiet"];
    succeeds(&dir, &[&["run", "e.toml", "--out", "all"][..], &few].concat());
    let said = succeeds(&dir, &[&["run", "e.toml", "--out", "one", "--set", "game.memory=5"][..], &few].concat());
    assert!(said.err.contains("`game.memory` is swept over 2 values; `--set` leaves 5"), "{}", said.err);
    let digests = |out: &str| {
        let table = cratylus_io::store::table::read(&dir.join(out).join("runs.parquet"), None).unwrap();
        table.texts("digest").unwrap().into_iter().map(|digest| digest.unwrap().to_string()).collect::<Vec<_>>()
    };
    assert_eq!(digests("one"), digests("all")[2..], "the runs are those of the sweep");
    assert!(succeeds(&dir, &["run", "one"]).err.contains("already"), "what is kept is the experiment that was run");
    assert_eq!(cratylus(&dir, &["check", "e.toml", "--set", "game.memory=many"]).code, Some(2));
}

#[test]
fn a_command_line_that_is_wrong_gets_a_tip_that_is_right() {
    let dir = folder("tips");
    let check = |words: &[&str], tip: &str| {
        let said = cratylus(&dir, words);
        assert!(said.code == Some(2) && said.err.contains(tip), "{words:?}: {}", said.err);
    };
    check(&["rn", "e.toml"], "did you mean `run`?");
    check(&["start", "e.toml"], "did you mean `run`?");
    check(&["run", "e.toml", "--replicas", "10"], "`--set replicas=10`");
    check(&["run", "e.toml", "--size=48"], "`--set population.size=48`");
    check(&["run", "e.toml", "--set", "population.size", "48"], "`--set population.size=48`");
    check(&["run", "e.toml", "--fersh"], "did you mean `--fresh`?");
    check(&["run", "-o", "x", "e.toml"], "did you mean `--out`?");
    check(&["run", "a.toml", "b.toml"], "one experiment at a time");
    check(&["run", "e.toml", "--threads", "0"], "`--threads` is at least 1");
}

/// A mistake, and words that its message must hold.
fn refused(text: &str, words: &[&str]) {
    refused_with(text, &[], words);
}

fn refused_with(text: &str, sets: &[&str], words: &[&str]) {
    let dir = folder(&format!(
        "refused-{:016x}",
        text.bytes().chain(sets.concat().bytes()).fold(7u64, |h, b| h.wrapping_mul(1_099_511_628_211) ^ u64::from(b))
    ));
    std::fs::write(dir.join("e.toml"), text).unwrap();
    let mut args = vec!["run", "e.toml"];
    sets.iter().for_each(|set| args.extend(["--set", set]));
    let said = cratylus(&dir, &args);
    assert_eq!(said.code, Some(2), "{text}\n{}", said.err);
    for word in words {
        assert!(said.err.contains(word), "`{word}` is not in:\n{}", said.err);
    }
    assert!(!dir.join("runs").exists(), "nothing was written");
}

#[test]
fn a_mistake_gets_its_place_and_a_way_out() {
    let with = |from: &str, to: &str| COPIERS.replace(from, to);
    // Unknown keys, at each level, with the nearest word.
    refused(&with("replicas = 40", "replica = 40"), &["there is no key `replica`", "e.toml:4:1", "did you mean `replicas`?"]);
    refused(&with("size = 50", "sise = 50"), &["there is no key `sise`", "e.toml:7:1", "did you mean `size`?"]);
    refused(&with("interactions = 4000", "interaction = 4000"), &["did you mean `interactions`?", "e.toml:20:1"]);
    // Wrong types.
    refused(&with("size = 50", "size = \"fifty\""), &["expected a whole number", "fifty", "e.toml:7:8"]);
    refused(&with("size = 50", "size = -3"), &["e.toml:7:8"]);
    refused(&with("names = [\"Q\", \"M\", \"X\"]", "names = \"Q\""), &["expected a list in brackets", "e.toml:11:9"]);
    // Unknown kinds.
    refused(
        &with("\"coordination\"", "\"coordnation\""),
        &["there is no game called `coordnation`", "did you mean `coordination`?", "e.toml:10:8"],
    );
    refused(
        &with("\"uniform\"", "\"unifrom\""),
        &["there is no kind of agent called `unifrom`", "did you mean `uniform`?", "e.toml:16:27"],
    );
    // A pool that is no pool.
    refused(&with("[\"Q\", \"M\", \"X\"]", "[\"Q\"]"), &["at least two names", "e.toml:11:9"]);
    refused(&with("[\"Q\", \"M\", \"X\"]", "[\"Q\", \"M\", \"Q\"]"), &["`Q` stands in the pool twice"]);
    // A memory of 0 with agents that need one; here it is a swept value that is wrong.
    refused(&with("[3, 5]", "[3, 0]"), &["a memory of 0 rounds holds nothing", "e.toml:23:"]);
    // Shares that do not add up.
    refused(&with("share = 0.7", "share = 0.6"), &["the shares must add up to 1"]);
    // Syntax.
    refused(&with("size = 50", "size = = 50"), &["e.toml:7:8"]);
    refused("", &["`population` is missing"]);
    refused("[population]\nsize = 4\n", &["There is no `[game]`", "for example"]);
    // Numbers that no file can hold, or that nobody means.
    refused_with(COPIERS, &["seed=9223372036854775808"], &["a seed is a whole number from 0 to 2^63 - 1", "--set seed"]);
    refused_with(COPIERS, &["replicas=9223372036854775807"], &["an experiment runs 1 to"]);
    refused_with(COPIERS, &["stop.interactions=18446744073709551615"], &["at most 2^50 interactions"]);
    refused_with(COPIERS, &["population.size=4294967296"], &["a population holds at most 2^30 agents, and 10^12 with"]);
    refused_with(COPIERS, &["game.payoff={success=inf,failure=-inf}"], &["a payoff is a finite number"]);
    // Names that would steer a terminal.
    refused(&with("\"X\"", "\"X\\u001b[31m\""), &["holds a control character"]);
    // Sweeps that contradict themselves or say the same twice.
    refused(&with("[3, 5]", "[3, 5]\nx = [{ \"game.memory\" = 4 }]"), &["the sweep sets `game.memory` and `game.memory`"]);
    refused(&with("[3, 5]", "[3, 3]"), &["lists 3 twice for `game.memory`"]);
    refused(&with("[3, 5]", "[3]\nx = [{ seed = 4 }, { replicas = 3 }]"), &["must set the same keys"]);
    // A sweep of something that is no key.
    refused(&with("\"game.memory\"", "\"gane.memory\""), &["`gane.memory` is no key of an experiment", "e.toml:23:1"]);
    refused(&with("[3, 5]", "[]"), &["the list of values for `game.memory` is empty"]);
    refused(&with("[3, 5]", "5"), &["`sweep.game.memory` is a list, not an integer"]);
}

#[test]
fn committed_minorities_networks_and_files_are_checked_before_anything_runs() {
    let base = "[population]\nsize = 10\n[game]\nkind = \"coordination\"\nnames = [\"Q\", \"M\"]\n";
    let with = |more: &str| format!("{base}{more}");
    let of = |agents: &str| format!("agents = {{ {agents} }}\n{base}");
    refused(
        &with("[agents]\nkind = \"uniform\"\n[agents.committed]\nname = \"M\"\ncount = 11\n"),
        &["11 agents cannot be committed in a population of 10", "e.toml:10:9"],
    );
    refused(
        &with("[agents]\nkind = \"uniform\"\n[agents.committed]\nname = \"W\"\ncount = 1\n"),
        &["`W` is not in the pool", "e.toml:9:8"],
    );
    refused(&with("[agents]\nkind = \"uniform\"\n[agents.committed]\nname = \"M\"\n"), &["give `count`"]);
    refused(&of("kind = \"kernel\", file = \"none.parquet\""), &["there is no file `none.parquet`"]);
    refused(&of("kind = \"kernel\", file = \"e.toml\""), &["e.toml"]);
    refused(
        &of("kind = \"emulated\", model = \"llama-3-70\""),
        &["there is no emulated model `llama-3-70`", "did you mean `llama-3-70b`?"],
    );
    refused(&of("kind = \"emulated\", file = \"e.toml\""), &["is not a model that `cratylus fit` wrote"]);
    refused(&of("kind = \"inventory\""), &["agents of kind `inventory` play naming, and the game is `coordination`"]);
    refused(&format!("{}[stop]\nshare = {{}}\n", of("kind = \"uniform\"")), &["whose share?"]);
    refused(
        &of("kind = \"uniform\"").replace("size = 10", "size = 10\nnetwork = { kind = \"edge-list\", file = \"edges.txt\" }"),
        &["there is no file `edges.txt`", "e.toml:4:"],
    );
    refused(&with("agents = { kind = \"uniform\" }\n"), &["there is no key `agents` here", "`agents` is a section of its own"]);
    refused(
        &format!("{}[agents.committed]\nname = \"M\"\n", of("kind = \"uniform\"")),
        &["a section written in braces is closed"],
    );
    refused_with(COPIERS, &["population.size=many"], &["--set population.size=many", "expected a whole number"]);
    refused_with(COPIERS, &["population.sise=3"], &["--set population.sise=3", "did you mean `size`?"]);
    refused_with(COPIERS, &["population.size"], &["expected key=value", "for example"]);
    let dir = folder("no-file");
    let said = cratylus(&dir, &["run", "none.toml"]);
    assert_eq!(said.code, Some(2));
    assert!(said.err.contains("cannot read none.toml") && said.err.contains("cratylus init"), "{}", said.err);
    assert_eq!(cratylus(&dir, &["report", "none"]).code, Some(2));
    assert_eq!(cratylus(&dir, &["import", "ai-norms", "none"]).code, Some(2));
}

#[test]
fn recorded_values_stand_only_beside_what_was_recorded() {
    let dir = folder("beside");
    let file = experiments().join("consensus.toml");
    std::fs::write(dir.join("ring.txt"), (1..=24).map(|i| format!("{i} {}\n", i % 24 + 1)).collect::<String>()).unwrap();
    let text = std::fs::read_to_string(file).unwrap();
    std::fs::write(dir.join("e.toml"), text).unwrap();
    let recorded = |out: &str, sets: &[&str]| {
        let mut args = vec!["run", "e.toml", "--quiet", "--out", out, "--set", "replicas=2"];
        sets.iter().for_each(|set| args.extend(["--set", set]));
        succeeds(&dir, &args).out.contains("recorded")
    };
    assert!(recorded("as-recorded", &[]));
    assert!(recorded("same-window", &["stop.consensus={window_rounds=3}"]));
    assert!(!recorded("threshold", &["stop.consensus.threshold=0.5"]));
    assert!(!recorded("size", &["population.size=30"]));
    assert!(!recorded("short", &["stop.interactions=50"]));
    assert!(!recorded("ring", &["population.network={kind=\"edge-list\",file=\"ring.txt\"}"]));
    assert!(!recorded("start", &["population.start={run={dir=\"as-recorded\",run=1}}"]));
}

#[test]
fn the_sweep_can_be_set_from_the_command_line() {
    let dir = folder("set-sweep");
    std::fs::write(dir.join("e.toml"), COPIERS).unwrap();
    for (out, set) in [("plain", "sweep.game.memory=[2]"), ("quoted", "sweep.\"game.memory\"=[2]")] {
        succeeds(&dir, &["run", "e.toml", "--quiet", "--out", out, "--set", "replicas=1", "--set", set]);
        let kept = std::fs::read_to_string(dir.join(out).join("experiment.toml")).unwrap();
        assert!(kept.contains("\"game.memory\" = [2]"), "{kept}");
    }
}

#[test]
fn an_edge_list_decides_who_meets() {
    let dir = folder("edges");
    std::fs::write(dir.join("edges.txt"), "# a path of four\n1 2\n2 3\n3 4\n").unwrap();
    let text = "name = \"path\"\n[population]\nsize = 4\nnetwork = { kind = \"edge-list\", file = \"edges.txt\" }\n[game]\nkind = \"coordination\"\nnames = [\"Q\", \"M\"]\n[agents]\nkind = \"copy-last-partner\"\n[stop]\ninteractions = 200\n";
    std::fs::write(dir.join("e.toml"), text).unwrap();
    succeeds(&dir, &["run", "e.toml", "--quiet"]);
    let table = cratylus_io::store::table::read(&dir.join("runs/path/interactions.parquet"), None).unwrap();
    let (a, b) = (table.ints("agent_a").unwrap(), table.ints("agent_b").unwrap());
    let pairs = a.iter().zip(b.iter());
    assert!(pairs.map(|(a, b)| (a.unwrap() - b.unwrap()).abs()).all(|apart| apart == 1));
    // The network is an input like any other: a run directory moves with it, and replay finds it.
    succeeds(&dir, &["replay", "runs/path"]);
}

#[test]
fn one_bad_pickle_does_not_cost_the_others() {
    let dir = folder("pickles");
    let name = |n: u32| dir.join(format!("raw/claude_bias_test_{}.pkl", ["M_M", "Q_Q", "M_Q"][n as usize]));
    std::fs::create_dir(dir.join("raw")).unwrap();
    // {'simulation': {'my_history': ['M'], 'partner_history': ['Q']}, 'tracker': {'answers': ['Q', 'M']}}, protocol 2.
    let good = b"\x80\x02}(X\x0a\x00\x00\x00simulation}(X\x0a\x00\x00\x00my_history](X\x01\x00\x00\x00MeX\x0f\x00\x00\x00partner_history](X\x01\x00\x00\x00QeuX\x07\x00\x00\x00tracker}(X\x07\x00\x00\x00answers](X\x01\x00\x00\x00QX\x01\x00\x00\x00Meuu.";
    std::fs::write(name(0), good).unwrap();
    std::fs::write(name(1), &good[..40]).unwrap();
    std::fs::write(name(2), b"cos\nsystem\n(S'true'\ntR.").unwrap();
    let said = cratylus(&dir, &["import", "ai-norms", "raw", "--out", "runs"]);
    assert_eq!(said.code, Some(2), "{}", said.err);
    assert!(
        said.err.contains("claude_bias_test_Q_Q.pkl: offset") && said.err.contains("claude_bias_test_M_Q.pkl: offset 0"),
        "{}",
        said.err
    );
    assert!(said.err.contains("2 of 3 files could not be read; the others are imported"), "{}", said.err);
    assert!(said.out.contains("1 conditions, 1 runs, 2 interactions and answers"), "{}", said.out);
    assert!(succeeds(&dir, &["report", "runs/claude_bias_test_M_M"]).out.contains("M_Q"));
}

#[test]
fn a_fitted_agent_behaves_like_the_agents_it_was_fitted_to() {
    let dir = folder("fitted");
    let text = COPIERS
        .replace("[sweep]\n\"game.memory\" = [3, 5]", "")
        .replace("interactions = 4000", "interactions = 1000")
        .replace("replicas = 40", "replicas = 10");
    std::fs::write(dir.join("e.toml"), &text).unwrap();
    succeeds(&dir, &["run", "e.toml", "--quiet"]);
    let said = succeeds(&dir, &["fit", "runs/copiers", "--out", "copier.json", "--resample", "2"]);
    assert!(said.out.contains("Q M X, H = 5, N = 50") && said.out.contains("the same in every run"), "{}", said.out);
    // Fits to runs drawn anew are near, and not the same.
    let weights = |file: &str| -> serde_json::Value {
        serde_json::from_str::<serde_json::Value>(&std::fs::read_to_string(dir.join(file)).unwrap()).unwrap()["weights"].clone()
    };
    let three = ["copier.json", "copier-1.json", "copier-2.json"].map(|file| weights(file)["p3!"].clone());
    let near = |other: &serde_json::Value| (other.as_f64().unwrap() - three[0].as_f64().unwrap()).abs() < 1.0;
    assert!(three[0] != three[1] && three[1] != three[2] && near(&three[1]) && near(&three[2]), "{three:?}");
    let agents = text.find("[agents]").unwrap()..text.find("[stop]").unwrap();
    let mut emulated = text.clone();
    emulated.replace_range(agents, "[agents]\nkind = \"emulated\"\nfile = \"copier.json\"\n\n");
    std::fs::write(dir.join("emulated.toml"), emulated).unwrap();
    succeeds(&dir, &["run", "emulated.toml", "--out", "runs/emulated", "--quiet"]);
    let rate = |run: &str| {
        let json: serde_json::Value = serde_json::from_str(&succeeds(&dir, &["report", run, "--json"]).out).unwrap();
        json["points"][0]["success"]["mean"].as_array().unwrap().iter().skip(5).map(|x| x.as_f64().unwrap()).sum::<f64>() / 15.0
    };
    let (own, emulated) = (rate("runs/copiers"), rate("runs/emulated"));
    assert!((own - emulated).abs() < 0.06, "{own} and {emulated}");
    let twice = cratylus(&dir, &["fit", "runs/copiers", "--hold", "runs/../runs/copiers", "--out", "x.json"]);
    assert!(twice.code == Some(2) && twice.err.contains("is given twice"), "{}", twice.err);
    let two = cratylus(&dir, &["fit", "runs/copiers", "runs/emulated", "--out", "x.json"]);
    assert_eq!(two.code, Some(2));
    assert!(two.err.contains("fit one at a time"), "{}", two.err);
    let paid = ["--set", "game.payoff={success=7,failure=-2}", "--out", "runs/paid", "--quiet"];
    succeeds(&dir, &[&["run", "e.toml"], &paid[..]].concat());
    let two = cratylus(&dir, &["fit", "runs/copiers", "runs/paid", "--out", "x.json"]);
    assert!(two.code == Some(2) && two.err.contains("paid differently") && two.err.contains("7 for success"), "{}", two.err);
}

/// Prints, for each table of a folder and each reader that is there, how many rows it has, what its numbers add up to, and
/// who wrote it.
const READ: &str = r#"
import glob, math, os, sys
def numbers(columns):
    return sum(float(x) for c in columns for x in c if isinstance(x, (int, float)) and not isinstance(x, bool) and math.isfinite(x))
def pyarrow():
    import pyarrow.parquet as pq
    def read(path):
        assert pq.ParquetFile(path).metadata.created_by.startswith("cratylus"), path
        table = pq.read_table(path)
        return table.num_rows, numbers(c.to_pylist() for c in table.columns)
    return read
def polars():
    import polars
    def read(path):
        table = polars.read_parquet(path)
        return table.height, numbers(c.to_list() for c in table.get_columns())
    return read
def duckdb():
    import duckdb
    def read(path):
        rows = duckdb.sql(f"select * from read_parquet('{path}')").fetchall()
        return len(rows), numbers(rows)
    return read
for reader in (pyarrow, polars, duckdb):
    try:
        read = reader()
    except ImportError:
        continue
    for path in sorted(glob.glob(sys.argv[1] + "/*.parquet")):
        rows, total = read(path)
        print(reader.__name__, os.path.basename(path), rows, f"{total:.6e}")
"#;

#[test]
fn other_readers_read_our_tables() {
    let dir = folder("other-readers");
    let text = "name = \"t\"\nseed = 2\nreplicas = 3\n[population]\nsize = 12\n[game]\nkind = \"coordination\"\nnames = [\"Q\", \"ü\"]\nmemory = 3\n\
                [agents]\nkind = \"mock\"\npolicy = { kind = \"emulated\", model = \"llama-3-70b\" }\ngarbage = 0.2\n[stop]\ninteractions = 60\n[record]\ninteractions = true\n";
    std::fs::write(dir.join("t.toml"), text).unwrap();
    succeeds(&dir, &["run", "t.toml", "--quiet"]);
    let Ok(read) = std::process::Command::new("python3").args(["-c", READ, "runs/t"]).current_dir(&dir).output() else {
        return skipped("python3 is not there to read our tables");
    };
    let (out, err) = (String::from_utf8_lossy(&read.stdout).into_owned(), String::from_utf8_lossy(&read.stderr));
    assert!(read.status.success(), "{err}");
    let mut said = std::collections::BTreeMap::<&str, Vec<&str>>::new();
    let mut readers = std::collections::BTreeSet::new();
    for line in out.lines() {
        let (reader, rest) = line.split_once(' ').unwrap();
        let (table, found) = rest.split_once(' ').unwrap();
        readers.insert(reader);
        said.entry(table).or_default().push(found);
    }
    if readers.is_empty() {
        return skipped("Python has none of pyarrow, polars and duckdb to read our tables");
    }
    assert!(said.len() >= 3 && said["interactions.parquet"][0].starts_with("180 "), "{out}");
    for (table, found) in said {
        assert!(found.len() == readers.len() && found.iter().all(|one| *one == found[0]), "{table}: {found:?}");
    }
}

#[test]
fn check_says_how_long_a_run_may_take() {
    let dir = folder("how-long");
    std::fs::write(dir.join("e.toml"), COPIERS).unwrap();
    let said = |sets: &[&str]| {
        let out = succeeds(&dir, &[&["check", "e.toml"][..], sets].concat()).out;
        out.lines().find(|line| line.starts_with("time ")).map(String::from)
    };
    let few = said(&[]).unwrap();
    assert!(few.contains("about") && few.contains("of one processor"), "{few}");
    // Runs that do not end within the moment are taken to last as long as they may.
    let many =
        said(&["--set", "population.size=100000", "--set", "stop={interactions=3000000000}", "--set", "replicas=1000"]).unwrap();
    assert!(many.contains("at most about") && many.contains("hours"), "{many}");
}

#[test]
fn a_server_that_is_not_named_is_told_before_a_run() {
    let dir = folder("nowhere");
    let text = "name = \"t\"\nseed = 2\nreplicas = 1\npopulation.size = 4\ngame = { kind = \"coordination\", names = [\"Q\", \"M\"] }\n\
                agents.kind = \"llm\"\nstop.interactions = 4\n";
    std::fs::write(dir.join("t.toml"), text).unwrap();
    let said = cratylus(&dir, &["check", "t.toml"]);
    assert!(said.code == Some(0) && said.err.contains("`run` will be refused: which server?"), "{}", said.err);
    let said = cratylus(&dir, &["run", "t.toml"]);
    assert!(said.code == Some(2) && said.err.contains("agents.endpoint"), "{}", said.err);
}

/// A table that others read has every number once, and two directories are compared with intervals and with what else differs.
#[test]
fn results_leave_as_tables_and_are_compared() {
    let dir = folder("compare");
    let text = "name = \"agree\"\nseed = 3\nreplicas = 30\n[population]\nsize = 8\n[game]\nkind = \"naming\"\nnames = [\"Q\", \"M\"]\n[agents]\nkind = \"inventory\"\n[stop]\nconsensus = { by = \"inventories\" }\n[sweep]\n\"population.size\" = [6, 12]\n";
    std::fs::write(dir.join("agree.toml"), text).unwrap();
    succeeds(&dir, &["run", "agree.toml", "--out", "one", "--quiet"]);
    succeeds(&dir, &["run", "agree.toml", "--out", "two", "--quiet", "--set", "seed=4"]);
    let table = succeeds(&dir, &["report", "one", "--csv"]).out;
    let mut lines = table.lines();
    assert_eq!(lines.next(), Some("point,source,population.size,measure,n,value,low,high,sd"));
    let consensus: Vec<&str> = table.lines().filter(|line| line.contains(",consensus,")).collect();
    assert_eq!(consensus.len(), 2, "{table}");
    assert!(consensus[0].starts_with("6,run,6,consensus,30,1,0.88"), "{table}");
    succeeds(&dir, &["report", "one", "--csv", "--out", "one.csv"]);
    assert_eq!(std::fs::read_to_string(dir.join("one.csv")).unwrap(), table);
    let said = succeeds(&dir, &["compare", "one", "two"]).out;
    assert!(said.contains("rounds_to_consensus") && said.contains("The experiments differ in seed (3 and 4)."), "{said}");
    let json: serde_json::Value = serde_json::from_str(&succeeds(&dir, &["compare", "one", "two", "--json"]).out).unwrap();
    for one in json["differences"].as_array().unwrap().iter().filter(|one| !one["difference"].is_null()) {
        let of = |key: &str| one["difference"][key].as_f64().unwrap();
        assert!(of("low") <= of("value") && of("value") <= of("high") && (0.0..=1.0).contains(&of("p")), "{one}");
    }
    // Conditions that only one has are said, and a measure that neither has is a mistake.
    succeeds(&dir, &["run", "agree.toml", "--out", "more", "--quiet", "--set", "sweep={\"population.size\" = [12, 16]}"]);
    let said = succeeds(&dir, &["compare", "one", "more", "--measure", "consensus"]).out;
    assert!(said.contains("Only the first has: 6.") && said.contains("Only the second has: 16."), "{said}");
    let wrong = cratylus(&dir, &["compare", "one", "two", "--measure", "consensu"]);
    assert!(wrong.code == Some(2) && wrong.err.contains("there are: consensus"), "{}", wrong.err);
}
