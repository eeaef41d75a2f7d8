//! The list of measures of a corpus, and the null of each: the same measure where messages are dealt out to meanings at
//! random, which keeps what is said and what it could be about. A measure that says nothing about meanings has none.

use super::composition;
use super::corpus::{Coded, Corpus, Ids};
use super::disentanglement::{self, Of};
use super::distance::{MeaningDistance, MessageDistance};
use super::information::{adjusted, entropy_of, expected, mutual, normalised};
use super::laws;
use super::topsim::{self, Value, firsts};
use super::{independence, matching, segments};
use crate::seed::{Purpose, Seed};
use crate::stats::{mean_sd, quantile};

/// Items of a corpus of which all orders of the messages are tried, where nobody says otherwise.
pub const EXACT: usize = 9;

/// What may be chosen.
#[derive(Clone, Copy, Debug)]
pub struct Settings {
    /// For topographic similarity; chosen by what items are where it is left out: Hamming for attributes, cosine for features.
    pub meaning: Option<MeaningDistance>,
    /// For topographic similarity.
    pub message: MessageDistance,
    /// Of more rows than this so many are drawn for topographic similarity, as it takes time with their square.
    pub rows: usize,
    /// Up to so many items all orders of the messages are tried; there are 362,880 of nine.
    pub exact: usize,
    /// How many times messages are dealt out at random, above that.
    pub permutations: usize,
    /// Of the draws.
    pub seed: Seed,
}

impl Default for Settings {
    fn default() -> Settings {
        Settings {
            meaning: None,
            message: MessageDistance::LevenshteinByMean,
            rows: 2_000,
            exact: EXACT,
            permutations: 1_000,
            seed: Seed(1),
        }
    }
}

/// What a measure is.
pub struct Definition {
    /// As tables and reports call it.
    pub name: &'static str,
    /// What it is, in a sentence without a stop.
    pub what: &'static str,
    /// Where it comes from.
    pub source: &'static str,
    /// The largest value there can be, where there is one.
    pub most: Option<f64>,
    /// Which values are evidence of structure.
    pub better: Better,
    /// Whether there is one of each attribute.
    pub each_attribute: bool,
    how: How,
}

/// How a measure is worked out: for any order of the messages, or once.
#[derive(Clone, Copy)]
enum How {
    Permuted(Prepare),
    Once(Once),
}

/// Which values of a measure say that messages have to do with meanings.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Better {
    /// High ones.
    High,
    /// Low ones.
    Low,
    /// The measure does not look at meanings, so none do.
    Neither,
}

/// What a measure says of a corpus.
#[derive(Clone, Debug, PartialEq)]
pub struct Score {
    /// Which.
    pub measure: &'static str,
    /// Of which attribute, where it is of one.
    pub attribute: Option<usize>,
    /// The value, or why there is none.
    pub value: Result<f64, String>,
    /// What chance gives; none where the measure does not look at meanings, or there is no value.
    pub null: Option<Null>,
}

/// Values under messages dealt out at random.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Null {
    /// Their mean.
    pub mean: f64,
    /// Their standard deviation.
    pub sd: f64,
    /// The point below which 95 % of them lie; above which, where low values are evidence.
    pub limit: f64,
    /// The share of them that are at least as good as the value; drawn ones are counted with the value itself.
    pub p: f64,
    /// How many there are.
    pub n: usize,
    /// Whether these are all there can be.
    pub exact: bool,
    /// How far the value lies above their mean, where 1 is the most there can be.
    pub above: Option<f64>,
}

impl Null {
    /// Whether the value is the same whichever message goes with which meaning, so that it cannot be evidence.
    pub fn fixed(&self) -> bool {
        self.sd <= 1e-9 * self.mean.abs().max(1e-3)
    }
}

/// A measure that is ready: of so many things that are permuted.
struct Prepared<'a> {
    n: usize,
    value: Value<'a>,
}

type Once = fn(&Views<'_>) -> Result<f64, String>;
type Prepare = for<'a> fn(&'a Views<'a>, &Settings, usize) -> Result<Prepared<'a>, String>;

/// A corpus as measures see it.
pub struct Views<'a> {
    all: Coded<'a>,
    few: Coded<'a>,
    classes: Option<Ids>,
}

/// The rows for topographic similarity: all, or those that are drawn.
pub fn few(corpus: &Corpus, settings: &Settings) -> Option<Corpus> {
    if corpus.len() <= settings.rows {
        return None;
    }
    let mut drawn: Vec<usize> = (0..corpus.len()).collect();
    settings.seed.stream(Purpose::Resample, u64::MAX).shuffle(&mut drawn, settings.rows);
    drawn.truncate(settings.rows);
    drawn.sort_unstable();
    Some(corpus.rows(&drawn))
}

impl<'a> Views<'a> {
    /// Of a corpus and what [`few`] drew of it.
    pub fn new(corpus: &'a Corpus, few: Option<&'a Corpus>) -> Views<'a> {
        Views {
            all: Coded::new(corpus),
            few: Coded::new(few.unwrap_or(corpus)),
            classes: corpus.classes().map(|classes| Ids::new(classes.iter())),
        }
    }

    /// Everything by number.
    pub fn coded(&self) -> &Coded<'a> {
        &self.all
    }

    /// The same of the rows that were drawn.
    pub fn coded_few(&self) -> &Coded<'a> {
        &self.few
    }
}

/// All measures of a corpus, one after the other.
pub fn scores(corpus: &Corpus, settings: &Settings) -> Vec<Score> {
    let few = few(corpus, settings);
    let views = Views::new(corpus, few.as_ref());
    tasks(corpus).into_iter().map(|(definition, attribute)| score(definition, attribute, &views, settings)).collect()
}

/// What there is to measure: a measure, and of which attribute.
pub fn tasks(corpus: &Corpus) -> Vec<(&'static Definition, usize)> {
    let each = |definition: &'static Definition| match definition.each_attribute {
        true => (0..corpus.attributes()).map(|k| (definition, k)).collect(),
        false => vec![(definition, 0)],
    };
    ALL.iter().flat_map(each).collect()
}

/// One measure, with its null.
pub fn score(definition: &'static Definition, attribute: usize, views: &Views<'_>, settings: &Settings) -> Score {
    let attribute_of = definition.each_attribute.then_some(attribute);
    let of = |value, null| Score { measure: definition.name, attribute: attribute_of, value, null };
    if views.all.corpus.is_empty() {
        return of(Err("there are no messages".into()), None);
    }
    let prepared = match definition.how {
        How::Once(once) => return of(once(views), None),
        How::Permuted(prepare) => prepare(views, settings, attribute),
    };
    let prepared = match prepared {
        Ok(prepared) => prepared,
        Err(why) => return of(Err(why), None),
    };
    let same: Vec<u32> = (0..prepared.n as u32).collect();
    let value = (prepared.value)(&same);
    if value.is_nan() {
        return of(Err("all messages are equally far from each other".into()), None);
    }
    of(Ok(value), Some(null(definition, &prepared, value, settings)))
}

fn null(definition: &Definition, prepared: &Prepared<'_>, value: f64, settings: &Settings) -> Null {
    let exact = prepared.n <= settings.exact;
    let mut values = Vec::new();
    if exact {
        each_order(&mut (0..prepared.n as u32).collect::<Vec<_>>(), 0, &mut |order| values.push((prepared.value)(order)));
    } else {
        let mut order: Vec<u32> = (0..prepared.n as u32).collect();
        for t in 0..settings.permutations {
            settings.seed.stream(Purpose::Resample, 1 << 32 | t as u64).shuffle(&mut order, prepared.n);
            values.push((prepared.value)(&order));
        }
    }
    // Sums in another order differ in their last bits, and are no better for that.
    let close = 1e-9 * value.abs().max(1e-3);
    let low = definition.better == Better::Low;
    let as_good = values.iter().filter(|&&one| if low { one <= value + close } else { one >= value - close }).count();
    let (mean, sd) = match values.len() {
        0 => (f64::NAN, f64::NAN),
        1 => (values[0], 0.0),
        _ => mean_sd(&values),
    };
    values.sort_by(f64::total_cmp);
    Null {
        mean,
        sd,
        limit: if values.is_empty() { f64::NAN } else { quantile(&values, if low { 0.05 } else { 0.95 }) },
        p: match exact {
            false if values.is_empty() => f64::NAN,
            true => as_good as f64 / values.len() as f64,
            false => (as_good + 1) as f64 / (values.len() + 1) as f64,
        },
        n: values.len(),
        exact,
        above: definition.most.filter(|most| *most - mean > 1e-12 && sd > 1e-12).map(|most| (value - mean) / (most - mean)),
    }
}

/// Calls for every order of `items` from `at` on.
fn each_order(items: &mut [u32], at: usize, call: &mut dyn FnMut(&[u32])) {
    if at == items.len() {
        return call(items);
    }
    for next in at..items.len() {
        items.swap(at, next);
        each_order(items, at + 1, call);
        items.swap(at, next);
    }
}

/// All measures, in the order in which tables show them.
pub const ALL: &[Definition] = &[
    high(
        "topsim",
        "topographic similarity: how well distances of messages follow distances of meanings (rank correlation)",
        "Brighton & Kirby 2006",
        Some(1.0),
        |views, settings, _| {
            let meaning = settings.meaning.unwrap_or(match views.few.corpus.features(0) {
                Some(_) => MeaningDistance::Cosine,
                None => MeaningDistance::Hamming,
            });
            of(&views.few, topsim::prepare(&views.few, meaning, settings.message))
        },
    ),
    high(
        "posdis",
        "how much each place of a message is about one attribute alone; places that never change are left out",
        "Chaabouni et al. 2020",
        Some(1.0),
        |views, _, _| of(&views.all, disentanglement::prepare(&views.all, Of::Places, false)),
    ),
    high(
        "posdis:strict",
        "the same with places that never change as 0, so that a code for one attribute does not score 1",
        "Chaabouni et al. 2020",
        Some(1.0),
        |views, _, _| of(&views.all, disentanglement::prepare(&views.all, Of::Places, true)),
    ),
    high(
        "bosdis",
        "how much the count of each symbol is about one attribute alone",
        "Chaabouni et al. 2020",
        Some(1.0),
        |views, _, _| of(&views.all, disentanglement::prepare(&views.all, Of::Symbols { but: None }, false)),
    ),
    high(
        "context-independence",
        "how much each value of an attribute has a symbol of its own",
        "Bogin, Geva & Berant 2018",
        Some(1.0),
        |views, _, _| of(&views.all, independence::context_independence(&views.all)),
    ),
    Definition {
        better: Better::Low,
        ..high(
            "conflict-count",
            "how often symbols stand for another value than the one they mostly stand for; low is evidence",
            "Kuciński et al. 2020",
            None,
            |views, _, _| of(&views.all, independence::conflict_count(&views.all)),
        )
    },
    Definition {
        better: Better::Low,
        ..high(
            "tre",
            "the mean squared error of the best sum of vectors of attributes; low is evidence",
            "Andreas 2019, by least squares",
            None,
            |views, _, _| of(&views.all, composition::least_squares(&views.all, false)),
        )
    },
    high(
        "tre:explained",
        "the share of the variance of messages that such sums explain",
        "Andreas 2019, by least squares",
        Some(1.0),
        |views, _, _| of(&views.all, composition::least_squares(&views.all, true)),
    ),
    high(
        "best-matching",
        "how well symbols can be matched one to one with values of attributes; it does not see order",
        "Carmeli, Belinkov & Meir 2024",
        Some(1.0),
        |views, _, _| of(&views.all, matching::prepare(&views.all, false)),
    ),
    high(
        "mutual-information",
        "of meanings and messages, in bits; of classes, where items have no attributes",
        "Shannon 1948",
        None,
        |views, _, _| {
            let (a, b) = meanings(views)?;
            of(&views.all, Ok(Box::new(move |order| mutual(a, b, order))))
        },
    ),
    high(
        "nmi",
        "mutual information of meanings and messages by the mean of their entropies; 1 if all are different, whatever the structure",
        "Vinh, Epps & Bailey 2010",
        Some(1.0),
        |views, _, _| {
            let (a, b) = meanings(views)?;
            of(&views.all, Ok(Box::new(move |order| normalised(a, b, order))))
        },
    ),
    high(
        "ami",
        "the same less what chance gives; 1 by convention if all are different",
        "Vinh, Epps & Bailey 2010",
        Some(1.0),
        |views, _, _| {
            let (a, b) = meanings(views)?;
            let by_chance = expected(a, b);
            of(&views.all, Ok(Box::new(move |order| adjusted(a, b, order, by_chance))))
        },
    ),
    high("ami:class", "of the classes of items and messages", "Vinh, Epps & Bailey 2010", Some(1.0), |views, _, _| {
        let classes = views.classes.as_ref().ok_or("the items have no classes")?;
        let by_chance = expected(classes, &views.all.messages);
        of(&views.all, Ok(Box::new(move |order| adjusted(classes, &views.all.messages, order, by_chance))))
    }),
    Definition {
        each_attribute: true,
        ..high(
            "information",
            "the share of the entropy of an attribute that messages tell",
            "Shannon 1948",
            Some(1.0),
            |views, _, k| {
                let attribute = &views.all.attributes[k];
                let entropy = entropy_of(attribute);
                if entropy <= 0.0 {
                    return Err("all items have the same value".into());
                }
                of(&views.all, Ok(Box::new(move |order| mutual(attribute, &views.all.messages, order) / entropy)))
            },
        )
    },
    plain("entropy:messages", "of messages, in bits", "Shannon 1948", |views| Ok(entropy_of(&views.all.messages))),
    plain("entropy:meanings", "of meanings, in bits", "Shannon 1948", |views| {
        meanings(views).map(|(meanings, _)| entropy_of(meanings))
    }),
    plain("messages", "how many different messages there are", "", |views| Ok(views.all.messages.n() as f64)),
    plain("meanings", "how many different meanings there are", "", |views| {
        meanings(views).map(|(meanings, _)| meanings.n() as f64)
    }),
    plain("symbols", "how many different symbols are used", "", |views| Ok(views.all.bags.len() as f64)),
    plain("length", "the mean length of messages in symbols, without the stop", "", |views| Ok(mean_length(&views.all))),
    plain(
        "length:optimal",
        "the mean length that words as short as possible for these meanings would have, with these symbols",
        "Ferrer-i-Cancho et al. 2015",
        |views| {
            let counts: Vec<f64> = laws::ranked(meanings(views)?.0.of.iter()).iter().map(|(_, n)| f64::from(*n)).collect();
            match views.all.bags.len() {
                0 => Err("there are no symbols".into()),
                symbols => Ok(laws::optimal_mean_length(&counts, symbols)),
            }
        },
    ),
    high(
        "brevity",
        "whether frequent messages are shorter: the rank correlation of rank and length, against lengths dealt out anew",
        "Zipf 1949",
        None,
        |views, _, _| {
            let first = firsts(&views.all.messages);
            let ranked = laws::ranked(views.all.messages.of.iter().copied());
            let lengths: Vec<usize> = ranked.iter().map(|(id, _)| views.all.corpus.message(first[*id as usize]).len()).collect();
            if ranked.iter().all(|(_, n)| *n == ranked[0].1) {
                return Err("all messages are equally frequent".into());
            }
            if lengths.iter().all(|length| *length == lengths[0]) {
                return Err("all messages are equally long".into());
            }
            let ranks: Vec<f64> = topsim::ranks(&ranked.iter().map(|(_, n)| -f64::from(*n)).collect::<Vec<_>>());
            let value: Value<'_> = Box::new(move |order| {
                topsim::spearman(&ranks, &order.iter().map(|&at| lengths[at as usize] as f64).collect::<Vec<_>>())
            });
            Ok(Prepared { n: ranked.len(), value })
        },
    ),
    plain(
        "zipf:symbols",
        "the slope of the logarithm of the frequency of symbols over that of their rank; Zipf's law has -1",
        "Zipf 1935",
        |views| {
            let counts: Vec<u32> = laws::ranked(views.all.corpus.messages().flatten()).iter().map(|(_, n)| *n).collect();
            laws::zipf_slope(&counts).ok_or_else(|| "there are fewer than three symbols".into())
        },
    ),
    plain("zipf:messages", "the same of messages", "Zipf 1935", |views| {
        let counts: Vec<u32> = laws::ranked(views.all.messages.of.iter()).iter().map(|(_, n)| *n).collect();
        laws::zipf_slope(&counts).ok_or_else(|| "there are fewer than three messages".into())
    }),
    plain(
        "segments",
        "how many different pieces messages fall into where what follows becomes less certain",
        "Harris 1955; Ueda et al. 2023",
        |views| segmented(views).map(|segments| segments.distinct() as f64),
    ),
    plain("boundaries", "how many such boundaries a message has on average", "Harris 1955; Ueda et al. 2023", |views| {
        segmented(views).map(|segments| segments.mean_boundaries())
    }),
];

const fn high(name: &'static str, what: &'static str, source: &'static str, most: Option<f64>, how: Prepare) -> Definition {
    Definition { name, what, source, most, better: Better::High, each_attribute: false, how: How::Permuted(how) }
}

const fn plain(name: &'static str, what: &'static str, source: &'static str, how: Once) -> Definition {
    Definition { name, what, source, most: None, better: Better::Neither, each_attribute: false, how: How::Once(how) }
}

/// How long messages are on average, in symbols.
fn mean_length(coded: &Coded<'_>) -> f64 {
    coded.corpus.messages().map(<[u32]>::len).sum::<usize>() as f64 / coded.corpus.len() as f64
}

/// Messages cut where it becomes less certain what follows.
fn segmented(views: &Views<'_>) -> Result<segments::Segments, String> {
    let corpus = views.all.corpus;
    let longest = corpus.messages().map(<[u32]>::len).max().unwrap_or(0);
    if corpus.messages().map(|message| message.len() * message.len()).sum::<usize>() > 20_000_000 {
        return Err(format!("there are too many messages of up to {longest} symbols"));
    }
    Ok(segments::segments(corpus, 0.0))
}

fn of<'a>(coded: &Coded<'_>, value: Result<Value<'a>, String>) -> Result<Prepared<'a>, String> {
    Ok(Prepared { n: coded.corpus.len(), value: value? })
}

fn meanings<'a>(views: &'a Views<'a>) -> Result<(&'a Ids, &'a Ids), String> {
    match views.all.corpus.attributes() == 0 && views.classes.is_none() {
        true => Err("the items have neither attributes nor classes".into()),
        false => Ok((&views.all.meanings, &views.all.messages)),
    }
}
