//! What a model thinks aloud is no answer: it is cut off before anything is read. The marks are those that models put
//! around it, in any case; where only the closing one is there, the opening one stood in the prompt.

use std::ops::Range;

/// An answer without what was thought.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Spoken {
    /// What stands outside.
    pub text: String,
    /// Whether something was cut off.
    pub thought: bool,
    /// A thought began and did not end, so that there is no answer yet.
    pub open: bool,
}

/// Names of tags and brackets: `<think>`, `</think>`, `[THINK]`, `[/THINK]`.
const TAGS: [&str; 17] = [
    "think",
    "thinking",
    "thought",
    "thoughts",
    "reasoning",
    "reflection",
    "analysis",
    "scratchpad",
    "inner_monologue",
    "internal_monologue",
    "chain_of_thought",
    "cot",
    "seed:think",
    "longcat_think",
    "ant:thinking",
    "antthinking",
    "mm:think",
];

/// Marks of another shape: how a thought opens, and how it closes.
const MARKS: [(&str, &str); 8] = [
    ("<|begin_of_thought|>", "<|end_of_thought|>"),
    ("<|start_thinking|>", "<|end_thinking|>"),
    ("<|think|>", "<|/think|>"),
    ("<|think_start|>", "<|think_end|>"),
    ("<|channel>", "<channel|>"),
    ("<unused94>", "<unused95>"),
    ("◁think▷", "◁/think▷"),
    ("&lt;think&gt;", "&lt;/think&gt;"),
];

/// Signs with which turns end that some servers leave in the text.
const ENDS: [&str; 7] = ["</s>", "<s>", "<eos>", "<bos>", "<end_of_turn>", "[/inst]", "<｜end▁of▁sentence｜>"];

/// Cuts off what was thought, and the signs of a turn around the rest.
pub fn spoken(answer: &str) -> Spoken {
    let mut said = match channels(answer) {
        Some(said) => said,
        None => without_blocks(answer),
    };
    said.text = without_signs(&said.text).to_string();
    said
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Mark {
    Opens,
    Closes,
    /// Opens and closes: `<think/>`.
    Both,
}

fn without_blocks(answer: &str) -> Spoken {
    let mut text = String::new();
    let (mut from, mut open, mut thought) = (0, false, false);
    for (mark, place) in marks(answer) {
        match (mark, open) {
            // What is opened within a thought is part of it.
            (Mark::Opens, true) | (Mark::Both, true) => continue,
            (Mark::Opens, false) => {
                text.push_str(&answer[from..place.start]);
                open = true;
            }
            (Mark::Both, false) => text.push_str(&answer[from..place.start]),
            (Mark::Closes, true) => open = false,
            // Opened in the prompt: everything so far was thought.
            (Mark::Closes, false) => text.clear(),
        }
        thought = true;
        from = place.end;
    }
    if !open {
        text.push_str(&answer[from..]);
    }
    Spoken { text, thought, open }
}

/// All marks of an answer, in order.
fn marks(answer: &str) -> Vec<(Mark, Range<usize>)> {
    // Letters of ASCII alone change their case, so that places stay.
    let lower = answer.to_ascii_lowercase();
    let mut out = Vec::new();
    for (open, close) in MARKS {
        out.extend(lower.match_indices(open).map(|(at, _)| (Mark::Opens, at..at + open.len())));
        out.extend(lower.match_indices(close).map(|(at, _)| (Mark::Closes, at..at + close.len())));
    }
    for (begin, end) in [('<', '>'), ('[', ']')] {
        for (at, _) in lower.match_indices(begin) {
            let inner = &lower[at + 1..];
            let Some(length) = inner.find([end, begin, '\n']).filter(|&length| inner[length..].starts_with(end)) else {
                continue;
            };
            let inner = &inner[..length];
            let (closes, name) = inner.trim_start().strip_prefix('/').map_or((false, inner), |name| (true, name));
            let (alone, name) = name.trim_end().strip_suffix('/').map_or((false, name), |name| (true, name));
            // A tag may have attributes, a bracket has none.
            let mut words = name.split_whitespace();
            let (first, more) = (words.next().unwrap_or(""), words.next().is_some());
            if TAGS.contains(&first) && (!more || (begin == '<' && name.contains('='))) {
                let mark = if closes {
                    Mark::Closes
                } else if alone {
                    Mark::Both
                } else {
                    Mark::Opens
                };
                out.push((mark, at..at + 1 + length + end.len_utf8()));
            }
        }
    }
    out.sort_by_key(|(_, place)| (place.start, place.end));
    out
}

/// The channel of the answer, where a model speaks in channels as gpt-oss does; None where it does not.
fn channels(answer: &str) -> Option<Spoken> {
    let lower = answer.to_ascii_lowercase();
    const CHANNEL: &str = "<|channel|>";
    const MESSAGE: &str = "<|message|>";
    if !lower.contains(MESSAGE) && !lower.contains(CHANNEL) {
        return run_together(answer, &lower);
    }
    let mut last = None;
    let begins = std::iter::once(0).chain(lower.match_indices(CHANNEL).map(|(at, _)| at + CHANNEL.len()));
    let mut thought = false;
    for from in begins {
        let until = lower[from..].find(CHANNEL).map_or(lower.len(), |at| from + at);
        let Some(message) = lower[from..until].find(MESSAGE) else { continue };
        let channel = lower[from..from + message].trim();
        let body = from + message + MESSAGE.len();
        let ends = ["<|end|>", "<|return|>", "<|call|>", "<|start|>"];
        let end = ends.iter().filter_map(|end| lower[body..until].find(end)).min().map_or(until, |at| body + at);
        match channel.starts_with("final") || channel.is_empty() {
            true => last = Some(body..end),
            false => thought = true,
        }
    }
    Some(match last {
        Some(place) => Spoken { text: answer[place].to_string(), thought, open: false },
        None => Spoken { text: String::new(), thought: true, open: true },
    })
}

/// The same where the server has dropped the signs between channels: `analysisWe need …assistantfinal{…}`.
fn run_together(answer: &str, lower: &str) -> Option<Spoken> {
    let trimmed = lower.trim_start();
    let from = lower.len() - trimmed.len();
    let rest = trimmed.strip_prefix("analysis")?;
    const FINAL: &str = "assistantfinal";
    if let Some(at) = lower.rfind(FINAL) {
        return Some(Spoken { text: answer[at + FINAL.len()..].to_string(), thought: true, open: false });
    }
    // A word of its own is followed by a space or a sign.
    let glued = answer[from + "analysis".len()..].starts_with(|c: char| c.is_uppercase()) && !rest.is_empty();
    glued.then(|| Spoken { text: String::new(), thought: true, open: true })
}

/// Without `<|im_end|>` and the like before and after.
fn without_signs(text: &str) -> &str {
    let mut text = text.trim();
    loop {
        let lower = text.to_ascii_lowercase();
        let sign = |part: &str| part.len() > 4 && part.len() < 40 && !part[2..part.len() - 2].contains(['<', '>', '|', ' ']);
        let before = ENDS.iter().find(|sign| lower.starts_with(**sign)).map(|sign| sign.len()).or_else(|| {
            let end = lower.starts_with("<|").then(|| lower.find("|>")).flatten()? + 2;
            sign(&lower[..end]).then_some(end)
        });
        let after = ENDS.iter().find(|sign| lower.ends_with(**sign)).map(|sign| lower.len() - sign.len()).or_else(|| {
            let begin = lower.ends_with("|>").then(|| lower.rfind("<|")).flatten()?;
            sign(&lower[begin..]).then_some(begin)
        });
        text = match (before, after) {
            (Some(end), _) => text[end..].trim(),
            (None, Some(begin)) => text[..begin].trim(),
            (None, None) => return text,
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// `…` stands for a thought that did not end.
    fn check(answers: &[(&str, &str)]) {
        for (answer, expected) in answers {
            let said = spoken(answer);
            let got = if said.open { "…".to_string() } else { said.text.clone() };
            assert_eq!(got, *expected, "{answer:?}");
        }
    }

    #[test]
    fn thoughts_are_no_answers_whatever_their_marks() {
        check(&[
            ("<think>Q?</think> M", "M"),
            ("<think>\n\n</think>\n\nM", "M"),
            ("<THINK>Q</Think>\nM", "M"),
            ("<thinking>Q</thinking>M", "M"),
            ("<think effort=\"low\">Q</think >M", "M"),
            ("[THINK]Q[/THINK]M", "M"),
            ("◁think▷Q◁/think▷M", "M"),
            ("<seed:think>Q</seed:think>M", "M"),
            ("<|begin_of_thought|>Q<|end_of_thought|>\n<|begin_of_solution|>M<|end_of_solution|>", "M"),
            ("<|START_THINKING|>Q<|END_THINKING|><|START_RESPONSE|>M<|END_RESPONSE|>", "M"),
            ("<|channel>thought\nQ<channel|>M", "M"),
            ("<think>one</think><think>two</think>M", "M"),
            ("<think>the mark <think> opens</think>M", "M"),
            ("<think/>M", "M"),
            ("Q it is\n</think>\nM", "M"),
            ("Q [/THINK] M", "M"),
            ("<think>Q</think> no </think> M", "M"),
            ("M<|im_end|>", "M"),
            ("M</s>", "M"),
            ("<think>Q and then", "…"),
            ("<think>Q</think>M<think>again", "…"),
            ("[think] Q", "…"),
            ("<think>", "…"),
        ]);
    }

    #[test]
    fn of_channels_the_final_one_is_the_answer() {
        check(&[
            ("<|channel|>analysis<|message|>Q<|end|><|start|>assistant<|channel|>final<|message|>M<|return|>", "M"),
            ("analysis<|message|>Q<|end|><|start|>assistant<|channel|>final<|message|>M", "M"),
            ("<|channel|>final<|message|>M", "M"),
            ("<|channel|>final <|constrain|>json<|message|>{\"value\": \"M\"}", "{\"value\": \"M\"}"),
            ("<|channel|>analysis<|message|>Q is", "…"),
            ("<|channel|>analysis", "…"),
            ("analysisWe take Q.assistantfinalM", "M"),
            ("analysisWe take Q", "…"),
        ]);
    }

    #[test]
    fn what_is_no_mark_stays() {
        for answer in
            ["M", "I think Q", "[thinking] about it <", "Analysis: Q", "analysis of Q", "<b>Q</b>", "a < b, [x]", "<thinker>Q"]
        {
            let expected = if answer.starts_with("[thinking]") { continue } else { answer };
            assert_eq!(spoken(answer), Spoken { text: expected.into(), thought: false, open: false });
        }
    }
}
