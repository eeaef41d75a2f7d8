//! Signalling games of agents with tables, 64 interactions at a time: their draws are made side by side, and nobody is asked.
//! Tables and what becomes of them are `signals.rs`, as on the plain path.

use super::ahead::Ahead;
use super::draws;
use super::population::Run;
use crate::event::batch::Batch;
use crate::event::block::BLOCK;
use crate::event::sink::Sink;
use crate::event::{ALL_SEATS, Event, Fate, Move, Said, Sight, Span};
use crate::fault::Fault;
use crate::signals::{SignalScenes, SignalTables};
use crate::watch::stop::StopSeen;
use crate::{AgentId, Purpose, Seed, machine};

/// So many events go to the sink at a time.
const EVENTS: usize = 1024;

/// What was drawn, dealt and done in a block.
struct Plays {
    pairs: [[AgentId; 2]; BLOCK],
    /// The first bits of an interaction's scene, and the next; and those of what its two seats do.
    scenes: [[u64; BLOCK]; 2],
    acts: [[[u64; BLOCK]; 2]; 2],
    /// The state, by how many places what is heard is beyond what was sent, the signal and the act.
    done: [[u32; 4]; BLOCK],
}

/// Plays interactions `from..until` of a run, or up to the stop; says whether it stopped.
pub(crate) fn play(
    tables: &mut SignalTables,
    scenes: &SignalScenes,
    run: &Run<'_>,
    [from, until]: [u64; 2],
    stop: &mut StopSeen,
    replica: u64,
    sink: &mut dyn Sink,
) -> Result<bool, Fault> {
    const SIZE: u64 = BLOCK as u64;
    let mut ahead = Ahead::new(run, from / SIZE * SIZE);
    let blank = [[0; BLOCK]; 2];
    let mut plays = Plays { pairs: [[0; 2]; BLOCK], scenes: blank, acts: [blank; 2], done: [[0; 4]; BLOCK] };
    let (mut events, mut over, mut t) = (Batch::new(), false, from);
    while t < until && !over {
        let start = t / SIZE * SIZE;
        let end = until.min(start + SIZE);
        let part = [(t - start) as usize, (end - start) as usize];
        machine::wide(Step { tables, scenes, ahead: &mut ahead, plays: &mut plays, seed: run.seed, start, part });
        for i in part[0]..part[1] {
            over = tell(start + i as u64, &plays.pairs[i], plays.done[i], |event| {
                events.push(event);
                stop.see(event)
            });
            if over {
                break;
            }
        }
        if events.len() >= EVENTS {
            sink.take(replica, &events)?;
            events.clear();
        }
        t = end;
    }
    if !events.is_empty() {
        sink.take(replica, &events)?;
    }
    Ok(over)
}

/// Shows an interaction as an event.
#[inline(always)]
fn tell<R>(t: u64, seats: &[AgentId; 2], [state, beyond, sent, act]: [u32; 4], show: impl FnOnce(&Event<'_>) -> R) -> R {
    let saw = [Sight { seat: 0, what: Said::Option(state) }, Sight { seat: 1, what: Said::Option(beyond) }];
    let said = |seat: u16, said: Said| Move { seat, turn: seat, to: ALL_SEATS, said, tries: 0, legal: true };
    let moves = [said(0, Said::Symbols(Span { start: 0, len: 1 })), said(1, Said::Option(act))];
    let seen = if beyond > 0 { 2 } else { 1 };
    show(&Event {
        t,
        seats,
        group: false,
        saw: &saw[..seen],
        moves: &moves,
        pay: &[],
        fate: Fate::of(act == state),
        symbols: &[sent as u16],
        text: "",
    })
}

/// One block, or a part of one.
struct Step<'a, 'r> {
    tables: &'a mut SignalTables,
    scenes: &'a SignalScenes,
    ahead: &'a mut Ahead<'r>,
    plays: &'a mut Plays,
    seed: Seed,
    start: u64,
    part: [usize; 2],
}

impl machine::Work for Step<'_, '_> {
    #[inline(always)]
    fn go(self) {
        let Step { tables, scenes, ahead, plays, seed, start, part: [first, n] } = self;
        ahead.advance(&mut plays.pairs);
        draws::bits(seed, Purpose::Scene, start, &mut plays.scenes);
        for (seat, acts) in (0u64..).zip(&mut plays.acts) {
            draws::bits(seed, Purpose::Act, start | seat << 48, acts);
        }
        for i in first..n {
            let mut drawn = 0;
            let [state, beyond] = scenes.deal(|| {
                drawn += 1;
                match drawn {
                    1 => plays.scenes[0][i],
                    2 => plays.scenes[1][i],
                    // The third in the stream of its place.
                    _ => seed.stream_from(Purpose::Scene, start + i as u64, 1).bits(),
                }
            });
            let [sender, receiver] = plays.pairs[i];
            let urn = tables.sends(sender, state as usize);
            let sent = tables.draw(urn.clone(), plays.acts[0][0][i]);
            let heard = if beyond > 0 { (sent + beyond as usize) % scenes.signals as usize } else { sent };
            let heard = tables.acts(receiver, heard);
            let act = tables.draw(heard.clone(), plays.acts[1][0][i]);
            let success = act as u32 == state;
            tables.learn(sender, urn, sent, success);
            tables.learn(receiver, heard, act, success);
            plays.done[i] = [state, beyond, sent as u32, act as u32];
        }
    }
}
