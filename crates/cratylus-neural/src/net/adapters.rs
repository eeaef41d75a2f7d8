//! What is added to some matrices of a network whose weights stay as they are: to each a product of two thin ones (Hu et al.
//! 2021, "LoRA", arXiv 2106.09685).

use super::product::{Into, Matrix, MatrixMut, product};
use super::shape::NetShape;
use cratylus_core::seed::{Purpose, Seed};
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// Which matrices something is added to, and how.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize, Serialize)]
#[serde(deny_unknown_fields)]
pub struct AdapterShape {
    /// How many columns the thin matrices have.
    #[serde(default = "one")]
    pub rank: usize,
    /// So many blocks, the last ones; all matrices of each.
    #[serde(default = "eight")]
    pub layers: usize,
    /// What the products are multiplied by, times the rank; others call it alpha.
    #[serde(default = "sixteen")]
    pub alpha: f64,
}

fn one() -> usize {
    1
}

fn eight() -> usize {
    8
}

fn sixteen() -> f64 {
    16.0
}

impl Default for AdapterShape {
    fn default() -> AdapterShape {
        AdapterShape { rank: one(), layers: eight(), alpha: sixteen() }
    }
}

impl AdapterShape {
    /// What is wrong with it, for a network: which key, and why.
    pub fn check(&self, shape: &NetShape) -> Result<(), (&'static str, String)> {
        if !(1..=64).contains(&self.rank) {
            return Err(("rank", format!("a rank is 1 to 64, found {}", self.rank)));
        }
        if !(1..=shape.layers).contains(&self.layers) {
            return Err((
                "layers",
                format!("the model has {} blocks, and 1 to all of them are adapted; found {}", shape.layers, self.layers),
            ));
        }
        if !(self.alpha > 0.0 && self.alpha <= 1e6) {
            return Err(("alpha", format!("expected a number above 0, found {}", self.alpha)));
        }
        Ok(())
    }

    /// What the products are multiplied by.
    pub fn scale(&self) -> f32 {
        (self.alpha / self.rank as f64) as f32
    }
}

/// What is added to the matrices of a network.
#[derive(Clone, Debug)]
pub struct Adapters {
    /// Which, and how.
    pub shape: AdapterShape,
    /// Both thin matrices of each, one after the other.
    pub weights: Vec<f32>,
    places: Vec<AdapterAt>,
    first: usize,
}

/// What is added to one matrix.
#[derive(Clone, Debug)]
struct AdapterAt {
    /// Of the matrix, as in files of Llama.
    name: String,
    /// Where it lies among the weights, and where that does which it is multiplied together with.
    at: Range<usize>,
    with: Range<usize>,
    /// From which row of that.
    from: usize,
    rows: usize,
    columns: usize,
    /// `rank x columns`, and `rows x rank`.
    a: Range<usize>,
    b: Range<usize>,
}

/// One of the thin matrices, as files have them.
#[derive(Clone, Debug, PartialEq)]
pub struct ThinMatrix {
    /// Of the matrix that its product is added to, as in files of Llama, without `.weight`.
    pub of: String,
    /// Which of the two: `lora_A` or `lora_B`.
    pub part: &'static str,
    /// Rows and columns.
    pub shape: [usize; 2],
    /// Where it lies among the adapters' weights.
    pub at: Range<usize>,
}

impl Adapters {
    /// Adapters that add nothing yet: of each product one matrix is drawn and the other zero.
    pub fn new(net: &NetShape, shape: AdapterShape, seed: Seed) -> Adapters {
        let at = net.at();
        let first = net.layers - shape.layers;
        let (mut places, mut all) = (Vec::new(), 0);
        let mut take = |n: usize| {
            all += n;
            all - n..all
        };
        for tensor in net.tensors().into_iter().filter(|tensor| tensor.shape.len() == 2) {
            let groups = at.layers[first..].iter().flat_map(|layer| [&layer.qkv, &layer.out, &layer.both, &layer.down]);
            let Some(with) = groups.into_iter().find(|group| group.contains(&tensor.at.start)) else { continue };
            let [rows, columns] = [tensor.shape[0], tensor.shape[1]];
            places.push(AdapterAt {
                from: (tensor.at.start - with.start) / columns,
                with: with.clone(),
                name: tensor.name.trim_end_matches(".weight").into(),
                at: tensor.at,
                rows,
                columns,
                a: take(shape.rank * columns),
                b: take(rows * shape.rank),
            });
        }
        let mut weights = vec![0.0; all];
        for (i, place) in (0..).zip(&places) {
            let sd = 1.0 / (3.0 * place.columns as f64).sqrt();
            let mut stream = seed.stream(Purpose::Weights, i);
            weights[place.a.clone()].iter_mut().for_each(|weight| *weight = (sd * stream.nearly_normal()) as f32);
        }
        Adapters { shape, weights, places, first }
    }

    /// The first block that has any.
    pub(super) fn first(&self) -> usize {
        self.first
    }

    /// All thin matrices.
    pub fn tensors(&self) -> Vec<ThinMatrix> {
        let rank = self.shape.rank;
        let both = |place: &AdapterAt| {
            let of = |part, shape, at: &Range<usize>| ThinMatrix { of: place.name.clone(), part, shape, at: at.clone() };
            [of("lora_A", [rank, place.columns], &place.a), of("lora_B", [place.rows, rank], &place.b)]
        };
        self.places.iter().flat_map(both).collect()
    }

    /// The matrices of a network that something is added to, as they are without it.
    pub(super) fn base(&self, weights: &[f32]) -> Vec<Vec<f32>> {
        self.places.iter().map(|place| weights[place.at.clone()].to_vec()).collect()
    }

    /// Writes the sum of both.
    pub(super) fn merge(&self, base: &[Vec<f32>], weights: &mut [f32]) {
        let scale = self.shape.scale();
        for (place, base) in self.places.iter().zip(base) {
            let into = &mut weights[place.at.clone()];
            into.copy_from_slice(base);
            let b: Vec<f32> = self.weights[place.b.clone()].iter().map(|weight| weight * scale).collect();
            let b = Matrix::new(&b, place.rows, self.shape.rank);
            let a = Matrix::new(&self.weights[place.a.clone()], self.shape.rank, place.columns);
            product(b, a, Into::Add, &mut MatrixMut::new(into, place.rows, place.columns));
        }
    }

    /// Adds what reaches the thin matrices of the matrix at `at` that turned the rows `x` into what `reached` comes back from.
    pub(super) fn learn(&self, at: &Range<usize>, reached: Matrix<'_>, x: Matrix<'_>, gradient: &mut [f32]) {
        let (rank, n, scale) = (self.shape.rank, x.rows(), self.shape.scale());
        for place in self.places.iter().filter(|place| place.with == *at) {
            let reached = reached.columns_of(place.from, place.rows);
            let (a, b) = (&self.weights[place.a.clone()], &self.weights[place.b.clone()]);
            let [mut through_b, mut through_a] = [vec![0.0; n * rank], vec![0.0; n * rank]];
            product(reached, Matrix::new(b, place.rows, rank), Into::Set, &mut MatrixMut::new(&mut through_b, n, rank));
            product(x, Matrix::new(a, rank, place.columns).turned(), Into::Set, &mut MatrixMut::new(&mut through_a, n, rank));
            for through in [&mut through_a, &mut through_b] {
                through.iter_mut().for_each(|number| *number *= scale);
            }
            let d_a = &mut MatrixMut::new(&mut gradient[place.a.clone()], rank, place.columns);
            product(Matrix::new(&through_b, n, rank).turned(), x, Into::Add, d_a);
            let d_b = &mut MatrixMut::new(&mut gradient[place.b.clone()], place.rows, rank);
            product(reached.turned(), Matrix::new(&through_a, n, rank), Into::Add, d_b);
        }
    }
}
