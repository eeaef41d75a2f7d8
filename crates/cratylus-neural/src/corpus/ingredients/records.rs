//! What was played in runs that are on record: what one agent of a run said, what its partners said, and whether it paid. The
//! last tenth of these lives is read by nobody, and fresh rows are of it.

use crate::corpus::ingredient::{Ingredient, IngredientEntry, IngredientSpec, TextSource, Truth, Written};
use crate::corpus::lexicon::{self, BEGIN, EXPOSED, MARKERS, Signs, THEN};
use cratylus_core::seed::Stream;
use cratylus_core::spec::{Inputs, PlayedRuns};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::collections::BTreeMap;
use std::sync::Arc;

pub const ENTRY: IngredientEntry =
    IngredientEntry::new::<Records>("records", "what agents said and heard in the runs of a run directory of yours");

/// Its parameters.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Records {
    /// The run directory, relative to the corpus file; it has `interactions.parquet`.
    pub dir: String,
    /// Under which licence it is, in words; it goes into the card of every model that read it.
    pub licence: String,
    /// Up to so many names of a run stand before its rounds, as options do in `rounds`.
    #[serde(default = "ten")]
    pub options: usize,
}

fn ten() -> usize {
    10
}

/// Whose word it is, where one speaks and the other listens.
const ROLES: [&str; 2] = ["says", "hears"];

/// What an agent of a run went through.
#[derive(Debug)]
struct Life {
    run: u64,
    agent: u32,
    /// The names of its run, as places among the words; none where there are too many.
    options: Vec<u32>,
    /// Of each round the words but the sign, and whether it paid.
    rounds: Vec<Round>,
}

/// Two words, and whether it paid.
type Round = ([u32; 2], bool);

#[derive(Debug)]
struct Open {
    source: TextSource,
    words: Vec<String>,
    lives: Vec<Life>,
    kept_apart: usize,
    truth: Truth,
}

impl IngredientSpec for Records {
    fn open(&self, inputs: &dyn Inputs) -> Result<Arc<dyn Ingredient>, (&'static str, String)> {
        if self.licence.trim().is_empty() {
            return Err(("licence", "say under which licence the runs are, or that they are your own".into()));
        }
        let played = inputs.played(&self.dir).map_err(|why| ("dir", why))?;
        let open = self.lived(played)?;
        if open.lives.len() < 10 {
            let why = format!("`{}` holds the rounds of {} agents, too few to learn anything of", self.dir, open.lives.len());
            return Err(("dir", why));
        }
        Ok(Arc::new(open))
    }
}

impl Records {
    fn lived(&self, played: PlayedRuns) -> Result<Open, (&'static str, String)> {
        let mut words: Vec<String> = lexicon::words().into_iter().chain(ROLES).map(String::from).collect();
        let signs = [BEGIN, THEN].into_iter().chain(Signs::Standard.words()).chain(MARKERS).chain(ROLES);
        if let Some(sign) = signs.into_iter().find(|sign| played.names.iter().any(|name| name == sign)) {
            return Err(("dir", format!("`{}` has the name `{sign}`, which stands for something else here", self.dir)));
        }
        // Of every name its place among the words.
        let mut place = |word: &str| match words.iter().position(|known| known == word) {
            Some(place) => place as u32,
            None => {
                words.push(word.to_string());
                words.len() as u32 - 1
            }
        };
        let roles = ROLES.map(&mut place);
        if let Some(name) = played.names.iter().find(|name| name.is_empty() || name.contains(char::is_whitespace)) {
            return Err(("dir", format!("`{}` has the name `{name}`, and a name is one word", self.dir)));
        }
        let names: Vec<u32> = played.names.iter().map(|name| place(name)).collect();
        let mut said: BTreeMap<u64, Vec<u32>> = BTreeMap::new();
        let mut lives: BTreeMap<(u64, u32), Vec<Round>> = BTreeMap::new();
        for one in &played.interactions {
            let Some(paid) = one.success else { continue };
            let [first, second] = one.names.map(|name| name.map(|name| names[name as usize]));
            let (Some(first), of_run) = (first, said.entry(one.run).or_default()) else { continue };
            for name in [Some(first), second].into_iter().flatten() {
                // Beyond some names none are shown, so they need not be known.
                if of_run.len() <= self.options && !of_run.contains(&name) {
                    of_run.push(name);
                }
            }
            let seen = match second {
                Some(second) => [[first, second], [second, first]],
                None => roles.map(|role| [role, first]),
            };
            for (agent, seen) in one.agents.into_iter().zip(seen) {
                if let Some(agent) = agent {
                    lives.entry((one.run, agent)).or_default().push((seen, paid));
                }
            }
        }
        let options = |run: u64| said.get(&run).filter(|names| names.len() <= self.options).cloned().unwrap_or_default();
        let lives: Vec<Life> =
            lives.into_iter().map(|((run, agent), rounds)| Life { run, agent, options: options(run), rounds }).collect();
        let source = TextSource { file: self.dir.clone(), licence: self.licence.clone(), sha256: played.sha256 };
        let of_game = played.names.iter().any(|name| EXPOSED.contains(&name.as_str()));
        let truth = Truth { names: of_game, signs: true, ..Truth::default() };
        Ok(Open { source, kept_apart: lives.len() / 10 * 9, words, lives, truth })
    }
}

impl Open {
    fn told(&self, draws: &mut Stream, most: usize, lives: &[Life]) -> Written<'_> {
        let at = draws.below(lives.len() as u64) as usize;
        let life = &lives[at];
        let word = |place: u32| self.words[place as usize].as_str();
        let mut options: Vec<&str> = life.options.iter().map(|&name| word(name)).collect();
        let n = options.len();
        draws.shuffle(&mut options, n);
        let rounds = lexicon::rounds(most, n).min(life.rounds.len());
        let from = draws.below((life.rounds.len() - rounds + 1) as u64) as usize;
        let mut words = lexicon::opening(MARKERS[0], &options);
        for &([one, other], paid) in &life.rounds[from..from + rounds] {
            words.extend([word(one), word(other), Signs::Standard.words()[usize::from(paid)]]);
        }
        words.truncate(most);
        let key = json!({ "class": "records", "run": life.run, "agent": life.agent, "from": from, "options": options });
        Written { words, key }
    }
}

impl Ingredient for Open {
    fn words(&self) -> Vec<String> {
        self.words.clone()
    }

    fn row(&self, draws: &mut Stream, most: usize) -> Written<'_> {
        self.told(draws, most, &self.lives[..self.kept_apart])
    }

    fn fresh(&self, draws: &mut Stream, most: usize) -> Written<'_> {
        self.told(draws, most, &self.lives[self.kept_apart..])
    }

    fn truth(&self) -> Truth {
        self.truth.clone()
    }

    fn source(&self) -> Option<TextSource> {
        Some(self.source.clone())
    }
}
