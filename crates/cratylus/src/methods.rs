//! What to write where results are used: a paragraph on how they came about, from the plan alone, and an entry for a
//! bibliography. A paper's authors will change the words; what they must not have to look up is here.

use cratylus_core::Pairing;
use cratylus_core::experiment::{Asked, Experiment, Point, Sequential};
use cratylus_core::game::Seats;
use cratylus_core::meeting::networks::spec::NetworkSpec;
use cratylus_core::text::listed;
use cratylus_core::watch::stop::{By, ROUNDS_MAX};

/// What ran a directory: for the entry, and the end of the paragraph.
#[derive(Clone, Copy, Debug)]
pub struct Ran<'a> {
    /// Of this program, as `Cargo.toml` has it.
    pub version: &'a str,
    /// The commit of the source that it was built from.
    pub revision: &'a str,
    /// The directory's, over the digests of all runs.
    pub digest: &'a str,
    /// When, as RFC 3339 has it; only the year is used.
    pub when: &'a str,
    /// How many runs the directory holds, over all points.
    pub runs: u64,
}

/// Where it is the same for all points, what that is; else that it differed.
fn of_all(points: &[Point], of: impl Fn(&Experiment) -> String) -> String {
    let mut all: Vec<String> = Vec::new();
    for words in points.iter().map(|point| of(&point.experiment)) {
        if !all.contains(&words) {
            all.push(words);
        }
    }
    match &all[..] {
        [one] => one.clone(),
        [first, .., last] if all.len() > 4 => format!("{first} to {last} ({} different)", all.len()),
        several => listed(several),
    }
}

fn plural(n: u64, what: &str) -> String {
    let digits = n.to_string();
    let groups: Vec<&str> = digits.as_bytes().rchunks(3).rev().map(|three| std::str::from_utf8(three).expect("digits")).collect();
    format!("{} {what}{}", groups.join(","), if n == 1 { "" } else { "s" })
}

fn agents(experiment: &Experiment) -> String {
    let kinds = experiment.agents.kinds.iter().map(|(_, kind)| {
        let of = ["model", "rule", "file", "name"].iter().find_map(|key| kind.plan.get(*key)?.as_str()).map(String::from);
        // Numbers are what a model or a rule is set to; the rest of a plan is too long to be read.
        let numbers = kind.plan.iter().filter(|(_, value)| value.is_float() || value.is_integer());
        let parts: Vec<String> = of.into_iter().chain(numbers.map(|(key, value)| format!("{key} {value}"))).collect();
        if parts.is_empty() { format!("`{}`", kind.kind) } else { format!("`{}` ({})", kind.kind, parts.join(", ")) }
    });
    listed(&kinds.collect::<Vec<_>>())
}

fn meeting(experiment: &Experiment) -> String {
    if let Seats::Table(seats) = experiment.seats() {
        return format!("took the {} of a scene, drawn for each episode", plural(seats.into(), "seat"));
    }
    if let Some(groups) = &experiment.population.groups {
        let size = groups.size.map_or("the sizes of a file".into(), |n| format!("{n} agents"));
        let drawn = groups.per_agent.map_or(String::new(), |n| format!(", each agent being in {n} of them on average"));
        // Where all act at once nobody hears a name and agrees to it.
        if experiment.seats() == Seats::Group {
            return format!("met in groups of {size}{drawn}");
        }
        let agree = experiment.game.plan.get("agree").and_then(toml::Value::as_str).unwrap_or("all");
        return format!("met in groups of {size}{drawn}, a name succeeding where {agree} of the hearers knew it");
    }
    let network = match &experiment.population.network {
        NetworkSpec::Complete => "could all meet one another".into(),
        spec => format!("could meet their neighbours in a network ({})", spec.words().replace('"', "")),
    };
    let pairing = match experiment.population.pairing {
        Pairing::AgentThenNeighbour => "",
        Pairing::NeighbourThenAgent => ", hearers being drawn first",
        Pairing::Edge => ", edges being drawn uniformly",
        Pairing::RandomMatching => ", in rounds of random matchings",
        Pairing::AllAtOnce => ", all at once in each round",
    };
    network + pairing
}

fn game(experiment: &Experiment) -> String {
    let names = match experiment.names() {
        [] => String::from("names that agents invented"),
        names if names.len() > 8 => format!("a pool of {} names", names.len()),
        names => format!("the names {}", listed(names)),
    };
    if let Some(scenes) = experiment.game.spec.scenes() {
        return format!(
            "the game `category` with scenes of {} objects at least {} apart on a line from 0 to 1, {} dividing categories where they could not tell a topic apart",
            scenes.objects,
            scenes.d_min,
            if scenes.hearer_splits { "speakers and, after failure, hearers" } else { "speakers alone" }
        );
    }
    if !experiment.game.spec.scores().is_empty() {
        let numbers = experiment.game.plan.iter().filter(|(key, _)| *key != "kind");
        let numbers = numbers.map(|(key, value)| format!("{key} {}", value.to_string().replace('"', "")));
        return format!("the scene `{}` ({})", experiment.game.kind, numbers.collect::<Vec<_>>().join(", "));
    }
    if let Some((rule, world)) = experiment.game.spec.symbols() {
        let word = |key: &str| experiment.game.plan.get(key).and_then(toml::Value::as_str).unwrap_or("");
        return format!(
            "the game `symbols` with {} signs for {}, each exchange being a proposal of a sign ({}) that was compared with the present one ({}) and taken by the rule {}",
            rule.signs,
            plural(world.objects(), "object"),
            word("exchange"),
            word("current"),
            word("acceptance")
        );
    }
    let memory = match experiment.game.spec.memory() {
        Some(memory) => format!(" and a memory of {}", plural(memory as u64, "round")),
        None => String::new(),
    };
    let payoff = match experiment.game.spec.payoff() {
        Some(payoff) if experiment.live() => format!(", paid {} for success and {} for failure", payoff.success, payoff.failure),
        _ => String::new(),
    };
    format!("the game `{}` with {names}{memory}{payoff}", experiment.game.kind)
}

/// What agents remembered or knew at first, where it was anything.
fn start(experiment: &Experiment) -> String {
    let start = &experiment.population.start;
    match (&start.consensus, &start.shares, &start.memory, &start.run) {
        (Some(name), ..) => format!("all agents began with {name}"),
        (_, Some(shares), ..) => {
            let parts: Vec<String> = shares.iter().map(|(name, share)| format!("{name} ({share})")).collect();
            format!("agents began with shares of names: {}", parts.join(", "))
        }
        (_, _, Some(memory), _) => format!("all agents began with {} remembered", plural(memory.len() as u64, "round")),
        (_, _, _, Some(_)) => "agents began with what those of another run remembered at its end".into(),
        _ => "agents began with nothing".into(),
    }
}

fn committed(experiment: &Experiment) -> String {
    let group = |group: &cratylus_core::experiment::Committed| {
        format!("{} committed to {}", plural(group.count(experiment.population.size), "agent"), group.name)
    };
    listed(&experiment.agents.committed.iter().map(group).collect::<Vec<_>>())
}

fn stop(experiment: &Experiment) -> String {
    let stop = &experiment.stop;
    let mut ends = Vec::new();
    if let Some(consensus) = &stop.consensus {
        ends.push(match consensus.by {
            By::Inventories => "when all agents knew one name and the same".into(),
            By::Opinions => "when all agents held one opinion".into(),
            By::Successes if consensus.threshold >= 1.0 => {
                format!(
                    "after {} in a row",
                    plural(consensus.window(experiment.size()), "success").replace("successs", "successes")
                )
            }
            By::Successes => format!(
                "when {} % of the last {} succeeded",
                consensus.threshold * 100.0,
                plural(consensus.window(experiment.size()), "interaction")
            ),
        });
    }
    if let Some(share) = &stop.share {
        ends.push(format!(
            "when a name made up {:.1} % of the choices of agents that were not committed over {}",
            share.threshold * 100.0,
            plural(share.window_rounds, "population round")
        ));
    }
    let size = experiment.size();
    if let Some(sweeps) = stop.sweeps {
        ends.push(format!("after {}", plural(sweeps, "sweep")));
        return ends.join(", or at the latest ");
    }
    ends.push(match (stop.interactions, stop.rounds) {
        (Some(n), rounds) if rounds.is_none_or(|rounds| n <= rounds.saturating_mul(size)) => {
            format!("after {}", plural(n, "interaction"))
        }
        (_, rounds) => format!("after {}", plural(rounds.unwrap_or(ROUNDS_MAX), "population round")),
    });
    ends.join(", or at the latest ")
}

/// The paragraph.
pub fn paragraph(points: &[Point], ran: Ran<'_>) -> String {
    let first = &points[0].experiment;
    let mut out = format!(
        "Populations of {} agents of kind {} {}. They played {}.",
        of_all(points, |experiment| experiment.size().to_string()),
        of_all(points, agents),
        of_all(points, meeting),
        of_all(points, game),
    );
    let staged = !first.game.spec.scores().is_empty();
    if !staged {
        out += &format!(" At first {}.", of_all(points, start));
    }
    let minorities: Vec<Point> = points.iter().filter(|point| !point.experiment.agents.committed.is_empty()).cloned().collect();
    if !minorities.is_empty() {
        let some = if minorities.len() < points.len() { " in some conditions" } else { "" };
        out += &format!(" Committed minorities{some}: {}.", of_all(&minorities, committed));
    }
    if points.iter().any(|point| !point.experiment.control.words().is_empty()) {
        let words = |experiment: &Experiment| match &experiment.control.words()[..] {
            [] => "none".into(),
            words => listed(words),
        };
        out += &format!(" Controls: {}.", of_all(points, words));
    }
    if points.iter().any(|point| !point.experiment.interventions.is_empty()) {
        let words = |experiment: &Experiment| {
            let each =
                experiment.interventions.iter().map(|one| format!("after {}, {}", plural(one.at, "interaction"), one.words));
            let all: Vec<String> = each.collect();
            match all.len() {
                0 => "none".into(),
                n if n > 4 => format!("{}; and so on, {n} in all", all[..3].join("; ")),
                _ => all.join("; "),
            }
        };
        out += &format!(" Interventions: {}.", of_all(points, words));
    }
    out += &match staged {
        true => format!(" A run ended {}.", of_all(points, stop).replace("interaction", "episode")),
        false => {
            format!(" A run ended {}; a population round is as many interactions as there are agents.", of_all(points, stop))
        }
    };
    let keys: Vec<String> = points[0].settings.iter().map(|setting| format!("`{}`", setting.key)).collect();
    if !keys.is_empty() {
        out += &format!(
            " {} {}: {}.",
            listed(&keys),
            if keys.len() == 1 { "was varied" } else { "were varied" },
            plural(points.len() as u64, "condition")
        );
    }
    out += &match &first.sequential {
        None => format!(" {} of each, {} in all.", plural(first.replicas, "run"), plural(ran.runs, "run")),
        Some(sequential) => {
            let Sequential { rule, find } = sequential;
            let each = if rule.least == rule.most { rule.most.to_string() } else { format!("{} to {}", rule.least, rule.most) };
            match (find, sequential.asked()) {
                (Some(find), asked) => format!(
                    " Of the values of `{}` only those were run, {each} times each, that tell where the share of runs that {} passes {} (bisection; {} in all).",
                    find.key,
                    asked.words(),
                    find.at,
                    plural(ran.runs, "run")
                ),
                (None, asked) => {
                    let what = match asked {
                        Asked::Rounds => "the mean rounds to consensus were known within that part of themselves (by an asymptotic confidence sequence)".into(),
                        asked => format!("the share of runs that {} was known that closely (by an interval that holds at all times)", asked.words()),
                    };
                    let within = rule.within.unwrap_or(0.0);
                    format!(
                        " {each} runs of each, added until {what}, {within}, or there were so many; {} in all.",
                        plural(ran.runs, "run")
                    )
                }
            }
        }
    };
    out += &match first.sequential {
        Some(_) => " Intervals of shares are always-valid 95 % ones (mixture Beta(1/2, 1/2)).".to_string(),
        None => " Intervals of shares are 95 % (Clopper-Pearson).".to_string(),
    };
    out + &format!(
        " Computed with Cratylus {} ({}), seed {}; digest of all runs {}.",
        ran.version,
        ran.revision,
        first.seed,
        ran.digest.get(..16).unwrap_or(ran.digest)
    )
}

/// The entry, in which nothing that a user wrote can end a field.
pub fn bibtex(points: &[Point], ran: Ran<'_>) -> String {
    let experiment = &points[0].experiment;
    let plain = |text: &str| text.chars().filter(|c| !"{}\\%$#&_^~\"".contains(*c)).collect::<String>();
    let word: String = experiment.name.chars().filter(char::is_ascii_alphanumeric).collect();
    let digest = plain(ran.digest.get(..8).unwrap_or(ran.digest));
    format!(
        "@misc{{cratylus-{}-{digest},\n  title = {{{{{}}}: an experiment with Cratylus}},\n  year = {{{}}},\n  howpublished = {{Cratylus {} ({}), seed {}}},\n  note = {{{}; digest {}}}\n}}",
        word.to_lowercase(),
        plain(&experiment.name),
        plain(ran.when.get(..4).unwrap_or("n.d.")),
        plain(ran.version),
        plain(ran.revision),
        experiment.seed,
        plural(ran.runs, "run"),
        plain(ran.digest),
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use cratylus_core::experiment::Document;

    const RAN: Ran<'_> =
        Ran { version: "1.2.3", revision: "abc", digest: "0123456789abcdef0123", when: "2026-11-26T00:00:00Z", runs: 1200 };

    fn points(text: &str) -> Vec<Point> {
        Document::parse("test.toml", text, &[]).unwrap().points().unwrap()
    }

    #[test]
    fn the_paragraph_says_what_decides_the_results() {
        let all = points(
            "name = \"a_b{c}\"\nseed = 7\nreplicas = 600\n[population]\nsize = 24\n[game]\nkind = \"coordination\"\nnames = [\"Q\", \"M\"]\nmemory = 5\n\
             [agents]\nkind = \"emulated\"\nmodel = \"llama-3-70b\"\ncommitted = { name = \"M\", count = 2 }\n[stop]\nconsensus = { window = 72 }\ninteractions = 10_000\n\
             [sweep]\n\"population.size\" = [24, 48]\n",
        );
        let text = paragraph(&all, RAN);
        for part in [
            "24 and 48 agents",
            "`emulated` (llama-3-70b)",
            "could all meet one another",
            "the names Q and M and a memory of 5 rounds",
            "2 agents committed to M",
            "after 72 successes in a row, or at the latest after 10,000 interactions",
            "`population.size` was varied: 2 conditions",
            "600 runs of each, 1,200 runs in all",
            "seed 7",
            "Clopper-Pearson",
        ] {
            assert!(text.contains(part), "{part} is not in: {text}");
        }
        let entry = bibtex(&all, RAN);
        assert!(
            entry.starts_with("@misc{cratylus-abc-01234567,")
                && entry.contains("{{abc}: an experiment")
                && entry.contains("year = {2026}"),
            "{entry}"
        );
        assert_eq!(entry.matches('{').count(), entry.matches('}').count());
    }

    #[test]
    fn rules_for_runs_and_invented_names_are_told() {
        let all = points(
            "replicas = { least = 10, most = 90, within = 0.05 }\n[population]\nsize = 9\nnetwork = { kind = \"ring\" }\n[game]\nkind = \"naming\"\n[agents]\nkind = \"inventory\"\n[stop]\nconsensus = { by = \"inventories\" }\n",
        );
        let text = paragraph(&all, RAN);
        for part in [
            "names that agents invented",
            "neighbours in a network",
            "10 to 90 runs of each",
            "0.05",
            "always-valid",
            "knew one name",
        ] {
            assert!(text.contains(part), "{part} is not in: {text}");
        }
    }
}
