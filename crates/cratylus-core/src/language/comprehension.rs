//! Whether a scene was understood: nine questions about what it says, with the answers that it gives, as in the published
//! comprehension test of Flint Ashery et al. (2025). Questions and grading are pure; nobody is asked here.

use super::protocol::{Nouns, Protocol, Told};
use crate::policy::Round;

/// One question about a scene.
#[derive(Clone, Debug, PartialEq)]
pub struct ComprehensionItem {
    /// What is asked for: `min`, `max`, `actions`, `payoff`, `round`, `action-i`, `points-i`, `count`, `total`.
    pub what: &'static str,
    /// As it is put to the model, after the scene.
    pub question: String,
    /// The right answer, by what the scene says.
    pub gold: Gold,
}

/// The right answer.
#[derive(Clone, Debug, PartialEq)]
pub enum Gold {
    /// Read from the answer as a number.
    Number(f64),
    /// Read from the answer as names of the pool, whatever their order.
    Names(Vec<String>),
}

/// The kinds of questions, in their order.
pub const WHAT: [&str; 9] = ["min", "max", "actions", "payoff", "round", "action-i", "points-i", "count", "total"];

/// Windows that scenes are told with, so that every kind of question has an answer that is not 0.
pub fn windows(n_names: usize, memory: usize) -> Vec<Vec<Round>> {
    let last = n_names as u16 - 1;
    let rounds = [[0, last], [last, last], [0, 0], [last, 0], [last, last]];
    let memory = memory.min(rounds.len());
    vec![rounds[..memory].to_vec(), rounds[..memory].iter().map(|round| round.map(|name| last - name)).collect()]
}

/// Questions about a scene. Those about remembered rounds ask about one of the middle.
pub fn items(protocol: &Protocol, told: &Told<'_>) -> Vec<ComprehensionItem> {
    let Nouns { action, actions, round, points, partner } = &protocol.nouns;
    let partner = partner.as_deref().unwrap_or("the other");
    let (success, failure) = (told.payoff.success, told.payoff.failure);
    let paid = |round: &Round| if round[0] == round[1] { success } else { failure };
    let word = |name: u16| told.names[name as usize].clone();
    let number = |what, question, gold| ComprehensionItem {
        what,
        question: format!("{question} Answer with the number alone."),
        gold: Gold::Number(gold),
    };
    let name = |what, question, gold| ComprehensionItem { what, question, gold: Gold::Names(gold) };
    let [first, last] = [0, told.names.len() as u16 - 1];
    let mut all = vec![
        number("min", format!("What is the lowest change of your {points} that one {round} can bring?"), success.min(failure)),
        number("max", format!("What is the highest change of your {points} that one {round} can bring?"), success.max(failure)),
        name(
            "actions",
            format!("Which {actions} are there to choose from? Answer with a list of all of them and nothing else."),
            told.names.to_vec(),
        ),
        number(
            "payoff",
            format!(
                "By how many {points} does one {round} change what you have, if you choose {} and {partner} chooses {}?",
                word(first),
                word(last)
            ),
            failure,
        ),
        number(
            "round",
            format!("What is the number of the {round} that is about to be decided?"),
            told.window.len() as f64 + 1.0,
        ),
    ];
    let rounds = if round.ends_with(['s', 'x', 'z']) { format!("{round}es") } else { format!("{round}s") };
    if told.window.is_empty() {
        return all;
    }
    let i = told.window.len() / 2;
    let (at, chosen) = (&told.window[i], told.window[0][0]);
    let count = told.window.iter().filter(|round| round[0] == chosen).count();
    all.push(name(
        "action-i",
        format!("Which {action} did you choose in {round} {}? Answer with that {action} alone.", i + 1),
        vec![word(at[0])],
    ));
    all.push(number("points-i", format!("By how many {points} did {round} {} change what you have?", i + 1), paid(at)));
    all.push(number(
        "count",
        format!("In how many of the {rounds} told of did you yourself choose {}?", word(chosen)),
        count as f64,
    ));
    all.push(number(
        "total",
        format!("What do all {rounds} told of add up to, in {points}?"),
        told.window.iter().map(paid).sum(),
    ));
    all
}

/// Whether an answer is right: it says the number first, or exactly the names.
pub fn right(gold: &Gold, names: &[String], answer: &str) -> bool {
    match gold {
        Gold::Number(number) => first_number(answer).is_some_and(|found| (found - number).abs() < 1e-9),
        Gold::Names(gold) => names.iter().all(|name| gold.contains(name) == says(answer, name)),
    }
}

fn says(answer: &str, name: &str) -> bool {
    let part = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
    answer
        .match_indices(name)
        .any(|(at, _)| !part(answer[..at].chars().next_back()) && !part(answer[at + name.len()..].chars().next()))
}

/// The first number in an answer, with its sign.
fn first_number(answer: &str) -> Option<f64> {
    let answer: String = answer.chars().map(|c| if matches!(c, '−' | '–') { '-' } else { c }).filter(|&c| c != ',').collect();
    let start = answer.find(|c: char| c.is_ascii_digit())?;
    let digits: String = answer[start..].chars().take_while(|c| c.is_ascii_digit() || *c == '.').collect();
    let number: f64 = digits.trim_end_matches('.').parse().ok()?;
    Some(if answer[..start].ends_with('-') { -number } else { number })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::game::Payoff;

    #[test]
    fn gold_answers_are_what_the_scene_says() {
        let names = ["Q", "M"].map(String::from);
        for skin in ["ashery2025"].into_iter().chain(crate::language::protocol::skins()) {
            let protocol = Protocol::built_in(skin, &Default::default()).unwrap().unwrap();
            let window = &windows(2, 5)[0];
            let told = Told { names: &names, order: &[1, 0], payoff: Payoff::default(), window, facts: None };
            let items = items(&protocol, &told);
            assert!(items.iter().map(|item| item.what).eq(WHAT), "{skin}");
            let gold = |what: &str| items.iter().find(|item| item.what == what).unwrap().gold.clone();
            assert_eq!([gold("min"), gold("max"), gold("payoff")], [-50.0, 100.0, -50.0].map(Gold::Number));
            assert_eq!(
                [gold("round"), gold("points-i"), gold("count"), gold("total")],
                [6.0, 100.0, 2.0, 200.0].map(Gold::Number)
            );
            assert_eq!(gold("action-i"), Gold::Names(vec!["Q".into()]));
            assert!(
                items[5].question.contains("3") && items[5].question.contains(&protocol.nouns.round),
                "{}",
                items[5].question
            );
        }
    }

    #[test]
    fn answers_are_graded_by_what_they_say_first() {
        let names = ["Q", "M"].map(String::from);
        let number = |gold, answer| right(&Gold::Number(gold), &names, answer);
        assert!(number(-50.0, "-50") && number(-50.0, "It is −50 points, not 100.") && number(1000.0, "1,000"));
        assert!(!number(-50.0, "50") && !number(3.0, "three") && !number(100.0, "from -50 to 100"));
        let said =
            |gold: &[&str], answer| right(&Gold::Names(gold.iter().map(|name| name.to_string()).collect()), &names, answer);
        assert!(said(&["Q", "M"], "Q, M") && said(&["M"], "'M'") && !said(&["M"], "Q or M") && !said(&["Q"], "Queue"));
    }
}
