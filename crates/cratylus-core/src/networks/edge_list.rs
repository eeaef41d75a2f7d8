//! A network given as its edges: an undirected graph in compressed sparse rows.
//!
//! The text holds an edge on a line, as two agent numbers separated by blanks, a comma or a tab; `#`
//! starts a comment. Agents are numbered from 1, or from 0 if a 0 occurs. Edges count once, whatever
//! their direction and however often they are listed.

use super::Edge;
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
        let mut edges = Vec::new();
        for (i, line) in text.lines().enumerate() {
            let line = line.split('#').next().unwrap_or("").trim();
            if line.is_empty() {
                continue;
            }
            let ends: Vec<&str> = line.split([' ', '\t', ',', ';']).filter(|part| !part.is_empty()).collect();
            let number = |end: &str| end.parse::<u32>().map_err(|_| format!("line {}: `{end}` is not an agent's number", i + 1));
            let [a, b] = ends[..] else {
                return Err(format!("line {}: expected two agents, found {}", i + 1, ends.len()));
            };
            edges.push((number(a)?, number(b)?, i + 1));
        }
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
        EdgeList::of(joined, size)
            .map_err(|lonely| format!("agent {} has no neighbour, so it could never meet anyone", lonely + base))
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

    fn rows(&self) -> Option<&EdgeList> {
        Some(self)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::networks::components;

    #[test]
    fn a_list_is_read_in_either_numbering() {
        let from_one = EdgeList::parse("# a path\n1 2\n2,3\n3 2\n", 3).unwrap();
        let from_zero = EdgeList::parse("0\t1\n1 2", 3).unwrap();
        assert_eq!(from_one, from_zero);
        assert_eq!((from_one.degree(1), from_one.neighbour(1, 1)), (2, 2));
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
        assert_eq!(error("1 2 3", 3), "line 1: expected two agents, found 3");
        assert!(error("1 2\n2 9", 3).starts_with("line 2: there is no agent 9;"));
        assert_eq!(error("1 1", 1), "line 1: agent 1 is joined to itself");
        assert_eq!(error("1 2", 3), "agent 3 has no neighbour, so it could never meet anyone");
    }
}
