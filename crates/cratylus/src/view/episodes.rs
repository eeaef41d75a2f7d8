//! Episodes of scenes, act by act: who did what in which turn, in the words of the options, and what the seat was told. What was
//! told is worked out again from the acts, as the game gave it.

use super::asked::{Query, Wrong};
use super::run::INTERACTIONS_MAX;
use crate::caller::registry;
use cratylus_core::event::Said;
use cratylus_core::game::{Game, Hand};
use cratylus_io::store::run_dir::RunDir;
use serde_json::{Value, json};
use std::path::Path;

/// The most acts of a run that are looked through.
const ACTS_MAX: usize = 200_000;

/// A page of the acts of a run.
pub fn acts(path: &Path, query: &Query) -> Result<Value, Wrong> {
    let dir = RunDir::open_so_far(path, &registry())?;
    let (run, from, n): (u64, usize, usize) = (query.number("run", 0)?, query.number("from", 0)?, query.number("n", 100)?);
    if !dir.rows()?.iter().any(|row| row.run == run) {
        return Err(Wrong::missing("there is no such run"));
    }
    let spec = &dir.point(run).experiment.game.spec;
    let stage = spec.stage().ok_or_else(|| Wrong::asked("this game has no episodes"))?;
    let game = spec.build(&registry()).map_err(|(_, why)| Wrong::asked(why))?;
    let events = dir.events(run, INTERACTIONS_MAX as usize)?;
    let hands = dir.whole(run, &events).map_err(|fault| Wrong::asked(fault.0))?;
    let hands = hands.ok_or_else(|| Wrong::asked("the acts of this run were not recorded (`record.interactions`)"))?;
    let (mut total, mut rows) = (0, Vec::new());
    for hand in &hands {
        // The same episode, which is played as it was.
        let mut again = Hand::new(hand.t, &hand.seats);
        (again.saw, again.text) = (hand.saw.clone(), hand.text.clone());
        let game: &dyn Game = &*game;
        let mut questions = Vec::new();
        loop {
            game.open(&mut again, &mut questions);
            if questions.is_empty() || total >= ACTS_MAX {
                break;
            }
            let mut moves = Vec::new();
            for question in &questions {
                let found = hand.moves.iter().find(|one| (one.turn, one.seat) == (question.turn, question.seat));
                let Some(found) = found else {
                    return Err(Wrong::asked(format!("episode {}: an act of turn {} is missing", hand.t, question.turn)));
                };
                if (from..from.saturating_add(n.min(1000))).contains(&total) {
                    let facts = stage.facts(&again, question);
                    let said = match found.said {
                        Said::Option(option) => facts.names.get(option as usize).cloned().unwrap_or_else(|| option.to_string()),
                        Said::Text(span) => hand.event().text_of(span).to_string(),
                        Said::Number(number) => number.to_string(),
                        Said::Unusable => String::new(),
                        _ => "–".into(),
                    };
                    rows.push(json!({
                        "t": hand.t, "turn": found.turn, "seat": found.seat + 1, "agent": hand.seats[usize::from(found.seat)] + 1,
                        "said": said, "void": found.said == Said::Unusable, "talk": facts.text.is_some(), "told": facts.view,
                    }));
                }
                total += 1;
                moves.push((*question, found.said, found.tries));
            }
            moves.iter().for_each(|(question, said, tries)| again.take(question, *said, *tries));
        }
    }
    Ok(json!({ "total": total, "rows": rows }))
}
