//! The plan of the house, as `ARCHITECTURE.md` has it, is what the files say: crates and the modules that each `lib.rs` lists
//! need those above them alone, and no two files need each other, whatever is exported again on the way.

use proc_macro2::{Delimiter, TokenStream, TokenTree};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// From the ground up. Those on one line do not know each other.
const CRATES: [&[&str]; 4] = [&["cratylus-core"], &["cratylus-audit", "cratylus-neural"], &["cratylus-io"], &["cratylus"]];

/// A name that is needed, from its crate on; and what a `pub use` calls it.
type Names = Vec<String>;

#[derive(Default)]
struct File {
    needs: Vec<Names>,
    exports: Vec<(String, Names)>,
    children: Vec<String>,
}

fn floor(of: &str) -> Option<usize> {
    CRATES.iter().position(|floor| floor.contains(&of))
}

/// Every file of a crate by the path of its module.
fn files(dir: &Path, at: &[String], out: &mut BTreeMap<Names, PathBuf>) {
    for entry in fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()) {
        let name = entry.file_stem().unwrap().to_string_lossy().into_owned();
        let module: Names = at.iter().cloned().chain([name.clone()]).collect();
        if entry.is_dir() {
            files(&entry, &module, out);
        } else if entry.extension().is_some_and(|end| end == "rs") && name != "main" {
            out.insert(if ["lib", "mod"].contains(&name.as_str()) { at.to_vec() } else { module }, entry);
        }
    }
}

/// The names of a tree of `use`, each with what it is called from then on.
fn tree(tokens: &[TokenTree], before: &Names, out: &mut Vec<(String, Names)>) {
    for part in tokens.split(|token| matches!(token, TokenTree::Punct(punct) if punct.as_char() == ',')) {
        let (mut path, mut called, mut renamed) = (before.clone(), None, false);
        for token in part {
            match token {
                TokenTree::Ident(ident) if ident == "as" => renamed = true,
                TokenTree::Ident(ident) if renamed => called = Some(ident.to_string()),
                TokenTree::Ident(ident) if ident == "self" && !path.is_empty() => (),
                TokenTree::Ident(ident) => path.push(ident.to_string()),
                TokenTree::Group(group) => {
                    tree(&group.stream().into_iter().collect::<Vec<_>>(), &path, out);
                    path.clear();
                }
                _ => (),
            }
        }
        if let Some(last) = path.last().cloned() {
            out.push((called.unwrap_or(last), path));
        }
    }
}

/// What a file needs, wherever it says so: in a `use`, or in a path that begins at its crate or around it.
fn read(tokens: TokenStream, file: &mut File) {
    let tokens: Vec<TokenTree> = tokens.into_iter().collect();
    let word = |i: usize| match tokens.get(i) {
        Some(TokenTree::Ident(ident)) => ident.to_string(),
        _ => String::new(),
    };
    let sign = |i: usize, sign: char| matches!(tokens.get(i), Some(TokenTree::Punct(punct)) if punct.as_char() == sign);
    let begins = |i: usize| !word(i).is_empty() && (i == 0 || !sign(i - 1, ':'));
    let mut i = 0;
    while i < tokens.len() {
        let group = match &tokens[i] {
            TokenTree::Group(group) => Some(group.stream()),
            _ => None,
        };
        match (word(i).as_str(), group) {
            // Tests may look anywhere.
            ("mod", _) if matches!(tokens.get(i + 2), Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Brace) => {
                i += 2
            }
            ("mod", _) => file.children.push(word(i + 1)),
            ("use", _) => {
                let end = (i..tokens.len()).find(|&end| sign(end, ';')).unwrap_or(tokens.len());
                let mut names = Vec::new();
                tree(&tokens[i + 1..end], &Vec::new(), &mut names);
                let public = word(i.wrapping_sub(1)) == "pub"
                    || matches!(tokens.get(i.wrapping_sub(1)), Some(TokenTree::Group(group)) if group.delimiter() == Delimiter::Parenthesis);
                match public {
                    true => file.exports.extend(names),
                    false => file.needs.extend(names.into_iter().map(|(_, path)| path)),
                }
                i = end;
            }
            (_, Some(group)) => read(group, file),
            (first, _) if begins(i) && sign(i + 1, ':') && sign(i + 2, ':') => {
                let mut path = vec![first.to_string()];
                while sign(i + 1, ':') && sign(i + 2, ':') && !word(i + 3).is_empty() {
                    path.push(word(i + 3));
                    i += 3;
                }
                file.needs.push(path);
            }
            _ => (),
        }
        i += 1;
    }
}

/// Where a name stands, by following what is exported again: the file that defines it.
fn home(name: &[String], all: &BTreeMap<Names, File>) -> Option<Names> {
    let (mut module, mut rest) = ((0..=name.len()).rev().find_map(|n| all.get_key_value(&name[..n]))?.0.clone(), Vec::new());
    rest.extend_from_slice(&name[module.len()..]);
    for _ in 0..8 {
        let Some(found) = rest.first().and_then(|first| all[&module].exports.iter().find(|(called, _)| called == first)) else {
            break;
        };
        let whole: Names = absolute(&found.1, &module, all)?.into_iter().chain(rest[1..].iter().cloned()).collect();
        let (next, _) = (0..=whole.len()).rev().find_map(|n| all.get_key_value(&whole[..n]))?;
        (module, rest) = (next.clone(), whole[next.len()..].to_vec());
    }
    Some(module)
}

/// A name from its crate on, as a file says it; None where it is none of this house.
fn absolute(path: &[String], module: &[String], all: &BTreeMap<Names, File>) -> Option<Names> {
    let (first, rest) = path.split_first()?;
    let up = path.iter().take_while(|part| *part == "super").count();
    match first.as_str() {
        "crate" => Some(module[..1].iter().chain(rest).cloned().collect()),
        "self" => Some(module.iter().chain(rest).cloned().collect()),
        "super" => Some(module[..module.len().checked_sub(up)?].iter().chain(&path[up..]).cloned().collect()),
        other if floor(&other.replace('_', "-")).is_some() && other.starts_with("cratylus") => {
            Some([other.replace('_', "-")].iter().chain(rest).cloned().collect())
        }
        child if all[module].children.iter().any(|known| known == child) => Some(module.iter().chain(path).cloned().collect()),
        _ => None,
    }
}

#[test]
fn files_need_those_below_them_and_no_two_each_other() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut all: BTreeMap<Names, File> = BTreeMap::new();
    for name in CRATES.concat() {
        let mut found = BTreeMap::new();
        files(&root.join(name).join("src"), &[name.to_string()], &mut found);
        for (module, path) in found {
            let mut file = File::default();
            read(fs::read_to_string(&path).unwrap().parse().unwrap(), &mut file);
            all.insert(module, file);
        }
    }
    assert!(all.len() > 200, "{} files were found", all.len());
    let mut needs: BTreeMap<&Names, BTreeSet<Names>> = BTreeMap::new();
    let mut wrong = Vec::new();
    for (module, file) in &all {
        for path in &file.needs {
            let Some(other) = absolute(path, module, &all).and_then(|path| home(&path, &all)) else { continue };
            if other == *module {
                continue;
            }
            let place =
                |of: &Names| (floor(&of[0]), all[&of[..1].to_vec()].children.iter().position(|child| of.get(1) == Some(child)));
            let (here, there) = (place(module), place(&other));
            let up = there.0 > here.0 || there.0 == here.0 && module[0] != other[0];
            // A crate's root shows what is in its rooms, and holds what runs them all.
            if up || module[0] == other[0] && module.len() > 1 && other.len() > 1 && there.1 > here.1 {
                wrong.push(format!("{} is below {}, and needs it", module.join("/"), other.join("/")));
            }
            needs.entry(module).or_default().insert(other);
        }
    }
    // What needs nothing that is left is taken away, again and again; what cannot be is in a circle, or above one.
    let mut left: BTreeSet<&Names> = all.keys().collect();
    while let Some(free) =
        left.iter().copied().find(|file| needs.get(file).is_none_or(|needs| needs.iter().all(|other| !left.contains(other))))
    {
        left.remove(free);
    }
    let circle: Vec<String> = left.iter().map(|file| file.join("/")).collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(circle.is_empty(), "these need each other, or what does: {}", circle.join(", "));
}
