//! How a network is trained: so many steps of so many rows, how fast, and by which optimiser.

use serde::{Deserialize, Serialize};

/// How a network is trained.
#[derive(Clone, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Recipe {
    /// How many steps.
    pub steps: u64,
    /// Rows of each step.
    pub rows: usize,
    /// Into how many parts the rows of a step are cut, whose gradients are summed in order: part of what decides the numbers,
    /// as the number of threads is not.
    #[serde(default = "eight")]
    pub lanes: usize,
    /// The highest rate of learning.
    pub rate: f64,
    /// Steps over which the rate rises to it.
    #[serde(default)]
    pub warm_up: u64,
    /// What the rate falls to at the end, by a cosine, as a share of the highest.
    #[serde(default = "twentieth")]
    pub last: f64,
    /// How much of the weights of matrices a step of rate 1 takes away.
    #[serde(default = "hundredth")]
    pub decay: f64,
    /// How much of the mean of gradients a step keeps, and of their squares.
    #[serde(default = "betas")]
    pub betas: [f64; 2],
    /// Added to the root of the mean of squares.
    #[serde(default = "tiny")]
    pub eps: f64,
    /// The longest that a gradient may be; what is longer is shortened to it.
    #[serde(default = "one")]
    pub clip: f64,
    /// The standard deviation of the weights to begin with.
    #[serde(default = "twentieth")]
    pub sd: f64,
    /// Conda for the matrices of attention and of hidden layers, in place of AdamW, which all else has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub conda: Option<Conda>,
}

/// How Conda is set.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct Conda {
    /// What steps are multiplied by.
    #[serde(default = "quarter")]
    pub scale: f64,
    /// After how many steps the basis is found anew.
    #[serde(default = "two_hundred")]
    pub every: u64,
}

fn quarter() -> f64 {
    0.25
}

fn two_hundred() -> u64 {
    200
}

fn eight() -> usize {
    8
}

fn twentieth() -> f64 {
    0.05
}

fn hundredth() -> f64 {
    0.01
}

fn betas() -> [f64; 2] {
    [0.9, 0.95]
}

fn tiny() -> f64 {
    1e-8
}

fn one() -> f64 {
    1.0
}

impl Recipe {
    /// What is wrong with it: which key, and why.
    pub fn check(&self) -> Result<(), (&'static str, String)> {
        let Recipe { steps, rows, lanes, rate, warm_up, last, decay, betas, eps, clip, sd, conda } = self;
        let within = |key, value: f64, least: f64, most: f64| match (least..=most).contains(&value) {
            true => Ok(()),
            false => Err((key, format!("expected a number from {least} to {most}, found {value}"))),
        };
        // None leaves weights as they were to begin with: what was read before is what there is.
        if !(0..=1 << 40).contains(steps) {
            return Err(("steps", format!("a training takes at most 2^40 steps, found {steps}")));
        }
        if !(1..=1 << 16).contains(rows) {
            return Err(("rows", format!("a step takes 1 to 65,536 rows, found {rows}")));
        }
        if !(1..=256).contains(lanes) {
            return Err(("lanes", format!("the rows of a step are cut into 1 to 256 lanes, found {lanes}")));
        }
        if *rate <= 0.0 {
            return Err(("rate", format!("expected a rate of learning above 0, found {rate}")));
        }
        if warm_up > steps {
            return Err(("warm_up", format!("the rate would rise over {warm_up} steps, and there are {steps}")));
        }
        if let Some(conda) = conda {
            if conda.every == 0 {
                return Err(("conda", "a basis is found anew after at least one step".into()));
            }
            within("conda", conda.scale, 1e-6, 100.0)?;
        }
        within("rate", *rate, 0.0, 10.0)?;
        within("last", *last, 0.0, 1.0)?;
        within("decay", *decay, 0.0, 10.0)?;
        betas.iter().try_for_each(|&beta| within("betas", beta, 0.0, 0.999_999))?;
        within("eps", *eps, 1e-30, 1.0)?;
        within("clip", *clip, 1e-6, 1e9)?;
        within("sd", *sd, 1e-6, 10.0)
    }

    /// The rate of a step, counted from 0.
    pub fn rate_at(&self, step: u64) -> f64 {
        if step < self.warm_up {
            return self.rate * (step + 1) as f64 / self.warm_up as f64;
        }
        let gone = (step - self.warm_up) as f64 / (self.steps - self.warm_up).max(1) as f64;
        let cosine = 0.5 * (1.0 + (std::f64::consts::PI * gone.min(1.0)).cos());
        self.rate * (self.last + (1.0 - self.last) * cosine)
    }
}

/// `base` to the power of `n` by squaring, whose bits are the same on every machine.
pub(crate) fn powi(base: f64, n: u64) -> f64 {
    let (mut power, mut base, mut left) = (1.0, base, n);
    while left > 0 {
        if left & 1 == 1 {
            power *= base;
        }
        base *= base;
        left >>= 1;
    }
    power
}
