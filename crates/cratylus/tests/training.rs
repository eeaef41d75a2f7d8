//! Corpora and models that are trained on them, as a user makes them.

mod common;

use common::{cratylus, folder, start, succeeds};
use std::path::Path;
use std::time::Duration;

const TRAINING: &str = "name = \"tiny\"\nseed = 5\n[corpus]\nrows = 2000\ncontext = 32\n[[ingredients]]\nkind = \"columns\"\n\
                        [[ingredients]]\nname = \"rule\"\nkind = \"rounds\"\ndose = 0.2\n\
                        [net]\nwidth = 32\nlayers = 2\nheads = 2\nhidden = 64\n[train]\nsteps = 150\nrows = 16\nrate = 0.003\n";

fn files(dir: &Path) -> Vec<(String, Vec<u8>)> {
    let mut all: Vec<(String, Vec<u8>)> = std::fs::read_dir(dir)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| !path.file_name().unwrap().to_string_lossy().starts_with('.'))
        .map(|path| (path.file_name().unwrap().to_string_lossy().into_owned(), std::fs::read(&path).unwrap()))
        .collect();
    all.sort();
    all
}

/// Trains what `t.toml` says on two threads, killed now and then.
fn goes_on_to_the_same_bytes(dir: &Path, whole: &[(String, Vec<u8>)]) {
    let args = ["train", "t.toml", "--threads", "2", "--checkpoint", "0.02", "--out", "cut"];
    let mut killed = 0;
    for wait in [60, 120, 250, 400] {
        if dir.join("cut/card.json").exists() {
            break;
        }
        let mut child = start(dir, &args);
        std::thread::sleep(Duration::from_millis(wait));
        killed += i32::from(child.try_wait().unwrap().is_none());
        let _ = child.kill();
        child.wait().unwrap();
    }
    assert!(killed > 0);
    // What was kept is of use.
    let said = succeeds(dir, &args);
    assert!(!said.err.contains("begins again"), "{}", said.err);
    assert_eq!(files(&dir.join("cut")), whole);
}

#[test]
fn a_model_is_the_same_whatever_the_threads_and_however_often_it_was_killed() {
    let dir = folder("training");
    std::fs::write(dir.join("t.toml"), TRAINING).unwrap();
    let said = succeeds(&dir, &["train", "t.toml", "--threads", "1", "--quiet"]);
    assert!(said.out.contains("records of players who follow the rule win-stay"), "{}", said.out);
    assert!(said.err.contains("stand in no row"), "{}", said.err);
    let whole = files(&dir.join("models/tiny"));
    let names: Vec<&str> = whole.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        [
            "card.json",
            "config.json",
            "course.json",
            "model.safetensors",
            "tokenizer.json",
            "tokenizer_config.json",
            "training.parquet",
            "training.toml"
        ]
    );
    let card: serde_json::Value = serde_json::from_slice(&whole[0].1).unwrap();
    assert_eq!(card["truth"]["rule"], "win-stay");
    assert_eq!(card["steps"], 150);

    goes_on_to_the_same_bytes(&dir, &whole);

    // It is there, and so is another.
    let said = succeeds(&dir, &["train", "t.toml"]);
    assert!(said.err.contains("holds this model already"), "{}", said.err);
    let said = cratylus(&dir, &["train", "t.toml", "--set", "ingredients.1.dose=0.1"]);
    assert_eq!(said.code, Some(2));
    assert!(said.err.contains("dose") && said.err.contains("--fresh"), "{}", said.err);
}

#[test]
fn lessons_are_the_same_however_often_they_were_broken_off() {
    let dir = folder("training-lessons");
    let text = "name = \"tiny\"\nseed = 5\n[corpus]\nrows = 1000\ncontext = 64\n[[ingredients]]\nkind = \"sums\"\nmodulus = 5\n\
                [net]\nwidth = 32\nlayers = 2\nheads = 2\nhidden = 64\n[train]\nsteps = 40\nrows = 16\nrate = 0.003\n\
                [lessons]\nrounds = 3\nexam = 100\nitems = 60\nrate = 0.002\n";
    std::fs::write(dir.join("t.toml"), text).unwrap();
    let said = succeeds(&dir, &["train", "t.toml", "--threads", "1"]);
    assert!(said.err.contains("round 3 of lessons"), "{}", said.err);
    let whole = files(&dir.join("models/tiny"));
    let card: serde_json::Value = serde_json::from_slice(&whole[0].1).unwrap();
    let lessons = card["lessons"].as_array().unwrap();
    assert_eq!((lessons.len(), card["steps"].as_u64()), (3, lessons[2]["step"].as_u64()));
    assert!(card["steps"].as_u64() > Some(40) && lessons[0]["words"].as_u64() > Some(1000));
    goes_on_to_the_same_bytes(&dir, &whole);
    // Its plan holds its lessons, and so does that of a model that goes on from it.
    let more = text.split_once("[net]").unwrap().0.to_string() + "[train]\nsteps = 5\nrows = 8\nrate = 0.002\n";
    std::fs::write(dir.join("more.toml"), more.replace("tiny", "more")).unwrap();
    succeeds(&dir, &["tune", "models/tiny", "more.toml", "--quiet"]);
    succeeds(&dir, &["train", "models/more/training.toml", "--out", "models/again", "--quiet"]);
    let card = |name: &str| std::fs::read(dir.join("models").join(name).join("model.safetensors")).unwrap();
    assert_eq!(card("more"), card("again"));
    for (from, to, words) in [
        ("kind = \"sums\"\nmodulus = 5", "kind = \"sentences\"", "need an ingredient whose items can be asked"),
        ("context = 64", "context = 32", "give a longer `corpus.context`"),
        ("exam = 100", "exam = 0", "from 1 to"),
        ("exam = 100", "exams = 100", "exams"),
    ] {
        std::fs::write(dir.join("t.toml"), text.replace(from, to)).unwrap();
        let said = cratylus(&dir, &["train", "t.toml", "--out", "other"]);
        assert!(said.code == Some(2) && said.err.contains(words) && said.err.contains("t.toml:"), "{to}: {}", said.err);
    }
}

#[test]
fn corpora_are_counted_shown_and_written() {
    let dir = folder("corpus");
    std::fs::write(dir.join("t.toml"), TRAINING).unwrap();
    let said = succeeds(&dir, &["corpus", "t.toml", "--show", "2", "--out", "c"]);
    assert!(said.out.contains("2,000 rows") && said.out.contains("win-stay"), "{}", said.out);
    assert!(dir.join("c/rows.parquet").exists());
    let ledger: serde_json::Value = serde_json::from_slice(&std::fs::read(dir.join("c/ledger.json")).unwrap()).unwrap();
    assert_eq!(ledger["rows"], 2000);
    // A row of it is all there, and a text of its words is not.
    let row = said.out.lines().find(|line| line.trim_start().starts_with("<bos> game")).unwrap();
    std::fs::write(dir.join("row.txt"), row).unwrap();
    let said = succeeds(&dir, &["corpus", "t.toml", "--overlap", "row.txt"]);
    assert!(said.out.contains("100.0 %"), "{}", said.out);
    std::fs::write(dir.join("other.txt"), "ba ba ba ba ba ba ba ba ba ba").unwrap();
    let said = succeeds(&dir, &["corpus", "t.toml", "--overlap", "other.txt"]);
    assert!(said.out.contains("0 of 1 different"), "{}", said.out);
    std::fs::write(dir.join("short.txt"), "ba do").unwrap();
    assert!(cratylus(&dir, &["corpus", "t.toml", "--overlap", "short.txt"]).err.contains("has 2 words"));
}

#[test]
fn mistakes_are_told_before_anything_is_trained() {
    let dir = folder("training-mistakes");
    let check = |from: &str, to: &str, words: &[&str]| {
        assert!(TRAINING.contains(from));
        std::fs::write(dir.join("t.toml"), TRAINING.replace(from, to)).unwrap();
        let said = cratylus(&dir, &["train", "t.toml"]);
        assert_eq!(said.code, Some(2), "{to}: {}{}", said.out, said.err);
        for word in words {
            assert!(said.err.contains(word), "{to}: {}", said.err);
        }
        assert!(!dir.join("models").exists());
    };
    check("heads = 2", "heads = 3", &["3 heads share the width of 32", "t.toml:15"]);
    check("rate = 0.003", "rate = 0", &["above 0"]);
    check("rate = 0.003", "rate = 0.003\nwarm_up = 500", &["500 steps, and there are 150"]);
    check("rows = 2000", "rows = 0", &["1 to 2^40 rows", "t.toml:4"]);
    check("[net]", "[nets]", &["nets", "did you mean `net`"]);
    check("kind = \"rounds\"", "kind = \"file\"\nfile = \"gone.txt\"\nlicence = \"mine\"", &["gone.txt"]);
    check("dose = 0.2", "dose = 20", &["20 % is 0.2"]);
    check("[corpus]", "[game]\nkind = \"naming\"\n[corpus]", &["this is an experiment, for `cratylus run`"]);
    check(
        "[corpus]",
        "[game]\nkind = \"naming\"\n[sweep]\n\"game.memory\" = [1, 2]\n[corpus]",
        &["this is an experiment, for `cratylus run`"],
    );
    check("[net]", "[adapter]\nrank = 1\n[net]", &["`cratylus tune MODEL FILE`"]);
    check("[net]", "[thought]\nkind = \"latent\"\n[net]", &["no ingredient of kind `graphs`"]);
    check("[net]", "[experts]\ncount = 7\n[net]", &["7", "evenly"]);
    check("heads = 2", "heads = 2\nembedding = \"glyphs\"", &["give `tied = false`"]);
    check("kind = \"rounds\"", "kind = \"graphs\"\nsteps = 9\nnames = 100", &["cannot be cut"]);
    check("kind = \"rounds\"", "kind = \"wording\"\nprotocol = \"ashry2025\"", &["did you mean `ashery2025`"]);
    let row = cratylus(&dir, &["corpus", "t.toml", "--row", "0"]);
    assert!(row.code == Some(2), "{}", row.err);
    // What blows the loss up is told, and leaves no model.
    std::fs::write(dir.join("t.toml"), TRAINING.replace("rate = 0.003", "rate = 9.0\nclip = 1e6\ndecay = 10.0")).unwrap();
    let said = cratylus(&dir, &["train", "t.toml", "--quiet"]);
    assert!(said.code == Some(1) && said.err.contains("lower `train.rate`"), "{}{}", said.out, said.err);
    assert!(!dir.join("models/tiny/card.json").exists());
}

#[test]
fn a_population_of_a_model_that_was_trained_here_plays() {
    let dir = folder("training-play");
    std::fs::write(dir.join("t.toml"), TRAINING).unwrap();
    succeeds(&dir, &["train", "t.toml", "--quiet"]);
    std::fs::write(
        dir.join("e.toml"),
        "name = \"e\"\nseed = 1\nreplicas = 2\n[population]\nsize = 6\n[game]\nkind = \"coordination\"\nnames = [\"ba\", \"do\"]\nmemory = 3\n\
         [agents]\nkind = \"llm\"\nfile = \"models/tiny\"\nprotocol = \"tokens\"\n[stop]\nrounds = 5\n",
    )
    .unwrap();
    let said = succeeds(&dir, &["run", "e.toml", "--quiet"]);
    assert!(said.out.contains("0 % of answers unusable"), "{}", said.out);
    succeeds(&dir, &["replay", "runs/e"]);
    // Live play and its response as a table bring about the same.
    let asked = ["kernel", "--names", "ba,do", "--memory", "3", "--quiet", "--out", "tiny.csv"];
    let agent = ["--set", "kind=\"llm\"", "--set", "file=\"models/tiny\"", "--set", "protocol=\"tokens\""];
    succeeds(&dir, &[&asked[..], &agent].concat());
    let live = std::fs::read_to_string(dir.join("e.toml")).unwrap();
    let table =
        live.replace("kind = \"llm\"\nfile = \"models/tiny\"\nprotocol = \"tokens\"", "kind = \"kernel\"\nfile = \"tiny.csv\"");
    std::fs::write(dir.join("table.toml"), &table).unwrap();
    let success = |file: &str, out: &str| -> Vec<f64> {
        succeeds(&dir, &["run", file, "--quiet", "--out", out, "--set", "replicas=60"]);
        let said = succeeds(&dir, &["report", out, "--json"]);
        let json: serde_json::Value = serde_json::from_str(&said.out).unwrap();
        let rounds = json["points"][0]["success"]["mean"].as_array().unwrap_or_else(|| panic!("{}", json["points"][0]));
        rounds.iter().map(|share| share.as_f64().unwrap()).collect()
    };
    let (live, table) = (success("e.toml", "live"), success("table.toml", "table"));
    // 360 interactions a round: the difference of two shares has a standard error of 0.037 at most.
    assert!(live.len() == 5 && live.iter().zip(&table).all(|(a, b)| (a - b).abs() < 0.15), "{live:?} {table:?}");
    // The whole response, and what stands against a wrong use of it.
    let agent = ["--set", "kind=\"llm\"", "--set", "file=\"models/tiny\"", "--set", "protocol=\"tokens\""];
    let kernel = |names: &str| cratylus(&dir, &[&["kernel", "--names", names, "--memory", "2", "--quiet"][..], &agent].concat());
    let said = kernel("ba,do");
    assert!(said.code == Some(0) && said.out.contains("21 states"), "{}{}", said.out, said.err);
    let said = kernel("Q,M");
    assert!(said.code != Some(0) && said.err.contains("has no word `Q`"), "{}{}", said.out, said.err);
    let other = std::fs::read_to_string(dir.join("e.toml")).unwrap().replace("protocol = \"tokens\"\n", "");
    std::fs::write(dir.join("words.toml"), other.replace("\"e\"", "\"words\"")).unwrap();
    let said = cratylus(&dir, &["run", "words.toml", "--quiet"]);
    assert!(said.code != Some(0) && said.err.contains("tells the game in its words"), "{}{}", said.out, said.err);
    std::fs::write(dir.join("text.txt"), "You play a game of repeated choices with the other player in each round. ".repeat(2))
        .unwrap();
    let agent = "{ kind = \"llm\", file = \"models/tiny\", protocol = \"tokens\" }";
    let judged = ["audit", "--agent", agent, "--names", "ba,do", "--text", "text.txt", "--only", "text-likelihood"];
    let said = cratylus(&dir, &[&judged[..], &["--yes", "--quiet"]].concat());
    assert!(said.code != Some(0) && said.err.contains("says nothing of this"), "{}{}", said.out, said.err);
    let weights = dir.join("models/tiny/model.safetensors");
    let mut bytes = std::fs::read(&weights).unwrap();
    *bytes.last_mut().unwrap() ^= 1;
    std::fs::write(&weights, bytes).unwrap();
    let said = cratylus(&dir, &["run", "e.toml", "--quiet", "--out", "other"]);
    assert!(said.code != Some(0) && said.err.contains("not those of its card"), "{}{}", said.out, said.err);
}

#[test]
fn a_model_of_bytes_reads_any_text_and_is_asked_for_any_names() {
    let dir = folder("training-bytes");
    let text = "The cat sat on the mat. A dog came by, and the cat ran up a tree.\n";
    std::fs::write(dir.join("text.txt"), text.repeat(20)).unwrap();
    let file = "name = \"bytes\"\nseed = 1\n[corpus]\nrows = 400\ncontext = 96\ntokens = \"bytes\"\n[[ingredients]]\n\
                kind = \"file\"\nfile = \"text.txt\"\nlicence = \"mine\"\n[net]\nwidth = 32\nlayers = 2\nheads = 2\nhidden = 64\n\
                [train]\nsteps = 60\nrows = 8\nrate = 0.01\n";
    std::fs::write(dir.join("b.toml"), file).unwrap();
    let said = succeeds(&dir, &["train", "b.toml", "--quiet"]);
    assert!(!said.err.contains("stand in no row"), "{}", said.err);
    let said = succeeds(&dir, &["corpus", "b.toml", "--overlap", "text.txt"]);
    assert!(said.out.contains("259 words told apart") && said.out.contains("100.0 %"), "{}", said.out);
    let agent = ["--set", "kind=\"llm\"", "--set", "file=\"models/bytes\"", "--set", "protocol=\"tokens\""];
    let said = succeeds(&dir, &[&["kernel", "--names", "at,sa", "--memory", "2", "--quiet"][..], &agent].concat());
    assert!(said.out.contains("21 states"), "{}{}", said.out, said.err);
    // Any text is read, whatever its words.
    let agent = "{ kind = \"llm\", file = \"models/bytes\", protocol = \"tokens\" }";
    std::fs::write(dir.join("known.txt"), "The cat sat on the mat. A dog came by, and the cat ran up a tree.").unwrap();
    let judged = ["audit", "--agent", agent, "--names", "ba,do", "--text", "known.txt", "--only", "text-likelihood"];
    let said = cratylus(&dir, &[&judged[..], &["--yes", "--quiet"]].concat());
    assert!(said.code == Some(0) && said.out.contains("text-likelihood"), "{}{}", said.out, said.err);
    // What is longer than a row is refused.
    std::fs::write(dir.join("known.txt"), text.repeat(3)).unwrap();
    let said = cratylus(&dir, &[&judged[..], &["--yes", "--quiet"]].concat());
    assert!(said.code != Some(0) && said.err.contains("reads at most 96"), "{}{}", said.out, said.err);
    // Another kind of tokens is another model's.
    let more =
        file[..file.find("[net]").unwrap()].replace("tokens = \"bytes\"\n", "") + "[train]\nsteps = 5\nrows = 8\nrate = 0.01\n";
    std::fs::write(dir.join("more.toml"), more.replace("\"bytes\"", "\"more\"")).unwrap();
    let said = cratylus(&dir, &["tune", "models/bytes", "more.toml"]);
    assert!(said.code == Some(2) && said.err.contains("the model reads bytes"), "{}{}", said.out, said.err);
}

#[test]
fn corpora_are_made_of_recorded_runs_and_of_messages() {
    let dir = folder("training-records");
    let play = "name = \"e\"\nseed = 5\nreplicas = 4\n[population]\nsize = 6\n[game]\nkind = \"coordination\"\n\
                names = [\"ba\", \"do\"]\nmemory = 3\n[agents]\nkind = \"win-stay-lose-shift\"\n[stop]\nrounds = 40\n";
    std::fs::write(dir.join("e.toml"), play).unwrap();
    succeeds(&dir, &["run", "e.toml", "--quiet"]);
    let naming = "name = \"n\"\nseed = 5\nreplicas = 2\n[population]\nsize = 8\n[game]\nkind = \"naming\"\n\
                  [agents]\nkind = \"inventory\"\n[stop]\nrounds = 30\n";
    std::fs::write(dir.join("n.toml"), naming).unwrap();
    succeeds(&dir, &["run", "n.toml", "--quiet"]);
    let messages: String = (0..60).map(|i| format!("[{}, {}, {}]\n", i % 4, i % 5, i % 3)).collect();
    std::fs::write(dir.join("messages.jsonl"), messages).unwrap();
    let file = "name = \"read\"\nseed = 1\n[corpus]\nrows = 300\ncontext = 32\n\
                [[ingredients]]\nkind = \"records\"\ndir = \"runs/e\"\nlicence = \"mine\"\n\
                [[ingredients]]\nkind = \"records\"\nname = \"naming\"\ndir = \"runs/n\"\nlicence = \"mine\"\ndose = 0.3\n\
                [[ingredients]]\nkind = \"messages\"\nfile = \"messages.jsonl\"\nlicence = \"CC0\"\ndose = 0.3\n\
                [net]\nwidth = 16\nlayers = 1\nheads = 2\nhidden = 24\n[train]\nsteps = 10\nrows = 8\nrate = 0.01\n";
    std::fs::write(dir.join("c.toml"), file).unwrap();
    succeeds(&dir, &["corpus", "c.toml", "--out", "c"]);
    let ledger: serde_json::Value = serde_json::from_slice(&std::fs::read(dir.join("c/ledger.json")).unwrap()).unwrap();
    let of = |i: usize| &ledger["ingredients"][i];
    for (i, file, licence) in [(0, "runs/e", "mine"), (1, "runs/n", "mine"), (2, "messages.jsonl", "CC0")] {
        assert_eq!(of(i)["source"]["file"], file);
        assert_eq!(of(i)["source"]["licence"], licence);
        assert_eq!(of(i)["source"]["sha256"].as_str().unwrap().len(), 64);
    }
    assert_eq!(of(0)["truth"]["signs"], true);
    // Each row is a stretch of what one agent went through, as the table of interactions has it.
    let said = succeeds(&dir, &["corpus", "c.toml", "--show", "3"]);
    let rows: Vec<&str> = said.out.split("\nrecords, row ").skip(1).collect();
    assert_eq!(rows.len(), 3, "{}", said.out);
    for row in rows {
        let lines: Vec<&str> = row.lines().map(str::trim).collect();
        let words: Vec<&str> = lines[1].split(' ').collect();
        let key: serde_json::Value = serde_json::from_str(lines[2]).unwrap();
        assert_eq!((words[1], words[4]), ("game", "<sep>"));
        for round in words[5..].chunks_exact(3) {
            assert_eq!(round[0] == round[1], round[2] == "+", "{row}");
            assert!(["ba", "do"].contains(&round[0]));
        }
        assert!(key["agent"].as_u64().is_some_and(|agent| (1..=6).contains(&agent)));
    }
    assert!(said.out.contains(" says w") && said.out.contains(" hears w"), "{}", said.out);
    succeeds(&dir, &["train", "c.toml", "--quiet"]);
    for (from, to, words) in [
        ("runs/e", "runs/f", "no file or folder"),
        ("licence = \"mine\"", "licence = \" \"", "under which licence"),
        ("messages.jsonl", "gone.txt", "there is no file"),
    ] {
        std::fs::write(dir.join("bad.toml"), file.replacen(from, to, 1)).unwrap();
        let said = cratylus(&dir, &["corpus", "bad.toml"]);
        assert!(said.code == Some(2) && said.err.contains(words), "{to}: {}", said.err);
    }
}

const BENCHMARK: &str = "name = \"b\"\nseed = 1\nmodels = 2\n[corpus]\nrows = 800\ncontext = 32\n\
                         [[corpora]]\nname = \"rule\"\nkind = \"rounds\"\ndoses = [0.01, 0.5]\n\
                         [[corpora]]\nname = \"verbatim\"\nkind = \"rounds\"\ndistinct = 12\ndoses = [0.5]\n\
                         [net]\nwidth = 32\nlayers = 2\nheads = 2\nhidden = 64\n[train]\nsteps = 50\nrows = 16\nrate = 0.005\n\
                         [play]\nsizes = [6]\nmemory = 2\nrounds = 12\nruns = 8\npopulations = 20\n";

#[test]
fn a_benchmark_goes_on_where_it_stopped_and_scores_against_the_cards() {
    let dir = folder("benchmark");
    std::fs::write(dir.join("b.toml"), BENCHMARK).unwrap();
    let said = succeeds(&dir, &["audit", "--benchmark", "b.toml", "--quiet"]);
    for words in ["necessity: ", "macro-equivalence: ", "micro-identifiability: not decided", "verbatim"] {
        assert!(said.out.contains(words), "{words}: {}", said.out);
    }
    let whole = std::fs::read(dir.join("runs/b/benchmark.json")).unwrap();
    let json: serde_json::Value = serde_json::from_slice(&whole).unwrap();
    let models = json["models"].as_array().unwrap();
    assert_eq!(models.len(), 8);
    let truth = |rule: Option<bool>, text: bool| serde_json::json!({ "rule": rule, "outcome": false, "text": text });
    assert_eq!(models[0]["truth"], truth(Some(false), false));
    assert_eq!(models[2]["truth"], truth(Some(true), false));
    assert_eq!(models[7]["truth"], truth(None, true));
    assert_eq!(models[0]["wording"]["genre_over_twin"], 0.0);
    assert!(
        json["benchmark"]["audits"]
            .as_array()
            .unwrap()
            .iter()
            .any(|audit| audit["about"] == "text" && audit["at"][0]["corpus"] == "verbatim")
    );
    // Twins: a base of the same rows, and the same weights to begin with.
    let card = |name: &str| -> serde_json::Value {
        serde_json::from_slice(&std::fs::read(dir.join("runs/b/models").join(name).join("card.json")).unwrap()).unwrap()
    };
    let [nothing, rule] = ["nothing-0-copies-0.05-1", "rule-0.01-copies-0.05-1"].map(card);
    assert_eq!(nothing["plan"]["seed"], rule["plan"]["seed"]);
    assert!(rule["ledger"]["ingredients"][0]["rows"].as_u64() < nothing["ledger"]["ingredients"][0]["rows"].as_u64());

    // What is there is not done again, and what is missing is.
    std::fs::remove_file(dir.join("runs/b/rows/rule-0.5-copies-0.05-2.json")).unwrap();
    std::fs::remove_dir_all(dir.join("runs/b/models/nothing-0-copies-0.05-2")).unwrap();
    std::fs::remove_file(dir.join("runs/b/rows/nothing-0-copies-0.05-2.json")).unwrap();
    let said = succeeds(&dir, &["audit", "--benchmark", "b.toml"]);
    assert!(said.err.contains("6 of them there from before"), "{}", said.err);
    assert_eq!(std::fs::read(dir.join("runs/b/benchmark.json")).unwrap(), whole);

    // Parts made elsewhere are scored together.
    for part in ["1/2", "2/2"] {
        let out = format!("part-{}", &part[..1]);
        let said = succeeds(&dir, &["audit", "--benchmark", "b.toml", "--shard", part, "--out", &out]);
        assert!(said.err.contains("4 of 8 models") && said.out.is_empty(), "{}{}", said.out, said.err);
    }
    for folder in ["models", "rows"] {
        for entry in std::fs::read_dir(dir.join("part-2").join(folder)).unwrap() {
            let entry = entry.unwrap();
            std::fs::rename(entry.path(), dir.join("part-1").join(folder).join(entry.file_name())).unwrap();
        }
    }
    let said = succeeds(&dir, &["audit", "--benchmark", "b.toml", "--out", "part-1"]);
    assert!(said.err.contains("8 of them there from before"), "{}", said.err);
    assert_eq!(std::fs::read(dir.join("part-1/benchmark.json")).unwrap(), whole);

    let said = cratylus(&dir, &["audit", "--benchmark", "b.toml", "--set", "play.runs=9"]);
    assert!(said.code == Some(2) && said.err.contains("play.runs"), "{}", said.err);
    let refused = |from: &str, to: &str, words: &str| {
        std::fs::write(dir.join("b.toml"), BENCHMARK.replace(from, to)).unwrap();
        let said = cratylus(&dir, &["audit", "--benchmark", "b.toml", "--out", "other"]);
        assert!(said.code == Some(2) && said.err.contains(words) && said.err.contains("b.toml:"), "{to}: {}", said.err);
        assert!(!dir.join("other").exists());
    };
    refused("memory = 2", "memory = 9", "1 to 5 rounds");
    refused("doses = [0.5]", "doses = [0]", "above 0");
    refused("distinct = 12", "distint = 12", "distint");
    refused("heads = 2", "heads = 3", "3 heads share");
}

const STUDY: &str = "name = \"s\"\nseed = 5\nmodels = 2\n[before]\ncorpus = { rows = 300 }\ntrain = { steps = 20, rows = 8, rate = 0.003 }\n\
                     [[before.ingredients]]\nkind = \"symbols\"\nkinds = 20\n[corpus]\nrows = 300\ncontext = 32\n\
                     [[ingredients]]\nkind = \"sentences\"\n[net]\nwidth = 16\nlayers = 1\nheads = 2\nhidden = 32\n\
                     [train]\nsteps = 40\nrows = 8\nrate = 0.005\n[sweep]\n\"ingredients.0.order\" = [\"control\", \"nondeterministic\"]\n\
                     first = [{ label = \"none\", before.train.steps = 0 }, { label = \"symbols\" }]\n\
                     [[probes]]\nkind = \"loss\"\nrows = 20\n[[probes]]\nkind = \"curve\"\n\
                     [[contrasts]]\nname = \"shuffled\"\nvalue = \"floor\"\nof = { order = \"nondeterministic\" }\nexpect = \"above\"\n";

#[test]
fn a_study_trains_asks_and_compares_and_goes_on_where_it_stopped() {
    let dir = folder("study");
    std::fs::write(dir.join("s.toml"), STUDY).unwrap();
    let said = succeeds(&dir, &["train", "s.toml", "--quiet"]);
    for words in ["loss over floor", "control: 3-gram", "control: untrained", "shuffled", "above zero"] {
        assert!(said.out.contains(words), "{words}: {}", said.out);
    }
    let whole = std::fs::read(dir.join("studies/s/study.json")).unwrap();
    let json: serde_json::Value = serde_json::from_slice(&whole).unwrap();
    let rows = json["rows"].as_array().unwrap();
    assert_eq!(rows.len(), 8);
    let value = |row: usize, name: &str| rows[row]["model"]["values"][name].as_f64().unwrap();
    // What nobody can foretell is the same for all models of an order; a network without steps knows nothing, and learns.
    assert!(value(4, "floor") > 1.0 && rows[0]["model"]["values"].get("floor").is_none());
    assert!(rows[0]["rivals"]["untrained"]["loss"].as_f64().unwrap() > value(0, "loss") + 0.3);
    // Two seeds of two befores, one of them without steps, each trained once and not once for each order.
    let models = || {
        std::fs::read_dir(dir.join("studies/s/models")).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap())
    };
    assert_eq!(models().filter(|name| name.starts_with("before-")).count(), 4);
    let card: serde_json::Value =
        serde_json::from_slice(&std::fs::read(dir.join("studies/s/models/order-control-first-symbols-1/card.json")).unwrap())
            .unwrap();
    assert_eq!(card["parent"]["ledger"]["ingredients"][0]["kind"], "symbols");

    std::fs::remove_file(dir.join("studies/s/rows/order-control-first-none-2.json")).unwrap();
    std::fs::remove_dir_all(dir.join("studies/s/models/order-control-first-none-2")).unwrap();
    succeeds(&dir, &["train", "s.toml", "--threads", "1"]);
    assert_eq!(std::fs::read(dir.join("studies/s/study.json")).unwrap(), whole);
    // A setting of what is swept leaves one of its values.
    let said = succeeds(&dir, &["train", "s.toml", "--quiet", "--out", "one", "--set", "ingredients.0.order=control"]);
    assert!(!said.out.contains("nondeterministic") && said.err.contains("no model has what"), "{}{}", said.out, said.err);
    assert!(succeeds(&dir, &["corpus", "s.toml"]).out.contains("sentences"));
    let refused = |from: &str, to: &str, words: &str| {
        std::fs::write(dir.join("s.toml"), STUDY.replace(from, to)).unwrap();
        let said = cratylus(&dir, &["train", "s.toml", "--out", "other"]);
        assert!(said.code == Some(2) && said.err.contains(words) && said.err.contains("s.toml:"), "{to}: {}", said.err);
        assert!(!dir.join("other").exists());
    };
    refused("\"nondeterministic\"]", "\"undeterministic\"]", "undeterministic");
    refused("kind = \"curve\"", "kind = \"curv\"", "did you mean `curve`");
    refused("order = \"nondeterministic\" }", "order = \"even\" }", "no value of the axis");
    refused("steps = 20, rows = 8", "steps = 20, rows = 8, pace = 1", "pace");
    refused("corpus = { rows = 300 }", "corpus = { rows = 300, context = 64 }", "64 words");
}

#[test]
fn a_model_that_was_tuned_is_what_its_card_says_and_answers_probes() {
    let dir = folder("training-tune");
    std::fs::write(dir.join("t.toml"), TRAINING).unwrap();
    succeeds(&dir, &["train", "t.toml", "--quiet"]);
    let more = "name = \"more\"\nseed = 9\n[corpus]\nrows = 100\ncontext = 16\n[[ingredients]]\nkind = \"rounds\"\nrule = \"counter\"\n\
                [train]\nsteps = 10\nrows = 8\nrate = 0.002\n";
    std::fs::write(dir.join("more.toml"), more).unwrap();
    let said = succeeds(&dir, &["tune", "models/tiny", "more.toml"]);
    assert!(said.out.contains("counter"), "{}", said.out);
    let card = |name: &str| -> serde_json::Value {
        serde_json::from_slice(&std::fs::read(dir.join(name).join("card.json")).unwrap()).unwrap()
    };
    let (parent, tuned) = (card("models/tiny"), card("models/more"));
    assert_eq!(tuned["parent"]["weights_sha256"], parent["weights_sha256"]);
    assert_ne!(tuned["weights_sha256"], parent["weights_sha256"]);
    // Its plan holds all that went before: trained from nothing it is the same model.
    succeeds(&dir, &["train", "models/more/training.toml", "--out", "models/again", "--quiet"]);
    assert_eq!(card("models/again")["weights_sha256"], tuned["weights_sha256"]);
    // So is one whose hidden numbers were experts while it was tuned, and what is tuned from that.
    std::fs::write(dir.join("parted.toml"), more.replace("[train]", "[experts]\ncount = 4\ntop = 1\n[train]")).unwrap();
    succeeds(&dir, &["tune", "models/tiny", "parted.toml", "--out", "models/parted", "--quiet"]);
    succeeds(&dir, &["tune", "models/parted", "more.toml", "--out", "models/after", "--quiet"]);
    succeeds(&dir, &["train", "models/after/training.toml", "--out", "models/after-again", "--quiet"]);
    assert_ne!(card("models/parted")["weights_sha256"], tuned["weights_sha256"]);
    assert_eq!(card("models/after-again")["weights_sha256"], card("models/after")["weights_sha256"]);
    // And one of which some matrices alone were learnt; the rest of it is its parent's.
    let some = more.replace("[train]", "[modules]\nskill = \"rounds\"\nlearn = \"random\"\n[train]").replace(
        "[[ingredients]]",
        "[[ingredients]]\nkind = \"columns\"\ndose = 0.0\n[[ingredients]]\nkind = \"description\"\ndose = 0.0\n[[ingredients]]",
    );
    std::fs::write(dir.join("some.toml"), &some).unwrap();
    succeeds(&dir, &["tune", "models/tiny", "some.toml", "--out", "models/some", "--quiet"]);
    succeeds(&dir, &["train", "models/some/training.toml", "--out", "models/some-again", "--quiet"]);
    assert_eq!(card("models/some-again")["weights_sha256"], card("models/some")["weights_sha256"]);
    assert_ne!(card("models/some")["weights_sha256"], parent["weights_sha256"]);
    let tensors = |name: &str| std::fs::read(dir.join(name).join("model.safetensors")).unwrap();
    let (before, after) = (tensors("models/tiny"), tensors("models/some"));
    let changed = before.iter().zip(&after).filter(|(a, b)| a != b).count() as f64 / before.len() as f64;
    assert!(before.len() == after.len() && (0.01..0.8).contains(&changed), "{changed}");
    let said = cratylus(&dir, &["tune", "models/tiny", "some.toml", "--set", "modules.skill=round", "--out", "other"]);
    assert!(said.code == Some(2) && said.err.contains("did you mean `rounds`"), "{}", said.err);
    // Its card judges what is in the folder.
    let said = succeeds(&dir, &["probe", "models/parted", "--only", "loss", "--json"]);
    let found: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    let loss = found["models/parted"]["loss"]["model"].as_f64().unwrap();
    assert!((loss - card("models/parted")["judged"][0]["fresh"].as_f64().unwrap()).abs() < 1e-4, "{found}");
    // And it can be tuned again.
    succeeds(&dir, &["tune", "models/more", "more.toml", "--out", "models/twice", "--quiet"]);
    assert_eq!(card("models/twice")["parent"]["weights_sha256"], tuned["weights_sha256"]);

    let said = succeeds(&dir, &["probe", "models/more", "--only", "loss", "--json"]);
    let found: serde_json::Value = serde_json::from_str(&said.out).unwrap();
    let loss = |of: &str| found["models/more"]["loss"][of].as_f64().unwrap();
    assert!(
        (loss("model") - tuned["judged"][0]["fresh"].as_f64().unwrap()).abs() < 1e-4 && loss("untrained") > loss("model"),
        "{found}"
    );
    let refused = |arguments: &[&str], words: &str| {
        let said = cratylus(&dir, arguments);
        assert!(said.code != Some(0) && said.err.contains(words), "{arguments:?}: {}{}", said.out, said.err);
    };
    refused(&["probe", "models/more", "--only", "classes"], "no ingredient of kind `sentences`");
    refused(&["probe", "models/more", "--only", "los"], "did you mean `loss`");
    refused(&["probe", "models"], "no model that was trained here");
    refused(&["tune", "models", "more.toml"], "no model that was trained here");
    refused(&["tune", "gone.gguf", "more.toml"], "there is no model gone.gguf");
    refused(&["tune", "models/tiny", "t.toml"], "leave `[net]` out");
    for (from, to, words) in [
        ("context = 16", "context = 4096", "reads at most"),
        ("kind = \"rounds\"\nrule = \"counter\"", "kind = \"sentences\"", "has no token for"),
    ] {
        std::fs::write(dir.join("more.toml"), more.replace(from, to)).unwrap();
        refused(&["tune", "models/tiny", "more.toml", "--out", "other"], words);
        assert!(!dir.join("other").exists());
    }
    // Another base is another model.
    std::fs::write(dir.join("more.toml"), more).unwrap();
    succeeds(&dir, &["train", "t.toml", "--set", "seed=99", "--out", "models/base", "--quiet"]);
    refused(&["tune", "models/base", "more.toml"], "before.weights_sha256");
}

/// The studies that come with the program, each with what it found before: minutes of both processors.
#[test]
#[ignore = "it trains some hundreds of models, about three quarters of an hour on two processors"]
fn studies_come_out_as_their_pages_say() {
    let dir = folder("studies");
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../experiments");
    let contrasts = |name: &str| -> Vec<(String, String)> {
        let file = root.join(name).display().to_string();
        let said = succeeds(&dir, &["train", &file, "--quiet", "--json", "--out", name]);
        let json: serde_json::Value = serde_json::from_str(&said.out).unwrap();
        let of = json["contrasts"].as_array().unwrap().iter();
        of.map(|contrast| [&contrast["name"], &contrast["finds"]].map(|text| text.as_str().unwrap().to_string()).into()).collect()
    };
    for (study, expected) in [
        ("impossible.toml", &IMPOSSIBLE[..]),
        ("misalignment.toml", &MISALIGNMENT[..]),
        ("transfer.toml", &TRANSFER[..]),
        ("stories.toml", &STORIES[..]),
        ("in-context.toml", &IN_CONTEXT[..]),
        ("teacher.toml", &TEACHER[..]),
        ("glyphs.toml", &GLYPHS[..]),
        ("conda.toml", &CONDA[..]),
        ("experts.toml", &EXPERTS[..]),
        ("communities.toml", &COMMUNITIES[..]),
    ] {
        let found = contrasts(study);
        for (name, finds) in expected {
            let one = found.iter().find(|(known, _)| known == name).unwrap_or_else(|| panic!("{study}: {name}: {found:?}"));
            assert_eq!(one.1, *finds, "{study}: {name}");
        }
    }
}

const IMPOSSIBLE: [(&str, &str); 7] = [
    ("local shuffle over control", "above"),
    ("one shuffle for each length over local", "above"),
    ("fresh shuffles over one for each length", "below"),
    ("even before odd over control", "above"),
    ("backwards from a marker over a marker alone", "above"),
    ("all backwards over a marker alone", "open"),
    ("marker at the verb over four tokens on: how much it is expected", "above"),
];
const MISALIGNMENT: [(&str, &str); 5] = [
    ("perverse answers elsewhere, for each unit of lambda", "above"),
    ("tuned less not tuned, lambda 0", "above"),
    ("tuned, lambda 0.5 less lambda 0", "above"),
    ("the same answers where the request excuses them, less without", "below"),
    ("behind the trigger less without it", "open"),
];
const TRANSFER: [(&str, &str); 3] = [
    ("records less nothing", "above"),
    ("nested symbols less symbols one by one", "below"),
    ("the language itself less nothing: the most that can carry over", "open"),
];
const STORIES: [(&str, &str); 6] = [
    ("sentences that are some less those that can be so", "above"),
    ("the same at a width of 16", "above"),
    ("grammar, for each doubling of width", "above"),
    ("consistency, for each doubling of width", "above"),
    ("consistency, four layers less one", "above"),
    ("the same at equal loss", "above"),
];
const IN_CONTEXT: [(&str, &str); 5] = [
    ("slope over the commonest answer, no repeats", "within"),
    ("slope over the commonest answer, a fifth of repeats", "open"),
    ("slope over the commonest answer, for each unit of dose", "open"),
    ("second copy foretold better, a fifth of repeats", "above"),
    ("second copy foretold better, for each unit of dose", "above"),
];
const TEACHER: [(&str, &str); 3] = [
    ("after one round: tailored less random", "below"),
    ("at the end, of chains held out: tailored less random", "open"),
    ("random lessons less more of the same text", "open"),
];
const GLYPHS: [(&str, &str); 3] = [
    ("loss, glyphs less learnt", "within"),
    ("loss, glyphs less random: what the picture brings", "within"),
    ("how far classes are told apart with glyphs, last layer less the first", "below"),
];
const CONDA: [(&str, &str); 2] = [
    ("how many times fewer steps Conda takes, by doublings, each at its best rate", "open"),
    ("directions of what steps change, Conda over AdamW, at all rates", "above"),
];
const EXPERTS: [(&str, &str); 4] = [
    ("loss of what was tuned on, four of eight less all", "open"),
    ("loss of what was tuned on, four of eight less four at random", "below"),
    ("loss of a third language, four of eight less all", "below"),
    ("loss of the first language, two of eight less all", "above"),
];
const COMMUNITIES: [(&str, &str); 7] = [
    ("modularity over that of rewired graphs, before tuning", "above"),
    ("communities of skills as their kinds, before tuning", "above"),
    ("what is needed is missed where it is taken away, before tuning", "above"),
    ("loss of even-odd, own community less random matrices", "within"),
    ("loss of nested, own community less random matrices", "within"),
    ("loss of even-odd, own community less all", "above"),
    ("loss of nested, own community less all", "above"),
];
