//! What a seat of a scene is told, as facts and never as prose, and what it may answer. Prose is the protocol's.

/// What a seat of a scene is told, and what it may answer.
#[derive(Clone, Debug)]
pub struct Facts {
    /// The words of its options; none where it is to say something.
    pub names: Vec<String>,
    /// Facts by name.
    pub view: serde_json::Value,
    /// Where it is to say something, of at most so many characters.
    pub text: Option<u32>,
    /// All of it as one text, by which questions are compared.
    key: String,
}

impl Facts {
    /// What is told, and what may be answered.
    pub fn new(view: serde_json::Value, names: Vec<String>, text: Option<u32>) -> Facts {
        let key = serde_json::json!([view, names, text]).to_string();
        Facts { names, view, text, key }
    }
}

impl PartialEq for Facts {
    fn eq(&self, other: &Facts) -> bool {
        self.key == other.key
    }
}

impl Eq for Facts {}

impl std::hash::Hash for Facts {
    fn hash<H: std::hash::Hasher>(&self, into: &mut H) {
        self.key.hash(into);
    }
}
