//! What each column of each table of a run directory is. `cratylus list columns` prints it, and `docs/columns.md` is that
//! list; a test holds it to the tables that runs write.

/// One column.
pub struct Described {
    /// The table, without `.parquet`.
    pub table: &'static str,
    /// The column's name in the file.
    pub column: &'static str,
    /// What its values are.
    pub holds: Holds,
    /// When it is there, where that is not always; else empty.
    pub when: &'static str,
    /// What it says.
    pub words: &'static str,
}

/// The type of a column's values. Any may be missing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Holds {
    /// Whole numbers of 64 bits.
    Int,
    /// Whole numbers of 64 bits without a sign, which tools that make them floating-point numbers cut short.
    UInt,
    /// Numbers in double precision.
    Float,
    /// Text in UTF-8.
    Text,
    /// True or false.
    Bool,
}

impl Holds {
    /// In a word, as Arrow calls it.
    pub fn word(self) -> &'static str {
        match self {
            Holds::Int => "int64",
            Holds::UInt => "uint64",
            Holds::Float => "double",
            Holds::Text => "string",
            Holds::Bool => "bool",
        }
    }
}

const fn described(
    table: &'static str,
    column: &'static str,
    holds: Holds,
    when: &'static str,
    words: &'static str,
) -> Described {
    Described { table, column, holds, when, words }
}

const MINORITY: &str = "a minority may be committed";
const LIVE: &str = "agents are live models";
const ALIAS: &str = "labels are drawn (`control.alias`)";
const IMPORTED: &str = "runs were imported, and agents remembered something at the start";
const ACTS: &str =
    "more is shown and done than that two seats say names: in the game `category`, and in games that pay each seat its own";
const SIGNALS: &str = "networks learn to signal";
const SYMBOLS: &str = "agents have signs for objects: the game `symbols`";
const GROUPS: &str = "groups of more than two meet";

/// All columns, table by table, in the order of the files. `runs.parquet` has one for each swept key besides, after `run`,
/// named as in the experiment file.
pub const ALL: &[Described] = {
    use Holds::{Bool, Float, Int, Text, UInt};
    &[
        described(
            "runs",
            "run",
            Int,
            "",
            "the number of the run: that of its point in the sweep times the replicas (the most of them, where `replicas` is a rule), plus the replica",
        ),
        described("runs", "replica", Int, "", "which of the runs of its point, from 0"),
        described("runs", "seed", UInt, "", "the seed of the run; missing where it was recorded elsewhere"),
        described("runs", "interactions", Int, "", "how many interactions it lasted, void ones included"),
        described("runs", "rounds", Float, "", "the same in population rounds: interactions over agents"),
        described("runs", "consensus", Bool, "", "whether consensus was reached at any time; it may have been lost again"),
        described("runs", "winner", Text, "", "the name that consensus was on; missing where there was none, or on several"),
        described(
            "runs",
            "rounds_to_consensus",
            Float,
            "",
            "population rounds until consensus was reached, the window of successes included; missing without consensus",
        ),
        described("runs", "success_rate", Float, "", "successes over interactions that were not void, of the whole run"),
        described("runs", "void_share", Float, "", "the share of interactions that were void"),
        described("runs", "invalid_share", Float, LIVE, "the share of their answers that could not be used"),
        described(
            "runs",
            "tipped",
            Bool,
            MINORITY,
            "whether its name made up 2.849 / 3 of the others' choices over the last three rounds; missing where everyone is committed",
        ),
        described("runs", "minority_share", Float, MINORITY, "that share"),
        described("runs", "committed_agents", Text, MINORITY, "who is committed, from 1, separated by blanks"),
        described("runs", "digest", Text, "", "a hash of the run's events; equal digests are equal runs"),
        described("runs", "steps", Int, SIGNALS, "steps of training"),
        described(
            "runs",
            "steps_to_success",
            Int,
            SIGNALS,
            "after how many steps the wanted success was reached; missing where it was not",
        ),
        described("runs", "chance", Float, SIGNALS, "how likely an answer is right that does not depend on the message"),
        described(
            "runs",
            "success",
            Float,
            SIGNALS,
            "the share of items that are learnt from and answered rightly at the end, with the likeliest symbols, over pairs of different agents; messages go through the channel as in training",
        ),
        described(
            "runs",
            "success_held_out",
            Float,
            "items are held out, in this and the next columns",
            "the same of items that are held out; each of the next columns has one, too",
        ),
        described("runs", "success_none", Float, SIGNALS, "the same through a channel that does nothing to messages"),
        described("runs", "success_none_held_out", Float, "items are held out", "of items that are held out"),
        described("runs", "success_cut", Float, SIGNALS, "the same without messages: all receivers hear the same"),
        described("runs", "success_cut_held_out", Float, "items are held out", "of items that are held out"),
        described("runs", "success_permuted", Float, SIGNALS, "the same with messages about other items, in a random circle"),
        described("runs", "success_permuted_held_out", Float, "items are held out", "of items that are held out"),
        described("runs", "success_resampled", Float, SIGNALS, "the same with what the same sender says of another item"),
        described("runs", "success_resampled_held_out", Float, "items are held out", "of items that are held out"),
        described("runs", "success_relabelled", Float, SIGNALS, "the same with symbols renamed by a bijection"),
        described("runs", "success_relabelled_held_out", Float, "items are held out", "of items that are held out"),
        described("runs", "success_noise_0.1", Float, SIGNALS, "the same with a tenth of symbols replaced by others"),
        described("runs", "success_noise_0.1_held_out", Float, "items are held out", "of items that are held out"),
        described("runs", "items", Int, SIGNALS, "how many items there are, held-out ones included"),
        described(
            "runs",
            "distinct_messages",
            Float,
            SIGNALS,
            "how many different messages a sender has for all items at the end, on average",
        ),
        described("runs", "message_length", Float, SIGNALS, "how many symbols they have, without the stop, on average"),
        described("runs", "parameters_digest", Text, SIGNALS, "the SHA-256 of all weights"),
        described("interactions", "run", Int, "", "the run, as in runs.parquet"),
        described("interactions", "t", Int, "", "the number of the interaction in its run, from 0"),
        described("interactions", "agent_a", Int, "", "who was drawn first, or speaks; from 1"),
        described("interactions", "agent_b", Int, "", "the other, from 1; missing where an agent is alone or speaks to a group"),
        described(
            "interactions",
            "name_a",
            Text,
            "",
            "what `agent_a` said; an invented name is `w` and the number of the interaction that invented it, in the category game of the invention; missing where it gave no usable answer",
        ),
        described("interactions", "name_b", Text, "", "what `agent_b` said; missing in games in which it only hears"),
        described(
            "interactions",
            "success",
            Bool,
            "",
            "whether names agreed, the hearer knew the name, or it pointed at the topic; missing where the interaction was void, or nothing was at stake",
        ),
        described("interactions", "object", Int, SYMBOLS, "what they spoke of, from 1"),
        described("interactions", "hearers", Text, GROUPS, "who heard, from 1, separated by blanks"),
        described(
            "interactions",
            "invalid_a",
            Int,
            LIVE,
            "how many unusable answers `agent_a` gave first; missing where it is no model",
        ),
        described("interactions", "invalid_b", Int, LIVE, "the same of `agent_b`"),
        described(
            "interactions",
            "order_a",
            Text,
            LIVE,
            "the options as `agent_a` was shown them at its last try, a JSON list, or `\"averaged\"`; labels, where they are drawn",
        ),
        described("interactions", "order_b", Text, LIVE, "the same of `agent_b`"),
        described(
            "interactions",
            "alias_a",
            Text,
            ALIAS,
            "the label under which each name of the pool was shown, a JSON list in the pool's order",
        ),
        described("interactions", "alias_b", Text, ALIAS, "the same of `agent_b`"),
        described("signs", "run", Int, SYMBOLS, "the run, as in runs.parquet"),
        described("signs", "agent", Int, SYMBOLS, "the agent, from 1"),
        described("signs", "object", Int, SYMBOLS, "the object, from 1"),
        described("signs", "class", Int, SYMBOLS, "its true class, from 1, which agents never see; missing where there are none"),
        described("signs", "sign", Text, SYMBOLS, "the sign that the agent has for it at the end of the run"),
        described("features", "run", Int, SYMBOLS, "the run, as in runs.parquet"),
        described("features", "agent", Int, SYMBOLS, "the agent, from 1"),
        described("features", "object", Int, SYMBOLS, "the object, from 1"),
        described("features", "feature", Int, SYMBOLS, "which of the numbers that it perceives of the object, from 1"),
        described("features", "value", Float, SYMBOLS, "the number; none are perceived in a world of `tables`"),
        described("acts", "run", Int, ACTS, "the run, as in runs.parquet"),
        described("acts", "t", Int, ACTS, "the interaction, as in interactions.parquet"),
        described(
            "acts",
            "turn",
            Int,
            ACTS,
            "the turn, from 0; seats of one turn hear nothing of each other; missing of what is seen",
        ),
        described("acts", "seat", Int, ACTS, "the seat, from 0, of who did or saw it; missing of what all see"),
        described("acts", "agent", Int, ACTS, "who sits there, from 1"),
        described(
            "acts",
            "kind",
            Text,
            ACTS,
            "what it is: `name`, `yes`, `number`, `option`, `pointing`, `symbols`, `text`, `nothing`, `unusable` (no usable answer), or `idle` (a seat that did nothing and was paid)",
        ),
        described(
            "acts",
            "value",
            Int,
            ACTS,
            "the place of the name, option or object in its list, from 0; 1 for yes and 0 for no; how many symbols",
        ),
        described("acts", "number", Float, ACTS, "the number"),
        described("acts", "text", Text, ACTS, "the name in words, the symbols separated by blanks, or the text"),
        described("acts", "to", Int, ACTS, "the seat that heard it; missing where all did, -1 where nobody did"),
        described("acts", "tries", Int, ACTS, "how many unusable answers were given first"),
        described("acts", "legal", Bool, ACTS, "whether the seat might do it"),
        described("acts", "pay", Float, ACTS, "what the seat was paid, beside the last that it did"),
        described("measures", "run", Int, "", "the run, as in runs.parquet"),
        described("measures", "t", Int, "", "after how many interactions; a population round is as many as there are agents"),
        described(
            "measures",
            "<measure>",
            Float,
            "",
            "a column for each measure, with the name it is about after a colon (`success_rate`, `name_share:Q`; `cratylus list measures` says what each is): its value, where there is one at that moment",
        ),
        described(
            "measures",
            "sender",
            Int,
            SIGNALS,
            "whose messages, from 1; `t` is the step then, and each measure has a row of its own",
        ),
        described(
            "measures",
            "measure",
            Text,
            SIGNALS,
            "which measure (`cratylus list message-measures`); `information:a_1` is of the first attribute",
        ),
        described("measures", "value", Float, SIGNALS, "its value"),
        described(
            "measures",
            "chance",
            Float,
            SIGNALS,
            "its mean where messages are dealt out to items at random; missing where the measure is the same for any code",
        ),
        described("measures", "chance_95", Float, SIGNALS, "what 95 % of these stay below; above, where low values are evidence"),
        described("measures", "p", Float, SIGNALS, "the share of these that are at least as good, the value itself counted"),
        described("training", "run", Int, SIGNALS, "the run, as in runs.parquet"),
        described("training", "step", Int, SIGNALS, "the last of the steps that the row is of, from 1"),
        described("training", "agent_a", Int, SIGNALS, "who spoke in it, from 1"),
        described("training", "agent_b", Int, SIGNALS, "who heard"),
        described(
            "training",
            "loss",
            Float,
            SIGNALS,
            "the loss of the task, in nats, without what is added for learning: the mean over these steps, as the next are",
        ),
        described(
            "training",
            "success",
            Float,
            SIGNALS,
            "the share of examples answered rightly, with symbols as they were drawn",
        ),
        described(
            "training",
            "success_greedy",
            Float,
            SIGNALS,
            "the share of items that are learnt from and answered rightly after the last of them, with the likeliest symbols",
        ),
        described("training", "entropy", Float, SIGNALS, "the entropy of the sender's symbols, in nats"),
        described("training", "length", Float, SIGNALS, "the length of messages, the stop included"),
        described("training", "baseline", Float, SIGNALS, "what losses are compared with"),
        described("training", "grad_norm", Float, SIGNALS, "how long gradients were"),
        described("messages", "run", Int, SIGNALS, "the run, as in runs.parquet"),
        described("messages", "step", Int, SIGNALS, "after how many steps it was said; 0 is before any"),
        described("messages", "sender", Int, "", "who spoke, from 1"),
        described("messages", "item", Int, "", "about what, as in items.parquet"),
        described("messages", "sample", Int, "", "0: the likeliest symbols"),
        described("messages", "message", Text, "", "the symbols, separated by blanks, without the stop"),
        described("messages", "length", Int, "", "how many there are"),
        described("messages", "logprob", Float, SIGNALS, "the logarithm of its probability"),
        described(
            "messages",
            "success",
            Bool,
            SIGNALS,
            "whether the first other agent answers rightly; at the end of training alone",
        ),
        described("messages", "answer", Text, SIGNALS, "what it answers: the attributes, or the candidate's place"),
        described("items", "run", Int, SIGNALS, "the run, as in runs.parquet: which items are held out may differ"),
        described("items", "item", Int, "", "the number of the item, from 0"),
        described("items", "split", Text, SIGNALS, "`train`, or `held-out` where it is never learnt from"),
        described("items", "class", Text, "items have classes", "its class"),
        described(
            "items",
            "a_1",
            Int,
            "items have attributes",
            "its first attribute, text where values are words; `a_2` and so on are the others",
        ),
        described(
            "items",
            "f_1",
            Float,
            "items have features",
            "its first feature; `f_2` and so on are the others. Of more than 20 million numbers none is kept",
        ),
        described("cross", "run", Int, SIGNALS, "the run, as in runs.parquet"),
        described("cross", "step", Int, SIGNALS, "after how many steps"),
        described("cross", "sender", Int, SIGNALS, "who speaks, from 1"),
        described("cross", "receiver", Int, SIGNALS, "who hears, from 1"),
        described("cross", "success", Float, SIGNALS, "the share of all items answered rightly"),
        described(
            "cross",
            "same",
            Float,
            SIGNALS,
            "the share of items of which both say the same; missing where the receiver does not speak",
        ),
        described("cross", "similarity", Float, SIGNALS, "how alike what they say is: 1 less edits over length"),
        described("calls", "key", Text, LIVE, "a hash of all that the answer depends on"),
        described("calls", "model", Text, LIVE, "the identity of the model: `id` of an entry of `servers` in the manifest"),
        described("calls", "prompt", Text, LIVE, "the hash of the prompt, as in prompts.parquet"),
        described("calls", "names_shown", Text, LIVE, "the options in the order shown, a JSON list"),
        described(
            "calls",
            "before",
            Text,
            LIVE,
            "what the answer had begun with, beyond the prefill: where a name of several tokens was followed",
        ),
        described("calls", "draw", UInt, LIVE, "the number of the draw, where an answer is in words"),
        described("calls", "again", Int, LIVE, "how often this decision had been asked before"),
        described("calls", "text", Text, LIVE, "the answer in words; missing where probabilities came back"),
        described("calls", "names_probability", Float, LIVE, "what this call gave to names, after the sampler"),
        described(
            "calls",
            "logprobs",
            Text,
            LIVE,
            "the 20 likeliest next tokens with their log-probabilities at temperature 1, as JSON",
        ),
        described("calls", "answer", Text, LIVE, "what the answer comes to, as JSON; `replay` plays from it"),
        described("calls", "sent", Text, LIVE, "the sampler and the other fields that were sent with the prompt, as JSON"),
        described("calls", "prompt_tokens", Int, LIVE, "as the server counts them; missing where it does not"),
        described("calls", "cached_tokens", Int, LIVE, "how many of them the server had seen before, as it says"),
        described("calls", "completion_tokens", Int, LIVE, "as the server counts them"),
        described("calls", "usd", Float, LIVE, "the cost as the server says, or by the table of prices"),
        described("calls", "ms", Float, LIVE, "milliseconds from sending to the last byte, of the request that was answered"),
        described("calls", "times_sent", Int, LIVE, "more than 1 where it failed on the way"),
        described("calls", "changed", Text, LIVE, "who signed the answer, where that is another model than at first"),
        described("calls", "at", Text, LIVE, "when it was sent, in UTC"),
        described("prompts", "prompt", Text, LIVE, "the hash"),
        described("prompts", "messages", Text, LIVE, "what was said, a JSON list of `role` and `text`"),
        described("prompts", "prefill", Text, LIVE, "the words with which answers were made to begin, if the server could"),
        described("memories", "run", Int, IMPORTED, "the run, as in runs.parquet"),
        described("memories", "agent", Int, IMPORTED, "the agent, from 1"),
        described("memories", "position", Int, IMPORTED, "the place of the round in its memory, from 0, the oldest first"),
        described("memories", "own", Text, IMPORTED, "what it remembers to have chosen itself"),
        described("memories", "partner", Text, IMPORTED, "what it remembers its partner to have chosen"),
    ]
};

/// The page `docs/columns.md`.
pub fn page() -> String {
    let mut out = String::from(
        "# Columns\n\nWords: [glossary](glossary.md).\n\nEvery column of every table of a [run directory](run-directory.md). This page is what `cratylus list columns --markdown` prints; a test holds it to the program, and the program to the tables that runs write.\nAny value may be missing where it says so; agents and runs count as the page on run directories says. `runs.parquet` has a column for each swept key besides, after `run`, named as in the experiment file.\n",
    );
    let mut table = "";
    for one in ALL {
        if one.table != table {
            table = one.table;
            out += &format!("\n## {table}.parquet\n\n| column | type | there where | |\n| --- | --- | --- | --- |\n");
        }
        let when = if one.when.is_empty() { "always" } else { one.when };
        out += &format!("| `{}` | {} | {when} | {} |\n", one.column, one.holds.word(), one.words);
    }
    out
}
