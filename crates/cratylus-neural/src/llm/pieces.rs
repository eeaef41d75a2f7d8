//! How a prompt is cut.

/// Prompts are read in pieces of these lengths, always cut alike, so that a piece from the cache is bit for
/// bit the piece that would have been computed. Long ones are quick; short ones leave little to do again.
pub const PIECES: [usize; 2] = [64, 16];

/// Where the pieces of a prompt end that others may share. At least one token is left, whose state nobody keeps.
/// The ends below any length are the same for all longer prompts that have them, and so are their pieces.
pub fn ends(n: usize) -> impl Iterator<Item = usize> {
    let next = move |end: &usize| PIECES.into_iter().map(|piece| end + piece).find(|end| *end < n);
    std::iter::successors(Some(0), next).skip(1)
}
