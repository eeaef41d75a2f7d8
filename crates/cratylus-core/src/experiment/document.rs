//! An experiment file as a table in which every key and value knows its place, and the mistakes that are
//! found in it, with the line, the column, and what would be right.

use super::read::registry;
use super::{axes, schema};
use crate::spec::Registry;
use crate::spec::places::{FileTable, Mistake, Spans, get, key_parts, moved, of_toml, put};
use serde_spanned::Spanned;
use std::fmt::Write;
use std::ops::Range;
use std::sync::Arc;
use toml::de::{DeTable, DeValue};

/// A file's text and its table, with what `--set` changed.
pub struct Document<'a> {
    /// What the file is called in messages.
    file: String,
    text: &'a str,
    /// The `--set` arguments. The i-th has its place in bytes `SET_BASE + i * SET_STEP` and on.
    sets: &'a [String],
    /// The same as they are to be written into the file: those of swept keys as the sweeps that they leave.
    written: Vec<String>,
    /// What a user should know of how the file and the settings were understood.
    notes: Vec<String>,
    pub(super) table: FileTable<'a>,
    pub(super) registry: Arc<Registry>,
}

const SET_BASE: usize = 1 << 40;
const SET_STEP: usize = 1 << 20;

impl<'a> Document<'a> {
    /// The same as [`Document::parse_with`], of what is in this crate alone.
    pub fn parse(file: &str, text: &'a str, sets: &'a [String]) -> Result<Document<'a>, String> {
        Document::parse_with(&Arc::new(registry()), file, text, sets)
    }

    /// Parses a file's text and applies `key=value` settings, in their order. An error is ready to be printed.
    pub fn parse_with(registry: &Arc<Registry>, file: &str, text: &'a str, sets: &'a [String]) -> Result<Document<'a>, String> {
        // What the `toml` crate does not skip: the mark with which Windows begins a file.
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let (written, notes) = (sets.to_vec(), Vec::new());
        let (table, registry) = (FileTable::new(), registry.clone());
        let mut document = Document { file: file.into(), text, sets, written, notes, table, registry };
        let parsed = DeTable::parse(text).map_err(|error| document.say(&unread(text, &error)))?;
        document.table = parsed.into_inner();
        axes::spread(&mut document.table);
        for i in 0..sets.len() {
            document.set(i).map_err(|mistake| document.say(&mistake))?;
        }
        // Only now is it known what is swept.
        for i in 0..sets.len() {
            document.restrict(i).map_err(|mistake| document.say(&mistake))?;
        }
        document.notes.extend(untold(&document.table));
        Ok(document)
    }

    /// What a user should know of how the file and `--set` were understood.
    pub fn notes(&self) -> &[String] {
        &self.notes
    }

    /// The `key=value` settings as they are to be written into the file. One of a swept key is the sweep that it leaves.
    pub fn written(&self) -> &[String] {
        &self.written
    }

    /// Leaves of a sweep what a setting of one of its keys leaves, as the sweep would overwrite it.
    fn restrict(&mut self, i: usize) -> Result<(), Mistake> {
        let base = SET_BASE + i * SET_STEP;
        let place = base..base + self.sets[i].len();
        let Some((key, _)) = self.sets[i].split_once('=') else { return Ok(()) };
        let parts = key_parts(key);
        if parts[0] == "sweep" {
            return Ok(());
        }
        let Some(value) = get(&self.table, &parts).cloned() else { return Ok(()) };
        let key = parts.join(".");
        if let Some(left) = axes::restrict(&mut self.table, &key, value, &place).map_err(|mistake| mistake.span(place))? {
            self.notes.push(left.words);
            self.written[i] = left.set;
        }
        Ok(())
    }

    fn set(&mut self, i: usize) -> Result<(), Mistake> {
        let argument: &'a str = &self.sets[i];
        let base = SET_BASE + i * SET_STEP;
        let whole = base..base + argument.len();
        let Some((key, value)) = argument.split_once('=') else {
            let help = "for example: --set population.size=48";
            return Err(Mistake::new("expected key=value".into()).help(help.into()).span(whole));
        };
        let (key, value) = (key.trim(), value.trim());
        // A bare word is what people type; quotes are what the shell ate.
        let bare = |value: &str| !value.is_empty() && value.chars().all(|c| c.is_alphanumeric() || "-_./: ".contains(c));
        let value = match DeValue::parse(value) {
            Ok(value) => value,
            Err(_) if bare(value) => Spanned::new(0..value.len(), DeValue::String(value.into())),
            Err(error) => {
                let help = format!("quote it as TOML, for example: --set '{key}=\"text\"'");
                return Err(of_toml(&error).help(help).span(whole));
            }
        };
        let parts = key_parts(key);
        let swept = parts[0] == "sweep";
        put(&mut self.table, &parts, moved(value, &whole), &whole)?;
        if swept {
            axes::spread(&mut self.table);
        }
        Ok(())
    }

    /// A mistake in words: what, where, and what would be right.
    pub fn say(&self, mistake: &Mistake) -> String {
        let mut out = format!("error: {}\n", mistake.message);
        match &mistake.span {
            Some(span) if span.start >= SET_BASE => {
                let set = &self.sets[(span.start - SET_BASE) / SET_STEP];
                writeln!(out, "  --> --set {set}").expect("a string takes everything");
            }
            Some(span) => self.point(&mut out, span),
            None => writeln!(out, "  --> {}", self.file).expect("a string takes everything"),
        }
        let keys = mistake.keys_of.as_deref().map(|at| schema::keys(&self.registry, at)).filter(|keys| !keys.is_empty());
        if let Some(help) = mistake.help.clone().or_else(|| Some(format!("its keys are: {}", keys?.join(", ")))) {
            writeln!(out, "  help: {help}").expect("a string takes everything");
        }
        out.trim_end().to_string()
    }

    /// Reads the file as something else than an experiment. An error is ready to be printed.
    pub fn read<T>(&self, read: impl FnOnce(&mut FileTable<'a>, &Spans<'_, 'a>) -> Result<T, Mistake>) -> Result<T, String> {
        read(&mut self.table.clone(), &Spans::of(&self.table)).map_err(|mistake| self.say(&mistake))
    }

    /// A mistake about a key, in words.
    pub fn say_at(&self, key: &str, message: String) -> String {
        self.say(&Spans::of(&self.table).mistake(key, message))
    }

    fn point(&self, out: &mut String, span: &Range<usize>) {
        let start = span.start.min(self.text.len());
        let line_start = self.text[..start].rfind('\n').map_or(0, |i| i + 1);
        let line = self.text[line_start..].lines().next().unwrap_or("");
        let number = self.text[..line_start].matches('\n').count() + 1;
        let column = self.text[line_start..start].chars().count() + 1;
        let end = span.end.clamp(start, line_start + line.len());
        let width = self.text[start..end].chars().count().max(1);
        let margin = " ".repeat(number.to_string().len());
        writeln!(out, "{margin}--> {}:{number}:{column}", self.file).expect("a string takes everything");
        writeln!(out, "{margin} |\n{number} | {line}").expect("a string takes everything");
        writeln!(out, "{margin} | {}{}", " ".repeat(column - 1), "^".repeat(width)).expect("a string takes everything");
    }
}

/// What a file leaves to defaults that decide which results there are and where.
fn untold(table: &FileTable<'_>) -> Option<String> {
    let missing = |key: &str| !table.contains_key(key);
    // A plan for `audit` or no experiment at all gets its own words.
    if missing("population") || missing("game") {
        return None;
    }
    let told = [
        ("seed", "no `seed`, so it is 0"),
        ("replicas", "no `replicas`, so each condition is run once"),
        ("name", "no `name`, so results are called `experiment`"),
    ];
    let told: Vec<&str> = told.into_iter().filter(|(key, _)| missing(key)).map(|(_, words)| words).collect();
    (!told.is_empty()).then(|| format!("the experiment gives {}", told.join("; ")))
}

/// Why a text is no TOML, in words for what it is.
fn unread(text: &str, error: &toml::de::Error) -> Mistake {
    let mistake = of_toml(error);
    let start = text.trim_start();
    let said = |message: &str, help: &str| Mistake { message: message.into(), help: Some(help.into()), ..mistake.clone() };
    let toml = "experiments are TOML: keys as `name = value` under `[sections]`; `cratylus init` writes one to start from";
    if start.starts_with("{\"") || start.starts_with('{') && start[1..].trim_start().starts_with('"') {
        return said("this is JSON, and experiments are TOML", toml);
    }
    if start.starts_with("PAR1") || text.contains('\0') {
        return said("this is no text", toml);
    }
    if start.starts_with('<') {
        return said("this is a web page or XML, and experiments are TOML", toml);
    }
    let Some(span) = mistake.span.clone() else { return mistake };
    let at = span.start.min(text.len());
    let line_start = text[..at].rfind('\n').map_or(0, |i| i + 1);
    let line = text[line_start..].lines().next().unwrap_or("");
    if line.contains(['“', '”', '„', '‘', '’', '«', '»']) && !line.trim_start().starts_with('#') {
        return said("the quotation marks here are typographic ones", "use straight ones: `\"`");
    }
    let value = line.split_once('=').map(|(_, value)| value.split('#').next().unwrap_or("").trim());
    let grouped = |value: &&str| {
        let groups: Vec<&str> = value.split(',').collect();
        let digits = |group: &&str| group.chars().all(|c| c.is_ascii_digit());
        groups.len() > 1
            && (1..=3).contains(&groups[0].len())
            && groups.iter().all(digits)
            && groups[1..].iter().all(|g| g.len() == 3)
    };
    if let Some(value) = value.filter(grouped) {
        let help = format!("write `{}` or `{}`", value.replace(',', ""), value.replace(',', "_"));
        return said("a number is written without commas", &help);
    }
    if let Some(value) = value.filter(|value| value.split(',').count() == 2 && value.replace(',', "").parse::<u64>().is_ok()) {
        return said("a number has a point before its places", &format!("write `{}`", value.replace(',', ".")));
    }
    let word = |word: &str| !word.is_empty() && word.chars().all(|c| c.is_alphanumeric() || "_-.".contains(c));
    if let Some((key, value)) = line.split_once(':').filter(|(key, _)| word(key.trim())) {
        let help = format!("this looks like YAML, and experiments are TOML: `{} = {}`", key.trim(), value.trim());
        return mistake.help(help);
    }
    // What begins with a sentence is a page of text, whatever follows.
    let first = text.lines().map(str::trim).find(|line| !line.is_empty() && !line.starts_with('#')).unwrap_or("");
    if !first.starts_with('[') && !first.split_once('=').is_some_and(|(key, _)| word(key.trim().trim_matches('"'))) {
        return said("this is no TOML, as experiments are", toml);
    }
    if mistake.message.starts_with("duplicate key") {
        let named = text.get(span.start..span.end).unwrap_or("").trim_matches(['"', '[', ']']).to_string();
        let opens = |line: &&str| {
            let line = line.trim();
            let section = line.trim_start_matches('[').split(']').next().unwrap_or("").trim();
            line.starts_with('[') && section.rsplit('.').next() == Some(named.as_str())
                || line.split('=').next().is_some_and(|key| line.contains('=') && key.trim() == named)
        };
        let number = text[..line_start].lines().position(|line| opens(&line)).map(|i| i + 1);
        if let Some(number) = number.filter(|_| !named.is_empty()) {
            return mistake.help(format!("`{named}` stands in line {number} already"));
        }
    }
    mistake
}

#[cfg(test)]
mod tests {
    use super::*;

    const BASE: &str = "name = \"n\"\nseed = 1\nreplicas = 2\n[population]\nsize = 10\n[game]\nkind = \"coordination\"\nnames = [\"Q\", \"M\"]\nmemory = 2\n[agents]\nkind = \"emulated\"\nmodel = \"llama-3-70b\"\n";

    type Understood = (Vec<String>, Vec<String>, Vec<String>);

    /// What the points set, the notes, and the settings as they are written; or the mistake.
    fn read(more: &str, sets: &[&str]) -> Result<Understood, String> {
        let (text, sets) = (format!("{BASE}{more}"), sets.iter().map(|set| set.to_string()).collect::<Vec<_>>());
        let document = Document::parse("e.toml", &text, &sets)?;
        let points = document.points()?.iter().map(|point| point.text()).collect();
        Ok((points, document.notes().to_vec(), document.written().to_vec()))
    }

    #[test]
    fn a_setting_of_a_swept_key_is_never_without_effect() {
        let check = |sweep: &str, set: &str, points: &[&str]| {
            let (left, notes, written) =
                read(&format!("[sweep]\n{sweep}\n"), &[set]).unwrap_or_else(|why| panic!("{set}: {why}"));
            assert_eq!(left, points, "{set}");
            assert!(notes[0].contains("is swept over"), "{notes:?}");
            // What is kept of the experiment gives the same points.
            let again = read(&format!("[sweep]\n{sweep}\n"), &[&written[0]]).unwrap();
            assert_eq!(again.0, points, "{}", written[0]);
        };
        let sizes = "\"population.size\" = [10, 20, 30]";
        check(sizes, "population.size=20", &["population.size=20"]);
        check(sizes, "population.size=48", &["population.size=48"]);
        check(sizes, "population.size=[20, 30]", &["population.size=20", "population.size=30"]);
        check(sizes, "population={ size = 30 }", &["population.size=30"]);
        // As the file spells it, for that is what seeds are made from.
        check("\"population.size\" = { from = 10, to = 30, step = 10 }", "population.size=20", &["population.size=20"]);
        let shares = "\"agents.committed\" = [{ name = \"Q\", share = 0.10 }, { name = \"M\", share = 0.2 }]";
        assert!(
            read(&format!("[sweep]\n{shares}\n"), &["agents.committed.share=0.3"]).unwrap_err().contains("would be overwritten")
        );
        let both = "way = [{ \"game.memory\" = 1, \"population.size\" = 4 }, { \"game.memory\" = 2, \"population.size\" = 6 }]";
        check(both, "game.memory=2", &["game.memory=2 population.size=6"]);
        assert!(read(&format!("[sweep]\n{both}\n"), &["game.memory=3"]).unwrap_err().contains("never with this value"));
        let zip = "way = { \"game.memory\" = [1, 2], \"population.size\" = [4, 6] }";
        check(zip, "population.size=4", &["game.memory=1 population.size=4"]);
        assert!(
            read(&format!("[sweep]\n{sizes}\n"), &["population.size=many"]).unwrap_err().contains("--set population.size=many")
        );
    }

    #[test]
    fn swept_keys_need_no_quotes() {
        let points = |sweep: &str| read(&format!("[sweep]\n{sweep}\n"), &[]).map(|(points, ..)| points);
        let check = |bare: &str, quoted: &str| assert_eq!(points(bare).unwrap(), points(quoted).unwrap(), "{bare}");
        check("population.size = [10, 20]\ngame.memory = [1, 2]", "\"population.size\" = [10, 20]\n\"game.memory\" = [1, 2]");
        check("population.size = { from = 10, to = 30, step = 10 }", "\"population.size\" = [10, 20, 30]");
        check("population = { size = [10, 20] }", "\"population.size\" = [10, 20]");
        check(
            "n = { population.size = [4, 6], game.memory = [1, 2] }",
            "n = { \"population.size\" = [4, 6], \"game.memory\" = [1, 2] }",
        );
        assert_eq!(points("population.size = [10, 20]").unwrap(), points("[sweep.population]\nsize = [10, 20]").unwrap());
        assert!(points("population.size = { from = 10, to = 20 }").unwrap_err().contains("`step` or `count`"));
        assert!(points("population.size = 10").unwrap_err().contains("is a list, not an integer"));
        assert!(points("size = [10]").unwrap_err().contains("did you mean `population.size`?"));
    }

    #[test]
    fn what_is_left_to_defaults_is_told() {
        let bare = BASE.replace("name = \"n\"\nseed = 1\nreplicas = 2\n", "");
        let document = Document::parse("e.toml", &bare, &[]).unwrap();
        let told = document.notes().join("");
        assert!(["`seed`", "`replicas`", "`name`"].iter().all(|key| told.contains(key)), "{told}");
        assert!(Document::parse("e.toml", BASE, &[]).unwrap().notes().is_empty());
    }

    #[test]
    fn mistakes_say_what_was_meant() {
        let check = |from: &str, to: &str, words: &str| {
            let text = BASE.replace(from, to);
            let told = Document::parse("e.toml", &text, &[]).and_then(|document| document.points()).unwrap_err();
            assert!(told.contains(words), "{to}\n{told}");
        };
        let line = "size = 10";
        check(line, "size = 1,000", "write `1000` or `1_000`");
        check(line, "size = 1e3", "write 1000");
        check(line, "size = \"24\"", "without quotes: 24");
        check(line, "size = 10\nnetwork = \"ring\"", "network = { kind = \"ring\" }");
        check("names = [\"Q\", \"M\"]", "names = [“Q”, “M”]", "straight ones");
        check("seed = 1", "seed: 1", "this looks like YAML");
        check("[agents]", "[stop]\nconsensus = true\n[agents]", "its keys are: ");
        check("[agents]", "[agents.committed]\ncount = 2\n[agents]", "`agents.committed.name` is missing");
        check("[agents]", "[agents.committed]\nname = \"Q\"\nshare = 20\n[agents]", "20 % is 0.2");
        check("[agents]", "[agents.committed]\nname = \"Q\"\ncount = 0.2\n[agents]", "`share = 0.2`");

        check("[agents]", "[game]\n[agents]", "line 6");
        check(BASE, "{\n \"name\": \"n\" }", "this is JSON");
        check(BASE, "# Title\n\nSome words about it.\n\n```toml\nname = 1\n```", "this is no TOML");
    }
}
