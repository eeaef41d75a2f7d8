//! A network given as its edges: an undirected graph in compressed sparse rows.
//!
//! The text holds an edge on a line, as two agent numbers separated by blanks, a comma, a semicolon or a tab, quoted or
//! not; `#` starts a comment, and so does `%` at the beginning of a line. What follows the two on every line, a weight or
//! `{...}`, is left aside. A first line of words is a header, which may say in which columns the ends are. So NetworkX,
//! igraph, Gephi, pandas and R write edges. Agents are numbered from 1, or from 0 if a 0 occurs. Edges count once,
//! whatever their direction and however often they are listed.

use crate::meeting::network::{Edge, Rows};
use crate::{AgentId, Network, machine};

/// An undirected graph, each agent's neighbours sorted and listed once.
#[derive(Clone, Debug, PartialEq)]
pub struct EdgeList {
    /// Where each agent's neighbours start, and the number of half-edges last.
    pub(crate) starts: Vec<u32>,
    pub(crate) neighbours: Vec<AgentId>,
}

impl EdgeList {
    /// Reads the text of an edge list for `size` agents. An error names the line, or the agent that nobody can meet.
    pub fn parse(text: &str, size: u32) -> Result<EdgeList, String> {
        let edges = pairs(text, size)?;
        let base = if edges.iter().any(|&(a, b, _)| a == 0 || b == 0) { 0 } else { 1 };
        let mut joined = Vec::with_capacity(edges.len());
        for (a, b, line) in edges {
            for agent in [a, b] {
                if agent - base >= size {
                    return Err(format!(
                        "line {line}: there is no agent {agent}; `population.size` is {size}, so agents are {base} to {}",
                        size - 1 + base
                    ));
                }
            }
            if a == b {
                return Err(format!("line {line}: agent {a} is joined to itself"));
            }
            joined.push((a - base, b - base));
        }
        let met: std::collections::HashSet<u32> = joined.iter().flat_map(|&(a, b)| [a, b]).collect();
        EdgeList::of(joined, size).map_err(|lonely| {
            let others = size as usize - met.len() - 1;
            let more = if others > 0 { format!(" (nor have {others} others of {size})") } else { String::new() };
            format!("agent {} has no neighbour, so it could never meet anyone{more}", lonely + base)
        })
    }

    /// Edges among `size` agents; those given twice count once. An agent without any is the error.
    pub fn of(mut edges: Vec<Edge>, size: u32) -> Result<EdgeList, AgentId> {
        edges.iter_mut().for_each(|edge| *edge = (edge.0.min(edge.1), edge.0.max(edge.1)));
        edges.sort_unstable();
        edges.dedup();
        let mut starts = machine::filled(size as usize + 1, 0);
        for agent in edges.iter().flat_map(|&(a, b)| [a, b]) {
            starts[agent as usize + 1] += 1;
        }
        if let Some(lonely) = (0..size).find(|&agent| starts[agent as usize + 1] == 0) {
            return Err(lonely);
        }
        for i in 0..size as usize {
            starts[i + 1] += starts[i];
        }
        // Edges are sorted, so that everyone's neighbours come in order: first the lower ones, then the higher.
        let mut next = starts.clone();
        let mut neighbours = machine::filled(2 * edges.len(), 0);
        let mut put = |agent: AgentId, neighbour| {
            neighbours[next[agent as usize] as usize] = neighbour;
            next[agent as usize] += 1;
        };
        edges.iter().for_each(|&(a, b)| put(b, a));
        edges.iter().for_each(|&(a, b)| put(a, b));
        Ok(EdgeList { starts, neighbours })
    }
}

/// What the columns of ends are called, in pairs.
const ENDS: [[&str; 2]; 12] = [
    ["source", "target"],
    ["from", "to"],
    ["v1", "v2"],
    ["node1", "node2"],
    ["node_1", "node_2"],
    ["id1", "id2"],
    ["ego", "alter"],
    ["head", "tail"],
    ["src", "dst"],
    ["i", "j"],
    ["a", "b"],
    ["u", "v"],
];

/// The two numbers of each line, as they are written, with the number of the line.
fn pairs(text: &str, size: u32) -> Result<Vec<(u32, u32, usize)>, String> {
    let text = text.trim_start_matches('\u{feff}');
    if let Some(what) = other_format(text) {
        return Err(what);
    }
    // A matrix of the Matrix Market says how large it is before its first entry.
    let mut sized = text.starts_with("%%MatrixMarket");
    let mut rows: Vec<(usize, Vec<String>)> = Vec::new();
    let mut ends: Option<[usize; 2]> = None;
    for (i, line) in (1..).zip(text.lines()) {
        let fields = fields(line);
        if fields.is_empty() || std::mem::take(&mut sized) {
            continue;
        }
        if rows.is_empty() && ends.is_none() && fields.iter().all(|field| number(field).is_none()) && fields.len() > 1 {
            ends = Some(columns(&fields, i)?);
            continue;
        }
        rows.push((i, fields));
    }
    let [from, to] = ends.unwrap_or([0, 1]);
    let mut edges = Vec::with_capacity(rows.len());
    for (i, fields) in &rows {
        // Without a header, lines of several lengths are no table of edges.
        if ends.is_none() && fields.len() != rows[0].1.len() && fields.len() > 2 {
            let first = rows[0].1.len();
            return Err(format!(
                "line {i}: it has {} columns, and line {} has {first}; give an edge on each line, as two agents and no list of neighbours",
                fields.len(),
                rows[0].0
            ));
        }
        let end = |at: usize| match fields.get(at).map(String::as_str) {
            None | Some("") => Err(format!("line {i}: expected two agents, found {}", fields.len().min(1))),
            Some(field) => number(field).ok_or_else(|| format!("line {i}: `{field}` is not an agent's number")),
        };
        edges.push((end(from)?, end(to)?, *i));
    }
    match ends.is_none() && neighbours(&rows, size) {
        true => Err("these look like lists of neighbours, an agent and its neighbours on each line; give an edge on each line, as two agents".into()),
        false => Ok(edges),
    }
}

/// The columns of a line, without quotes; none of a comment. Data in braces are left aside.
fn fields(line: &str) -> Vec<String> {
    let line = line.trim();
    if line.starts_with('%') {
        return Vec::new();
    }
    let line = line.split(['#', '{']).next().unwrap_or("").trim_end();
    let mut fields = vec![String::new()];
    let (mut quote, mut separated) = (None, line.contains([',', ';', '\t']));
    let mut outside = line.chars();
    // A comma inside quotes separates nothing.
    if separated && line.contains('"') {
        let mut open = false;
        separated = outside.any(|c| {
            open ^= c == '"';
            !open && [',', ';', '\t'].contains(&c)
        });
    }
    for c in line.chars() {
        match (c, quote) {
            ('"' | '\'', None) => quote = Some(c),
            (c, Some(open)) if c == open => quote = None,
            (',' | ';' | '\t', None) => fields.push(String::new()),
            (' ', None) if !separated => fields.push(String::new()),
            (c, _) => fields.last_mut().expect("there is always one").push(c),
        }
    }
    let mut fields: Vec<String> = fields.into_iter().map(|field| field.trim().to_string()).collect();
    // Several blanks, or blanks and commas, are one separator; an empty column of a table is one that holds nothing.
    if !separated {
        fields.retain(|field| !field.is_empty());
    }
    while fields.last().is_some_and(String::is_empty) {
        fields.pop();
    }
    fields
}

/// An agent's number, which programs that know numbers with a point alone write as `1.0`.
fn number(field: &str) -> Option<u32> {
    let whole = field.split_once('.').filter(|(_, behind)| behind.chars().all(|c| c == '0')).map_or(field, |(whole, _)| whole);
    whole.parse().ok()
}

/// In which columns the ends of edges are, by a header.
fn columns(header: &[String], line: usize) -> Result<[usize; 2], String> {
    let words: Vec<String> = header.iter().map(|word| word.to_lowercase()).collect();
    let place = |word: &str| words.iter().position(|other| other == word);
    if let Some(found) = ENDS.iter().find_map(|[from, to]| Some([place(from)?, place(to)?])) {
        return Ok(found);
    }
    // R numbers rows in a column without a name.
    let named: Vec<usize> = (0..words.len()).filter(|&i| !words[i].is_empty()).collect();
    match named[..] {
        [from, to] => Ok([from, to]),
        _ => Err(format!(
            "line {line}: this is a header without columns `source` and `target`; it has: {}. Rename the two that hold the ends, or write those two alone",
            header.join(", ")
        )),
    }
}

/// Whether three or more columns hold an agent and its neighbours, each agent once, and not an edge and its weight.
fn neighbours(rows: &[(usize, Vec<String>)], size: u32) -> bool {
    let all: Option<Vec<Vec<u32>>> = rows.iter().map(|(_, fields)| fields.iter().map(|field| number(field)).collect()).collect();
    let Some(all) = all.filter(|all| all.len() as u32 == size && size > 2 && all.iter().all(|row| row.len() > 2)) else {
        return false;
    };
    let firsts: std::collections::HashSet<u32> = all.iter().map(|row| row[0]).collect();
    let known = all.iter().all(|row| row[2..].iter().all(|other| firsts.contains(other) && *other != row[0]));
    firsts.len() == all.len() && known && all.iter().any(|row| row[2] != all[0][2])
}

/// What the text is, where it is a network in another format.
fn other_format(text: &str) -> Option<String> {
    let start = text.trim_start();
    let lower = start.get(..start.len().min(64)).unwrap_or("").to_lowercase();
    let help = "write it as GraphML (`kind = \"graphml\"`), or as an edge on each line";
    match () {
        () if lower.starts_with('<') => Some("this is XML; a GraphML file is given as `kind = \"graphml\"`".into()),
        () if lower.starts_with("*vertices") || lower.starts_with("*network") => Some(format!("this is a file of Pajek; {help}")),
        () if lower.starts_with("graph [") || lower.starts_with("graph\n[") || lower.starts_with("creator ") => {
            Some(format!("this is GML; {help}"))
        }
        () if lower.starts_with(['{', '[']) => Some(format!("this is JSON; {help}")),
        () => None,
    }
}

impl EdgeList {
    /// The same network as flat rows.
    pub fn from_network(network: &dyn Network) -> EdgeList {
        let n = network.len();
        let of = |agent| (0..network.degree(agent)).map(move |i| (agent, network.neighbour(agent, i)));
        EdgeList::of((0..n).flat_map(of).collect(), n).expect("everyone has a neighbour")
    }
}

impl Network for EdgeList {
    fn len(&self) -> u32 {
        self.starts.len() as u32 - 1
    }

    fn degree(&self, agent: AgentId) -> u32 {
        self.starts[agent as usize + 1] - self.starts[agent as usize]
    }

    fn neighbour(&self, agent: AgentId, i: u32) -> AgentId {
        self.neighbours[(self.starts[agent as usize] + i) as usize]
    }

    fn half_edges(&self) -> u64 {
        self.neighbours.len() as u64
    }

    fn half_edge(&self, i: u64) -> [AgentId; 2] {
        let agent = self.starts.partition_point(|&start| u64::from(start) <= i) - 1;
        [agent as AgentId, self.neighbours[i as usize]]
    }

    fn rows(&self) -> Option<Rows<'_>> {
        Some(Rows { starts: &self.starts, neighbours: &self.neighbours })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::meeting::networks::components;

    #[test]
    fn a_list_is_read_in_either_numbering() {
        let from_one = EdgeList::parse("# a path\n1 2\n2,3\n3 2\n", 3).unwrap();
        let from_zero = EdgeList::parse("0\t1\n1 2", 3).unwrap();
        assert_eq!(from_one, from_zero);
        assert_eq!((from_one.degree(1), from_one.neighbour(1, 1)), (2, 2));
    }

    #[test]
    fn edges_are_read_as_other_programs_write_them() {
        let ring = EdgeList::parse("1 2\n2 3\n3 4\n4 1", 4).unwrap();
        let check =
            |text: &str| assert_eq!(EdgeList::parse(text, 4).unwrap_or_else(|why| panic!("{text}: {why}")), ring, "{text}");
        check("0 1 {}\n1 2 {'weight': 3, 'a': 'b c'}\n2 3 {}\n3 0 {}\n");
        check("# edges\n% of a ring\n0 1 0.5\n1 2 0.25\n2 3 1\n3 0 1e-3");
        check("source,target\n0,1\n1,2\n2,3\n3,0\n");
        check(",source,target\n0,1,2\n1,2,3\n2,3,4\n3,4,1\n");
        check(
            "Source;Target;Type;Id;Label;Weight\n1;2;Undirected;0;;1.0\n2;3;Undirected;1;;1.0\n3;4;Undirected;2;;1.0\n4;1;Undirected;3;;1.0",
        );
        check("Type,Weight,Target,Source\nUndirected,1,2,1\nUndirected,1,3,2\nUndirected,1,4,3\nUndirected,1,1,4");
        check("\"\",\"V1\",\"V2\"\n\"1\",1,2\n\"2\",2,3\n\"3\",3,4\n\"4\",4,1\n");
        check("\"V1\" \"V2\"\n\"1\" \"2\"\n\"2\" \"3\"\n\"3\" \"4\"\n\"4\" \"1\"");
        check("from\tto\n1.0\t2.0\n2.0\t3.0\n3.0\t4.0\n4.0\t1.0\n");
        check("1, 2\n2, 3\n3 , 4\n4,1");
        check("%%MatrixMarket matrix coordinate pattern symmetric\n4 4 4\n1 2\n2 3\n3 4\n4 1");
        check("1 2 1\n2 3 1\n3 4 1\n4 1 1");
    }

    #[test]
    fn parts_that_never_meet_are_counted() {
        assert_eq!(components(&EdgeList::parse("1 2\n2 3", 3).unwrap()), 1);
        assert_eq!(components(&EdgeList::parse("1 2\n3 4\n5 6", 6).unwrap()), 3);
    }

    #[test]
    fn a_mistake_is_named() {
        let error = |text, size| EdgeList::parse(text, size).unwrap_err();
        assert_eq!(error("1 2\n2 x", 3), "line 2: `x` is not an agent's number");
        assert_eq!(error("1", 3), "line 1: expected two agents, found 1");
        assert!(error("1 2\n2 3 1", 3).starts_with("line 2: it has 3 columns"));
        assert!(error("0 1 2\n1 0 2\n2 0 1", 3).contains("lists of neighbours"));
        assert!(error("x,y,z\n1,2,3", 3).contains("a header without columns"));
        assert_eq!(error("1 2", 5), "agent 3 has no neighbour, so it could never meet anyone (nor have 2 others of 5)");
        assert!(error("*Vertices 3\n1 2", 3).contains("Pajek"));
        assert!(error("<graphml/>", 3).contains("kind = \"graphml\""));
        assert!(error("1 2\n2 9", 3).starts_with("line 2: there is no agent 9;"));
        assert_eq!(error("1 1", 1), "line 1: agent 1 is joined to itself");
        assert_eq!(error("1 2", 3), "agent 3 has no neighbour, so it could never meet anyone");
    }
}
