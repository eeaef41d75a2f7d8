//! Who is questioned, with what, and about what.

pub use crate::models::many::{Means, Stopped};

use super::memorised::PublishedTexts;
use crate::models::asker::{Opened, prompt_hash, told};
use crate::models::many;
use crate::models::tape::{AskedHow, KeptPrompt, Setup};
use cratylus_audit::finding::Finding;
use cratylus_audit::recognition::CodedAnswer;
use cratylus_core::control::Paid;
use cratylus_core::fault::Fault;
use cratylus_core::language::model::{Model, Query, Reply};
use cratylus_core::language::protocol::Told;
use cratylus_core::language::{Message, Prompt};
use cratylus_core::policy::Round;
use std::sync::Arc;

/// What is different about how a model is asked.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Variant {
    /// A protocol in place of the one that is questioned.
    pub protocol: Option<String>,
    /// Two other names.
    pub names: Option<[String; 2]>,
    /// What the model is told that a choice pays.
    pub payoff: Paid,
}

impl Variant {
    /// The game told by another protocol.
    pub fn skin(name: &str) -> Variant {
        Variant { protocol: Some(name.into()), ..Variant::default() }
    }
}

/// A model as a variant makes it, ready to be asked.
#[derive(Clone)]
pub struct Subject {
    /// The model with the variant's protocol, names and payoffs.
    pub model: Arc<Model>,
    /// The same, ready to be asked.
    pub opened: Arc<Opened>,
}

/// What is asked.
#[derive(Clone, Debug)]
pub struct Agenda {
    /// In the order in which they are to be asked.
    pub audits: Vec<QuestionKind>,
    /// Protocols beside the one that is questioned.
    pub skins: Vec<String>,
    /// How often each question in words is put.
    pub repeats: u64,
    /// Whether every state is asked about, or those that populations visit.
    pub all_states: bool,
    /// How many answers are sampled for a response, where the model gives text.
    pub samples: u64,
    /// How many populations are simulated from a response.
    pub runs: u64,
    /// What may be known by heart.
    pub published: PublishedTexts,
}

/// A kind of question that a model can be asked outside a population.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum QuestionKind {
    /// Whether it names the game when it is asked.
    Recognition,
    /// Whether it answers rightly about what it is told.
    Comprehension,
    /// Its response with labels drawn anew.
    Alias,
    /// Its response with parts of the memory hidden or shuffled.
    Memory,
    /// Its response to invented names.
    Names,
    /// Its response to other tellings of the game.
    Skins,
    /// Its response to payoffs turned round.
    Payoffs,
    /// Its response across tellings, beside whether it recognised them.
    Behaviour,
    /// The log-probability of a text beside rewordings of it.
    TextLikelihood,
    /// The log-probability of a list in its own order beside others.
    NameOrder,
    /// What the rest of a text adds to its sentences.
    TextInContext,
    /// How it goes on with a text that is broken off.
    TextContinuation,
    /// Which of several wordings it takes for the published one.
    TextQuiz,
}

impl QuestionKind {
    /// All kinds, in the order in which lists show them.
    pub const ALL: [QuestionKind; 13] = [
        QuestionKind::Recognition,
        QuestionKind::Comprehension,
        QuestionKind::Alias,
        QuestionKind::Memory,
        QuestionKind::Names,
        QuestionKind::Skins,
        QuestionKind::Payoffs,
        QuestionKind::Behaviour,
        QuestionKind::TextLikelihood,
        QuestionKind::NameOrder,
        QuestionKind::TextInContext,
        QuestionKind::TextContinuation,
        QuestionKind::TextQuiz,
    ];

    /// What findings, lists and `--audits` call it.
    pub fn name(self) -> &'static str {
        match self {
            QuestionKind::Recognition => "recognition",
            QuestionKind::Comprehension => "comprehension",
            QuestionKind::Alias => "alias",
            QuestionKind::Memory => "shown-memory",
            QuestionKind::Names => "held-out-names",
            QuestionKind::Skins => "skins",
            QuestionKind::Payoffs => "payoffs",
            QuestionKind::Behaviour => "recognition-and-behaviour",
            QuestionKind::TextLikelihood => "text-likelihood",
            QuestionKind::NameOrder => "name-order",
            QuestionKind::TextInContext => "text-in-context",
            QuestionKind::TextContinuation => "text-continuation",
            QuestionKind::TextQuiz => "text-quiz",
        }
    }

    /// What it asks, as a question for lists.
    pub fn words(self) -> &'static str {
        match self {
            QuestionKind::Recognition => "is the game recognised when the model is asked outright?",
            QuestionKind::Comprehension => "does the model understand what it is told?",
            QuestionKind::Alias => "is the response bound to labels?",
            QuestionKind::Memory => "does agreement need a memory of interactions, and which part of it?",
            QuestionKind::Names => "is the response the same to names that nobody can have met?",
            QuestionKind::Skins => "is the response the same where the game is told in other words?",
            QuestionKind::Payoffs => "does the response follow the payoffs that are stated?",
            QuestionKind::Behaviour => "does the response change where the game is no longer recognised?",
            QuestionKind::TextLikelihood => "is a published text more likely than the same in other words?",
            QuestionKind::NameOrder => "is a published list of names more likely in its own order?",
            QuestionKind::TextInContext => "do sentences of a published text gain nothing from the rest of it?",
            QuestionKind::TextContinuation => "is a published text gone on with as it was published?",
            QuestionKind::TextQuiz => "is the published wording told from others?",
        }
    }

    /// Whether it asks about the wording of a text, and not about a game.
    pub fn is_about_wording(self) -> bool {
        self >= QuestionKind::TextLikelihood
    }

    /// Whether it takes the log-probabilities of a given text.
    pub(super) fn needs_scores(self) -> bool {
        matches!(self, QuestionKind::TextLikelihood | QuestionKind::NameOrder | QuestionKind::TextInContext)
    }
}

/// What an audit will ask, before it asks.
#[derive(Clone, Debug, PartialEq)]
pub struct Bill {
    /// As [`QuestionKind::name`].
    pub audit: &'static str,
    /// As [`QuestionKind::words`].
    pub words: &'static str,
    /// At most, if names are of one token. What several audits need stands with the first of them.
    pub calls: u64,
    /// Tokens in and out, roughly.
    pub tokens: [u64; 2],
    /// None where the model's price is not known.
    pub usd: Option<f64>,
}

/// Characters of a token, where the server was not seen to count any: rather too few, so that a bill is rather too high.
pub const CHARACTERS_PER_TOKEN: f64 = 3.0;

/// Who is questioned, with what, and about what.
pub struct Interview<'a> {
    /// Makes the model of a variant.
    pub sit: &'a dyn Fn(&Variant) -> Result<Subject, Fault>,
    /// Where answers are kept, and what they may cost.
    pub means: Means,
    /// Which audits are held, and how much each asks.
    pub agenda: Agenda,
    /// Another model that codes answers in words.
    pub judge: Option<Subject>,
}

/// What came of it.
pub struct Interviewed {
    /// Of the audits on the agenda, those about wording last.
    pub findings: Vec<Finding>,
    /// Answers in words, for a person to code.
    pub answers: Vec<CodedAnswer>,
}

/// Codes answers in words, such as from a file that a person filled in.
pub type Code<'a> = dyn FnMut(&mut [CodedAnswer]) -> Result<(), Fault> + 'a;

impl Interview<'_> {
    /// Puts questions in words about scenes: each the scene, the question, and the number of the draw.
    pub(super) fn words(
        &self,
        subject: &Subject,
        window: &[Round],
        questions: &[(String, u64)],
        max_tokens: u32,
    ) -> Result<Vec<String>, Stopped> {
        let model = &subject.model;
        let order: Vec<u16> = (0..model.names.len() as u16).collect();
        let about = Told { names: &model.names, order: &order, payoff: model.payoff, window, facts: None };
        let scene = model.protocol.scene(&about).map_err(Fault)?;
        let questions = questions.iter().map(|(question, draw)| ([scene.clone(), question.clone()], *draw)).collect();
        self.say(subject, window, questions, max_tokens)
    }

    /// Has another model code answers.
    pub(super) fn judge(&self, answers: &mut [CodedAnswer]) -> Result<(), Stopped> {
        let Some(judge) = &self.judge else { return Ok(()) };
        let questions = answers.iter().map(|answer| (cratylus_audit::recognition::judge(&answer.response), 0)).collect();
        for (answer, text) in answers.iter_mut().zip(self.say(judge, &[], questions, 60)?) {
            answer.machine = cratylus_audit::recognition::judged(&text);
        }
        Ok(())
    }

    /// Puts messages of a system and a user, each with the number of its draw, and takes the answers in words.
    pub(super) fn say(
        &self,
        subject: &Subject,
        window: &[Round],
        messages: Vec<([String; 2], u64)>,
        max_tokens: u32,
    ) -> Result<Vec<String>, Stopped> {
        let model = Model { protocol: Arc::new(subject.model.protocol.for_words(max_tokens)), ..(*subject.model).clone() };
        let setup = Setup { how: AskedHow::Text, prefill: false, ..subject.opened.setup.clone() };
        let question = |([system, user], draw): ([String; 2], u64)| {
            let message = |role: &str, text| Message { role: role.into(), text };
            let prompt = Prompt { messages: vec![message("system", system), message("user", user)], prefill: String::new() };
            let query = Query { window: window.into(), order: [].into(), draw, again: 0, facts: None };
            (query, KeptPrompt { hash: prompt_hash(&prompt), prompt })
        };
        let questions = messages.into_iter().map(question).collect();
        many::ask(&self.means, &Arc::new(model), &subject.opened, &Arc::new(setup), questions, |asking| asking.text())
    }

    /// Puts choices.
    pub(super) fn choices(&self, subject: &Subject, queries: &[Query]) -> Result<Vec<Reply>, Stopped> {
        let told = |query: &Query| Ok::<_, Fault>((query.clone(), told(&subject.model, query)?));
        let questions = queries.iter().map(told).collect::<Result<Vec<_>, _>>()?;
        let setup = Arc::new(subject.opened.setup.clone());
        many::ask(&self.means, &subject.model, &subject.opened, &setup, questions, |asking| asking.reply())
    }
}
