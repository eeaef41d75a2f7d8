//! Whole experiments through the library, for tests: a text and a folder in, results out.

use cratylus_core::World;
use cratylus_core::experiment::{Document, Point};
use cratylus_core::fault::Fault;
use cratylus_core::language::model::{Model, Source};
use cratylus_core::spec::NoInputs;
use cratylus_io::conduct::conduct;
use cratylus_io::conduct::job::{Ended, Job, LiveOptions, Refused};
use cratylus_io::conduct::progress::Progress;
use cratylus_io::models::asker::Opened;
use cratylus_io::models::doctor::{Depth, Examined, ServerFinding, Told, examine};
use cratylus_io::models::open::Opener;
use cratylus_io::models::tape::{Call, Tape};
use cratylus_io::store::manifest::{Build, Manifest};
use cratylus_io::store::table;
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// An experiment with models on a server.
pub struct Experiment {
    pub url: String,
    pub size: u32,
    pub interactions: u64,
    pub replicas: u64,
    pub names: &'static [&'static str],
    /// Further keys of the agents.
    pub agents: String,
}

impl Experiment {
    /// A small one with answers in words, of which each decision takes one.
    pub fn of(url: String) -> Experiment {
        let agents = "protocol = \"one-word\"\nchoice = \"text\"\ndialect = \"generic\"\n".into();
        Experiment { url, size: 8, interactions: 40, replicas: 2, names: &["Q", "M"], agents }
    }

    pub fn with(mut self, agents: &str) -> Experiment {
        self.agents += agents;
        self.agents.push('\n');
        self
    }

    /// The same with these keys of the agents and no others.
    pub fn asking(self, agents: &str) -> Experiment {
        Experiment { agents: format!("{agents}\n"), ..self }
    }

    pub fn text(&self) -> String {
        let Experiment { url, size, interactions, replicas, names, agents } = self;
        format!(
            "name = \"live\"\nseed = 5\nreplicas = {replicas}\n[population]\nsize = {size}\n\
             [game]\nkind = \"coordination\"\nnames = {names:?}\nmemory = 3\n\
             [agents]\nkind = \"llm\"\nendpoint = \"{url}\"\n{agents}[stop]\ninteractions = {interactions}\n"
        )
    }

    pub fn run(&self, dir: &Path) -> Ran {
        self.run_seen(dir, Arc::default())
    }

    fn worlds(&self) -> (Vec<Point>, Vec<World>) {
        let text = self.text();
        let document = Document::parse("e.toml", &text, &[]).unwrap_or_else(|why| panic!("{why}"));
        let points = document.points().unwrap();
        let build = |point: &Point| World::build(point, &NoInputs).unwrap_or_else(|(key, why)| panic!("{key}: {why}"));
        let worlds = points.iter().map(build).collect();
        (points, worlds)
    }

    /// Has its server examined.
    pub fn examine(&self, say: &mut dyn FnMut(&ServerFinding)) -> Result<Examined, Fault> {
        let (_, worlds) = self.worlds();
        let (_, model) = worlds[0].models().next().unwrap();
        let Source::Server(server) = &model.source else { panic!("its model is on a server") };
        examine(server, model, Depth::Whole, &mut |told| {
            if let Told::Found(finding) = told {
                say(finding);
            }
        })
        .map_err(Fault::from)
    }

    /// Its model, ready to be asked.
    pub fn opened(&self, tape: &Path) -> (Model, Arc<Opened>) {
        let (_, worlds) = self.worlds();
        let (kind, model) = worlds[0].models().next().unwrap();
        let mut opener = Opener::new(Path::new(""), Arc::default());
        let opened = opener.open(&worlds[0], kind, &Tape::open(tape).unwrap()).unwrap_or_else(|why| panic!("{why}"));
        ((**model).clone(), opened)
    }

    /// Runs it where others can see how it goes.
    pub fn run_seen(&self, dir: &Path, progress: Arc<Progress>) -> Ran {
        let text = self.text();
        let (points, worlds) = self.worlds();
        let job = Job {
            text: &text,
            points: &points,
            worlds: &worlds,
            inputs: Default::default(),
            base: Path::new(""),
            build: Build { version: "test", revision: "test" },
            threads: 1,
            checkpoint: None,
            live: LiveOptions::default(),
            reads: Default::default(),
        };
        let ended = conduct(&job, dir, &progress);
        Ran { dir: dir.into(), ended, progress }
    }
}

pub struct Ran {
    pub dir: PathBuf,
    pub ended: Result<Ended, Refused>,
    pub progress: Arc<Progress>,
}

impl Ran {
    pub fn manifest(&self) -> Manifest {
        Manifest::read(&self.dir).unwrap()
    }

    /// The digest of a run that must have ended well.
    pub fn digest(&self) -> String {
        assert!(matches!(self.ended, Ok(Ended::Finished)), "{:?} in {}", self.ended, self.dir.display());
        self.manifest().digest.unwrap()
    }

    /// The words with which it ended badly.
    pub fn why(&self) -> String {
        match &self.ended {
            Err(Refused::Fault(trouble)) => trouble.0.clone(),
            other => panic!("{other:?} in {}", self.dir.display()),
        }
    }

    /// What was kept of a finished run.
    pub fn tape(&self) -> Tape {
        cratylus_io::store::calls::read(&self.dir).unwrap()
    }

    pub fn calls(&self) -> Vec<Arc<Call>> {
        self.tape().calls()
    }

    /// How often each of its calls was sent.
    pub fn sent(&self) -> Vec<i64> {
        let table = table::read(&self.dir.join("calls.parquet"), None).unwrap();
        table.ints("times_sent").unwrap().iter().map(|n| n.unwrap()).collect()
    }
}

/// An empty folder of a test's own.
pub fn folder(name: &str) -> PathBuf {
    let dir = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
    let _ = std::fs::remove_dir_all(&dir);
    std::fs::create_dir_all(&dir).unwrap();
    dir
}
