//! Words for readers: lists, and the nearest word to a mistaken one.

/// `a, b and c`.
pub fn listed(words: &[String]) -> String {
    match words {
        [] => String::new(),
        [one] => one.clone(),
        [all @ .., last] => format!("{} and {last}", all.join(", ")),
    }
}

/// "; did you mean `x`?" or what there is, for a word that is not known.
pub fn nearest(word: &str, known: &[String]) -> String {
    let distance = |other: &String| strsim::damerau_levenshtein(&word.to_lowercase(), &other.to_lowercase());
    let best = known.iter().map(|other| (distance(other), other)).min();
    // Letters and digits alone, as people leave out what stands between them, and what stands at the end.
    let plain = |text: &str| text.to_lowercase().chars().filter(|c| c.is_alphanumeric()).collect::<String>();
    let begun: Vec<&String> = match plain(word) {
        short if short.len() < 4 => Vec::new(),
        short => known.iter().filter(|other| plain(other).starts_with(&short)).collect(),
    };
    let best = match begun[..] {
        [] => best,
        // The shortest is the one that adds least.
        _ => begun.into_iter().min_by_key(|other| other.len()).map(|other| (0, other)),
    };
    let list = || known.iter().take(30).map(|known| format!("`{known}`")).collect::<Vec<_>>().join(", ");
    match best {
        // Of short words nearly all are near, so only longer ones are guessed at.
        Some((distance, other))
            if distance <= word.chars().count() / 3 && other != word || word.to_lowercase() == other.to_lowercase() =>
        {
            format!("; did you mean `{other}`? There are: {}", list())
        }
        Some(_) => format!("; there are: {}", list()),
        None => String::new(),
    }
}
