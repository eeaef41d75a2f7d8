//! Texts and lists that may be known by heart.

/// Texts and lists that may be known by heart.
#[derive(Clone, Debug)]
pub struct PublishedTexts {
    /// Each with the name that findings give it. Without any, the telling that is questioned is taken.
    pub texts: Vec<(String, String)>,
    /// What the text is, for a model that is asked to go on with it.
    pub title: String,
    /// A list of names in the order in which it was published.
    pub names: Vec<String>,
}

impl Default for PublishedTexts {
    fn default() -> PublishedTexts {
        PublishedTexts {
            texts: Vec::new(),
            title: "the article \"Emergent social conventions and collective bias in LLM populations\" (Science Advances, 2025) and its supplement"
                .into(),
            // The pool of ten of that article's code.
            names: ["Q", "M", "X", "Y", "F", "J", "P", "R", "C", "D"].map(String::from).into(),
        }
    }
}
