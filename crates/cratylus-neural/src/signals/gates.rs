//! What cells do between their products, row by row, forward and backward. Gates lie in PyTorch's order: reset, update, new
//! of a gated recurrent unit, input, forget, cell, output of long short-term memory.

use super::numbers::{sigmoid, tanh, wide_loop};
use super::setup::Cell;

/// Some rows of one level, forward.
pub(super) struct Forward<'a> {
    /// `table rows x gates`: what each row of the table brings to the gates, and which one a row reads.
    pub table: &'a [f32],
    pub input: &'a [u32],
    /// `rows x hidden`: states and memories before.
    pub before: &'a [f32],
    pub memory_before: &'a [f32],
    /// `rows x gates`: what the states before bring; becomes the gates.
    pub gates: &'a mut [f32],
    /// `rows x hidden`: of a gated recurrent unit what the reset gate multiplies.
    pub held: &'a mut [f32],
    pub state: &'a mut [f32],
    pub memory: &'a mut [f32],
}

/// The `n`-th of some rows.
#[inline(always)]
fn row(rows: &[f32], n: usize, width: usize) -> &[f32] {
    &rows[n * width..][..width]
}

#[inline(always)]
fn row_mut(rows: &mut [f32], n: usize, width: usize) -> &mut [f32] {
    &mut rows[n * width..][..width]
}

/// A row cut into pieces of one width.
#[inline(always)]
fn cut<const N: usize>(row: &[f32], h: usize) -> [&[f32]; N] {
    std::array::from_fn(|i| &row[i * h..][..h])
}

#[inline(always)]
fn cut_mut<const N: usize>(row: &mut [f32], h: usize) -> [&mut [f32]; N] {
    let mut pieces = row.chunks_exact_mut(h);
    std::array::from_fn(|_| pieces.next().expect("a row has as many pieces"))
}

impl Forward<'_> {
    /// Computes states, `h` numbers each.
    pub fn go(self, cell: Cell, h: usize) {
        let Forward { table, input, before, memory_before, gates, held, state, memory } = self;
        wide_loop(
            #[inline(always)]
            || {
                for (n, &read) in input.iter().enumerate() {
                    let state = row_mut(state, n, h);
                    match cell {
                        Cell::Gru => {
                            let [xr, xz, xn] = cut(row(table, read as usize, 3 * h), h);
                            let [r, z, new] = cut_mut(row_mut(gates, n, 3 * h), h);
                            let (held, before) = (row_mut(held, n, h), row(before, n, h));
                            for i in 0..h {
                                let (reset, update) = (sigmoid(xr[i] + r[i]), sigmoid(xz[i] + z[i]));
                                held[i] = new[i];
                                let next = tanh(xn[i] + reset * new[i]);
                                state[i] = (1.0 - update) * next + update * before[i];
                                (r[i], z[i], new[i]) = (reset, update, next);
                            }
                        }
                        Cell::Lstm => {
                            let x: [&[f32]; 4] = cut(row(table, read as usize, 4 * h), h);
                            let [a, f, g, o] = cut_mut(row_mut(gates, n, 4 * h), h);
                            let (memory, before) = (row_mut(memory, n, h), row(memory_before, n, h));
                            for i in 0..h {
                                a[i] = sigmoid(x[0][i] + a[i]);
                                f[i] = sigmoid(x[1][i] + f[i]);
                                g[i] = tanh(x[2][i] + g[i]);
                                o[i] = sigmoid(x[3][i] + o[i]);
                                memory[i] = f[i] * before[i] + a[i] * g[i];
                                state[i] = o[i] * tanh(memory[i]);
                            }
                        }
                        Cell::Rnn | Cell::FeedForward => {
                            let (x, y) = (row(table, read as usize, h), row(gates, n, h));
                            (0..h).for_each(|i| state[i] = tanh(x[i] + y[i]));
                        }
                    }
                }
            },
        );
    }
}

/// The same rows, backward.
pub(super) struct Backward<'a> {
    pub before: &'a [f32],
    pub memory_before: &'a [f32],
    pub gates: &'a [f32],
    pub held: &'a [f32],
    pub state: &'a [f32],
    pub memory: &'a [f32],
    /// What reaches states and memories.
    pub d_state: &'a [f32],
    pub d_memory: &'a [f32],
    /// `rows x gates`: what reaches gates from what was read, and of a gated recurrent unit from the states before; elsewhere
    /// both are the same, and only the first is written.
    pub d_x: &'a mut [f32],
    pub d_y: &'a mut [f32],
    /// `rows x hidden`: what reaches states and memories before, but for what comes through the gates.
    pub d_before: &'a mut [f32],
    pub d_memory_before: &'a mut [f32],
}

impl Backward<'_> {
    /// Computes what reaches what.
    pub fn go(self, cell: Cell, h: usize) {
        let Backward {
            before,
            memory_before,
            gates,
            held,
            state,
            memory,
            d_state,
            d_memory,
            d_x,
            d_y,
            d_before,
            d_memory_before,
        } = self;
        wide_loop(
            #[inline(always)]
            || {
                for n in 0..d_state.len() / h {
                    let d = row(d_state, n, h);
                    match cell {
                        Cell::Gru => {
                            let [r, z, new] = cut(row(gates, n, 3 * h), h);
                            let (held, before) = (row(held, n, h), row(before, n, h));
                            let [xr, xz, xn] = cut_mut(row_mut(d_x, n, 3 * h), h);
                            let [yr, yz, yn] = cut_mut(row_mut(d_y, n, 3 * h), h);
                            let d_before = row_mut(d_before, n, h);
                            for i in 0..h {
                                let d_new = d[i] * (1.0 - z[i]) * (1.0 - new[i] * new[i]);
                                let d_update = d[i] * (before[i] - new[i]) * z[i] * (1.0 - z[i]);
                                let d_reset = d_new * held[i] * r[i] * (1.0 - r[i]);
                                (xr[i], xz[i], xn[i]) = (d_reset, d_update, d_new);
                                (yr[i], yz[i], yn[i]) = (d_reset, d_update, d_new * r[i]);
                                d_before[i] = d[i] * z[i];
                            }
                        }
                        Cell::Lstm => {
                            let [a, f, g, o] = cut(row(gates, n, 4 * h), h);
                            let (memory, before, d_memory) = (row(memory, n, h), row(memory_before, n, h), row(d_memory, n, h));
                            let [xa, xf, xg, xo] = cut_mut(row_mut(d_x, n, 4 * h), h);
                            let d_memory_before = row_mut(d_memory_before, n, h);
                            for i in 0..h {
                                let out = tanh(memory[i]);
                                let d_c = d_memory[i] + d[i] * o[i] * (1.0 - out * out);
                                xa[i] = d_c * g[i] * a[i] * (1.0 - a[i]);
                                xf[i] = d_c * before[i] * f[i] * (1.0 - f[i]);
                                xg[i] = d_c * a[i] * (1.0 - g[i] * g[i]);
                                xo[i] = d[i] * out * o[i] * (1.0 - o[i]);
                                d_memory_before[i] = d_c * f[i];
                            }
                            row_mut(d_before, n, h).fill(0.0);
                        }
                        Cell::Rnn | Cell::FeedForward => {
                            let (state, x) = (row(state, n, h), row_mut(d_x, n, h));
                            (0..h).for_each(|i| x[i] = d[i] * (1.0 - state[i] * state[i]));
                            row_mut(d_before, n, h).fill(0.0);
                        }
                    }
                }
            },
        );
    }
}
