//! What a scene is: a state, who acts in it and what each may do, what becomes of it. A scene never calls an agent, and all
//! chance in it is addressed by the episode, so acts that are given at once may come in any order. [`Staged`] makes a game of
//! it, whose interactions are its episodes.

use crate::event::{ALL_SEATS, Fate, NO_SEAT, Said, Span};
use crate::game::{Game, Hand, Options, Position, Question, Seats};
use crate::language::facts::Facts;
use crate::seed::Stream;
use crate::spec::{GameEntry, GameSpec, Player, Registry, RuleWords, Shape, Stage};
use crate::watch::measure::Score;
use crate::{Purpose, Seed};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::any::Any;
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

/// What scenes ask for.
pub const SCENE: Shape = Shape::Own("an act in a scene, given what its seat is told");

/// The rule of a game of many moves, and its parameters as a file has them.
pub trait Scene: Clone + fmt::Debug + Send + Sync + Serialize + DeserializeOwned + JsonSchema + 'static {
    /// Where an episode stands: all that follows from its seed and the acts so far.
    type State: Clone + Send + Sync + 'static;
    /// How a seat is played without a model: the scene's baselines, as a file names them by `rule`.
    type Rule: Clone + fmt::Debug + Send + Sync + Serialize + DeserializeOwned + 'static;

    /// What an episode is scored by, in the order of [`scores`](Scene::scores).
    const SCORES: &'static [Score];
    /// All rules, for lists and messages.
    const RULES: &'static [RuleWords];

    /// What is wrong with the parameters: which key, and why.
    fn check(&self) -> Result<(), (&'static str, String)>;

    /// The same of a rule's.
    fn check_rule(&self, _rule: &Self::Rule) -> Result<(), (&'static str, String)> {
        Ok(())
    }

    /// How many sit at it.
    fn seats(&self) -> u32;

    /// How many acts an episode has at most; None where that cannot be said.
    fn longest(&self) -> Option<u64> {
        None
    }

    /// The beginning of an episode, whose chance is addressed by this seed.
    fn begin(&self, chance: Seed) -> Self::State;

    /// Who acts now, by seat, and what each may do: all at once. Nobody where the episode is over.
    fn asks(&self, state: &Self::State, ask: &mut Vec<(u16, Options)>);

    /// Takes what everyone did who was asked, in their order. An act is [`Said::Unusable`] where a seat gave none that could
    /// be used: the scene goes on with its default, which is no one's choice.
    fn step(&self, state: &mut Self::State, acts: &[(u16, Said)]);

    /// What a seat has earned so far.
    fn pay(&self, state: &Self::State, seat: u16) -> f64;

    /// The scores of an episode that is over; NaN for one that has none.
    fn scores(&self, state: &Self::State) -> Vec<f64>;

    /// Whether it succeeded, where that can be said.
    fn fate(&self, _state: &Self::State) -> Fate {
        Fate::Open
    }

    /// What a seat is told when it is asked: facts by name, never prose.
    fn view(&self, state: &Self::State, seat: u16) -> Value;

    /// The words of what a seat may do, for who reads: those that the view has as `options`, or numbers from 0 on.
    fn words(&self, state: &Self::State, seat: u16, options: Options) -> Vec<String> {
        let Options::Acts(n) = options else { return Vec::new() };
        let named = match &self.view(state, seat)["options"] {
            Value::Array(list) => list.iter().filter_map(|word| Some(word.as_str()?.to_string())).collect(),
            _ => Vec::new(),
        };
        if named.len() == n as usize { named } else { (0..n).map(|option| option.to_string()).collect() }
    }

    /// Takes what a seat said where it was to say something, before [`step`](Scene::step).
    fn hear(&self, _state: &mut Self::State, _seat: u16, _text: &str) {}

    /// What a rule says where its seat is to say something; None for nothing.
    fn say(&self, _rule: &Self::Rule, _state: &Self::State, _seat: u16, _draws: &mut Stream) -> Option<String> {
        None
    }

    /// What a rule does in a seat that may do one of these.
    fn act(&self, rule: &Self::Rule, state: &Self::State, seat: u16, options: Options, draws: &mut Stream) -> Said;
}

/// What becomes of what seats say to one another. A scene takes it as its key `messages`; `control.messages` means the same.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize, Serialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Messages {
    /// It is heard as it was said.
    #[default]
    AsSaid,
    /// It is taken, and nobody hears it.
    None,
    /// As many words are heard as were said, drawn from all that was said in the episode so far: length and words without
    /// what they say.
    Scrambled,
}

impl Messages {
    /// What is heard of a text; `words` holds what was said before.
    pub fn heard(self, text: &str, words: &mut Vec<String>, draws: &mut Stream) -> Option<String> {
        match self {
            Messages::AsSaid => Some(text.to_string()),
            Messages::None => None,
            Messages::Scrambled => {
                let own: Vec<String> = text.split_whitespace().map(String::from).collect();
                let n = own.len();
                words.extend(own);
                let drawn: Vec<&str> = (0..n).map(|_| words[draws.below(words.len() as u64) as usize].as_str()).collect();
                Some(drawn.join(" "))
            }
        }
    }
}

/// A line of [`Scene::SCORES`].
pub const fn score(name: &'static str, words: &'static str, share: bool) -> Score {
    Score { name, words, share }
}

/// Any of what may be done, all alike.
pub fn any(options: Options, draws: &mut Stream) -> Said {
    match options {
        Options::Acts(n) => Said::Option(draws.below(n.into()) as u32),
        Options::YesNo => Said::Yes(draws.below(2) == 1),
        Options::Number(least, most) => Said::Number(least + draws.unit() * (most - least)),
        Options::Names | Options::Pointing | Options::Symbols { .. } | Options::Text(_) => Said::Nothing,
    }
}

/// The option of an act; None where it was unusable.
pub fn option(said: Said) -> Option<u32> {
    match said {
        Said::Option(option) => Some(option),
        _ => None,
    }
}

/// A scene as a game: it is what an experiment file reads, and the rule of its interactions.
#[derive(Clone, Debug, Deserialize, Serialize)]
#[serde(transparent, bound = "")]
pub struct Staged<S: Scene>(pub S);

impl<S: Scene> JsonSchema for Staged<S> {
    fn schema_name() -> Cow<'static, str> {
        S::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        S::json_schema(generator)
    }
}

/// The line of a scene in the list of games.
pub const fn entry<S: Scene>(name: &'static str, words: &'static str) -> GameEntry {
    GameEntry::new::<Staged<S>>(&[SCENE], name, words).staged()
}

/// Where an episode stands.
#[derive(Clone)]
struct At<S: Scene> {
    state: S::State,
    /// How many moves it has taken in, and in how many turns.
    taken: usize,
    turn: u16,
    asks: Vec<(u16, Options)>,
}

impl<S: Scene> Position for At<S> {
    fn copy(&self) -> Box<dyn Position> {
        Box::new(self.clone())
    }
}

/// The state of a hand that [`Game::follow`] has seen.
fn at<S: Scene>(hand: &Hand) -> &At<S> {
    let position = hand.position.0.as_deref().expect("a hand is followed before anyone is asked");
    (position as &dyn Any).downcast_ref().expect("a hand has the position of its own game")
}

/// The seed of an episode, of which nobody is told. It stands in the record, as all chance of the episode follows from it.
fn chance(hand: &Hand) -> Seed {
    let words = hand.saw.iter().filter(|sight| sight.seat == NO_SEAT).filter_map(|sight| option(sight.what));
    Seed(words.take(2).fold(0, |seed, word| seed << 32 | u64::from(word)))
}

impl<S: Scene> GameSpec for Staged<S> {
    fn check(&self) -> Result<(), (&'static str, String)> {
        self.0.check()
    }

    fn names(&self) -> Option<&[String]> {
        None
    }

    fn succeeds(&self) -> bool {
        false
    }

    fn fits(&self, agents: f64) -> Result<(), (&'static str, String)> {
        let seats = self.0.seats();
        match agents < f64::from(seats) {
            true => Err((
                "kind",
                format!("{seats} sit at it, and there are {agents} agents; give `population.size = {seats}` or more"),
            )),
            false => Ok(()),
        }
    }

    fn build(&self, _: &Registry) -> Result<Box<dyn Game>, (&'static str, String)> {
        Ok(Box::new(self.clone()))
    }

    fn scores(&self) -> &'static [Score] {
        S::SCORES
    }

    fn stage(&self) -> Option<Arc<dyn Stage>> {
        Some(Arc::new(self.clone()))
    }
}

impl<S: Scene> Game for Staged<S> {
    fn seats(&self) -> Seats {
        Seats::Table(self.0.seats())
    }

    fn acts(&self) -> bool {
        true
    }

    fn deal(&self, draws: &mut Stream, hand: &mut Hand) {
        for _ in 0..2 {
            hand.show(NO_SEAT, Said::Option(draws.word()));
        }
    }

    fn follow(&self, hand: &mut Hand) {
        let mut position = hand.position.0.take().unwrap_or_else(|| {
            let state = self.0.begin(chance(hand));
            let mut asks = Vec::new();
            self.0.asks(&state, &mut asks);
            Box::new(At::<S> { state, taken: 0, turn: 0, asks })
        });
        let at: &mut At<S> = (&mut *position as &mut dyn Any).downcast_mut().expect("a hand has the position of its own game");
        let mut acts = Vec::new();
        while !at.asks.is_empty() && hand.moves.len() >= at.taken + at.asks.len() {
            acts.clear();
            acts.extend(hand.moves[at.taken..at.taken + at.asks.len()].iter().map(|one| (one.seat, one.said)));
            for one in &hand.moves[at.taken..at.taken + acts.len()] {
                if let Said::Text(span) = one.said {
                    self.0.hear(&mut at.state, one.seat, &hand.text[span.range()]);
                }
            }
            at.taken += acts.len();
            at.turn += 1;
            self.0.step(&mut at.state, &acts);
            at.asks.clear();
            self.0.asks(&at.state, &mut at.asks);
            debug_assert!(at.asks.is_sorted_by_key(|(seat, _)| *seat), "who acts at once is asked by seat");
        }
        hand.position.0 = Some(position);
    }

    fn next(&self, hand: &Hand, ask: &mut Vec<Question>) {
        let At { taken, turn, ref asks, .. } = *at::<S>(hand);
        let answered = |seat: u16| hand.moves[taken..].iter().any(|one| one.seat == seat);
        let waiting = asks.iter().filter(|(seat, _)| !answered(*seat));
        ask.extend(waiting.map(|&(seat, options)| Question { seat, turn, to: ALL_SEATS, options }));
    }

    fn goes_on(&self) -> bool {
        true
    }

    fn settle(&self, hand: &mut Hand) {
        let state = &at::<S>(hand).state;
        let pay: Vec<f64> = (0..hand.seats.len() as u16).map(|seat| self.0.pay(state, seat)).collect();
        let (fate, scores) = (self.0.fate(state), self.0.scores(state));
        hand.pay = pay;
        hand.fate = fate;
        scores.into_iter().for_each(|score| hand.show(NO_SEAT, Said::Number(score)));
    }
}

/// A rule, and the scene that it plays.
struct Plays<S: Scene> {
    scene: S,
    rule: S::Rule,
}

impl<S: Scene> Player for Plays<S> {
    fn act(&self, hand: &Hand, question: &Question, draws: &mut Stream) -> Said {
        self.scene.act(&self.rule, &at::<S>(hand).state, question.seat, question.options, draws)
    }

    fn say(&self, hand: &Hand, question: &Question, draws: &mut Stream) -> Option<String> {
        self.scene.say(&self.rule, &at::<S>(hand).state, question.seat, draws)
    }
}

/// A rule that does anything.
struct Anything;

impl Player for Anything {
    fn act(&self, _: &Hand, question: &Question, draws: &mut Stream) -> Said {
        any(question.options, draws)
    }

    fn say(&self, _: &Hand, _: &Question, _: &mut Stream) -> Option<String> {
        None
    }
}

impl<S: Scene> Stage for Staged<S> {
    fn rules(&self) -> &'static [RuleWords] {
        S::RULES
    }

    fn player(&self, keys: toml::Table) -> Result<Arc<dyn Player>, (String, String)> {
        if keys.get("rule").and_then(|rule| rule.as_str()) == Some("random") && keys.len() == 1 {
            return Ok(Arc::new(Anything));
        }
        let wrong = |error: toml::de::Error| {
            // What serde says of a choice among words lists them all.
            let why = error.message().replace("unknown variant", "there is no rule");
            ("rule".to_string(), why.replace("expected one of", "there are `random`,").replace("expected", "there are `random`,"))
        };
        let known = |name: &str| name == "random" || S::RULES.iter().any(|(known, _)| *known == name);
        let name = keys.get("rule").and_then(|rule| rule.as_str()).unwrap_or_default().to_string();
        if !known(&name) {
            let names: Vec<String> =
                ["random"].into_iter().chain(S::RULES.iter().map(|(name, _)| *name)).map(String::from).collect();
            let why = match name.is_empty() {
                true => format!("by which rule? There are: {}", names.join(", ")),
                false => format!("there is no rule `{name}` here; {}", crate::text::nearest(&name, &names)),
            };
            return Err(("rule".into(), why));
        }
        let rule: S::Rule = keys.try_into().map_err(wrong)?;
        self.0.check_rule(&rule).map_err(|(key, why)| (key.to_string(), why))?;
        Ok(Arc::new(Plays { scene: self.0.clone(), rule }))
    }

    fn goal(&self) -> &'static str {
        S::SCORES[0].words
    }

    fn longest(&self) -> Option<u64> {
        self.0.longest()
    }

    fn facts(&self, hand: &Hand, question: &Question) -> Facts {
        let (state, seat) = (&at::<S>(hand).state, question.seat);
        let text = if let Options::Text(most) = question.options { Some(most) } else { None };
        Facts::new(self.0.view(state, seat), self.0.words(state, seat, question.options), text)
    }

    fn samples(&self) -> Vec<Facts> {
        let seats: Vec<u32> = (0..self.0.seats()).collect();
        let (game, mut hand, mut questions): (&dyn Game, _, _) = (self, Hand::new(0, &seats), Vec::new());
        let mut draws = Seed(0).stream(Purpose::Scene, 0);
        game.deal(&mut draws, &mut hand);
        let mut all = Vec::new();
        // The end of a long episode tells nothing of another kind than its beginning.
        while all.len() < 24 {
            game.open(&mut hand, &mut questions);
            if questions.is_empty() {
                break;
            }
            all.extend(questions.iter().map(|question| self.facts(&hand, question)));
            for question in &questions {
                let said = match question.options {
                    // The first options are the small ones, and episodes in which all take much are soon over.
                    Options::Acts(n) => Said::Option(draws.below(u64::from(n / 8).max(2).min(n.into())) as u32),
                    Options::Text(_) => {
                        let start = hand.text.len() as u32;
                        hand.text.push_str("I see.");
                        Said::Text(Span { start, len: 6 })
                    }
                    other => any(other, &mut draws),
                };
                hand.take(question, said, 0);
            }
        }
        all
    }
}

/// A stream of an episode's chance: `what` and `when` are the scene's own numbers.
pub fn draws(chance: Seed, what: u32, when: u32) -> Stream {
    chance.stream(Purpose::Scene, u64::from(what) << 32 | u64::from(when))
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;

    /// Plays an episode with a rule in each seat, and gives its scores and what each seat earned.
    pub fn episode<S: Scene>(scene: &S, rules: &[S::Rule], seed: u64) -> (Vec<f64>, Vec<f64>) {
        let seats: Vec<u32> = (0..scene.seats()).collect();
        let (staged, mut hand) = (Staged(scene.clone()), Hand::new(0, &seats));
        let game: &dyn Game = &staged;
        game.deal(&mut Seed(seed).stream(Purpose::Scene, 0), &mut hand);
        let mut questions = Vec::new();
        loop {
            game.open(&mut hand, &mut questions);
            if questions.is_empty() {
                break;
            }
            let asked = hand.clone();
            for question in &questions {
                let rule = &rules[usize::from(question.seat) % rules.len()];
                let mut draws = Seed(seed).stream(Purpose::Act, u64::from(question.seat) << 32 | asked.moves.len() as u64);
                let state = &at::<S>(&asked).state;
                if let Options::Text(_) = question.options {
                    let said = scene.say(rule, state, question.seat, &mut draws);
                    let start = hand.text.len() as u32;
                    hand.text.push_str(said.as_deref().unwrap_or(""));
                    let text = Said::Text(Span { start, len: hand.text.len() as u32 - start });
                    hand.take(question, if said.is_some() { text } else { Said::Nothing }, 0);
                    continue;
                }
                let said = scene.act(rule, state, question.seat, question.options, &mut draws);
                assert!(question.options.allow(said), "{rule:?} may do {:?} and did {said:?}", question.options);
                hand.take(question, said, 0);
            }
        }
        game.end(&mut hand);
        let scores = hand.saw.iter().filter(|sight| sight.seat == NO_SEAT).filter_map(|sight| sight.what.number()).collect();
        (scores, hand.pay)
    }

    /// The mean of a score over episodes, and its standard error.
    pub fn mean<S: Scene>(scene: &S, rules: &[S::Rule], score: &str, episodes: u64) -> (f64, f64) {
        let place = S::SCORES.iter().position(|one| one.name == score).unwrap_or_else(|| panic!("there is no score {score}"));
        let all: Vec<f64> = (0..episodes).map(|seed| episode(scene, rules, crate::seed::mix(seed + 1)).0[place]).collect();
        let n = all.len() as f64;
        let mean = all.iter().sum::<f64>() / n;
        let variance = all.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0);
        (mean, (variance / n).sqrt())
    }

    /// Fails where a mean over episodes is not a known value, within four standard errors of both.
    pub fn close<S: Scene>(scene: &S, rules: &[S::Rule], score: &str, episodes: u64, known: f64, error: f64) {
        let (mean, se) = mean(scene, rules, score, episodes);
        let bound = 4.0 * se.hypot(error) + 1e-9;
        assert!((mean - known).abs() <= bound, "{rules:?}: {score} is {mean} ± {se} and should be {known} ± {error}");
    }
}
