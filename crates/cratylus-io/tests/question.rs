//! Audits that question a model, tried on minds whose mechanism is known.

use cratylus_audit::finding::{Finding, Finds};
use cratylus_audit::recognition::{Coding, Flag};
use cratylus_audit::verdict::verdict;
use cratylus_core::control::Paid;
use cratylus_core::experiment::{Budget, Document};
use cratylus_core::fault::Fault;
use cratylus_core::language::comprehension::{Gold, items};
use cratylus_core::language::model::Limits;
use cratylus_core::language::protocol::{Told, skins};
use cratylus_core::language::scored::Scored;
use cratylus_core::spec::NoInputs;
use cratylus_core::{Purpose, Seed, World};
use cratylus_io::models::asker::{Opened, Spent, Tapes};
use cratylus_io::models::backend::{Allowance, Backend, Given, Raw, Refusal, Request, Want};
use cratylus_io::models::pool::Pool;
use cratylus_io::models::tape::{AskedHow, Setup, Tape, Took};
use cratylus_io::question::{Agenda, Interview, Means, PublishedTexts, QuestionKind, Stopped, Subject, Variant};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Instant;

#[derive(Clone, Copy, Debug, PartialEq)]
enum Mind {
    /// Chooses what its partners chose most where agreement pays, and the other where it does not; recognises nothing.
    Adapts,
    /// Chooses what its partners chose most, whatever is paid; recognises everything.
    PlaysTheRule,
    /// Chooses what its partners chose most in the published telling alone, which it recognises.
    KnowsTheOriginal,
    /// Plays the rule and understands nothing.
    Dunce,
    /// Says the first name, whatever happened.
    Recalls,
    /// Says the first name nearly always, whatever happened and whatever is paid, and understands everything.
    PrefersALabel,
    /// The same, and the more the longer its memory is, whatever is in it.
    GoesByLength,
    /// Says what it said before, whatever partners say and whatever is paid, and understands everything.
    Repeats,
    /// Codes the answers of others.
    Judges,
    /// Has a text and an order of names by heart, and goes on with it when told which it is.
    ByHeart,
}

/// A text that `ByHeart` read, and no other.
const READ: &str = "Both players choose an action in every round, and they gain points if the actions are the same. \
The players can use what they saw in the rounds before, but they must choose at the same time. \
Each of the agents will find that a large population shows many different habits when the game is new. \
When the round ends, the available points are now counted and every player gets exactly 40 of them. \
If a small group of players must gain more, they choose the following action: the same one, each time. \
The objective of each player is to gain as many points as they can, while the partner will do the same. \
Because the rounds are many, a population can show habits that no player did choose at the beginning. \
However, the agents will also find that the same action can gain different points in different rounds.";

struct Backed {
    mind: Mind,
    text: bool,
    calls: Arc<AtomicU64>,
}

impl Backend for Backed {
    fn ask(&self, request: &Request<'_>) -> Result<Given, Refusal> {
        self.calls.fetch_add(1, Ordering::Relaxed);
        let given =
            |raw| Ok(Given { raw, sent: serde_json::Value::Null, took: Took::default(), allowance: Allowance::default() });
        if request.want == Want::Scores {
            return given(Raw::Scores(self.scored(request)));
        }
        let (model, window) = (request.model, &request.query.window);
        let original = model.protocol.name == "ashery2025";
        if request.query.order.is_empty() {
            return given(Raw::Text { text: self.words(request, original), cut: false, instead: None });
        }
        let agreement_pays = model.payoff.success > model.payoff.failure;
        let follow = match self.mind {
            Mind::Adapts if !agreement_pays => 0.001,
            Mind::KnowsTheOriginal if !original => 0.5,
            _ => 0.999,
        };
        let second = window.iter().filter(|round| round[1] == 1).count();
        let p = match (2 * second).cmp(&window.len()) {
            _ if self.mind == Mind::Recalls => 0.99,
            _ if self.mind == Mind::PrefersALabel => 0.95,
            _ if self.mind == Mind::GoesByLength => {
                if window.is_empty() {
                    0.91
                } else {
                    0.9995
                }
            }
            _ if self.mind == Mind::Repeats => window.last().map_or(0.5, |round| if round[0] == 0 { 0.95 } else { 0.05 }),
            std::cmp::Ordering::Equal => 0.5,
            std::cmp::Ordering::Less => follow,
            std::cmp::Ordering::Greater => 1.0 - follow,
        };
        if !self.text {
            return given(Raw::Names(vec![p, 1.0 - p]));
        }
        let first = Seed(request.query.draw).words(Purpose::Decide, window.len() as u64)[0] as f64 / 4_294_967_296.0 < p;
        given(Raw::Text { text: format!("{{'value': '{}'}}", model.names[usize::from(!first)]), cut: false, instead: None })
    }

    fn scores(&self) -> Result<(), String> {
        if self.text { Err("it writes and nothing else".into()) } else { Ok(()) }
    }
}

impl Backed {
    /// Tokens are words. What was read is likely word by word; the rest is as likely as its letters have it, and more so
    /// when it stood there before.
    fn scored(&self, request: &Request<'_>) -> Vec<Scored> {
        let (text, before) = request.prompt.messages.split_last().unwrap();
        let words: Vec<&str> = text.text.split_whitespace().collect();
        let read = |i: usize| {
            let known = |text: &str| text.contains(&words[i - 1..=i].join(" ")) && self.mind == Mind::ByHeart;
            i > 0 && (known(READ) || known("'Q', 'M', 'X', 'Y', 'F'") || known("'J', 'P', 'R', 'C', 'D'"))
        };
        let score = |i: usize| {
            let letters = words[i].bytes().fold(7_u64, |hash, byte| hash.wrapping_mul(31).wrapping_add(u64::from(byte)));
            let seen = before.iter().any(|message| message.text.contains(words[i]));
            let logprob = match (read(i), before.is_empty()) {
                (true, true) => -0.1,
                (true, false) => -0.3,
                _ => -(2.0 + (letters % 100) as f64 / 20.0) * if seen { 0.5 } else { 1.0 },
            };
            Scored { logprob, next: Some([-4.0, 2.0]) }
        };
        (0..words.len()).map(score).collect()
    }

    /// Answers about wording: by heart or by place.
    fn wording(&self, question: &str) -> Option<String> {
        let by_heart = self.mind == Mind::ByHeart;
        if let Some((_, options)) = question.split_once("Which one?\n\n") {
            let options: Vec<&str> = options.split("\n\n").take(4).collect();
            let known = options.iter().position(|option| by_heart && READ.contains(&option[3..]));
            return Some(format!("{}", 1 + known.unwrap_or(0)));
        }
        let (told, beginning) = question.split_once("\n\n").filter(|(told, _)| told.starts_with("Here is the beginning"))?;
        let known = READ.split_once(beginning).filter(|_| by_heart && told.contains("word for word"));
        Some(known.map_or("And so it went on.", |(_, rest)| rest).into())
    }

    fn words(&self, request: &Request<'_>, original: bool) -> String {
        let question = &request.prompt.messages[1].text;
        if self.mind == Mind::Judges {
            let coordination = u8::from(question.contains("> This is a coordination game."));
            return format!("coordination: {coordination}\nrepeat: 0\nconvergence: 0");
        }
        if question.starts_with("Before you go on") {
            let knows = match self.mind {
                Mind::PlaysTheRule => true,
                Mind::KnowsTheOriginal => original,
                _ => false,
            };
            return if knows { "This is a coordination game." } else { "It reminds me of nothing." }.into();
        }
        if let Some(said) = self.wording(question) {
            return said;
        }
        if self.mind == Mind::Dunce {
            return "I cannot say.".into();
        }
        let model = request.model;
        let told = Told { names: &model.names, order: &[0, 1], payoff: model.payoff, window: &request.query.window, facts: None };
        let item = items(&model.protocol, &told).into_iter().find(|item| item.question == *question).expect("one of the nine");
        match item.gold {
            Gold::Number(number) => format!("{number}"),
            Gold::Names(names) => names.join(", "),
        }
    }
}

struct Sitting {
    mind: Mind,
    text: bool,
    calls: Arc<AtomicU64>,
    means: Means,
    memory: usize,
    published: PublishedTexts,
}

fn file(name: &str) -> PathBuf {
    let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("question-{name}.tape"));
    let _ = std::fs::remove_file(&path);
    path
}

impl Sitting {
    fn new(mind: Mind, text: bool, tape: &Path) -> Sitting {
        let means = Means {
            tapes: Arc::new(Tapes { own: Arc::new(Tape::open(tape).unwrap()), store: None }),
            budget: Budget::default(),
            spent: Arc::new(Spent::default()),
            stop: Arc::new(AtomicBool::new(false)),
            started: Instant::now(),
            price: None,
            done: Arc::default(),
        };
        Sitting { mind, text, calls: Arc::default(), means, memory: 3, published: PublishedTexts::default() }
    }

    fn sit(&self, variant: &Variant) -> Result<Subject, Fault> {
        let names = variant.names.clone().unwrap_or(["Q".into(), "M".into()]);
        let payoff = if variant.payoff == Paid::MismatchPays { "mismatch-pays" } else { "as-it-is" };
        let text = format!(
            "population.size = 2\ngame = {{ kind = \"coordination\", names = [\"{}\", \"{}\"], memory = {} }}\ncontrol.payoff = \"{payoff}\"\n\
             agents = {{ kind = \"mock\", policy = {{ kind = \"uniform\" }}, protocol = \"{}\" }}",
            names[0],
            names[1],
            self.memory,
            variant.protocol.as_deref().unwrap_or("ashery2025"),
        );
        let world = World::build(&Document::parse("test", &text, &[]).unwrap().points().unwrap()[0], &NoInputs)
            .unwrap_or_else(|(_, why)| panic!("{why}"));
        let setup = Setup {
            asked: "test".into(),
            name: "a mind".into(),
            identity: serde_json::Value::Null,
            id: "mind".into(),
            how: if self.text { AskedHow::Text } else { AskedHow::Names },
            prefill: false,
            why: String::new(),
            characters_per_token: None,
        };
        let backend = Arc::new(Backed { mind: self.mind, text: self.text, calls: self.calls.clone() });
        let pool = Pool::new(Limits::default(), Some(4), self.means.stop.clone());
        Ok(Subject { model: world.model(0).unwrap().clone(), opened: Arc::new(Opened { setup, backend, pool }) })
    }

    fn hold(&self, audits: &[QuestionKind]) -> Result<Vec<Finding>, Stopped> {
        let sit = |variant: &Variant| self.sit(variant);
        let agenda = Agenda {
            audits: audits.to_vec(),
            skins: skins().map(String::from).collect(),
            repeats: 4,
            all_states: false,
            samples: 600,
            runs: 100,
            published: self.published.clone(),
        };
        let interview = Interview { sit: &sit, means: self.means.clone(), agenda, judge: None };
        let bill: u64 = interview.bill().unwrap().iter().map(|bill| bill.calls).sum();
        let heard = interview.hold(&mut |_| Ok(()))?;
        let calls = self.calls.load(Ordering::Relaxed);
        assert!(calls <= bill, "{calls} calls, and {bill} were announced");
        Ok(heard.findings)
    }
}

fn of<'a>(findings: &'a [Finding], audit: &str) -> &'a Finding {
    findings.iter().find(|finding| finding.audit == audit).unwrap()
}

fn all(mind: Mind, name: &str) -> Vec<Finding> {
    Sitting::new(mind, false, &file(name)).hold(&QuestionKind::ALL).unwrap()
}

#[test]
fn a_mind_that_adapts_is_told_from_one_that_plays_a_rule() {
    let adapts = all(Mind::Adapts, "adapts");
    assert_eq!(of(&adapts, "payoffs").finds, Finds::SupportsInteraction, "{:?}", of(&adapts, "payoffs"));
    let left = of(&adapts, "payoffs").effect.as_ref().unwrap();
    assert!((left.value + 1.0).abs() < 1e-6, "turned round: {left:?}");
    assert!(of(&adapts, "comprehension").effect.as_ref().unwrap().value == 1.0);
    assert_eq!(of(&adapts, "alias").finds, Finds::SupportsInteraction);
    assert_eq!(of(&adapts, "shown-memory").finds, Finds::SupportsInteraction);
    assert_eq!(of(&adapts, "skins").details["kept"], true);
    assert_eq!(of(&adapts, "held-out-names").details["kept"], true);
    assert_eq!(of(&adapts, "recognition").finds, Finds::CannotTell);

    let rule = all(Mind::PlaysTheRule, "rule");
    assert_eq!(of(&rule, "payoffs").finds, Finds::SupportsRecall, "{:?}", of(&rule, "payoffs"));
    assert_eq!(of(&rule, "recognition").effect.as_ref().unwrap().value, 1.0);
    // Recognised everywhere, so there is nothing to set behaviour against.
    assert!(of(&rule, "recognition-and-behaviour").effect.is_none());
}

#[test]
fn what_is_not_understood_is_no_evidence() {
    let dunce = all(Mind::Dunce, "dunce");
    let payoffs = of(&dunce, "payoffs");
    assert!(payoffs.finds == Finds::CannotTell && payoffs.means.contains("0 %"), "{payoffs:?}");
    assert!(of(&dunce, "recognition-and-behaviour").cautions[1].contains("not understood: ashery2025, skin-symbols"));
    assert!(of(&dunce, "comprehension").means.contains("payoffs turned round"));
    assert_eq!(of(&dunce, "skins").cautions.len(), 6, "the telling that is questioned, and the skins");
}

#[test]
fn a_mind_that_knows_the_original_alone_is_found_by_recognition_and_behaviour() {
    let knows = all(Mind::KnowsTheOriginal, "original");
    let behaviour = of(&knows, "recognition-and-behaviour");
    assert_eq!(behaviour.finds, Finds::SupportsRecall, "{behaviour:?}");
    assert!((0.3..0.5).contains(&behaviour.effect.as_ref().unwrap().value));
    assert!(of(&knows, "skins").means.starts_with("The response is lost in"));
}

#[test]
fn a_mind_that_recalls_an_outcome_needs_no_memory_and_loses_it_with_its_labels() {
    let recalls = all(Mind::Recalls, "recalls");
    assert_eq!(of(&recalls, "shown-memory").finds, Finds::SupportsRecall, "{:?}", of(&recalls, "shown-memory"));
    assert_eq!(of(&recalls, "alias").finds, Finds::SupportsRecall, "{:?}", of(&recalls, "alias"));
}

/// A label that is preferred was once taken for a recalled rule, and a memory's length for interaction.
#[test]
fn a_preferred_label_is_no_rule_and_no_interaction() {
    let asked = [
        QuestionKind::Comprehension,
        QuestionKind::Names,
        QuestionKind::Skins,
        QuestionKind::Alias,
        QuestionKind::Memory,
        QuestionKind::Payoffs,
    ];
    for (mind, text) in [(Mind::PrefersALabel, false), (Mind::PrefersALabel, true), (Mind::GoesByLength, false)] {
        let found = Sitting::new(mind, text, &file(&format!("label-{mind:?}-{text}"))).hold(&asked).unwrap();
        assert_eq!(of(&found, "comprehension").effect.as_ref().unwrap().value, 1.0);
        assert_eq!(of(&found, "payoffs").finds, Finds::CannotTell, "{mind:?}: {:?}", of(&found, "payoffs"));
        assert_eq!(of(&found, "shown-memory").finds, Finds::SupportsRecall, "{mind:?}: {:?}", of(&found, "shown-memory"));
        for audit in ["held-out-names", "skins"] {
            assert!(text || of(&found, audit).means.starts_with("There is no response to a memory"), "{:?}", of(&found, audit));
        }
        let said = verdict("c", &found, &[]);
        assert_ne!(said.interaction, Finds::SupportsInteraction, "{mind:?}: {said:?}");
        assert_eq!(said.response, Finds::CannotTell, "{mind:?}: {said:?}");
    }
    let repeats = Sitting::new(Mind::Repeats, false, &file("repeats")).hold(&asked).unwrap();
    let payoffs = of(&repeats, "payoffs");
    assert!(payoffs.finds == Finds::CannotTell && payoffs.means.contains("nobody seeks agreement"), "{payoffs:?}");
}

const WORDING: [QuestionKind; 5] = [
    QuestionKind::TextLikelihood,
    QuestionKind::NameOrder,
    QuestionKind::TextInContext,
    QuestionKind::TextContinuation,
    QuestionKind::TextQuiz,
];

#[test]
fn a_text_that_was_read_is_found_and_one_that_was_not_is_not() {
    for (mind, flagged) in [(Mind::ByHeart, true), (Mind::Adapts, false)] {
        let mut sitting = Sitting::new(mind, false, &file(&format!("wording-{flagged}")));
        sitting.published.texts = vec![("read.txt".into(), READ.into())];
        let findings = sitting.hold(&WORDING).unwrap();
        assert_eq!(findings.len(), 5);
        for finding in findings {
            assert_eq!(finding.details["text"]["flagged"], flagged, "{mind:?}: {finding:?}");
            assert_eq!(finding.finds, Finds::CannotTell, "to have a text by heart is not to use it");
            assert!(finding.does_not_mean.contains("not to play by it"));
            let alarms = finding.details["false_alarms"]["share"].as_f64().unwrap();
            assert!(alarms <= 0.2, "{}: {alarms}", finding.audit);
            assert!(finding.means.starts_with("The wording stands out") == flagged, "{}", finding.means);
        }
    }
}

#[test]
fn without_log_probabilities_two_detectors_are_left_and_the_others_say_why() {
    let mut sitting = Sitting::new(Mind::ByHeart, true, &file("wording-text"));
    sitting.published.texts = vec![("read.txt".into(), READ.into())];
    let findings = sitting.hold(&WORDING).unwrap();
    for audit in ["text-likelihood", "name-order", "text-in-context"] {
        let why = &of(&findings, audit).means;
        assert!(why.starts_with("Not asked") && why.contains("it writes and nothing else"), "{why}");
    }
    for audit in ["text-continuation", "text-quiz"] {
        assert_eq!(of(&findings, audit).details["text"]["flagged"], true, "{audit}");
    }
}

#[test]
fn a_text_too_short_to_be_tried_says_so() {
    for audit in
        [QuestionKind::TextLikelihood, QuestionKind::TextInContext, QuestionKind::TextContinuation, QuestionKind::TextQuiz]
    {
        let mut sitting = Sitting::new(Mind::ByHeart, false, &file("wording-short"));
        sitting.published.texts = vec![("short.txt".into(), "Hello there.".into())];
        let findings = sitting.hold(&[audit]).unwrap();
        assert!(findings[0].means.contains("too short") && findings[0].effect.is_none(), "{:?}", findings[0]);
    }
}

#[test]
fn text_gives_the_same_verdicts_and_stops_when_it_knows() {
    let audits = [QuestionKind::Comprehension, QuestionKind::Payoffs];
    for (mind, finds) in [(Mind::Adapts, Finds::SupportsInteraction), (Mind::PlaysTheRule, Finds::SupportsRecall)] {
        let name = format!("text-{}", mind as u8);
        let found = Sitting::new(mind, true, &file(&name)).hold(&audits).unwrap();
        let payoffs = of(&found, "payoffs");
        assert_eq!(payoffs.finds, finds, "{payoffs:?}");
        assert!(payoffs.details["turned"]["answers"].as_u64().unwrap() <= 40, "{}", payoffs.details);
    }
}

#[test]
fn a_second_interview_asks_nothing_and_says_the_same() {
    let tape = file("again");
    let first = Sitting::new(Mind::Adapts, false, &tape);
    let found = first.hold(&QuestionKind::ALL).unwrap();
    assert!(first.calls.load(Ordering::Relaxed) > 500);
    let second = Sitting::new(Mind::Adapts, false, &tape);
    let text = |findings: &Vec<Finding>| serde_json::to_string(findings).unwrap();
    assert!(text(&second.hold(&QuestionKind::ALL).unwrap()) == text(&found));
    let read: Vec<Finding> = serde_json::from_str(&text(&found)).unwrap();
    assert_eq!(read, found, "findings are plain data");
    assert_eq!(second.calls.load(Ordering::Relaxed), 0);
}

#[test]
fn a_budget_holds_to_the_call() {
    let tape = file("budget");
    let mut sitting = Sitting::new(Mind::Adapts, false, &tape);
    sitting.means.budget.calls = Some(100);
    assert!(matches!(sitting.hold(&QuestionKind::ALL), Err(Stopped::Spent(what)) if what == "100 calls"));
    // What is not sent yet when it is spent is not sent.
    assert!((90..=100).contains(&sitting.calls.load(Ordering::Relaxed)));
    // What was paid for is kept.
    let rest = Sitting::new(Mind::Adapts, false, &tape);
    rest.hold(&[QuestionKind::Recognition, QuestionKind::Comprehension]).unwrap();
    assert!(rest.calls.load(Ordering::Relaxed) <= 24 + 126 - 90);
}

#[test]
fn answers_can_be_coded_by_a_person_before_anything_is_made_of_them() {
    let sitting = Sitting::new(Mind::PlaysTheRule, false, &file("coded"));
    let sit = |variant: &Variant| sitting.sit(variant);
    let agenda = Agenda {
        audits: vec![QuestionKind::Recognition],
        skins: Vec::new(),
        repeats: 5,
        all_states: false,
        samples: 0,
        runs: 0,
        published: PublishedTexts::default(),
    };
    let interview = Interview { sit: &sit, means: sitting.means.clone(), agenda, judge: None };
    let heard = interview
        .hold(&mut |answers| {
            answers.iter_mut().for_each(|answer| answer.manual = Coding([Some(false), None, None, None]));
            Ok(())
        })
        .unwrap();
    let found = &heard.findings[0];
    assert_eq!(found.effect.as_ref().unwrap().value, 0.0, "people's coding counts");
    assert_eq!(found.details["agreement"][0]["agreement"]["share"], 0.0);
}

#[test]
fn another_model_can_code_the_answers() {
    let sitting = Sitting::new(Mind::KnowsTheOriginal, false, &file("judged"));
    let judge = Sitting {
        mind: Mind::Judges,
        calls: sitting.calls.clone(),
        text: true,
        means: sitting.means.clone(),
        memory: 1,
        published: PublishedTexts::default(),
    };
    let sit = |variant: &Variant| sitting.sit(variant);
    let skins = vec!["skin-vask".to_string()];
    let agenda = Agenda {
        audits: vec![QuestionKind::Recognition],
        skins,
        repeats: 3,
        all_states: false,
        samples: 0,
        runs: 0,
        published: PublishedTexts::default(),
    };
    let judge = Some(judge.sit(&Variant::default()).unwrap());
    let interview = Interview { sit: &sit, means: sitting.means.clone(), agenda, judge };
    assert_eq!(interview.bill().unwrap()[0].calls, 12);
    let heard = interview.hold(&mut |_| Ok(())).unwrap();
    let codes: Vec<Option<bool>> = heard.answers.iter().map(|answer| answer.machine.get(Flag::Coordination)).collect();
    assert_eq!(codes, [[Some(true); 3], [Some(false); 3]].concat());
    assert_eq!(heard.findings[0].details["agreement"][0]["codings"], serde_json::json!(["machine", "rules"]));
}
