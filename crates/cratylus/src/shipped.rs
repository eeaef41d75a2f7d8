//! The experiments that are shipped, inside the program: every file of `experiments/`, as it is.

/// Their names and their texts, by name.
pub const SHIPPED: &[(&str, &str)] = &[
    ("alias", include_str!("../../../experiments/alias.toml")),
    ("bandit", include_str!("../../../experiments/bandit.toml")),
    ("beta-transition", include_str!("../../../experiments/beta-transition.toml")),
    ("categories", include_str!("../../../experiments/categories.toml")),
    ("coarsening", include_str!("../../../experiments/coarsening.toml")),
    ("collective-bias", include_str!("../../../experiments/collective-bias.toml")),
    ("committed-minority", include_str!("../../../experiments/committed-minority.toml")),
    ("commons", include_str!("../../../experiments/commons.toml")),
    ("communities", include_str!("../../../experiments/communities.toml")),
    ("conda", include_str!("../../../experiments/conda.toml")),
    ("consensus", include_str!("../../../experiments/consensus.toml")),
    ("dilemma", include_str!("../../../experiments/dilemma.toml")),
    ("discrimination", include_str!("../../../experiments/discrimination.toml")),
    ("experts", include_str!("../../../experiments/experts.toml")),
    ("glyphs", include_str!("../../../experiments/glyphs.toml")),
    ("group-size", include_str!("../../../experiments/group-size.toml")),
    ("groups", include_str!("../../../experiments/groups.toml")),
    ("hidden-role", include_str!("../../../experiments/hidden-role.toml")),
    ("highway", include_str!("../../../experiments/highway.toml")),
    ("impossible", include_str!("../../../experiments/impossible.toml")),
    ("in-context", include_str!("../../../experiments/in-context.toml")),
    ("iterated-learning", include_str!("../../../experiments/iterated-learning.toml")),
    ("kitchen", include_str!("../../../experiments/kitchen.toml")),
    ("leakage-benchmark", include_str!("../../../experiments/leakage-benchmark.toml")),
    ("leakage-benchmark-small", include_str!("../../../experiments/leakage-benchmark-small.toml")),
    ("live", include_str!("../../../experiments/live.toml")),
    ("minimal-naming-game", include_str!("../../../experiments/minimal-naming-game.toml")),
    ("misalignment", include_str!("../../../experiments/misalignment.toml")),
    ("naming-on-networks", include_str!("../../../experiments/naming-on-networks.toml")),
    ("networks-two-languages", include_str!("../../../experiments/networks-two-languages.toml")),
    ("opinions", include_str!("../../../experiments/opinions.toml")),
    ("pi-phi", include_str!("../../../experiments/pi-phi.toml")),
    ("private-codes", include_str!("../../../experiments/private-codes.toml")),
    ("public-goods", include_str!("../../../experiments/public-goods.toml")),
    ("re-audit", include_str!("../../../experiments/re-audit.toml")),
    ("reconstruction", include_str!("../../../experiments/reconstruction.toml")),
    ("scaling", include_str!("../../../experiments/scaling.toml")),
    ("screens", include_str!("../../../experiments/screens.toml")),
    ("signalling", include_str!("../../../experiments/signalling.toml")),
    ("societies", include_str!("../../../experiments/societies.toml")),
    ("stories", include_str!("../../../experiments/stories.toml")),
    ("swarm", include_str!("../../../experiments/swarm.toml")),
    ("symbols", include_str!("../../../experiments/symbols.toml")),
    ("talk", include_str!("../../../experiments/talk.toml")),
    ("teacher", include_str!("../../../experiments/teacher.toml")),
    ("ten-names", include_str!("../../../experiments/ten-names.toml")),
    ("thoughts", include_str!("../../../experiments/thoughts.toml")),
    ("tipping", include_str!("../../../experiments/tipping.toml")),
    ("tipping-threshold", include_str!("../../../experiments/tipping-threshold.toml")),
    ("trained-rule", include_str!("../../../experiments/trained-rule.toml")),
    ("transfer", include_str!("../../../experiments/transfer.toml")),
    ("wording", include_str!("../../../experiments/wording.toml")),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_file_of_experiments_is_inside_the_program() {
        let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/../../experiments");
        let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let mut names: Vec<String> = files.filter_map(|name| name.strip_suffix(".toml").map(String::from)).collect();
        names.sort();
        assert_eq!(names, SHIPPED.iter().map(|(name, _)| name.to_string()).collect::<Vec<_>>());
    }
}
