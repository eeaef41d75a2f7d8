//! How a response to memories changes when something is changed about what is told: two kernels of one model, compared
//! where populations go. What is absent: any asking, and any conclusion.

use crate::evidence::Condition;
use crate::surrogate::{histories, play, record_of, yoked};
use cratylus_core::PairEvent;
use cratylus_core::World;
use cratylus_core::control::{Averaged, Control};
use cratylus_core::experiment::Document;
use cratylus_core::kernel::{Kernel, all_states, state_index, state_text};
use cratylus_core::policy::{Policy, Round};
use cratylus_core::seed::{Purpose, Seed};
use cratylus_core::spec::Kind;
use cratylus_core::stats::{Proportion, mean_sd, quantile};
use cratylus_core::watch::outcome::Outcome;
use serde::Serialize;
use std::sync::Arc;

/// P(first name | memory) as far as it is known: the value, and how many answers it rests on where they were sampled.
#[derive(Clone, Debug, PartialEq)]
pub struct Response {
    /// The longest window, in rounds.
    pub memory: usize,
    /// In the order of states; None where it was not asked.
    known: Vec<Option<KnownResponse>>,
}

/// What is known of one state.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct KnownResponse {
    /// The probability of the first name.
    pub p: f64,
    /// None for what is exact.
    pub samples: Option<u64>,
}

impl Response {
    /// One of which nothing is known yet.
    pub fn new(memory: usize) -> Response {
        Response { memory, known: vec![None; all_states(memory).len()] }
    }

    /// Says what is known of a window, oldest round first.
    pub fn set(&mut self, window: &[Round], known: KnownResponse) {
        self.known[state_index(window)] = Some(known);
    }

    /// What is known of a window, oldest round first; None where it was not asked.
    pub fn get(&self, window: &[Round]) -> Option<KnownResponse> {
        self.known[state_index(window)]
    }

    /// How many states were asked.
    pub fn n_known(&self) -> usize {
        self.known.iter().flatten().count()
    }

    /// The whole kernel: where a state was not asked, what is known of the longest of its endings.
    pub fn kernel(&self) -> Kernel {
        let rows: Vec<(String, f64)> =
            all_states(self.memory).iter().map(|window| (state_text(window), self.p(window))).collect();
        Kernel::from_rows(rows.iter().map(|(state, p)| (state.as_str(), *p))).expect("every state is there once")
    }

    fn p(&self, window: &[Round]) -> f64 {
        let endings = (0..=window.len()).map(|from| &window[from..]);
        endings.filter_map(|ending| self.get(ending)).map(|known| known.p).next().unwrap_or(0.5)
    }

    /// What a memory does whatever the labels: (P(first | w) + P(second | mirror of w)) / 2 less a half.
    pub fn label_free(&self, window: &[Round]) -> f64 {
        (self.p(window) - self.p(&mirror(window))) / 2.0
    }

    /// The same after chance: sampled shares drawn anew from what their samples leave open.
    fn drawn(&self, seed: Seed, number: u64) -> Response {
        let mut draws = seed.stream(Purpose::Resample, number);
        let mut out = self.clone();
        for known in out.known.iter_mut().flatten() {
            if let Some(n) = known.samples {
                let successes = (0..n).filter(|_| draws.unit() < known.p).count();
                known.p = (successes as f64 + 0.5) / (n as f64 + 1.0);
            }
        }
        out
    }

    fn sampled(&self) -> bool {
        self.known.iter().flatten().any(|known| known.samples.is_some())
    }
}

/// How much of a response is left in another. What a memory does and what a label does are told apart: a memory and its
/// mirror, in which the two names are exchanged, are answered alike but for the label.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Comparison {
    /// The mean absolute difference of the two probabilities over decisions of populations.
    pub difference: f64,
    /// Its 95 % interval over redrawn samples; without width where both are exact.
    pub difference_interval: [f64; 2],
    /// The slope of the label-free part of the other response on that of the first, (P(first | w) + P(second | mirror of w))
    /// / 2 less a half: 1 where it is unchanged, 0 where nothing is left, -1 where it is turned round. NaN where the first
    /// has no response to a memory to speak of.
    pub slope: f64,
    /// The slope's 95 % interval, likewise.
    pub slope_interval: [f64; 2],
    /// How far labels alone favour the first name, in the first response and in the other: the mean of
    /// (P(first | w) + P(first | mirror of w)) / 2 less a half.
    pub labels: [f64; 2],
    /// How far the label-free part of the first response goes with what partners said: the mean absolute change where their
    /// words are exchanged and own ones are not.
    pub follows: f64,
    /// The share of decisions in states that both were asked about.
    pub covered: f64,
}

impl Comparison {
    /// Whether the first response follows partners at all; without that nobody seeks agreement.
    pub fn follows(&self) -> bool {
        self.follows > FOLLOWS
    }
}

/// A response that changes by less than this where partners' words are exchanged does not follow them.
const FOLLOWS: f64 = 0.05;

/// Where a population that follows a kernel is asked: visits of each state in order, over 15 rounds of 40 populations of 24.
pub fn visits(kernel: &Kernel) -> Vec<u64> {
    kernel.visits(24, 15, 40, 1)
}

/// Compares two responses where populations of either go, with percentiles over redrawn samples as the interval. States
/// without memory tell nothing of a response to memory and are left out.
pub fn compare(one: &Response, other: &Response) -> Comparison {
    let weights: Vec<f64> = visits(&one.kernel()).iter().zip(visits(&other.kernel())).map(|(&a, b)| (a + b) as f64).collect();
    let states = all_states(one.memory);
    let total: f64 = weights[1..].iter().sum();
    let both = (1..states.len()).filter(|&i| one.known[i].is_some() && other.known[i].is_some());
    let covered = both.map(|i| weights[i]).sum::<f64>() / total;
    let Differ { difference, slope, labels, follows } = differ(one, other, &states, &weights);
    let found = Comparison {
        difference,
        difference_interval: [difference; 2],
        slope,
        slope_interval: [slope; 2],
        labels,
        follows,
        covered,
    };
    if !one.sampled() && !other.sampled() {
        return found;
    }
    let drawn = (0..200).map(|i| differ(&one.drawn(Seed(7), 2 * i), &other.drawn(Seed(7), 2 * i + 1), &states, &weights));
    let (mut differences, mut slopes): (Vec<f64>, Vec<f64>) = drawn.map(|drawn| (drawn.difference, drawn.slope)).unzip();
    let ends = |values: &mut Vec<f64>| {
        values.sort_unstable_by(f64::total_cmp);
        [quantile(values, 0.025), quantile(values, 0.975)]
    };
    Comparison { difference_interval: ends(&mut differences), slope_interval: ends(&mut slopes), ..found }
}

fn mirror(window: &[Round]) -> Vec<Round> {
    window.iter().map(|round| round.map(|name| 1 - name)).collect()
}

struct Differ {
    difference: f64,
    slope: f64,
    labels: [f64; 2],
    follows: f64,
}

fn differ(one: &Response, other: &Response, states: &[Vec<Round>], weights: &[f64]) -> Differ {
    let (mut difference, mut total, mut cross, mut square, mut follows) = (0.0, 0.0, 0.0, 0.0, 0.0);
    let mut labels = [0.0; 2];
    for (window, weight) in states.iter().zip(weights).skip(1).filter(|(_, weight)| **weight > 0.0) {
        let (p, q) = (one.label_free(window), other.label_free(window));
        // Chance in the samples is no response; without it the slope would come out too flat.
        let noise = |window: &[Round]| {
            let known = one.get(window)?;
            Some(known.p * (1.0 - known.p) / (known.samples? as f64 + 1.0))
        };
        let noise = (noise(window).unwrap_or(0.0) + noise(&mirror(window)).unwrap_or(0.0)) / 4.0;
        difference += weight * (one.p(window) - other.p(window)).abs();
        cross += weight * p * q;
        square += weight * (p.powi(2) - noise);
        let exchanged: Vec<Round> = window.iter().map(|&[own, partner]| [own, 1 - partner]).collect();
        follows += weight * (p - one.label_free(&exchanged)).abs();
        for (labels, response) in labels.iter_mut().zip([one, other]) {
            *labels += weight * ((response.p(window) + response.p(&mirror(window))) / 2.0 - 0.5);
        }
        total += weight;
    }
    // A response of a few hundredths is none.
    let slope = if square > 0.001 * total { cross / square } else { f64::NAN };
    Differ { difference: difference / total, slope, labels: labels.map(|sum| sum / total), follows: follows / total }
}

/// A response as a control would show it: labels drawn anew, or a memory hidden or shuffled. Nothing further need be asked,
/// as every question under such a control is one of the model's own.
pub fn under(response: &Response, control: Control) -> Response {
    let policy = Averaged { policy: Arc::new(response.kernel()), control, n_names: 2 };
    let mut out = Response::new(response.memory);
    for window in all_states(response.memory) {
        let mut p = [0.0; 2];
        policy.distribution(&window, &mut p);
        // It is known as well as the states that it is made of.
        if response.get(&window).is_some() {
            out.set(&window, KnownResponse { p: p[0], samples: response.get(&window).and_then(|known| known.samples) });
        }
    }
    out
}

/// What populations of 24 that follow a response do.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct ResponsePopulation {
    /// How many were played.
    pub runs: u64,
    /// How many of them reached consensus.
    pub consensus: Proportion,
    /// How many of the runs with consensus the first name won.
    pub first_won: Proportion,
    /// The median of population rounds to consensus; None where no more than half came to it.
    pub rounds: Option<f64>,
    /// The share of interactions that were successes.
    pub success: f64,
}

/// Plays populations of agents that follow a response, by the published rule of consensus.
pub fn population(response: &Response, runs: u64) -> ResponsePopulation {
    let text = format!(
        "seed = 1\nreplicas = {runs}\npopulation.size = 24\ngame = {{ kind = \"coordination\", names = [\"first\", \"second\"], memory = {} }}\n\
         agents = {{ kind = \"uniform\" }}\nstop = {{ consensus = {{ window = 72 }}, rounds = 200 }}\n",
        response.memory.max(1)
    );
    let document = Document::parse("response", &text, &[]).expect("written here");
    let points = document.points().expect("written here");
    let world = World::surrogate(points[0].experiment.clone(), Kind::Window(Arc::new(response.kernel())), String::new(), None);
    let played = play(&world, runs);
    let agreed: Vec<&Outcome> = played.iter().map(|run| &run.outcome).filter(|outcome| outcome.consensus).collect();
    let mut rounds: Vec<f64> = agreed.iter().filter_map(|outcome| outcome.rounds_to_consensus).collect();
    rounds.sort_unstable_by(f64::total_cmp);
    let won = agreed.len() as u64;
    let [successes, events] =
        played.iter().flat_map(|run| &run.rounds).fold([0, 0], |[s, n], [successes, of]| [s + successes, n + of]);
    ResponsePopulation {
        runs,
        consensus: Proportion::new(won, runs),
        first_won: Proportion::new(agreed.iter().filter(|outcome| outcome.winner == Some(0)).count() as u64, won),
        rounds: (2 * won > runs).then(|| {
            // Runs that never came to it are longer than all that did.
            let place = (runs as usize - 1) / 2;
            rounds[place.min(rounds.len() - 1)]
        }),
        success: successes as f64 / events as f64,
    }
}

/// Agreement among populations of a response, and among the same where each agent is told, in place of what its partner
/// said, what partners said to some agent of another population, its names exchanged at random (frozen, yoked histories).
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Yoked {
    /// The share of late interactions that are successes, among partners.
    pub met: f64,
    /// The same, told of others.
    pub told: f64,
    /// How much of the agreement above one half is left. NaN where there is none.
    pub survives: f64,
    /// Its 95 % interval, over populations, and over redrawn samples where answers were sampled.
    pub interval: [f64; 2],
}

/// Plays populations of 24 for 20 rounds, among partners and told of others.
pub fn yoked_populations(response: &Response, runs: u64) -> Yoked {
    const ROUNDS: u64 = 20;
    const SEED: u64 = 8;
    let text = format!(
        "seed = {SEED}\nreplicas = 1\npopulation.size = 24\ngame = {{ kind = \"coordination\", names = [\"first\", \"second\"], memory = {} }}\n\
         agents = {{ kind = \"uniform\" }}\nstop = {{ rounds = {ROUNDS} }}\n",
        response.memory.max(1)
    );
    let document = Document::parse("response", &text, &[]).expect("written here");
    let point = document.points().expect("written here").remove(0);
    let (size, experiment) = (point.experiment.size(), point.experiment.clone());
    let condition = Condition {
        label: String::new(),
        agents: String::new(),
        point,
        runs: Vec::new(),
        read_elsewhere: false,
        cautions: Vec::new(),
    };
    // Of sampled answers no two populations take the same for the truth.
    let kernel = |run: u64| -> Arc<dyn Policy> {
        Arc::new(if response.sampled() { response.drawn(Seed(SEED), run).kernel() } else { response.kernel() })
    };
    let met = |run: u64| record_of(&World::surrogate(experiment.clone(), Kind::Window(kernel(run)), "met".into(), None), run);
    let condition = Condition { runs: (0..runs).map(met).collect(), ..condition };
    let told = histories(&condition);
    let late = |events: &[PairEvent]| {
        let late = &events[events.len() / 2..];
        late.iter().filter(|event| event.success == Some(true)).count() as f64 / late.len() as f64
    };
    let alone: Vec<f64> = (0..runs).map(|run| late(&yoked(&condition, kernel(run), &told, ROUNDS * size, [SEED, run]))).collect();
    let met: Vec<f64> = condition.runs.iter().map(|run| late(&run.events)).collect();
    let ((met, met_sd), (told, told_sd)) = (mean_sd(&met), mean_sd(&alone));
    let n = runs as f64;
    let survives = if met > 0.55 { (told - 0.5) / (met - 0.5) } else { f64::NAN };
    let se = (told_sd.powi(2) / n + (survives * met_sd).powi(2) / n).sqrt() / (met - 0.5);
    // Populations that all do the same have no spread in a sample, and are no surer for it.
    let half = 1.96 * se.max(0.5 / n);
    Yoked { met, told, survives, interval: [survives - half, survives + half] }
}

/// A slope with its 95 % interval by least squares (Student's t); None of fewer than three points, or where they do not
/// differ in `x`.
pub fn regress(points: &[(f64, f64)]) -> Option<(f64, [f64; 2])> {
    use statrs::distribution::{ContinuousCDF, StudentsT};
    let n = points.len() as f64;
    let (mx, my) = (points.iter().map(|p| p.0).sum::<f64>() / n, points.iter().map(|p| p.1).sum::<f64>() / n);
    let sxx: f64 = points.iter().map(|p| (p.0 - mx).powi(2)).sum();
    if points.len() < 3 || sxx < 1e-9 {
        return None;
    }
    let slope = points.iter().map(|p| (p.0 - mx) * (p.1 - my)).sum::<f64>() / sxx;
    let residual: f64 = points.iter().map(|p| (p.1 - my - slope * (p.0 - mx)).powi(2)).sum();
    let error = (residual / (n - 2.0) / sxx).sqrt() * StudentsT::new(0.0, 1.0, n - 2.0).ok()?.inverse_cdf(0.975);
    Some((slope, [slope - error, slope + error]))
}

/// The evidence, always valid, that choices under a change are still those made before it (`same`), against their being
/// turned round (`turned`): likelihood ratios of the two, each an e-value under the other (Ville's inequality). A ratio of
/// 20 may be acted on at any time.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Evidence {
    log: f64,
    /// How many choices were seen.
    pub answers: u64,
}

/// The ratio, or its inverse, from which on it may be acted on.
pub const ENOUGH: f64 = 20.0;

impl Evidence {
    /// Sees a choice of a name that had probability `p` before the change.
    pub fn see(&mut self, p: f64) {
        // No single answer is taken for more than ten to one, as `p` is itself an estimate.
        let p = p.clamp(1.0 / 11.0, 10.0 / 11.0);
        self.log += (p / (1.0 - p)).ln();
        self.answers += 1;
    }

    /// Same against turned.
    pub fn ratio(&self) -> f64 {
        self.log.exp()
    }

    /// Whether the one or the other may be acted on.
    pub fn is_enough(&self) -> bool {
        self.log.abs() >= ENOUGH.ln()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use cratylus_core::control::{Memory, Paid};

    /// Follows the last partner with this probability, and prefers the first name by `bias`.
    fn follower(follow: f64, bias: f64, samples: Option<u64>) -> Response {
        let mut response = Response::new(2);
        for window in all_states(2) {
            let p = match window.last() {
                None => 0.5,
                Some([_, 0]) => follow,
                Some(_) => 1.0 - follow,
            };
            response.set(&window, KnownResponse { p: (p + bias).clamp(0.0, 1.0), samples });
        }
        response
    }

    #[test]
    fn a_slope_says_how_much_of_a_response_is_left() {
        let one = follower(0.9, 0.0, None);
        for (follow, slope) in [(0.9, 1.0), (0.5, 0.0), (0.1, -1.0), (0.7, 0.5)] {
            let found = compare(&one, &follower(follow, 0.0, None));
            assert!((found.slope - slope).abs() < 1e-9 && (found.difference - (0.9 - follow).abs()).abs() < 1e-9, "{found:?}");
            assert_eq!(found.covered, 1.0);
        }
        assert!(compare(&follower(0.5, 0.0, None), &one).slope.is_nan(), "what is not there cannot be left");
    }

    #[test]
    fn labels_are_no_response_to_a_memory() {
        let constant = |p: f64| {
            let mut response = Response::new(2);
            all_states(2).iter().for_each(|window| response.set(window, KnownResponse { p, samples: None }));
            response
        };
        let found = compare(&constant(0.95), &constant(0.95));
        assert!(found.slope.is_nan() && (found.labels[0] - 0.45).abs() < 1e-9 && !found.follows(), "{found:?}");
        // A preference that grows with the number of remembered rounds, whatever they were.
        let mut by_length = Response::new(2);
        let share = |window: &Vec<Round>| [0.6, 0.8, 0.95][window.len()];
        all_states(2).iter().for_each(|window| by_length.set(window, KnownResponse { p: share(window), samples: None }));
        assert!(compare(&by_length, &by_length).slope.is_nan());
        // A bias beside a response changes nothing of what is left.
        let biased = compare(&follower(0.7, 0.2, None), &follower(0.7, -0.2, None));
        assert!(
            (biased.slope - 1.0).abs() < 1e-9 && biased.labels[0] > 0.15 && biased.labels[1] < -0.15 && biased.follows(),
            "{biased:?}"
        );
        // Inertia is a response to a memory, and follows nobody.
        let mut inert = Response::new(2);
        for window in all_states(2) {
            let p = window.last().map_or(0.5, |round| if round[0] == 0 { 0.95 } else { 0.05 });
            inert.set(&window, KnownResponse { p, samples: None });
        }
        let found = compare(&inert, &inert);
        assert!(!found.follows() && found.slope == 1.0, "{found:?}");
    }

    #[test]
    fn agreement_among_yoked_agents_is_what_they_bring_with_them() {
        let mut majority = Response::new(3);
        for window in all_states(3) {
            let first = window.iter().filter(|round| round[1] == 0).count();
            let p = [0.02, 0.5, 0.98][((2 * first).cmp(&window.len()) as i8 + 1) as usize];
            majority.set(&window, KnownResponse { p, samples: None });
        }
        let by_partner = yoked_populations(&majority, 40);
        assert!(by_partner.met > 0.6 && by_partner.interval[1] < 0.3, "{by_partner:?}");
        let mut constant = Response::new(2);
        all_states(2).iter().for_each(|window| constant.set(window, KnownResponse { p: 0.95, samples: None }));
        let brought = yoked_populations(&constant, 40);
        assert!(brought.met > 0.85 && brought.interval[0] > 0.8, "{brought:?}");
    }

    #[test]
    fn samples_leave_an_interval_that_holds_the_truth() {
        let found = compare(&follower(0.8, 0.0, Some(40)), &follower(0.8, 0.0, Some(40)));
        assert!(found.slope_interval[0] < 1.0 && found.slope_interval[1] > 1.0 && found.slope_interval[0] > 0.5, "{found:?}");
    }

    #[test]
    fn alias_takes_the_bias_and_leaves_the_response() {
        let alias = Control { alias: true, ..Control::default() };
        let aliased = under(&follower(0.8, 0.15, None), alias);
        let difference = compare(&aliased, &follower(0.8, 0.0, None)).difference;
        assert!(difference < 1e-9, "{difference}");
        // Chooses what was chosen most, and the first name where that ties.
        let mut most = Response::new(2);
        for window in all_states(2) {
            let second = window.iter().flatten().filter(|name| **name == 1).count();
            let p = [0.998, 0.8, 0.002][(second.cmp(&window.len()) as i8 + 1) as usize];
            most.set(&window, KnownResponse { p, samples: None });
        }
        let biased = population(&most, 200).first_won;
        let fair = population(&under(&most, alias), 200).first_won;
        assert!(biased.low > 0.9 && fair.low < 0.5 && fair.high > 0.5, "{biased:?} {fair:?}");
        let empty = Control { memory: Memory::Empty, payoff: Paid::AsItIs, alias: false };
        assert_eq!(population(&under(&follower(1.0, 0.0, None), empty), 50).consensus.count, 0);
    }

    #[test]
    fn a_response_that_was_not_asked_is_that_to_its_ending() {
        let mut response = Response::new(2);
        response.set(&[], KnownResponse { p: 0.4, samples: None });
        response.set(&[[0, 0]], KnownResponse { p: 0.9, samples: None });
        let mut p = [0.0; 2];
        response.kernel().distribution(&[[1, 1], [0, 0]], &mut p);
        assert_eq!(p[0], 0.9);
        response.kernel().distribution(&[[1, 1]], &mut p);
        assert_eq!(p[0], 0.4);
    }

    // By hand: x 0, 1, 2, 3 and y 0, 1, 1, 2 have slope 0.6, residual variance 0.1, error 0.1414 and t(2) = 4.303.
    #[test]
    fn a_regression_has_the_interval_of_the_books() {
        let (slope, [low, high]) = regress(&[(0.0, 0.0), (1.0, 1.0), (2.0, 1.0), (3.0, 2.0)]).unwrap();
        assert!(
            (slope - 0.6).abs() < 1e-12 && (high - slope - 0.6085).abs() < 1e-3 && (slope - low - 0.6085).abs() < 1e-3,
            "{low} {high}"
        );
        assert!(regress(&[(0.0, 1.0), (0.0, 2.0), (0.0, 3.0)]).is_none());
    }

    #[test]
    fn evidence_stops_early_and_seldom_wrongly() {
        let mut wrong = 0;
        for run in 0..1000 {
            let mut draws = Seed(run).stream(Purpose::Resample, 0);
            let mut evidence = Evidence::default();
            // The truth is that choices are turned round.
            while !evidence.is_enough() && evidence.answers < 500 {
                let kept = draws.unit() < 0.2;
                evidence.see(if kept { 0.8 } else { 0.2 });
            }
            assert!(evidence.answers < 60);
            wrong += u32::from(evidence.ratio() > 1.0);
        }
        assert!(wrong <= 50, "{wrong} of 1000, where one in twenty is allowed");
    }
}
