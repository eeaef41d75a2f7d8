//! What is added to a model's weights, in a folder as PEFT writes it: `adapter_config.json` and `adapter_model.safetensors`. It
//! names its base and holds none of it.

use super::files::{json, sha256, weight_files};
use cratylus_core::fault::{Fault, at};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

/// The files of an adapter.
pub const CONFIG: &str = "adapter_config.json";
/// As `CONFIG`.
pub const WEIGHTS: &str = "adapter_model.safetensors";

/// An adapter as it was read.
pub(super) struct Adapter {
    /// The model that it is added to.
    pub base: PathBuf,
    /// All files that it was read from.
    pub files: Vec<PathBuf>,
    scale: f32,
    /// Of each matrix, by its name in files of Llama: both thin ones, with the rank.
    parts: BTreeMap<String, Thin>,
}

#[derive(Default)]
struct Thin {
    rank: usize,
    columns: usize,
    rows: usize,
    a: Vec<f32>,
    b: Vec<f32>,
}

impl Adapter {
    /// Reads a folder that holds one; None where it holds none.
    pub fn open(path: &Path) -> Result<Option<Adapter>, Fault> {
        let file = path.join(CONFIG);
        if !file.exists() {
            return Ok(None);
        }
        let config = json(&file)?;
        let wrong = |what: String| Fault(format!("{}: {what}", file.display()));
        if config["peft_type"].as_str() != Some("LORA") {
            return Err(wrong(format!("it is an adapter of the kind {}; only LORA is known", config["peft_type"])));
        }
        for key in ["use_dora", "fan_in_fan_out"] {
            if config[key].as_bool() == Some(true) {
                return Err(wrong(format!("`{key}` is not supported")));
            }
        }
        // A scale of its own for some matrices would be left out without a word.
        for key in ["alpha_pattern", "rank_pattern"] {
            if config[key].as_object().is_some_and(|own| !own.is_empty()) {
                return Err(wrong(format!("`{key}` is not supported")));
            }
        }
        let number = |key: &str| config[key].as_f64().filter(|n| *n > 0.0).ok_or_else(|| wrong(format!("it has no `{key}`")));
        let (rank, alpha) = (number("r")?, number("lora_alpha")?);
        let scale = if config["use_rslora"].as_bool() == Some(true) { alpha / rank.sqrt() } else { alpha / rank };
        let named = config["base_model_name_or_path"].as_str().ok_or_else(|| wrong("it names no base".into()))?;
        let base = [path.join(named), PathBuf::from(named)].into_iter().find(|base| base.exists());
        let base = base.ok_or_else(|| {
            wrong(format!("its base `{named}` is not there; give the place of that model as `base_model_name_or_path`"))
        })?;
        let mut files = vec![file.clone(), path.join(WEIGHTS)];
        // Where it was tuned here, its card knows the base.
        let card = path.join("card.json");
        if card.exists() {
            let known = json(&card)?;
            let first = if base.is_dir() { weight_files(&base)?.swap_remove(0) } else { base.clone() };
            if let Some(known) = known["parent"]["weights_sha256"].as_str()
                && sha256(&first).map_err(at("reading", &first))? != known
            {
                return Err(Fault(format!("{} is not the model that {} was tuned from", base.display(), path.display())));
            }
            files.push(card);
        }
        let weights = path.join(WEIGHTS);
        let bytes = std::fs::read(&weights).map_err(at("reading", &weights))?;
        let tensors = safetensors::SafeTensors::deserialize(&bytes).map_err(at("reading", &weights))?;
        let mut parts: BTreeMap<String, Thin> = BTreeMap::new();
        for (name, tensor) in tensors.tensors() {
            let wrong = |what: &str| Fault(format!("{}: the tensor `{name}` {what}", weights.display()));
            let of = name.strip_prefix("base_model.model.").unwrap_or(&name).trim_end_matches(".weight");
            let Some((of, part)) = of.rsplit_once(".lora_") else { return Err(wrong("is of no kind that is known")) };
            let (safetensors::Dtype::F32, &[one, two]) = (tensor.dtype(), tensor.shape()) else {
                return Err(wrong("is no matrix in single precision"));
            };
            let numbers: Vec<f32> = tensor.data().as_chunks().0.iter().map(|bytes| f32::from_le_bytes(*bytes)).collect();
            let thin = parts.entry(of.into()).or_default();
            match part {
                "A" => (thin.rank, thin.columns, thin.a) = (one, two, numbers),
                "B" => {
                    (thin.rows, thin.b) =
                        if two as f64 == rank { (one, numbers) } else { return Err(wrong("is of another rank")) }
                }
                _ => return Err(wrong("is of no kind that is known")),
            }
        }
        if let Some((of, _)) = parts.iter().find(|(_, thin)| thin.rank as f64 != rank || thin.rows == 0) {
            return Err(Fault(format!("{}: `{of}` has not both matrices of rank {rank}", weights.display())));
        }
        Ok(Some(Adapter { base, files, scale: scale as f32, parts }))
    }

    /// What is added to a matrix, row by row.
    pub fn added(&self, of: &str, rows: usize, columns: usize) -> Result<Option<Vec<f32>>, Fault> {
        let Some(thin) = self.parts.get(of) else { return Ok(None) };
        if (thin.rows, thin.columns) != (rows, columns) {
            return Err(Fault(format!(
                "the adapter is of another model: `{of}` is {} by {}, and here {rows} by {columns}",
                thin.rows, thin.columns
            )));
        }
        let mut added = vec![0.0; rows * columns];
        for (b, row) in thin.b.chunks_exact(thin.rank).zip(added.chunks_exact_mut(columns)) {
            for (b, a) in b.iter().zip(thin.a.chunks_exact(columns)) {
                row.iter_mut().zip(a).for_each(|(sum, a)| *sum += b * self.scale * a);
            }
        }
        Ok(Some(added))
    }

    /// That everything it adds was added to something.
    pub fn all_used(&self, used: &[String]) -> Result<(), Fault> {
        match self.parts.keys().find(|of| !used.contains(of)) {
            Some(of) => Err(Fault(format!("the adapter is of another model: nothing here is called `{of}`"))),
            None => Ok(()),
        }
    }
}
