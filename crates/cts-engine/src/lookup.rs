//! From the inputs of a request to files: the rows and blobs behind uploads and artifacts, then `inputs.rs`.
//!
//! Looking at files blocks, so it happens on a blocking thread.

use std::collections::BTreeMap;

use cts_model::{ArtifactDraft, Code, Fault, FieldFault, InputKind, InputRef, JsonMap, ParamKind, ParamSpec};
use cts_model::{Run, RunId, ToolSpec, UploadState};
use cts_store::{ArtifactInsert, BlobKey};

use crate::error::EngineError;
use crate::inputs::{self, ResolvedInput, StoredInput, StoredInputs};
use crate::tools::Tool;
use crate::{Engine, Inner};

impl Engine {
    /// Expands and checks the inputs and the files that parameters name; gives the single files of the inputs.
    pub(crate) async fn resolve_inputs(
        &self,
        given: &[InputRef],
        spec: &ToolSpec,
        files: &[(String, InputRef)],
        faults: &mut Vec<FieldFault>,
    ) -> Result<Vec<InputRef>, EngineError> {
        let named: Vec<InputRef> = given.iter().chain(files.iter().map(|(_, input)| input)).cloned().collect();
        let stored = self.inner.stored(&named).await?;
        let (given, files, spec) = (given.to_vec(), files.to_vec(), spec.input.clone());
        let roots = self.inner.options.input_roots.clone();
        let (inputs, params) = blocking(move || {
            (inputs::resolve(&given, &spec, &roots, &stored), inputs::resolve_params(&files, &roots, &stored))
        })
        .await?;
        if let Err(found) = params {
            faults.extend(found);
        }
        match inputs {
            Ok(inputs) => Ok(inputs.into_iter().map(|input| input.reference).collect()),
            Err(found) => {
                faults.splice(0..0, found);
                Ok(Vec::new())
            }
        }
    }
}

impl Inner {
    /// Looks up what uploads and artifacts there are.
    async fn stored(&self, named: &[InputRef]) -> Result<StoredInputs, EngineError> {
        let mut stored = StoredInputs::new();
        let now = self.clock.now();
        for input in named.iter().take(inputs::INPUTS_MAX) {
            let found = match input.kind {
                InputKind::Path => continue,
                InputKind::Upload => {
                    let upload = match input.value.parse() {
                        Ok(id) => self.db.upload(id).await?,
                        Err(_) => None,
                    };
                    match upload.filter(|upload| upload.expires_at > now) {
                        None => StoredInput::Missing,
                        Some(upload) if upload.state == UploadState::Pending => StoredInput::NotReady,
                        Some(upload) => self.blob(BlobKey::Upload(upload.id), upload.size, upload.filename),
                    }
                }
                InputKind::Artifact => {
                    let artifact = match input.value.parse() {
                        Ok(id) => self.db.artifact(id).await?,
                        Err(_) => None,
                    };
                    match artifact {
                        None => StoredInput::Missing,
                        Some(artifact) => {
                            let name = artifact.path.file_name().to_owned();
                            self.blob(BlobKey::Artifact(artifact.id), artifact.size, name)
                        }
                    }
                }
            };
            stored.insert(input.clone(), found);
        }
        Ok(stored)
    }

    fn blob(&self, key: BlobKey, size: u64, name: String) -> StoredInput {
        match self.blobs.local_path(key) {
            Some(path) => StoredInput::Ready { path, size, name },
            None => StoredInput::Missing,
        }
    }

    /// Looks at the run's inputs again when its attempt starts.
    pub(crate) async fn resolve_again(&self, run: &Run, tool: &Tool) -> Result<Vec<ResolvedInput>, Fault> {
        let references = run.request.inputs.clone();
        if references.is_empty() && !tool.spec.input.required {
            return Ok(Vec::new());
        }
        let stored = self.stored(&references).await.map_err(|error| error.fault())?;
        let roots = self.options.input_roots.clone();
        let resolved = blocking(move || inputs::resolve_again(&references, &roots, &stored)).await;
        resolved.map_err(|error| error.fault())?.map_err(|faults| Fault::fields(Code::InvalidInput, faults))
    }

    /// Finds the files that parameters name.
    pub(crate) async fn resolve_file_params(
        &self,
        files: &[(String, InputRef)],
    ) -> Result<BTreeMap<String, Vec<ResolvedInput>>, Fault> {
        if files.is_empty() {
            return Ok(BTreeMap::new());
        }
        let named: Vec<InputRef> = files.iter().map(|(_, input)| input.clone()).collect();
        let stored = self.stored(&named).await.map_err(|error| error.fault())?;
        let (roots, files) = (self.options.input_roots.clone(), files.to_vec());
        let resolved = blocking(move || inputs::resolve_params(&files, &roots, &stored)).await;
        let resolved =
            resolved.map_err(|error| error.fault())?.map_err(|faults| Fault::fields(Code::InvalidInput, faults))?;
        let mut by_name: BTreeMap<String, Vec<ResolvedInput>> = BTreeMap::new();
        for (name, input) in resolved {
            by_name.entry(name).or_default().push(input);
        }
        Ok(by_name)
    }

    /// Writes the rows of files that are finished while their run goes on, then wakes the readers. False when they could
    /// not be written: their bytes are gone then.
    pub(crate) async fn store_artifacts(&self, id: RunId, attempt: u32, drafts: &[ArtifactDraft]) -> bool {
        if drafts.is_empty() {
            return true;
        }
        let now = self.clock.now();
        let expires_at = self.artifact_expiry(now);
        let rows = drafts.to_vec();
        let written = self
            .db
            .write(move |tx| {
                Box::pin(async move {
                    let mut gone = Vec::new();
                    for draft in &rows {
                        match tx.insert_artifact(id, attempt, draft, now, expires_at).await? {
                            ArtifactInsert::Written { replaced } => gone.extend(replaced),
                            ArtifactInsert::Fenced => gone.push(draft.id),
                        }
                    }
                    Ok(gone)
                })
            })
            .await;
        let is_written = written.is_ok();
        match written {
            Ok(gone) => self.delete_blobs(gone).await,
            Err(error) => {
                tracing::warn!(run.id = %id, %error, "cannot write the artifacts of run {id} yet");
                self.delete_unnamed(drafts.iter().map(|draft| draft.id).collect()).await;
            }
        }
        self.announce(id);
        is_written
    }
}

/// Returns the files that checked parameters name.
pub(crate) fn file_params(specs: &[ParamSpec], params: &JsonMap) -> Vec<(String, InputRef)> {
    let is_file = |spec: &&ParamSpec| spec.kind == ParamKind::File || spec.items == Some(ParamKind::File);
    let of = |spec: &ParamSpec| {
        let values = match params.get(&spec.name) {
            Some(serde_json::Value::Array(items)) => items.iter().collect(),
            Some(value) => vec![value],
            None => Vec::new(),
        };
        values
            .into_iter()
            .filter_map(cts_model::params::input_ref)
            .map(|input| (spec.name.clone(), input))
            .collect::<Vec<_>>()
    };
    specs.iter().filter(is_file).flat_map(of).collect()
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, EngineError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| EngineError::Panicked(error.to_string()))
}
