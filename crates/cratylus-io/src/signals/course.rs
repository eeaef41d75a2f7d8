//! One training from its beginning to its end, with all that is looked at on the way. It can be kept and restored after any
//! stretch of steps, and what comes of it is the same.

use super::record::{Crossed, MeasuredOnce, RunRecord, Seen, Spoken, Tried};
use cratylus_core::fault::Fault;
use cratylus_core::kept::{self, Keeper};
use cratylus_core::messages::corpus::Corpus;
use cratylus_core::messages::laws::brevity_of_items;
use cratylus_core::messages::measure::{Settings, scores};
use cratylus_core::messages::similarity::similarity;
use cratylus_core::{Purpose, Seed};
use cratylus_neural::signals::{Control, Experiment, Frequencies, ItemTable, Part, Renewed, Roles, Training, Wrong};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::time::Instant;

/// Pairs of agents that are tried with each other at most.
const PAIRS: usize = 1024;

/// How many times messages are dealt out for the null of each measure, and rows that are measured at most. Of more, a
/// run's measures would take longer than its training; `cratylus measure` takes as many as it is told.
const PERMUTATIONS: usize = 200;
const ROWS: usize = 500;

/// A training with what was seen of it.
pub(super) struct Course<'a> {
    experiment: &'a Experiment,
    file: Option<&'a ItemTable>,
    seed: Seed,
    training: Training,
    learnt: Vec<u32>,
    kept: Kept,
}

#[derive(Clone, Debug, Default, Deserialize, Serialize)]
struct Kept {
    reached: Option<u64>,
    readings: Vec<Seen>,
    messages: Vec<Spoken>,
    measures: Vec<MeasuredOnce>,
    /// What steps came to since success was looked at, and how many these are.
    sums: Seen,
    taken: u64,
}

impl<'a> Course<'a> {
    /// One of a point's runs.
    pub fn new(experiment: &'a Experiment, file: Option<&'a ItemTable>, seed: Seed) -> Result<Course<'a>, Wrong> {
        let items = experiment.items(file, seed)?;
        let learnt = items.split(true).to_vec();
        let training = Training::new(&experiment.setup, &items, seed)?;
        let mut course = Course { experiment, file, seed, training, learnt, kept: Kept::default() };
        // What agents say that have learnt nothing is what the architecture alone gives.
        course.speak();
        Ok(course)
    }

    pub fn steps(&self) -> u64 {
        self.training.steps()
    }

    pub fn training(&self) -> &Training {
        &self.training
    }

    fn speakers(&self) -> usize {
        match self.experiment.setup.population.roles {
            Roles::Fixed => 1,
            Roles::Both => self.experiment.setup.population.agents,
        }
    }

    /// Pairs that speak and hear; of many, those of agents close in number.
    fn pairs(&self) -> Vec<[usize; 2]> {
        if self.experiment.setup.population.roles == Roles::Fixed {
            return vec![[0, 1]];
        }
        let n = self.experiment.setup.population.agents;
        let near = (PAIRS / n).clamp(1, n);
        (0..n).flat_map(|sender| (0..near).map(move |i| [sender, (sender + i) % n])).collect()
    }

    /// Takes a step, and adds up what it came to.
    fn take(&mut self) {
        let read = self.training.step();
        let Kept { sums, taken, .. } = &mut self.kept;
        (sums.sender, sums.receiver) = (read.sender as u64 + 1, read.receiver as u64 + 1);
        for (sum, value) in [
            (&mut sums.loss, read.loss),
            (&mut sums.success, read.success),
            (&mut sums.entropy, read.entropy),
            (&mut sums.length, read.length),
            (&mut sums.baseline, read.baseline),
            (&mut sums.grad_norm, read.grad_norm),
        ] {
            *sum += value;
        }
        *taken += 1;
    }

    /// Takes a step, and looks at the success where it is time; says whether the training is over.
    pub fn step(&mut self) -> bool {
        let stop = self.experiment.stop;
        self.take();
        let at = self.steps();
        let last = at >= stop.steps;
        let look = last || at.is_multiple_of(stop.every);
        let reached = look && self.look();
        if reached || last {
            return true;
        }
        if self.experiment.record.messages.is_some_and(|every| at.is_multiple_of(every)) {
            self.speak();
        }
        self.renew();
        self.next_generation();
        // What listens may do so until the end.
        let over = self.steps() >= stop.steps;
        if over {
            self.look();
        }
        over
    }

    /// Keeps what the steps since the last look came to, and how agents do now; says whether they do as well as is wanted.
    fn look(&mut self) -> bool {
        let taken = std::mem::take(&mut self.kept.taken) as f64;
        let mut seen = std::mem::take(&mut self.kept.sums);
        for sum in
            [&mut seen.loss, &mut seen.success, &mut seen.entropy, &mut seen.length, &mut seen.baseline, &mut seen.grad_norm]
        {
            *sum /= taken;
        }
        (seen.step, seen.success_greedy) = (self.steps(), self.greedy());
        self.kept.readings.push(seen);
        let reached = self.experiment.stop.success.is_some_and(|wanted| seen.success_greedy >= wanted);
        if reached {
            self.kept.reached = Some(seen.step);
        }
        reached
    }

    /// Puts new agents in the place of the oldest, where it is time.
    fn renew(&mut self) {
        let Some(renew) = self.experiment.renew.filter(|renew| self.steps().is_multiple_of(renew.every)) else { return };
        let agents = self.experiment.setup.population.agents as u64;
        let oldest = ((self.steps() / renew.every - 1) % agents) as usize;
        for (part, wanted) in [(Part::Sender, Renewed::Receiver), (Part::Receiver, Renewed::Sender)] {
            if renew.part != wanted {
                self.training.reset(oldest, part);
            }
        }
    }

    /// Lets the next generation learn from this one, where it is time: what was said is kept before.
    fn next_generation(&mut self) {
        let Some(generations) = self.experiment.generations else { return };
        let step = self.steps();
        if !step.is_multiple_of(generations.steps()) {
            return;
        }
        self.speak();
        let said = self.training.messages(0, &self.learnt, None);
        let lessons: Vec<(u32, Vec<u32>)> =
            self.learnt.iter().enumerate().map(|(i, &item)| (item, said.messages.said(i).to_vec())).collect();
        self.training.reset(0, Part::Sender);
        self.training.reset(1, Part::Receiver);
        let batch = self.experiment.setup.train.batch;
        for update in 0..generations.teach {
            let mut draws = self.seed.stream(Purpose::Resample, 3 << 56 | step << 16 | update);
            let drawn: Vec<(u32, Vec<u32>)> =
                (0..batch).map(|_| lessons[draws.below(lessons.len() as u64) as usize].clone()).collect();
            self.training.teach(0, &drawn);
        }
        self.training.freeze(0, Part::Sender, true);
        for _ in 0..generations.listen.min(self.experiment.stop.steps - step) {
            self.take();
        }
        self.training.freeze(0, Part::Sender, false);
    }

    /// The mean share of learnt items answered rightly, over all pairs of different agents, with the likeliest symbols and what
    /// is done to messages in training.
    fn greedy(&mut self) -> f64 {
        let control = self.experiment.setup.channel.control;
        // A few pairs stand for many while agents learn.
        let pairs: Vec<[usize; 2]> = self.pairs().into_iter().filter(|[a, b]| a != b || self.speakers() == 1).collect();
        let step = pairs.len().div_ceil(16).max(1);
        let some: Vec<[usize; 2]> = pairs.into_iter().step_by(step).collect();
        let sum: f64 = some.iter().map(|&[a, b]| self.training.evaluate(a, b, &self.learnt, control).success).sum();
        sum / some.len() as f64
    }

    /// Keeps what everybody says of every item, and what that is like.
    fn speak(&mut self) {
        let all: Vec<u32> = (0..self.training.items().len() as u32).collect();
        let step = self.steps();
        if self.kept.messages.last().is_some_and(|last| last.step == step) {
            return;
        }
        for sender in 0..self.speakers() {
            let said = self.training.messages(sender, &all, None);
            for &item in &all {
                self.kept.messages.push(Spoken {
                    step,
                    sender: sender as u64 + 1,
                    item,
                    message: said.messages.said(item as usize).to_vec(),
                    log_prob: f64::from(said.log_probs[item as usize]),
                    right: None,
                    answer: Vec::new(),
                });
            }
            let corpus = self.corpus(&all, |item| said.messages.said(item as usize).to_vec());
            let settings = Settings { exact: 6, permutations: PERMUTATIONS, rows: ROWS, seed: self.seed, ..Settings::default() };
            if self.experiment.world.frequencies == Frequencies::Rank {
                // Items are numbered by how often they are met.
                let lengths: Vec<usize> = corpus.messages().map(<[u32]>::len).collect();
                if let Some((value, chance)) = brevity_of_items(&lengths, PERMUTATIONS, self.seed) {
                    let measure = "brevity:items".to_string();
                    self.kept.measures.push(MeasuredOnce {
                        step,
                        sender: sender as u64 + 1,
                        measure,
                        value,
                        chance: Some(chance),
                    });
                }
            }
            let corpus = match all.len() > ROWS {
                true => cratylus_core::messages::measure::few(&corpus, &settings).expect("there are more"),
                false => corpus,
            };
            for score in scores(&corpus, &settings) {
                let Ok(value) = score.value else { continue };
                let measure = match score.attribute {
                    Some(k) => format!("{}:a_{}", score.measure, k + 1),
                    None => score.measure.to_string(),
                };
                let chance = score.null.filter(|null| !null.fixed()).map(|null| [null.mean, null.limit, null.p]);
                self.kept.measures.push(MeasuredOnce { step, sender: sender as u64 + 1, measure, value, chance });
            }
        }
    }

    fn corpus(&self, all: &[u32], message: impl Fn(u32) -> Vec<u32>) -> Corpus {
        let items = self.training.items();
        let mut corpus = Corpus::new(items.sizes().len());
        all.iter().for_each(|&item| corpus.push(items.attributes(item), &message(item)));
        if items.sizes().is_empty() {
            let features = all.iter().flat_map(|&item| items.features(item).iter().map(|&x| f64::from(x))).collect();
            corpus = corpus.with_features(items.width(), features);
        }
        match all.iter().map(|&item| items.class(item)).collect::<Option<Vec<u32>>>() {
            Some(classes) => corpus.with_classes(classes),
            None => corpus,
        }
    }

    /// What is kept of the training, now that it is over.
    pub fn finish(mut self, run: u64, replica: u64) -> RunRecord {
        self.speak();
        let held = self.training.items().split(false).to_vec();
        let all: Vec<u32> = (0..self.training.items().len() as u32).collect();
        let pairs = self.pairs();
        let trained = self.experiment.setup.channel.control;
        let mut controls = vec![
            ("as-trained", trained),
            ("none", Control::None),
            ("cut", Control::Cut),
            ("permuted", Control::Permuted),
            ("resampled", Control::Resampled),
            ("relabelled", Control::Relabelled),
        ];
        if self.experiment.setup.channel.vocabulary > 2 {
            controls.push(("noise-0.1", Control::Noise(0.1)));
        }
        let others: Vec<[usize; 2]> = pairs.iter().copied().filter(|[a, b]| a != b || self.speakers() == 1).collect();
        let others = if others.is_empty() { pairs.clone() } else { others };
        let step = others.len().div_ceil(64).max(1);
        let mut tried = Vec::new();
        for (name, control) in controls {
            for (held_out, about) in [(false, &self.learnt), (true, &held)] {
                if about.is_empty() {
                    continue;
                }
                let (mut success, mut loss, mut n) = (0.0, 0.0, 0.0);
                for &[a, b] in others.iter().step_by(step) {
                    let found = self.training.evaluate(a, b, about, control);
                    success += found.success;
                    loss += found.loss;
                    n += 1.0;
                }
                tried.push(Tried { control: name.into(), held_out, success: success / n, loss: loss / n });
            }
        }
        let step = self.steps();
        let speakers = self.speakers();
        let said: Vec<Vec<Vec<u32>>> = (0..speakers)
            .map(|sender| {
                let said = self.training.messages(sender, &all, None);
                all.iter().map(|&item| said.messages.said(item as usize).to_vec()).collect()
            })
            .collect();
        let mut cross = Vec::new();
        for &[a, b] in &pairs {
            let found = self.training.evaluate(a, b, &all, trained);
            let alike = (b < speakers).then(|| {
                let pairs = || said[a].iter().zip(&said[b]);
                let same = pairs().filter(|(x, y)| x == y).count() as f64 / all.len() as f64;
                (same, similarity(pairs().map(|(x, y)| (x.as_slice(), y.as_slice()))))
            });
            cross.push(Crossed {
                step,
                sender: a as u64 + 1,
                receiver: b as u64 + 1,
                success: found.success,
                same: alike.map(|(same, _)| same),
                similarity: alike.and_then(|(_, similarity)| similarity),
            });
        }
        // What the first other agent answers stands beside what was said at the end.
        for sender in 0..speakers {
            let receiver = others.iter().find(|[a, _]| *a == sender).map_or(sender, |[_, b]| *b);
            let found = self.training.evaluate(sender, receiver, &all, Control::None);
            let wide = found.answers.len() / all.len();
            let of = self.kept.messages.iter_mut().filter(|one| one.step == step && one.sender == sender as u64 + 1);
            for spoken in of {
                let item = spoken.item as usize;
                spoken.right = Some(found.right[item]);
                spoken.answer = found.answers[item * wide..][..wide].to_vec();
            }
        }
        let words: usize = said.iter().flatten().map(Vec::len).sum();
        let distinct = |one: &Vec<Vec<u32>>| one.iter().collect::<BTreeSet<_>>().len() as f64;
        RunRecord {
            run,
            replica,
            items: all.len() as u64,
            distinct_messages: said.iter().map(distinct).sum::<f64>() / speakers as f64,
            message_length: words as f64 / (all.len() * speakers) as f64,
            seed: self.seed.0,
            steps: step,
            reached: self.kept.reached,
            chance: self.experiment.chance(self.training.items()),
            digest: self.training.digest(),
            readings: self.kept.readings,
            messages: self.kept.messages,
            measures: self.kept.measures,
            tried,
            cross,
        }
    }

    pub fn keep(&self, out: &mut Keeper<'_>) {
        kept::keep(&self.kept, out);
        kept::keep(&self.training.keep(), out);
    }

    pub fn restore(&mut self, from: &mut &[u8]) -> Result<(), Fault> {
        let kept: Kept = kept::take(from)?;
        let bytes: Vec<u8> = kept::take(from)?;
        let mut fresh =
            Course::new(self.experiment, self.file, self.seed).map_err(|(key, why)| Fault(format!("`{key}`: {why}")))?;
        fresh.training.restore(&bytes)?;
        fresh.kept = kept;
        *self = fresh;
        Ok(())
    }
}

/// About how many seconds a run takes to its last step: of a few steps, a look at the success, messages and lessons.
pub(super) fn seconds(experiment: &Experiment, file: Option<&ItemTable>, seed: Seed) -> Result<f64, Wrong> {
    let spent = |begun: Instant| begun.elapsed().as_secs_f64();
    let begun = Instant::now();
    let mut course = Course::new(experiment, file, seed)?;
    let speaking = spent(begun);
    course.training.step();
    let (begun, mut steps) = (Instant::now(), 0u32);
    while steps < 20 && spent(begun) < 0.02 {
        course.training.step();
        steps += 1;
    }
    let step = spent(begun) / f64::from(steps.max(1));
    let begun = Instant::now();
    course.greedy();
    let look = spent(begun);
    let stop = experiment.stop;
    let handed_on = experiment.generations.map_or(0.0, |generations| (stop.steps / generations.steps()) as f64);
    let spoken = 2.0 + experiment.record.messages.map_or(0.0, |every| (stop.steps / every) as f64) + handed_on;
    let lessons = experiment.generations.map_or(0.0, |generations| generations.teach as f64) * handed_on;
    // At the end everything is tried as often as a dozen looks.
    let looks = stop.steps as f64 / stop.every as f64 + 12.0;
    Ok(step * (stop.steps as f64 + lessons) + look * looks + speaking * spoken)
}
