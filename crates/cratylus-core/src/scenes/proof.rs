//! Plays scenes in tests without agents: whoever is asked does what a closure says, unusable answers included. Rules, and
//! what a run records, are absent: see `scene.rs`.

use super::scene::{Scene, any};
use crate::event::Said;
use crate::game::Options;
use crate::seed::Stream;
use crate::{Purpose, Seed};

/// Plays an episode to its end, and gives where it ended.
pub fn play<S: Scene>(scene: &S, seed: u64, mut act: impl FnMut(&S::State, u16, Options, &mut Stream) -> Said) -> S::State {
    let chance = Seed(crate::seed::mix(seed + 1));
    let mut draws = Seed(crate::seed::mix(chance.0)).stream(Purpose::Act, 0);
    let mut state = scene.begin(chance);
    let mut asks = Vec::new();
    loop {
        asks.clear();
        scene.asks(&state, &mut asks);
        if asks.is_empty() {
            return state;
        }
        let acts: Vec<(u16, Said)> = asks
            .iter()
            .map(|&(seat, options)| {
                let said = act(&state, seat, options, &mut draws);
                assert!(options.allow(said), "seat {seat} may do {options:?} and did {said:?}");
                (seat, said)
            })
            .collect();
        scene.step(&mut state, &acts);
    }
}

/// The scores of episodes that are played by rules, seat by seat, or at random where there is none.
pub fn scores<S: Scene>(scene: &S, rules: &[S::Rule], episodes: u64) -> Vec<Vec<f64>> {
    scene.check().unwrap_or_else(|(key, why)| panic!("`{key}`: {why}"));
    let one = |seed: u64| {
        let state = play(scene, seed, |state, seat, options, draws| match rules {
            [] => any(options, draws),
            rules => scene.act(&rules[usize::from(seat) % rules.len()], state, seat, options, draws),
        });
        scene.scores(&state)
    };
    (0..episodes).map(one).collect()
}

/// The mean of each score, and its standard error, by name.
pub fn means<S: Scene>(scene: &S, rules: &[S::Rule], episodes: u64) -> Vec<(&'static str, f64, f64)> {
    let all = scores(scene, rules, episodes);
    let column = |place: usize| {
        let values: Vec<f64> = all.iter().map(|row| row[place]).filter(|value| !value.is_nan()).collect();
        let n = values.len() as f64;
        let mean = values.iter().sum::<f64>() / n;
        let variance = values.iter().map(|x| (x - mean).powi(2)).sum::<f64>() / (n - 1.0);
        (S::SCORES[place].name, mean, (variance / n).sqrt())
    };
    (0..S::SCORES.len()).map(column).collect()
}

/// Fails where the mean of a score is not a known value, within four standard errors of both.
pub fn near<S: Scene>(scene: &S, rules: &[S::Rule], episodes: u64, known: &[(&str, f64, f64)]) {
    let found = means(scene, rules, episodes);
    for &(name, value, error) in known {
        let (_, mean, se) = *found.iter().find(|(score, ..)| *score == name).unwrap_or_else(|| panic!("there is no {name}"));
        let bound = 4.0 * se.hypot(error) + 1e-9;
        assert!((mean - value).abs() <= bound, "{rules:?}: {name} is {mean:.5} ± {se:.5} and should be {value} ± {error}");
    }
}

/// Plays an episode at random, looking at what seats are told, and then one in which nobody gives a usable answer, whose
/// scores it gives.
pub fn mute<S: Scene>(scene: &S) -> Vec<f64> {
    play(scene, 0, |state, seat, options, draws| {
        let view = scene.view(state, seat);
        let words = view["options"].as_array().map(Vec::len);
        assert!(words.is_none_or(|n| options == Options::Acts(n as u32)), "{options:?} beside {view}");
        assert!(view.to_string().len() < 1600, "more than a small prompt: {view}");
        any(options, draws)
    });
    scene.scores(&play(scene, 0, |_, _, _, _| Said::Unusable))
}
