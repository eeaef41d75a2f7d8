//! Runs that are on record twice: the same pairs gave the same answers in every interaction. Two runs of one condition
//! cannot be equal by chance where pairs are drawn, so a second one is a copy, and counts as no evidence.
//! What to do about copies is absent: who reads the runs decides.

use cratylus_core::PairEvent;
use cratylus_core::{AgentId, NOBODY, Name};
use std::collections::BTreeSet;

/// Chance alone must not make equal runs more often than once in 2^40.
const BITS_MIN: f64 = 40.0;

/// Groups of equal runs of one condition, by their places in `runs`, in the order of their first. Runs are equal where one
/// is as the other in every interaction, pairs and answers, or stops earlier and is the other's beginning. Runs so short
/// that chance could make them equal are never in a group.
pub fn equal_runs(runs: &[&[PairEvent]]) -> Vec<Vec<usize>> {
    let key = |event: &PairEvent| -> ([AgentId; 2], [Option<Name>; 2]) { (event.agents, event.names) };
    let mut order: Vec<usize> = (0..runs.len()).filter(|&i| telling(runs[i])).collect();
    // In this order a run stands directly before those that begin with it.
    order.sort_by(|&a, &b| runs[a].iter().map(key).cmp(runs[b].iter().map(key)).then(a.cmp(&b)));
    let begins = |a: &[PairEvent], b: &[PairEvent]| a.len() <= b.len() && a.iter().map(key).eq(b[..a.len()].iter().map(key));
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for i in order {
        match groups.last_mut() {
            Some(group) if begins(runs[group[0]], runs[i]) => group.push(i),
            _ => groups.push(vec![i]),
        }
    }
    groups.retain(|group| group.len() > 1);
    groups.iter_mut().for_each(|group| group.sort_unstable());
    groups.sort_unstable();
    groups
}

/// The places of runs that are distinct: all but the copies that come after the longest of their group.
pub fn distinct(runs: &[&[PairEvent]]) -> Vec<usize> {
    let longest = |group: &Vec<usize>| group.iter().copied().max_by_key(|&i| (runs[i].len(), std::cmp::Reverse(i)));
    let groups = equal_runs(runs);
    let kept: BTreeSet<usize> = groups.iter().filter_map(longest).collect();
    let copies: BTreeSet<usize> = groups.into_iter().flatten().filter(|i| !kept.contains(i)).collect();
    (0..runs.len()).filter(|i| !copies.contains(i)).collect()
}

/// What to say of groups of equal runs among so many: `10 of 40 runs are copies, equal in every interaction: runs 30 to 39
/// are 20 to 29; 30 are distinct`. `number` says what a run at a place is called.
pub fn words(groups: &[Vec<usize>], of: usize, number: impl Fn(usize) -> u64) -> Option<String> {
    let pairs: Vec<[u64; 2]> =
        groups.iter().flat_map(|group| group[1..].iter().map(|&copy| [number(copy), number(group[0])])).collect();
    let copies = pairs.len();
    // Stretches in which copies and originals go up together are told as one.
    let mut stretches: Vec<[[u64; 2]; 2]> = Vec::new();
    let mut sorted = pairs;
    sorted.sort_unstable();
    for [copy, first] in sorted {
        match stretches.last_mut() {
            Some([_, last]) if last[0] + 1 == copy && last[1] + 1 == first => *last = [copy, first],
            _ => stretches.push([[copy, first]; 2]),
        }
    }
    let told = stretches.iter().take(6).map(|[[copy, first], [copy_end, first_end]]| match copy == copy_end {
        true => format!("run {copy} is {first}"),
        false => format!("runs {copy} to {copy_end} are {first} to {first_end}"),
    });
    let more = if stretches.len() > 6 { ", and more" } else { "" };
    let are = if copies == 1 { "is a copy" } else { "are copies" };
    let told = told.collect::<Vec<_>>().join(", ");
    (copies > 0)
        .then(|| format!("{copies} of {of} runs {are}, equal in every interaction: {told}{more}; {} are distinct", of - copies))
}

/// Whether a run is long enough that another one is not equal by chance, by who met whom alone.
fn telling(run: &[PairEvent]) -> bool {
    let agents: BTreeSet<AgentId> = run.iter().flat_map(|event| event.agents).filter(|&agent| agent != NOBODY).collect();
    let pairs = agents.len() as f64 * (agents.len() as f64 - 1.0);
    pairs > 1.0 && run.len() as f64 * pairs.log2() >= BITS_MIN
}

#[cfg(test)]
mod tests {
    use super::*;
    use cratylus_core::seed::mix;

    fn run(seed: u64, n: u64) -> Vec<PairEvent> {
        let event = |t| {
            let word = mix(seed << 32 | t);
            let (a, step) = ((word % 10) as u32, (word >> 8) % 9);
            let name = |bit: u32| Some((word >> (20 + bit) & 1) as u32);
            let agents = [a, (a + 1 + step as u32) % 10];
            PairEvent { t, agents, names: [name(0), name(1)], success: Some(name(0) == name(1)), invalid: [0; 2] }
        };
        (0..n).map(event).collect()
    }

    fn check(runs: &[Vec<PairEvent>], groups: &[&[usize]], kept: &[usize]) {
        let runs: Vec<&[PairEvent]> = runs.iter().map(Vec::as_slice).collect();
        assert_eq!(equal_runs(&runs), groups);
        assert_eq!(distinct(&runs), kept);
    }

    #[test]
    fn copies_are_found_wherever_they_stand_and_however_far_they_go() {
        let (a, b, c) = (run(1, 100), run(2, 80), run(3, 100));
        check(&[a.clone(), b.clone(), c.clone()], &[], &[0, 1, 2]);
        check(&[a.clone(), b.clone(), a.clone(), b.clone(), a.clone()], &[&[0, 2, 4], &[1, 3]], &[0, 1]);
        check(&[a[..50].to_vec(), c.clone(), a.clone()], &[&[0, 2]], &[1, 2]);
        let mut other = a.clone();
        other[99].names[0] = other[99].names[0].map(|name| 1 - name);
        check(&[a.clone(), other], &[], &[0, 1]);
        let mut alone = a;
        alone.iter_mut().for_each(|event| event.agents = [0, NOBODY]);
        // Answers of one agent asked alone may well be the same.
        check(&[alone.clone(), alone], &[], &[0, 1]);
        check(&[c[..3].to_vec(), c[..3].to_vec()], &[], &[0, 1]);
    }

    #[test]
    fn copies_are_told_in_stretches() {
        let groups: Vec<Vec<usize>> = (20..30).map(|i| vec![i, i + 10]).collect();
        let told = words(&groups, 40, |i| i as u64).unwrap();
        assert_eq!(told, "10 of 40 runs are copies, equal in every interaction: runs 30 to 39 are 20 to 29; 30 are distinct");
        let told = words(&[vec![0, 2]], 3, |i| i as u64).unwrap();
        assert_eq!(told, "1 of 3 runs is a copy, equal in every interaction: run 2 is 0; 2 are distinct");
        assert_eq!(words(&[], 3, |i| i as u64), None);
    }
}
