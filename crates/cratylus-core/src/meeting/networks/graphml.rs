//! A network as GraphML (Brandes et al. 2002), which igraph, NetworkX and Gephi write. Nodes are agents in the order in
//! which they stand in the file; edges are taken without a direction, and whatever data they hold is left aside.

use crate::meeting::networks::EdgeList;
use std::collections::HashMap;

/// Reads the text of a GraphML file for `size` agents. An error names the line, the node or the edge.
pub fn graphml(text: &str, size: u32) -> Result<EdgeList, String> {
    let text = text.trim_start_matches('\u{feff}');
    if !text.trim_start().starts_with('<') {
        return Err("this is no XML; an edge on each line is given as `kind = \"edge-list\"`".into());
    }
    // A document type changes nothing, unless it declares texts of its own, which can grow without bounds.
    if let Some(line) = text.lines().position(|line| line.contains("<!ENTITY")) {
        return Err(format!("line {}: it declares entities of its own; write the file without its DOCTYPE", line + 1));
    }
    let options = roxmltree::ParsingOptions { allow_dtd: true, ..Default::default() };
    let document =
        roxmltree::Document::parse_with_options(text, options).map_err(|error| format!("this XML is damaged: {error}"))?;
    let line = |node: &roxmltree::Node<'_, '_>| document.text_pos_at(node.range().start).row;
    let named =
        |name: &'static str| document.descendants().filter(move |node| node.has_tag_name(name) || node.tag_name().name() == name);
    if named("graphml").next().is_none() {
        return Err("this is XML, and no GraphML: it has no element `graphml`".into());
    }
    if named("hyperedge").next().is_some() {
        return Err("hyperedges join more than two agents, and here two meet at a time".into());
    }
    let mut agents: HashMap<&str, u32> = HashMap::new();
    for node in named("node") {
        let id = node.attribute("id").ok_or_else(|| format!("line {}: a node without an `id`", line(&node)))?;
        let agent = agents.len() as u32;
        if agents.insert(id, agent).is_some() {
            return Err(format!("line {}: the node `{id}` stands there twice", line(&node)));
        }
    }
    if agents.len() != size as usize {
        return Err(format!("it has {} nodes, and `population.size` is {size}", agents.len()));
    }
    let mut edges = Vec::new();
    for edge in named("edge") {
        let end = |key: &str| {
            let id = edge.attribute(key).ok_or_else(|| format!("line {}: an edge without a `{key}`", line(&edge)))?;
            agents.get(id).copied().ok_or_else(|| format!("line {}: there is no node `{id}`", line(&edge)))
        };
        let (a, b) = (end("source")?, end("target")?);
        if a == b {
            return Err(format!("line {}: a node is joined to itself", line(&edge)));
        }
        edges.push((a, b));
    }
    let met: std::collections::HashSet<u32> = edges.iter().flat_map(|&(a, b)| [a, b]).collect();
    EdgeList::of(edges, size).map_err(|lonely| {
        let others = size as usize - met.len() - 1;
        let more = if others > 0 { format!(" (nor have {others} others)") } else { String::new() };
        let id = agents.iter().find(|&(_, &agent)| agent == lonely).map_or("", |(id, _)| id);
        format!("the node `{id}` (agent {}) has no neighbour, so it could never meet anyone{more}", lonely + 1)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Network;

    fn file(inside: &str) -> String {
        format!(
            "<?xml version='1.0' encoding='utf-8'?>\n<graphml xmlns=\"http://graphml.graphdrawing.org/xmlns\">\n<graph edgedefault=\"directed\">\n{inside}\n</graph></graphml>"
        )
    }

    #[test]
    fn nodes_are_agents_in_their_order() {
        let text = file(
            "<node id=\"x\"/><node id=\"b\"><data key=\"d0\">1</data></node><node id=\"a\"/>\n<edge source=\"a\" target=\"x\"/><edge source=\"x\" target=\"b\"><data key=\"w\">2</data></edge>",
        );
        let network = graphml(&text, 3).unwrap();
        assert_eq!((network.degree(0), network.degree(1), network.neighbour(2, 0)), (2, 1, 0));
    }

    #[test]
    fn a_document_type_changes_nothing() {
        let text = file("<node id=\"a\"/><node id=\"b\"/><edge source=\"a\" target=\"b\"/>");
        let dtd = "<!DOCTYPE graphml SYSTEM \"http://graphml.graphdrawing.org/dtds/1.0rc/graphml.dtd\">\n<graphml";
        assert_eq!(graphml(&format!("\u{feff}{}", text.replacen("<graphml", dtd, 1)), 2), graphml(&text, 2));
        let bomb = "<!DOCTYPE graphml [<!ENTITY a \"ha\">]>\n<graphml";
        assert!(graphml(&text.replacen("<graphml", bomb, 1), 2).unwrap_err().contains("entities"));
    }

    #[test]
    fn a_mistake_is_named_with_its_line() {
        let error = |inside: &str| graphml(&file(inside), 2).unwrap_err();
        assert!(error("<node id=\"a\"/>").starts_with("it has 1 nodes"));
        assert_eq!(error("<node id=\"a\"/><node id=\"b\"/>\n<edge source=\"a\" target=\"c\"/>"), "line 5: there is no node `c`");
        assert_eq!(error("<node id=\"a\"/>\n<node id=\"a\"/>"), "line 5: the node `a` stands there twice");
        assert!(error("<node id=\"a\"/><node id=\"b\"/>").starts_with("the node `a` (agent 1) has no neighbour"));
        assert!(graphml("1 2", 2).unwrap_err().starts_with("this is no XML"));
        assert!(graphml("<svg/>", 2).unwrap_err().starts_with("this is XML, and no GraphML"));
    }
}
