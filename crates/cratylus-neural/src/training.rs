//! A training as its file has it: a corpus, a network, how it is trained, and the card of what comes of it.

use crate::communities::ModulesLearnt;
use crate::corpus::{Corpus, CorpusSpec, Ledger, TokensAre, Truth, Words, fresh};
use crate::foretells::written;
use crate::glyphs;
use crate::lessons::{self, Lessons, Taught};
use crate::net::{AdapterShape, Adapters, ExpertShape, Experts, Lane, NetShape, ReadRow, Recipe, ThinMatrix, Trainer};
use crate::probes::Evaluated;
use crate::response::Trained;
use crate::study::KEYS as KEYS_OF_STUDIES;
use crate::thought::Thought;
use cratylus_core::seed::{Purpose, Seed, mix};
use cratylus_core::spec::Inputs;
use cratylus_core::spec::places::{FileTable, Mistake, Spans, deserialize, get_table, take_field};
use cratylus_core::text::nearest;
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

/// How large a network is, but for what the corpus decides.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct NetSpec {
    /// Numbers that stand for a word.
    pub width: usize,
    /// Blocks, one after the other.
    pub layers: usize,
    /// Heads of attention in each.
    pub heads: usize,
    /// Numbers of the hidden layer of each block.
    pub hidden: usize,
    /// Whether what reads words off also says what they are.
    #[serde(default = "yes")]
    pub tied: bool,
    /// Where the vectors that stand for words come from.
    #[serde(default, skip_serializing_if = "Embedding::is_learnt")]
    pub embedding: Embedding,
}

/// Where the vectors that stand for words come from.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Embedding {
    /// They are drawn, and learnt.
    #[default]
    Learnt,
    /// They are drawn, and stay.
    Random,
    /// They are what words look like, and stay.
    Glyphs,
}

impl Embedding {
    fn is_learnt(&self) -> bool {
        *self == Embedding::Learnt
    }
}

fn yes() -> bool {
    true
}

impl NetSpec {
    /// The network, for a vocabulary of so many words and rows of at most so many.
    pub fn shape(&self, vocabulary: usize, context: usize) -> NetShape {
        let NetSpec { width, layers, heads, hidden, tied, .. } = *self;
        NetShape {
            vocabulary,
            width,
            layers,
            heads,
            key_heads: heads,
            hidden,
            context,
            tied,
            rotary_base: 10_000.0,
            norm_eps: 1e-5,
        }
    }
}

/// A training.
#[derive(Clone, Debug)]
pub struct TrainingSpec {
    /// What the model is called.
    pub name: String,
    /// What is read.
    pub corpus: CorpusSpec,
    /// What reads it.
    pub net: NetSpec,
    /// How.
    pub recipe: Recipe,
    /// What it is taught afterwards.
    pub lessons: Option<Lessons>,
    /// What it read first, where it begins with the weights of another training.
    pub before: Option<Before>,
    /// What is learnt in place of all weights, where it goes on with a model whose corpus nobody knows.
    pub adapter: Option<AdapterShape>,
    /// What is read between questions and answers, where that is not what stands there.
    pub thought: Option<Thought>,
    /// The experts that hidden numbers become while it is trained, by the weights that it begins with.
    pub experts: Option<ExpertShape>,
    /// The modules that alone are learnt, of a network that has learnt something before.
    pub modules: Option<ModulesLearnt>,
}

/// A training that goes before.
#[derive(Clone, Debug)]
pub struct Before {
    /// What was read.
    pub corpus: CorpusSpec,
    /// How.
    pub recipe: Recipe,
    /// What was taught afterwards.
    pub lessons: Option<Lessons>,
    /// What was read between questions and answers.
    pub thought: Option<Thought>,
    /// The experts that hidden numbers were while it was trained.
    pub experts: Option<ExpertShape>,
    /// The modules that alone were learnt.
    pub modules: Option<ModulesLearnt>,
    /// What is kept of it.
    pub keep: Keep,
    /// What was read before that.
    pub before: Option<Box<Before>>,
    /// Of all its weights, in hex, where it is a model that is there already.
    pub weights_sha256: Option<String>,
}

/// What of a training's weights the next begins with.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Keep {
    /// All of them.
    #[default]
    All,
    /// The blocks and the last norm; what stands for words begins anew.
    Blocks,
}

/// The sections and keys of the file.
const KEYS: [&str; 12] =
    ["name", "seed", "corpus", "ingredients", "net", "train", "lessons", "before", "adapter", "thought", "experts", "modules"];

/// What is opened of a training: what it reads, and what it read before, with one vocabulary.
pub struct Reading {
    /// What it reads.
    pub corpus: Corpus,
    /// What it read before.
    pub before: Option<Box<Reading>>,
}

impl Reading {
    fn words_are(&mut self, words: &Words) {
        self.corpus.words = words.clone();
        if let Some(before) = &mut self.before {
            before.words_are(words);
        }
    }
}

impl TrainingSpec {
    /// Reads a file's table.
    pub fn read(file: &mut FileTable<'_>, spans: &Spans<'_, '_>) -> Result<TrainingSpec, Mistake> {
        if let Some((_, item)) = file.iter().find(|(key, _)| key.get_ref() == "adapter") {
            let why = "adapters are of a model that is there".to_string();
            return Err(Mistake::new(why).help("`cratylus tune MODEL FILE` trains them".into()).span(item.span()));
        }
        let (name, corpus) = read_corpus(file, spans)?;
        for section in ["net", "train"] {
            if !file.contains_key(section) {
                let help = match section {
                    "net" => "for example: [net] width = 64, layers = 2, heads = 4, hidden = 176",
                    _ => "for example: [train] steps = 1200, rows = 16, rate = 0.003, warm_up = 50",
                };
                return Err(Mistake::new(format!("there is no section `[{section}]`")).help(help.into()));
            }
        }
        let net: NetSpec = deserialize(get_table(file, "net")?, &spans.under("net"))?;
        if net.tied && net.embedding != Embedding::Learnt {
            let why = "vectors that stay cannot also be what says words; give `tied = false`".to_string();
            return Err(spans.under("net").mistake("embedding", why));
        }
        let recipe: Recipe = deserialize(get_table(file, "train")?, &spans.under("train"))?;
        recipe.check().map_err(|(key, why)| spans.under("train").mistake(key, why))?;
        let before = match file.contains_key("before") {
            true => Some(read_before(get_table(file, "before")?, &corpus, net.hidden, &spans.under("before"))?),
            false => None,
        };
        let experts = read_experts(file, spans, net.hidden)?;
        let thought = read_thought(file, spans, &corpus)?;
        let lessons = read_lessons(file, spans)?;
        let modules = read_modules(file, spans, &corpus, before.as_ref().map(|before| before.keep))?;
        let spec = TrainingSpec { name, corpus, net, recipe, lessons, before, adapter: None, thought, experts, modules };
        // The vocabulary is known once the corpus is open; any will do to look at the rest.
        spec.shape(1000).check().map_err(|(key, why)| spans.under("net").mistake(key, why))?;
        Ok(spec)
    }

    /// Opens what is read, with the files that ingredients name. An error names the key that it is about.
    pub fn open(&self, inputs: &dyn Inputs) -> Result<Reading, (String, String)> {
        let mut corpus = Corpus::open(self.corpus.clone(), inputs)?;
        if self.lessons.is_some() {
            let shape = self.shape(corpus.words.len());
            lessons::fits(&corpus, &shape).map_err(|why| ("lessons".to_string(), why))?;
        }
        let reading = match self.first() {
            None => Reading { corpus, before: None },
            Some(first) => {
                let mut first = first.open(inputs).map_err(|(key, why)| (format!("before.{key}"), why))?;
                // Bytes are the same in all corpora.
                if self.corpus.tokens == TokensAre::Words {
                    corpus.words = Words::of(first.corpus.words.all().iter().chain(corpus.words.all()).cloned());
                    first.words_are(&corpus.words);
                }
                Reading { corpus, before: Some(Box::new(first)) }
            }
        };
        if self.net.embedding == Embedding::Glyphs && self.corpus.tokens == TokensAre::Bytes {
            return Err(("net.embedding".into(), "words have a look, and bytes have none; leave `embedding` out".into()));
        }
        if self.net.embedding == Embedding::Glyphs {
            glyphs::check(reading.corpus.words.all()).map_err(|why| ("net.embedding".to_string(), why))?;
        }
        Ok(reading)
    }

    /// The training that goes before, as one of its own.
    pub fn first(&self) -> Option<TrainingSpec> {
        let Before { corpus, recipe, lessons, thought, experts, modules, before, .. } = self.before.clone()?;
        let before = before.map(|before| *before);
        let name = format!("{}-before", self.name);
        let net = self.net.clone();
        Some(TrainingSpec { name, corpus, net, recipe, lessons, before, adapter: None, thought, experts, modules })
    }

    /// A training that goes on with the model of another: its network, and all that it read, go before.
    pub fn tuned(
        file: &mut FileTable<'_>,
        spans: &Spans<'_, '_>,
        parent: TrainingSpec,
        sha256: &str,
    ) -> Result<TrainingSpec, Mistake> {
        for section in ["net", "before"] {
            if let Some((_, item)) = file.iter().find(|(key, _)| key.get_ref() == section) {
                let why = format!("the network and what it read before are the model's; leave `[{section}]` out");
                return Err(Mistake::new(why).span(item.span()));
            }
        }
        if let Some((_, item)) = file.iter().find(|(key, _)| key.get_ref() == "adapter") {
            let why = "all weights of a model that was trained here are tuned; leave `[adapter]` out".to_string();
            return Err(Mistake::new(why).span(item.span()));
        }
        let (name, mut corpus) = read_corpus(file, spans)?;
        let recipe = tuning(file, spans, "steps = 50, rows = 16, rate = 0.001, warm_up = 5")?;
        if corpus.context > parent.corpus.context {
            let why = format!("the model reads at most {} words, found {}", parent.corpus.context, corpus.context);
            return Err(spans.mistake("corpus.context", why));
        }
        same_tokens(&corpus, &parent.corpus, "the model", spans)?;
        corpus.context = parent.corpus.context;
        let before = Before {
            corpus: parent.corpus,
            recipe: parent.recipe,
            lessons: parent.lessons,
            thought: parent.thought,
            experts: parent.experts,
            modules: parent.modules,
            keep: Keep::All,
            before: parent.before.map(Box::new),
            weights_sha256: Some(sha256.into()),
        };
        let experts = read_experts(file, spans, parent.net.hidden)?;
        let thought = read_thought(file, spans, &corpus)?;
        let lessons = read_lessons(file, spans)?;
        let modules = read_modules(file, spans, &corpus, Some(Keep::All))?;
        let (net, before) = (parent.net, Some(before));
        Ok(TrainingSpec { name, corpus, net, recipe, lessons, before, adapter: None, thought, experts, modules })
    }

    /// A training of adapters of a model of this network, which was not trained here.
    pub fn adapting(file: &mut FileTable<'_>, spans: &Spans<'_, '_>, shape: &NetShape) -> Result<TrainingSpec, Mistake> {
        for section in ["net", "before", "lessons", "thought", "experts", "modules"] {
            if let Some((_, item)) = file.iter().find(|(key, _)| key.get_ref() == section) {
                let why = format!("`[{section}]` is of models that are trained here; leave it out");
                return Err(Mistake::new(why).span(item.span()));
            }
        }
        let adapter: AdapterShape = deserialize(get_table(file, "adapter")?, &spans.under("adapter"))?;
        adapter.check(shape).map_err(|(key, why)| spans.under("adapter").mistake(key, why))?;
        let (name, corpus) = read_corpus(file, spans)?;
        let recipe = tuning(file, spans, "steps = 40, rows = 4, rate = 0.002, warm_up = 4")?;
        if recipe.conda.is_some() {
            let why = "adapters are trained by AdamW; leave it out".to_string();
            return Err(spans.under("train").mistake("conda", why));
        }
        if corpus.context > shape.context {
            let why = format!("the model reads at most {} tokens, found {}", shape.context, corpus.context);
            return Err(spans.mistake("corpus.context", why));
        }
        if corpus.tokens == TokensAre::Bytes {
            return Err(spans.mistake("corpus.tokens", "the model has tokens of its own; leave `tokens` out".into()));
        }
        let NetShape { width, layers, heads, hidden, tied, .. } = *shape;
        let net = NetSpec { width, layers, heads, hidden, tied, embedding: Embedding::Learnt };
        let adapter = Some(adapter);
        Ok(TrainingSpec {
            name,
            corpus,
            net,
            recipe,
            lessons: None,
            before: None,
            adapter,
            thought: None,
            experts: None,
            modules: None,
        })
    }

    /// The network, for a vocabulary of so many words.
    pub fn shape(&self, vocabulary: usize) -> NetShape {
        self.net.shape(vocabulary, self.corpus.context)
    }

    /// It as a table with nothing left to default.
    pub fn plan(&self) -> toml::Table {
        let mut plan = toml::Table::new();
        plan.insert("name".into(), self.name.clone().into());
        plan.extend(self.corpus.plan());
        plan.insert("net".into(), toml::Table::try_from(&self.net).expect("plain values").into());
        plan.insert("train".into(), toml::Table::try_from(&self.recipe).expect("plain values").into());
        put(&mut plan, "lessons", self.lessons.as_ref());
        if let Some(before) = &self.before {
            plan.insert("before".into(), before.plan().into());
        }
        put(&mut plan, "thought", self.thought.as_ref());
        put(&mut plan, "experts", self.experts.as_ref());
        put(&mut plan, "modules", self.modules.as_ref());
        put(&mut plan, "adapter", self.adapter.as_ref());
        plan
    }

    /// A network that has learnt nothing, or what the training before it learnt. Fresh weights follow from the seed, and not
    /// from the corpus, so that twins that read unlike rows begin alike.
    pub fn begin(&self, corpus: &Corpus, before: Option<&[f32]>, threads: usize) -> Trainer {
        let shape = self.shape(corpus.words.len());
        let mut weights = shape.begin(self.recipe.sd, Seed::of_run(self.corpus.seed, "weights", 0));
        let embedding = "model.embed_tokens.weight";
        // What stays is as long as what is learnt begins.
        let length = self.recipe.sd * (shape.width as f64).sqrt();
        let at = shape.tensors().into_iter().find(|tensor| tensor.name == embedding).expect("a network has one").at;
        match self.net.embedding {
            Embedding::Learnt => (),
            Embedding::Random => glyphs::to_length(&mut weights[at], shape.width, length),
            Embedding::Glyphs => weights[at].copy_from_slice(&glyphs::vectors(corpus.words.all(), shape.width, length)),
        }
        if let Some(before) = before {
            let all = self.before.as_ref().is_none_or(|before| before.keep == Keep::All);
            for tensor in shape.tensors() {
                if all || !["model.embed_tokens.weight", "lm_head.weight"].contains(&tensor.name.as_str()) {
                    weights[tensor.at.clone()].copy_from_slice(&before[tensor.at]);
                }
            }
        }
        let learnt = self.modules.as_ref().filter(|_| before.is_some()).map(|modules| {
            let net = Trained { shape, weights: weights.clone(), words: corpus.words.clone() };
            modules.find(&net, corpus)
        });
        let experts = self.experts.map(|by| Experts::find(&shape, &weights, by, Seed::of_run(self.corpus.seed, "experts", 0)));
        let mut trainer = Trainer::of(shape, self.recipe.clone(), weights, threads);
        if let Some(experts) = experts {
            trainer.part(experts);
        }
        let fixed = self.net.embedding != Embedding::Learnt;
        trainer.freeze(|name| match &learnt {
            Some(learnt) => !learnt.iter().any(|learnt| learnt == name),
            None => fixed && name == embedding,
        });
        trainer
    }
}

/// The experts that a file asks for, of blocks of so many hidden numbers.
fn read_experts(file: &mut FileTable<'_>, spans: &Spans<'_, '_>, hidden: usize) -> Result<Option<ExpertShape>, Mistake> {
    if !file.contains_key("experts") {
        return Ok(None);
    }
    let experts: ExpertShape = deserialize(get_table(file, "experts")?, &spans.under("experts"))?;
    experts.check(hidden).map_err(|(key, why)| spans.under("experts").mistake(key, why))?;
    Ok(Some(experts))
}

/// The modules that a file has learnt alone, where what was read before is kept so.
fn read_modules(
    file: &mut FileTable<'_>,
    spans: &Spans<'_, '_>,
    corpus: &CorpusSpec,
    before: Option<Keep>,
) -> Result<Option<ModulesLearnt>, Mistake> {
    if !file.contains_key("modules") {
        return Ok(None);
    }
    let under = spans.under("modules");
    let modules: ModulesLearnt = deserialize(get_table(file, "modules")?, &under)?;
    let names: Vec<String> = corpus.portions.iter().map(|portion| portion.name.clone()).collect();
    if !names.contains(&modules.skill) {
        let why = format!("there is no ingredient `{}`", modules.skill);
        return Err(under.mistake("skill", why).help(nearest(&modules.skill, &names)));
    }
    if before != Some(Keep::All) {
        let why = "communities are of a network that has learnt something; give `[before]` with `keep = \"all\"`".to_string();
        return Err(under.mistake("learn", why));
    }
    if corpus.portions.len() < 3 {
        let why = "communities are of three ingredients or more; what nothing is read of has `dose = 0.0`".to_string();
        return Err(under.mistake("skill", why));
    }
    Ok(Some(modules))
}

/// What a file has read between questions and answers.
fn read_thought(file: &mut FileTable<'_>, spans: &Spans<'_, '_>, corpus: &CorpusSpec) -> Result<Option<Thought>, Mistake> {
    if !file.contains_key("thought") {
        return Ok(None);
    }
    let thought: Thought = deserialize(get_table(file, "thought")?, &spans.under("thought"))?;
    thought.check().map_err(|(key, why)| spans.under("thought").mistake(key, why))?;
    if !corpus.portions.iter().any(|portion| portion.kind == "graphs") {
        let why = "there are no steps to replace: the corpus has no ingredient of kind `graphs`".to_string();
        return Err(spans.under("thought").mistake("kind", why));
    }
    Ok(Some(thought))
}

/// Whether a corpus has tokens of the kind that another has.
fn same_tokens(corpus: &CorpusSpec, other: &CorpusSpec, whose: &str, spans: &Spans<'_, '_>) -> Result<(), Mistake> {
    if corpus.tokens == other.tokens {
        return Ok(());
    }
    let should = if other.tokens == TokensAre::Bytes { "bytes" } else { "words" };
    Err(spans.mistake("corpus.tokens", format!("{whose} reads {should}; give `tokens = \"{should}\"`")))
}

/// How a model that is there is trained on.
fn tuning(file: &mut FileTable<'_>, spans: &Spans<'_, '_>, example: &str) -> Result<Recipe, Mistake> {
    if !file.contains_key("train") {
        let help = format!("for example: [train] {example}");
        return Err(Mistake::new("there is no section `[train]`".into()).help(help));
    }
    let recipe: Recipe = deserialize(get_table(file, "train")?, &spans.under("train"))?;
    recipe.check().map_err(|(key, why)| spans.under("train").mistake(key, why))?;
    Ok(recipe)
}

/// Puts a section into a plan where there is one.
fn put(plan: &mut toml::Table, key: &str, section: Option<&impl Serialize>) {
    if let Some(section) = section {
        plan.insert(key.into(), toml::Table::try_from(section).expect("plain values").into());
    }
}

impl Before {
    fn plan(&self) -> toml::Table {
        let mut plan = self.corpus.plan();
        plan.insert("train".into(), toml::Table::try_from(&self.recipe).expect("plain values").into());
        put(&mut plan, "lessons", self.lessons.as_ref());
        put(&mut plan, "thought", self.thought.as_ref());
        put(&mut plan, "experts", self.experts.as_ref());
        put(&mut plan, "modules", self.modules.as_ref());
        plan.insert("keep".into(), toml::Value::try_from(self.keep).expect("a word"));
        if let Some(sha256) = &self.weights_sha256 {
            plan.insert("weights_sha256".into(), sha256.clone().into());
        }
        if let Some(before) = &self.before {
            plan.insert("before".into(), before.plan().into());
        }
        plan
    }
}

/// What was read before: a corpus and how, as a training has them.
fn read_before(mut table: FileTable<'_>, after: &CorpusSpec, hidden: usize, spans: &Spans<'_, '_>) -> Result<Before, Mistake> {
    let known = [
        "seed",
        "corpus",
        "ingredients",
        "train",
        "lessons",
        "thought",
        "experts",
        "modules",
        "keep",
        "before",
        "weights_sha256",
    ]
    .map(String::from);
    if let Some((key, item)) = table.iter().find(|(key, _)| !known.iter().any(|known| *known == key.get_ref().as_ref())) {
        let why = format!("there is no key `before.{}`; the network is that of `[net]`", key.get_ref());
        return Err(Mistake::new(why).help(nearest(key.get_ref(), &known)).span(item.span()));
    }
    let keep = take_field(&mut table, "keep", spans)?.unwrap_or_default();
    let lessons = read_lessons(&mut table, spans)?;
    let experts = read_experts(&mut table, spans, hidden)?;
    let own_seed = table.contains_key("seed");
    let recipe: Recipe = deserialize(get_table(&mut table, "train")?, &spans.under("train"))?;
    recipe.check().map_err(|(key, why)| spans.under("train").mistake(key, why))?;
    let of_corpus = table.get("corpus").and_then(|item| item.get_ref().get("context"));
    let own_context = of_corpus.is_some();
    let mut corpus = CorpusSpec::read(&mut table, spans)?;
    let thought = read_thought(&mut table, spans, &corpus)?;
    same_tokens(&corpus, after, "the training after it", spans)?;
    if !own_seed {
        corpus.seed = mix(after.seed ^ 0xBEF0) >> 1;
    }
    if own_context && corpus.context > after.context {
        let why = format!("it reads rows of {} words, and the training after it of {}", corpus.context, after.context);
        return Err(spans.mistake("corpus.context", why));
    }
    // The network is as long as that of the training after it.
    corpus.context = after.context;
    let weights_sha256 = take_field(&mut table, "weights_sha256", spans)?;
    let before = match table.contains_key("before") {
        true => Some(Box::new(read_before(get_table(&mut table, "before")?, &corpus, hidden, &spans.under("before"))?)),
        false => None,
    };
    let modules = read_modules(&mut table, spans, &corpus, before.as_deref().map(|before: &Before| before.keep))?;
    Ok(Before { corpus, recipe, lessons, thought, experts, modules, keep, before, weights_sha256 })
}

/// The lessons that follow, where there are some.
fn read_lessons(file: &mut FileTable<'_>, spans: &Spans<'_, '_>) -> Result<Option<Lessons>, Mistake> {
    if !file.contains_key("lessons") {
        return Ok(None);
    }
    let lessons: Lessons = deserialize(get_table(file, "lessons")?, &spans.under("lessons"))?;
    lessons.check().map_err(|(key, why)| spans.under("lessons").mistake(key, why))?;
    Ok(Some(lessons))
}

/// The name and the corpus of a file, whether it trains a model on it or not.
pub fn read_corpus(file: &mut FileTable<'_>, spans: &Spans<'_, '_>) -> Result<(String, CorpusSpec), Mistake> {
    let known = KEYS.map(String::from);
    if let Some((key, item)) = file.iter().find(|(key, _)| !KEYS.contains(&key.get_ref().as_ref())) {
        let why = format!("there is no key `{}` in a corpus or a training", key.get_ref());
        let help = match key.get_ref().as_ref() {
            "population" | "game" | "agents" | "replicas" | "stop" => "this is an experiment, for `cratylus run`".into(),
            "corpora" | "models" | "play" | "base" => "this is a benchmark, for `cratylus audit --benchmark`".into(),
            other => nearest(other, &known),
        };
        return Err(Mistake::new(why).help(help).span(item.span()));
    }
    let name = take_field(file, "name", spans)?.unwrap_or_else(|| "model".to_string());
    Ok((name, CorpusSpec::read(file, spans)?))
}

/// A training of a file that may be a study, whose own keys are left out.
pub fn read_training(file: &mut FileTable<'_>, spans: &Spans<'_, '_>) -> Result<TrainingSpec, Mistake> {
    KEYS_OF_STUDIES.iter().for_each(|key| drop(file.remove(*key)));
    TrainingSpec::read(file, spans)
}

/// What turns rows into tokens.
pub trait ReadsRows: Sync {
    /// The tokens of a row of an ingredient by its place.
    fn tokens(&self, corpus: &Corpus, portion: usize, place: u64) -> Vec<u32>;

    /// A row as it is read at a step.
    fn row(&self, corpus: &Corpus, portion: usize, place: u64, _: u64) -> ReadRow {
        ReadRow { tokens: self.tokens(corpus, portion, place), ..ReadRow::default() }
    }

    /// By how many rows of each ingredient a model is judged.
    fn judged(&self) -> u64 {
        100
    }

    /// Whether a model is evaluated after a step: at the beginning, at powers of two, some dozens of times evenly, and at the
    /// end.
    fn evaluates(&self, step: u64, steps: u64) -> bool {
        step == 0 || step.is_power_of_two() || step == steps || step.is_multiple_of(steps.div_ceil(32))
    }
}

impl<R: ReadsRows + ?Sized> ReadsRows for &R {
    fn tokens(&self, corpus: &Corpus, portion: usize, place: u64) -> Vec<u32> {
        (**self).tokens(corpus, portion, place)
    }

    fn row(&self, corpus: &Corpus, portion: usize, place: u64, step: u64) -> ReadRow {
        (**self).row(corpus, portion, place, step)
    }

    fn judged(&self) -> u64 {
        (**self).judged()
    }

    fn evaluates(&self, step: u64, steps: u64) -> bool {
        (**self).evaluates(step, steps)
    }
}

/// Reads rows by the corpus's own words.
pub struct OwnWords;

impl ReadsRows for OwnWords {
    fn tokens(&self, corpus: &Corpus, portion: usize, place: u64) -> Vec<u32> {
        corpus.words.tokens(&corpus.at(portion, place).words)
    }
}

/// Reads rows by the corpus's own words, with thoughts in place of steps.
pub struct Thinking {
    /// What is read in place of steps.
    pub thought: Thought,
    /// How many steps the training has.
    pub steps: u64,
}

impl ReadsRows for Thinking {
    fn tokens(&self, corpus: &Corpus, portion: usize, place: u64) -> Vec<u32> {
        OwnWords.tokens(corpus, portion, place)
    }

    fn row(&self, corpus: &Corpus, portion: usize, place: u64, step: u64) -> ReadRow {
        let stage = self.thought.stage(step, self.steps);
        self.thought.row(&corpus.words, &self.tokens(corpus, portion, place), stage)
    }
}

/// The rows that a step reads: the ingredient of each, and its place there. The corpus is read in order; where a training is
/// longer, again in another order each time.
pub fn rows_of(corpus: &Corpus, recipe: &Recipe, step: u64) -> Vec<(usize, u64)> {
    let first = step * recipe.rows as u64;
    let row = |read| corpus.place_of(again(corpus.spec.seed, corpus.spec.rows, read));
    (first..first + recipe.rows as u64).map(row).collect()
}

/// The rows of a step.
pub fn lanes(corpus: &Corpus, reads: &dyn ReadsRows, trainer: &Trainer) -> Vec<Lane> {
    let rows = rows_of(corpus, &trainer.recipe, trainer.step());
    let read = |(portion, place)| reads.row(corpus, portion, place, trainer.step());
    trainer.lanes_of(&rows.into_iter().map(read).collect::<Vec<_>>())
}

/// Which row is read at a time: the first pass in order, each after it in an order of its own, in which every row comes once.
fn again(seed: u64, n: u64, read: u64) -> u64 {
    let (pass, at) = (read / n, read % n);
    if pass == 0 || n < 3 {
        return at;
    }
    // A few rounds of a cipher on numbers below a power of four, stepped until they are below n.
    let bits = (64 - (n - 1).leading_zeros()).div_ceil(2).max(1);
    let (half, seed) = ((1u64 << bits) - 1, Seed(seed));
    let mut place = at;
    loop {
        for round in 0..4u64 {
            let (left, right) = (place >> bits, place & half);
            let word = u64::from(seed.words(Purpose::Order, (pass << 40) ^ (round << 36) ^ right)[0]);
            place = right << bits | (left ^ (word & half));
        }
        if place < n {
            return place;
        }
    }
}

/// How well a model foretells rows of an ingredient that it never read.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Judged {
    /// The ingredient.
    pub ingredient: String,
    /// Mean loss of fresh rows, in nats for each word.
    pub fresh: f64,
    /// The same of rows that it read; None where it read none.
    pub read: Option<f64>,
    /// How many rows of each.
    pub rows: u64,
}

/// Judges a model by each ingredient: by rows that stand nowhere, and by as many that it read first.
pub fn judge(corpus: &Corpus, reads: &dyn ReadsRows, trainer: &mut Trainer) -> Vec<Judged> {
    let mut read: Vec<Vec<u64>> = vec![Vec::new(); corpus.spec.portions.len()];
    for row in (0..corpus.spec.rows).take(20_000) {
        let (portion, place) = corpus.place_of(row);
        if (read[portion].len() as u64) < reads.judged() {
            read[portion].push(place);
        }
    }
    let mut all = Vec::new();
    for (portion, read) in read.into_iter().enumerate() {
        let mut loss = |places: &mut dyn Iterator<Item = u64>| foretold(corpus, reads, trainer, portion, places);
        all.push(Judged {
            ingredient: corpus.spec.portions[portion].name.clone(),
            fresh: loss(&mut (0..reads.judged()).map(fresh)),
            read: (!read.is_empty()).then(|| loss(&mut read.iter().copied())),
            rows: read.len() as u64,
        });
    }
    all
}

/// The mean loss of some rows of an ingredient.
fn foretold(
    corpus: &Corpus,
    reads: &dyn ReadsRows,
    trainer: &mut Trainer,
    portion: usize,
    places: &mut dyn Iterator<Item = u64>,
) -> f64 {
    let rows: Vec<ReadRow> = places.map(|place| reads.row(corpus, portion, place, trainer.step())).collect();
    let lanes = trainer.lanes_of(&rows);
    trainer.judge(&lanes)
}

/// How well a model foretells fresh rows of each ingredient at this step, and what it writes by itself.
pub fn evaluate(corpus: &Corpus, reads: &dyn ReadsRows, trainer: &mut Trainer, stable_rank: Option<f64>) -> Evaluated {
    let mut loss = |portion| foretold(corpus, reads, trainer, portion, &mut (0..reads.judged()).map(fresh));
    let losses = (0..corpus.spec.portions.len()).map(&mut loss).collect();
    let step = trainer.step();
    // What only adapts another model writes with that model's words.
    if trainer.adapters().is_some() {
        return Evaluated { step, losses, sample: String::new(), stable_rank, exam: None };
    }
    let model = Trained { shape: trainer.shape, weights: trainer.weights().to_vec(), words: corpus.words.clone() };
    let mut draws = Seed(corpus.spec.seed).stream(Purpose::Written, step);
    let begin = [corpus.words.token(crate::corpus::lexicon::BEGIN)];
    let sample = written(&model, &begin, &[], WRITTEN.min(corpus.spec.context), 1.0, &mut draws);
    let sample = corpus.words.text(&sample);
    Evaluated { step, losses, sample, stable_rank, exam: None }
}

/// So many words are written.
const WRITTEN: usize = 24;

/// What a model is, for whoever audits it: the truth that audits are scored against, and how it came about.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Card {
    /// The version of this layout.
    pub format: u32,
    /// What it is called.
    pub name: String,
    /// The version of the program that trained it.
    pub version: String,
    /// All that decided it, with nothing left to default.
    pub plan: Value,
    /// What its corpus held.
    pub ledger: Ledger,
    /// What it could know of the game.
    pub truth: Truth,
    /// How many weights it has.
    pub weights: usize,
    /// Of all weights, in hex.
    pub weights_sha256: String,
    /// Steps taken, and words learnt.
    pub steps: u64,
    /// As `steps`.
    pub tokens: u64,
    /// How well it foretells each ingredient at the end.
    pub judged: Vec<Judged>,
    /// What it was taught after its training, round by round.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub lessons: Vec<Taught>,
    /// The model whose weights it began with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent: Option<Parent>,
}

/// The model whose weights another began with.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
pub struct Parent {
    /// What it is called.
    pub name: String,
    /// Of all its weights, in hex; of its file, where it was not trained here.
    pub weights_sha256: String,
    /// What its corpus held; None where nobody knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ledger: Option<Ledger>,
}

/// The version of the card's layout.
pub const CARD_FORMAT: u32 = 1;

/// `config.json`, as programs that run Llama models read it.
pub fn config(shape: &NetShape) -> Value {
    json!({
        "architectures": ["LlamaForCausalLM"],
        "model_type": "llama",
        "vocab_size": shape.vocabulary,
        "hidden_size": shape.width,
        "intermediate_size": shape.hidden,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.key_heads,
        "head_dim": shape.head(),
        "max_position_embeddings": shape.context,
        "rms_norm_eps": shape.norm_eps,
        "rope_theta": shape.rotary_base,
        "tie_word_embeddings": shape.tied,
        "hidden_act": "silu",
        "attention_bias": false,
        "mlp_bias": false,
        "bos_token_id": 1,
        "eos_token_id": 1,
        "torch_dtype": "float32",
    })
}

/// A hash of all weights, in hex.
pub fn weights_sha256(weights: &[f32]) -> String {
    let mut hasher = Sha256::new();
    weights.iter().for_each(|weight| hasher.update(weight.to_le_bytes()));
    hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
}

/// `adapter_config.json` and `adapter_model.safetensors`, as PEFT has them.
pub fn adapter_files(adapters: &Adapters, base: &str) -> (Value, Vec<u8>) {
    let tensors = adapters.tensors();
    let modules: std::collections::BTreeSet<&str> = tensors.iter().filter_map(|tensor| tensor.of.rsplit('.').next()).collect();
    let layers: std::collections::BTreeSet<u64> =
        tensors.iter().filter_map(|tensor| tensor.of.split('.').nth(2)?.parse().ok()).collect();
    let config = json!({
        "peft_type": "LORA",
        "task_type": "CAUSAL_LM",
        "base_model_name_or_path": base,
        "r": adapters.shape.rank,
        "lora_alpha": adapters.shape.alpha,
        "lora_dropout": 0.0,
        "bias": "none",
        "fan_in_fan_out": false,
        "use_rslora": false,
        "use_dora": false,
        "inference_mode": true,
        "target_modules": modules,
        "layers_to_transform": layers,
    });
    let of = |tensor: ThinMatrix| {
        let name = format!("base_model.model.{}.{}.weight", tensor.of, tensor.part);
        (name, tensor.shape.to_vec(), &adapters.weights[tensor.at])
    };
    (config, safetensors_of(tensors.into_iter().map(of)))
}

/// The network of a `config.json` of ours.
pub fn shape_of(config: &Value) -> Result<NetShape, String> {
    let size = |key: &str| config[key].as_u64().map(|n| n as usize).ok_or(format!("it has no `{key}`"));
    let number = |key: &str| config[key].as_f64().ok_or(format!("it has no `{key}`"));
    let shape = NetShape {
        vocabulary: size("vocab_size")?,
        width: size("hidden_size")?,
        layers: size("num_hidden_layers")?,
        heads: size("num_attention_heads")?,
        key_heads: size("num_key_value_heads").or_else(|_| size("num_attention_heads"))?,
        hidden: size("intermediate_size")?,
        context: size("max_position_embeddings")?,
        tied: config["tie_word_embeddings"].as_bool().unwrap_or(true),
        rotary_base: number("rope_theta")?,
        norm_eps: number("rms_norm_eps")?,
    };
    shape.check().map_err(|(key, why)| format!("{key}: {why}"))?;
    Ok(shape)
}

/// `model.safetensors`.
pub fn safetensors(shape: &NetShape, weights: &[f32]) -> Vec<u8> {
    safetensors_of(shape.tensors().into_iter().map(|tensor| (tensor.name, tensor.shape, &weights[tensor.at])))
}

fn safetensors_of<'w>(tensors: impl Iterator<Item = (String, Vec<usize>, &'w [f32])>) -> Vec<u8> {
    let bytes: Vec<(String, Vec<usize>, Vec<u8>)> = tensors
        .map(|(name, shape, weights)| (name, shape, weights.iter().flat_map(|weight| weight.to_le_bytes()).collect()))
        .collect();
    let views = bytes.iter().map(|(name, shape, bytes)| {
        let view = safetensors::tensor::TensorView::new(safetensors::Dtype::F32, shape.clone(), bytes);
        (name.as_str(), view.expect("a tensor has as many bytes as its shape says"))
    });
    let about = std::collections::HashMap::from([("format".to_string(), "pt".to_string())]);
    safetensors::serialize(views, Some(about)).expect("tensors of our own can be written")
}

/// The weights that `model.safetensors` holds, in their order here.
pub fn weights_of(shape: &NetShape, bytes: &[u8]) -> Result<Vec<f32>, String> {
    let file = safetensors::SafeTensors::deserialize(bytes).map_err(|error| format!("it is no file of tensors: {error}"))?;
    let mut weights = Vec::with_capacity(shape.weights());
    for tensor in shape.tensors() {
        let found = file.tensor(&tensor.name).map_err(|_| format!("it has no tensor `{}`", tensor.name))?;
        if found.dtype() != safetensors::Dtype::F32 || found.shape() != tensor.shape {
            return Err(format!("its tensor `{}` is of another shape or type", tensor.name));
        }
        weights.extend(found.data().as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)));
    }
    Ok(weights)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_pass_reads_every_row_once() {
        for n in [1, 2, 3, 5, 64, 65, 1000] {
            let mut orders = Vec::new();
            for pass in 0..3 {
                let mut rows: Vec<u64> = (0..n).map(|at| again(7, n, pass * n + at)).collect();
                orders.push(rows.clone());
                rows.sort_unstable();
                assert_eq!(rows, (0..n).collect::<Vec<_>>());
            }
            assert!(n < 64 || orders[1] != orders[0] && orders[2] != orders[1]);
        }
    }
}
