//! Tables as Arrow, by the PyCapsule interface: polars, pandas, duckdb and pyarrow take them without copying.

use crate::CratylusError;
use arrow_array::ffi_stream::FFI_ArrowArrayStream;
use arrow_array::{Array, ArrayRef, Float64Array, RecordBatch, RecordBatchIterator, RecordBatchReader, StringArray};
use arrow_schema::SchemaRef;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use pyo3::exceptions::PyFileNotFoundError;
use pyo3::prelude::*;
use pyo3::types::PyCapsule;
use serde_json::Value;
use std::fs::File;
use std::sync::Arc;

/// Columns of equal length. `polars.from_arrow(table)`, `pandas.DataFrame.from_arrow(table)`, `duckdb.from_arrow(table)` and
/// `pyarrow.table(table)` take it as it is.
#[pyclass(frozen, module = "cratylus")]
pub struct Table {
    schema: SchemaRef,
    batches: Vec<RecordBatch>,
}

#[pymethods]
impl Table {
    #[pyo3(signature = (requested_schema = None))]
    fn __arrow_c_stream__<'py>(
        &self,
        py: Python<'py>,
        requested_schema: Option<Bound<'py, PyAny>>,
    ) -> PyResult<Bound<'py, PyCapsule>> {
        // A wish that need not be granted.
        let _ = requested_schema;
        let batches = self.batches.clone().into_iter().map(Ok);
        let reader: Box<dyn RecordBatchReader + Send> = Box::new(RecordBatchIterator::new(batches, self.schema.clone()));
        PyCapsule::new_with_value(py, FFI_ArrowArrayStream::new(reader), c"arrow_array_stream")
    }

    fn __len__(&self) -> usize {
        self.batches.iter().map(RecordBatch::num_rows).sum()
    }

    /// The names of the columns.
    #[getter]
    fn columns(&self) -> Vec<String> {
        self.schema.fields().iter().map(|field| field.name().clone()).collect()
    }

    fn __repr__(&self) -> String {
        format!("<cratylus.Table of {} rows: {}>", self.__len__(), self.columns().join(", "))
    }
}

/// Reads a table of a run directory.
#[pyfunction]
pub fn read_table(py: Python<'_>, path: &str) -> PyResult<Table> {
    let path = path.to_string();
    py.detach(move || {
        let file = File::open(&path).map_err(|error| PyFileNotFoundError::new_err(format!("{path}: {error}")))?;
        let wrong = |error: &dyn std::fmt::Display| CratylusError::new_err(format!("reading {path}: {error}"));
        let builder = ParquetRecordBatchReaderBuilder::try_new(file).map_err(|error| wrong(&error))?;
        let schema = builder.schema().clone();
        let reader = builder.with_batch_size(1 << 16).build().map_err(|error| wrong(&error))?;
        let batches = reader.collect::<Result<Vec<_>, _>>().map_err(|error| wrong(&error))?;
        Ok(Table { schema, batches })
    })
}

/// Findings, as `findings.json` holds them, with the numbers of each in columns.
#[pyfunction]
pub fn findings_table(json: &str) -> PyResult<Table> {
    let all: Value = serde_json::from_str(json).map_err(|error| CratylusError::new_err(format!("findings.json: {error}")))?;
    let findings: Vec<&Value> = all["conditions"]
        .as_array()
        .into_iter()
        .flatten()
        .flat_map(|condition| condition["findings"].as_array().into_iter().flatten())
        .collect();
    let texts = |path: &[&str]| -> ArrayRef {
        let text = |finding: &&Value| path.iter().fold(*finding, |value, key| &value[*key]).as_str().map(String::from);
        Arc::new(findings.iter().map(text).collect::<StringArray>())
    };
    let numbers = |path: &[&str]| -> ArrayRef {
        let number = |finding: &&Value| path.iter().fold(*finding, |value, key| &value[*key]).as_f64();
        Arc::new(findings.iter().map(number).collect::<Float64Array>())
    };
    let columns: Vec<(&str, ArrayRef)> = vec![
        ("condition", texts(&["condition"])),
        ("audit", texts(&["audit"])),
        ("bears_on", texts(&["bears_on"])),
        ("finds", texts(&["finds"])),
        ("question", texts(&["question"])),
        ("effect", texts(&["effect", "name"])),
        ("value", numbers(&["effect", "value"])),
        ("low", numbers(&["effect", "low"])),
        ("high", numbers(&["effect", "high"])),
        ("statistic", texts(&["statistic", "name"])),
        ("p", numbers(&["statistic", "p"])),
        ("means", texts(&["means"])),
        ("does_not_mean", texts(&["does_not_mean"])),
    ];
    let fields = columns.iter().map(|(name, column)| arrow_schema::Field::new(*name, column.data_type().clone(), true));
    let schema = Arc::new(arrow_schema::Schema::new(fields.collect::<Vec<_>>()));
    let batch = RecordBatch::try_new(schema.clone(), columns.into_iter().map(|(_, column)| column).collect());
    Ok(Table { schema, batches: vec![batch.map_err(|error| CratylusError::new_err(error.to_string()))?] })
}
