//! A network given as its edges: an undirected graph in compressed sparse rows.
//!
//! The text holds an edge on a line, as two agent numbers separated by blanks, a comma or a tab; `#`
//! starts a comment. Agents are numbered from 1, or from 0 if a 0 occurs. Edges count once, whatever
//! their direction and however often they are listed.

use crate::{AgentId, Network};

#[derive(Clone, Debug, PartialEq)]
pub struct EdgeList {
    /// Where each agent's neighbours start, and the number of half-edges last.
    starts: Vec<u32>,
    neighbours: Vec<AgentId>,
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
        let mut half_edges = Vec::with_capacity(2 * edges.len());
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
            half_edges.push((a - base, b - base));
            half_edges.push((b - base, a - base));
        }
        EdgeList::of(half_edges, size)
            .map_err(|lonely| format!("agent {} has no neighbour, so it could never meet anyone", lonely + base))
    }

    /// Edges among `size` agents, each given in both directions. An agent without any is the error.
    pub fn of(mut half_edges: Vec<(AgentId, AgentId)>, size: u32) -> Result<EdgeList, AgentId> {
        half_edges.sort_unstable();
        half_edges.dedup();
        let mut starts = vec![0; size as usize + 1];
        for &(a, _) in &half_edges {
            starts[a as usize + 1] += 1;
        }
        if let Some(lonely) = (0..size).find(|&agent| starts[agent as usize + 1] == 0) {
            return Err(lonely);
        }
        for i in 0..size as usize {
            starts[i + 1] += starts[i];
        }
        Ok(EdgeList { starts, neighbours: half_edges.into_iter().map(|(_, b)| b).collect() })
    }

    /// How many parts the network falls into whose agents never meet those of another.
    pub fn components(&self) -> usize {
        let mut seen = vec![false; self.len() as usize];
        let mut components = 0;
        let mut waiting = Vec::new();
        for agent in 0..self.len() {
            if seen[agent as usize] {
                continue;
            }
            components += 1;
            seen[agent as usize] = true;
            waiting.push(agent);
            while let Some(agent) = waiting.pop() {
                for i in 0..self.degree(agent) {
                    let neighbour = self.neighbour(agent, i);
                    if !std::mem::replace(&mut seen[neighbour as usize], true) {
                        waiting.push(neighbour);
                    }
                }
            }
        }
        components
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
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_is_read_in_either_numbering() {
        let from_one = EdgeList::parse("# a path\n1 2\n2,3\n3 2\n", 3).unwrap();
        let from_zero = EdgeList::parse("0\t1\n1 2", 3).unwrap();
        assert_eq!(from_one, from_zero);
        assert_eq!((from_one.degree(1), from_one.neighbour(1, 1)), (2, 2));
    }

    #[test]
    fn parts_that_never_meet_are_counted() {
        assert_eq!(EdgeList::parse("1 2\n2 3", 3).unwrap().components(), 1);
        assert_eq!(EdgeList::parse("1 2\n3 4\n5 6", 6).unwrap().components(), 3);
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
