//! Populations whose mechanism is known by construction, those that mislead among them. A mechanism may know what no
//! audit is shown: the run, the time, who it is, what others said, a signal from outside. What is absent: any use of an
//! audit's own form of explanation.

use super::design::Design;
use crate::evidence::Condition;
use cratylus_core::Seed;
use cratylus_core::policy::Round;
use cratylus_core::seed::{Purpose, Stream};

/// A population whose mechanism is known.
pub struct Mechanism {
    /// What the rows of a report call it.
    pub name: &'static str,
    /// What such agents do.
    pub words: &'static str,
    /// Whether the outcome depends on interaction. None where the question has no clear answer, and no verdict is scored.
    pub interaction: Option<bool>,
    /// Whether choices are, in part or in all, recall of an outcome. None as before.
    pub recall: Option<bool>,
    pub(super) choose: fn(&mut MechanismChoice<'_>) -> u16,
    /// The probability that the outside signal changes before an interaction.
    pub(super) flips: f64,
    /// What is different of the design.
    pub(super) design: fn(Design) -> Design,
    /// What happens to the record afterwards.
    pub(super) kept: fn(Condition) -> Condition,
}

impl Mechanism {
    const fn new(
        name: &'static str,
        words: &'static str,
        interaction: Option<bool>,
        recall: Option<bool>,
        choose: fn(&mut MechanismChoice<'_>) -> u16,
    ) -> Mechanism {
        Mechanism { name, words, interaction, recall, choose, flips: 0.0, design: |design| design, kept: |condition| condition }
    }
}

/// What a mechanism chooses by.
pub struct MechanismChoice<'a> {
    pub(super) n_names: u16,
    pub(super) run: Seed,
    pub(super) size: u32,
    /// The number of the interaction.
    pub(super) t: u64,
    /// Who chooses.
    pub(super) agent: u32,
    pub(super) window: &'a [Round],
    /// How many rounds the agent has played, remembered or not.
    pub(super) played: u64,
    /// What anybody said, latest last; at most the last nine words.
    pub(super) board: &'a [u16],
    /// The last word of each agent, if it has spoken.
    pub(super) last: &'a [Option<u16>],
    /// The last partner of each agent.
    pub(super) partner: &'a [Option<u32>],
    /// The outside signal.
    pub(super) signal: u16,
    /// A random walk of the run, as log-odds of the first name.
    pub(super) walk: f64,
    pub(super) stream: Stream,
}

impl MechanismChoice<'_> {
    fn any(&mut self) -> u16 {
        self.stream.below(u64::from(self.n_names)) as u16
    }

    fn chance(&mut self, p: f64) -> bool {
        self.stream.unit() < p
    }

    /// One of the names that most of `words` are; any name where there are none.
    fn most(&mut self, words: impl Iterator<Item = u16> + Clone) -> u16 {
        let counts: Vec<usize> = (0..self.n_names).map(|name| words.clone().filter(|&word| word == name).count()).collect();
        let most = counts.iter().copied().max().unwrap_or(0);
        let best: Vec<u16> = (0..self.n_names).filter(|&name| counts[name as usize] == most).collect();
        best[self.stream.below(best.len() as u64) as usize]
    }

    /// The name that partners said most often, any of them where several were; any name where nobody said one.
    fn majority(&mut self) -> u16 {
        self.most(self.window.iter().map(|round| round[1]))
    }

    /// The same, with a share of choices that are any name.
    fn follow(&mut self, lapse: f64) -> u16 {
        if self.chance(lapse) { self.any() } else { self.majority() }
    }

    /// A name, with a share of choices that are any name.
    fn nearly(&mut self, name: u16, share: f64) -> u16 {
        if self.chance(share) { name } else { self.any() }
    }

    /// A draw from a softmax.
    fn softmax(&mut self, utilities: &[f64]) -> u16 {
        let weights: Vec<f64> = utilities.iter().map(|u| u.exp()).collect();
        let mut left = self.stream.unit() * weights.iter().sum::<f64>();
        let found = weights.iter().position(|weight| {
            left -= weight;
            left < 0.0
        });
        found.unwrap_or(weights.len() - 1) as u16
    }

    /// How often partners said each name, times a weight, with a bias for the second name.
    fn frequencies(&mut self, weight: f64, bias: f64) -> u16 {
        let mut utilities = vec![0.0; self.n_names as usize];
        self.window.iter().for_each(|round| utilities[round[1] as usize] += weight);
        utilities[1] += bias;
        self.softmax(&utilities)
    }

    /// One name in a share of choices, and else what most partners said.
    fn recalled(&mut self, share: f64) -> u16 {
        if self.chance(share) { 1 } else { self.follow(0.02) }
    }

    /// A draw that is the same for all agents of the run, by its purpose.
    fn of_run(&self, purpose: u64) -> Stream {
        self.run.stream(Purpose::Assign, (1 << 40) + purpose)
    }

    /// The option that is shown first to both agents of the interaction.
    fn first_shown(&self) -> u16 {
        first_shown(self.run, self.t, self.n_names)
    }

    fn own(&self) -> Option<u16> {
        self.window.last().map(|round| round[0])
    }
}

fn first_shown(run: Seed, t: u64, n_names: u16) -> u16 {
    run.stream(Purpose::Order, t).below(u64::from(n_names)) as u16
}

const LAPSE: f64 = 0.05;
/// So many interactions does a schedule keep to a name.
const STRETCH: u64 = 36;

/// No run ends early.
fn to_the_end(rounds: u64) -> impl Fn(Design) -> Design {
    move |design| Design { rounds, ends: false, ..design }
}

/// All of them; trials name them by their place.
pub const MECHANISMS: &[Mechanism] = &[
    Mechanism::new("outcome recall", "says one name 97 % of the time, whatever happened", Some(false), Some(true), |choice| {
        choice.nearly(1, 0.97)
    }),
    Mechanism::new(
        "prior only",
        "draws every choice from one distribution that leans to a name by 20 points",
        Some(false),
        Some(true),
        |choice| choice.nearly(1, 0.2),
    ),
    Mechanism::new(
        "win-stay-lose-shift",
        "keeps its name after success, takes its partner's after failure, lapses 5 % of the time",
        Some(true),
        Some(false),
        |choice| match choice.window.last() {
            Some(&[_, partner]) if !choice.chance(LAPSE) => partner,
            _ => choice.any(),
        },
    ),
    Mechanism::new("frequency follower", "softmax of how often partners said each name", Some(true), Some(false), |choice| {
        choice.frequencies(1.6, 0.0)
    }),
    Mechanism::new(
        "own inertia",
        "repeats itself 90 % of the time and never looks at partners",
        Some(false),
        Some(false),
        |choice| match choice.own() {
            Some(own) if choice.chance(0.9) => own,
            _ => choice.any(),
        },
    ),
    Mechanism::new(
        "label-biased follower",
        "softmax of partners' names with a bias for one name",
        Some(true),
        Some(false),
        |choice| choice.frequencies(1.6, 0.8),
    ),
    Mechanism::new(
        "symmetric follower",
        "says what most partners said, lapses 5 % of the time",
        Some(true),
        Some(false),
        |choice| choice.follow(LAPSE),
    ),
    Mechanism::new(
        "follower, 5 % recall",
        "follows most partners, and says one name 5 % of the time whatever happened",
        Some(true),
        Some(true),
        |choice| choice.recalled(0.05),
    ),
    Mechanism::new("follower, 20 % recall", "the same, 20 % of the time", Some(true), Some(true), |choice| choice.recalled(0.2)),
    Mechanism::new("follower, 50 % recall", "the same, 50 % of the time", Some(true), Some(true), |choice| choice.recalled(0.5)),
    Mechanism::new(
        "non-stationary",
        "follows the majority in half of the runs, the last partner in the others",
        Some(true),
        Some(false),
        |choice| match (choice.run.0 % 2, choice.window.last()) {
            _ if choice.chance(LAPSE) => choice.any(),
            (0, _) | (_, None) => choice.majority(),
            (_, Some(&[own, partner])) => {
                if choice.chance(0.6) {
                    partner
                } else {
                    own
                }
            }
        },
    ),
    Mechanism::new(
        "harness decides",
        "a program draws a name for the run and says it for every agent 97 % of the time",
        Some(false),
        Some(false),
        |choice| {
            let name = choice.of_run(0).below(u64::from(choice.n_names)) as u16;
            choice.nearly(name, 0.97)
        },
    ),
    // Agreement that partners do not bring about.
    Mechanism {
        design: |design| to_the_end(20)(design),
        ..Mechanism::new(
            "shared order",
            "both agents of an interaction are shown the names in one order, and say the first 80 % of the time, else what the last partner said",
            Some(false),
            Some(false),
            by_order,
        )
    },
    Mechanism {
        design: |design| to_the_end(20)(design),
        kept: with_order,
        ..Mechanism::new("shared order on record", "the same, and the order is on record", Some(false), Some(false), by_order)
    },
    Mechanism {
        flips: 1.0 / 24.0,
        design: |design| to_the_end(20)(design),
        ..Mechanism::new(
            "clock",
            "reads a signal from outside, 95 %, that changes every 24 interactions on average",
            Some(false),
            Some(false),
            by_clock,
        )
    },
    Mechanism {
        flips: 1.0 / 96.0,
        design: |design| to_the_end(30)(design),
        ..Mechanism::new("slow clock", "the same, and it changes every 96", Some(false), Some(false), by_clock)
    },
    Mechanism {
        design: |design| to_the_end(20)(design),
        ..Mechanism::new(
            "schedule",
            "all runs say one name for 36 interactions and the other for 36, and so on, 95 % of the time",
            Some(false),
            Some(true),
            |choice| {
                let name = (choice.t / STRETCH % u64::from(choice.n_names)) as u16;
                choice.nearly(name, 0.95)
            },
        )
    },
    Mechanism::new(
        "late recall",
        "follows with 25 % lapses until round 6, and then says one name 98 % of the time",
        Some(false),
        Some(true),
        |choice| if choice.t < 6 * u64::from(choice.size) { choice.follow(0.25) } else { choice.nearly(0, 0.98) },
    ),
    Mechanism {
        design: |design| to_the_end(20)(design),
        ..Mechanism::new(
            "news",
            "the probability of a name wanders from run to run and by time; nobody looks at partners",
            Some(false),
            Some(false),
            |choice| {
                let p = 1.0 / (1.0 + (-choice.walk).exp());
                if choice.chance(p) { 0 } else { 1 }
            },
        )
    },
    // Interaction that the last word does not show.
    Mechanism::new(
        "lagged followers",
        "say what most partners said two to five rounds ago, and leave the last round aside",
        Some(true),
        Some(false),
        |choice| match choice.window.split_last() {
            Some((_, before)) if !choice.chance(LAPSE) => choice.most(before.iter().map(|round| round[1])),
            _ => choice.any(),
        },
    ),
    Mechanism {
        design: |design| Design { size: 2, rounds: 60, ..design },
        ..Mechanism::new("two followers", "two agents that say what the other said most", Some(true), Some(false), |choice| {
            choice.follow(LAPSE)
        })
    },
    Mechanism::new(
        "public memory",
        "says what most of the last nine words were, whoever said them to whom",
        Some(true),
        Some(false),
        |choice| if choice.chance(LAPSE) { choice.any() } else { choice.most(choice.board.iter().copied()) },
    ),
    Mechanism {
        kept: renumbered,
        ..Mechanism::new(
            "renumbered",
            "follows; on record agents are numbered anew at each interaction",
            Some(true),
            None,
            |choice| choice.follow(LAPSE),
        )
    },
    // Recall that is there and is not seen, or is seen and is not there.
    Mechanism::new("half recall", "twelve agents say one name 97 % of the time, twelve follow", None, Some(true), |choice| {
        if choice.agent < 12 { choice.nearly(0, 0.97) } else { choice.follow(LAPSE) }
    }),
    Mechanism::new("three who recall", "the same with three agents", None, Some(true), |choice| {
        if choice.agent < 3 { choice.nearly(0, 0.97) } else { choice.follow(LAPSE) }
    }),
    Mechanism::new("six others in each run", "the same with six agents, others in each run", None, Some(true), |choice| {
        let place = choice.of_run(u64::from(choice.agent)).unit();
        let before = (0..choice.size).filter(|&other| choice.of_run(u64::from(other)).unit() < place).count();
        if before < 6 { choice.nearly(0, 0.97) } else { choice.follow(LAPSE) }
    }),
    Mechanism::new(
        "focal name",
        "repeats itself 97 % of the time after success, and says one name 80 % of the time after failure",
        None,
        Some(true),
        |choice| match choice.window.last() {
            None => choice.any(),
            Some(&[own, partner]) if own == partner => choice.nearly(own, 0.97),
            Some(_) => {
                if choice.chance(0.8) {
                    0
                } else {
                    1
                }
            }
        },
    ),
    Mechanism {
        kept: elsewhere,
        ..Mechanism::new(
            "unreadable answers",
            "follows; 4 % of answers cannot be read, and the program takes the first option",
            Some(true),
            Some(false),
            |choice| if choice.chance(0.04) { 0 } else { choice.follow(0.02) },
        )
    },
    Mechanism {
        kept: |condition| times(condition, 1),
        ..Mechanism::new("one run forty times", "follows; one run stands on record for all", Some(true), Some(false), |choice| {
            choice.follow(LAPSE)
        })
    },
    Mechanism {
        kept: |condition| times(condition, 2),
        ..Mechanism::new("every run twice", "follows; every run is on record twice", Some(true), Some(false), |choice| {
            choice.follow(LAPSE)
        })
    },
    Mechanism {
        // So many that enough are left.
        design: |design| Design { runs: 2 * design.runs, ..design },
        kept: for_the_winner,
        ..Mechanism::new(
            "kept for the winner",
            "follows; only runs that one name won are kept",
            Some(true),
            Some(false),
            |choice| choice.follow(LAPSE),
        )
    },
    // Further ones.
    Mechanism::new(
        "run prior",
        "draws every choice from a distribution of its run, which leans by up to 45 points",
        Some(false),
        None,
        |choice| {
            let p = 0.05 + 0.9 * choice.of_run(0).unit();
            if choice.chance(p) { 0 } else { 1 }
        },
    ),
    Mechanism::new("fixed agents", "each agent draws a name and says it 97 % of the time", Some(false), None, |choice| {
        let name = choice.of_run(u64::from(choice.agent)).below(u64::from(choice.n_names)) as u16;
        choice.nearly(name, 0.97)
    }),
    Mechanism::new("leader", "says what the first agent last said to anybody", Some(true), Some(false), |choice| {
        match (choice.agent, choice.last[0]) {
            (1.., Some(word)) if !choice.chance(LAPSE) => word,
            _ => choice.any(),
        }
    }),
    Mechanism::new("gossip", "says what its last partner has said since, to others", Some(true), Some(false), |choice| {
        let word = choice.partner[choice.agent as usize].and_then(|partner| choice.last[partner as usize]);
        match word {
            Some(word) if !choice.chance(LAPSE) => word,
            _ => choice.any(),
        }
    }),
    Mechanism::new(
        "lose-shift to any",
        "repeats itself after success, says any name after failure",
        Some(true),
        Some(false),
        |choice| match choice.window.last() {
            Some(&[own, partner]) if own == partner => choice.nearly(own, 0.98),
            _ => choice.any(),
        },
    ),
    Mechanism::new(
        "late program",
        "follows with 25 % lapses until round 6; then a program says a name drawn for the run, 97 %",
        Some(false),
        None,
        |choice| {
            if choice.t < 6 * u64::from(choice.size) {
                return choice.follow(0.25);
            }
            let name = choice.of_run(0).below(u64::from(choice.n_names)) as u16;
            choice.nearly(name, 0.97)
        },
    ),
    Mechanism::new(
        "early recall",
        "says one name 85 % of the time in its own first two rounds, and follows afterwards",
        None,
        Some(true),
        |choice| if choice.played < 2 { choice.nearly(0, 0.7) } else { choice.follow(LAPSE) },
    ),
    Mechanism::new("noise", "says anything", Some(false), Some(false), |choice| choice.any()),
    Mechanism::new(
        "slow follower",
        "repeats itself 85 % of the time, and else says what most partners said",
        Some(true),
        Some(false),
        |choice| match choice.own() {
            Some(own) if choice.chance(0.85) => own,
            _ => choice.follow(LAPSE),
        },
    ),
    Mechanism {
        design: |design| to_the_end(20)(design),
        ..Mechanism::new(
            "own schedule",
            "says one name in three rounds of its own, the other in the next three, and so on, 97 % of the time",
            Some(false),
            Some(true),
            |choice| {
                let name = (choice.played / 3 % u64::from(choice.n_names)) as u16;
                choice.nearly(name, 0.97)
            },
        )
    },
    Mechanism::new("contrarian", "says another name than most partners said", Some(true), Some(false), |choice| {
        let most = choice.majority();
        match choice.chance(0.8) && !choice.window.is_empty() {
            true => (most + 1 + choice.stream.below(u64::from(choice.n_names) - 1) as u16) % choice.n_names,
            false => choice.any(),
        }
    }),
    Mechanism::new(
        "sticky label",
        "follows, but leaves one name in only one of ten cases where it would leave the other",
        Some(true),
        None,
        |choice| match choice.own() {
            Some(0) if choice.chance(0.9) => 0,
            _ => choice.follow(LAPSE),
        },
    ),
];

/// Says the option shown first 80 % of the time, and else what the last partner said.
fn by_order(choice: &mut MechanismChoice<'_>) -> u16 {
    match choice.window.last() {
        _ if choice.chance(0.8) => choice.first_shown(),
        Some(&[_, partner]) => partner,
        None => choice.any(),
    }
}

/// Says anything in its own first three rounds, and then what the signal says.
fn by_clock(choice: &mut MechanismChoice<'_>) -> u16 {
    if choice.played < 3 {
        return choice.any();
    }
    choice.nearly(choice.signal, 0.95)
}

fn with_order(mut condition: Condition) -> Condition {
    let (n_names, seed) = (condition.names().len() as u16, condition.point.experiment.seed);
    for (n, run) in (0..).zip(&mut condition.runs) {
        let seed = Seed::of_run(seed, &condition.label, n);
        run.shown_first = run.events.iter().map(|event| [Some(u32::from(first_shown(seed, event.t, n_names))); 2]).collect();
    }
    condition
}

/// Numbers agents anew at each interaction.
fn renumbered(mut condition: Condition) -> Condition {
    let size = u64::from(condition.size());
    for run in &mut condition.runs {
        for event in &mut run.events {
            let mut stream = Seed(event.t ^ 0x5EED).stream(Purpose::Assign, event.t);
            let first = stream.below(size);
            let second = (first + 1 + stream.below(size - 1)) % size;
            event.agents = [first as u32, second as u32];
        }
    }
    condition
}

/// Says that another program read the answers.
fn elsewhere(condition: Condition) -> Condition {
    Condition { read_elsewhere: true, ..condition }
}

/// The first runs, each as often as fills the record; or, with `each` of 2, the first half twice.
fn times(mut condition: Condition, each: usize) -> Condition {
    let n = condition.runs.len();
    let distinct = if each == 1 { 1 } else { n.div_ceil(each) };
    condition.runs = (0..n).map(|run| condition.runs[run % distinct].clone()).collect();
    condition
}

fn for_the_winner(mut condition: Condition) -> Condition {
    condition.runs.retain(|run| run.outcome.winner == Some(0));
    condition
}
