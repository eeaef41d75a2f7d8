//! The game of signs, 64 exchanges at a time: their draws are made side by side, who meets is worked out once for a turn, and
//! nobody is asked. Agents and what they believe are `symbols/`, as on the plain path.

use super::draws;
use crate::event::block::{BLOCK, Block, Names, ones};
use crate::event::sink::Sink;
use crate::fault::Fault;
use crate::meeting::turns::{TurnOrder, Turns};
use crate::symbols::{Acceptance, Society};
use crate::watch::stop::StopSeen;
use crate::{AgentId, Name, Network, Seed, machine};

/// What decides who meets, and what is heard.
pub(crate) struct SignsRun<'a> {
    pub seed: Seed,
    pub network: &'a dyn Network,
    pub turns: &'a Turns,
    pub acceptance: Acceptance,
}

/// Plays exchanges `from..until` of a run, or up to the stop; says whether it stopped.
pub(crate) fn play(
    society: &mut Society,
    run: &SignsRun<'_>,
    [from, until]: [u64; 2],
    stop: &mut StopSeen,
    replica: u64,
    sink: &mut dyn Sink,
) -> Result<bool, Fault> {
    const SIZE: u64 = BLOCK as u64;
    let words = || Names::Words(Box::new([0; BLOCK]));
    let mut block = Block { names: [words(), words()], said: [u64::MAX; 2], ..Block::default() };
    let mut t = from;
    while t < until {
        let start = t / SIZE * SIZE;
        block.start = start;
        block.first = (t - start) as usize;
        block.n = BLOCK.min((until - start) as usize);
        machine::wide(Step { society, run, block: &mut block });
        let over = stop.see_block(&block);
        if let Some(n) = over {
            block.n = n;
        }
        sink.block(replica, &block)?;
        if over.is_some() {
            return Ok(true);
        }
        t = start + block.n as u64;
    }
    Ok(false)
}

/// One block, or a part of one.
struct Step<'a, 'r> {
    society: &'a mut Society,
    run: &'a SignsRun<'r>,
    block: &'a mut Block,
}

impl machine::Work for Step<'_, '_> {
    #[inline(always)]
    fn go(self) {
        let Step { society, run: SignsRun { seed, network, turns, acceptance }, block } = self;
        let mut words = [[0; BLOCK]; 2];
        draws::decisions(*seed, 0, block.start, &mut words[0]);
        draws::decisions(*seed, 1, block.start, &mut words[1]);
        let Block { start, first, n, ref mut pairs, ref mut names, ref mut success, .. } = *block;
        let [Names::Words(proposed), Names::Words(held)] = names else { unreachable!("they are made as words") };
        let mut taken = 0u64;
        let mut object = turns.object(start + first as u64);
        let mut pair: Option<[AgentId; 2]> = None;
        for i in first..n {
            let t = start + i as u64;
            // Within a turn the same two meet, but for recursive exchanges.
            let [speaker, listener] = match pair {
                Some(pair) if object > 0 && turns.order != TurnOrder::Recursive => pair,
                _ => turns.seats(*seed, t, *network),
            };
            pair = Some([speaker, listener]);
            let says = society.propose(t, speaker, object, words[0][i]);
            // Who hears nothing is told nothing, as on the plain path.
            let heard = if *acceptance == Acceptance::None { 0 } else { says };
            let keeps = society.answer(listener, object, heard, words[1][i]);
            society.take(t, [speaker, listener], object, [says, keeps]);
            (proposed[i], held[i], pairs[i]) = (Name::from(says), Name::from(keeps), [speaker, listener]);
            taken |= u64::from(says == keeps) << i;
            object = if object + 1 == turns.objects as usize { 0 } else { object + 1 };
        }
        *success = if *acceptance == Acceptance::None { 0 } else { taken & ones(first, n) };
    }
}
