//! What is known about an artifact, and its removal.

use std::sync::Arc;

use axum::extract::State;
use axum::response::Response;
use cts_api::{Artifact, Problem};
use cts_model::ArtifactId;
use http::StatusCode;

use crate::extract::{BaseUrl, Cx, NoQuery, Path};
use crate::http::json;
use crate::problem::Refusal;
use crate::state::Shared;

/// Look at an artifact
#[utoipa::path(
    get, path = "/v1/artifacts/{artifact_id}", tag = "Artifacts", operation_id = "getArtifact",
    params(("artifact_id" = String, Path, format = "uuid")),
    responses(
        (status = 200, body = Artifact, description = "What is known about it"),
        (status = 404, body = Problem, content_type = "application/problem+json", description = "No such artifact"),
    ),
)]
pub(crate) async fn get(
    State(shared): State<Arc<Shared>>,
    BaseUrl(base): BaseUrl,
    Path(id): Path<ArtifactId>,
    _: NoQuery,
) -> Result<Response, Refusal> {
    Ok(json(&Artifact::of(&shared.engine.artifact(id).await?, &base)))
}

/// Remove an artifact
#[utoipa::path(
    delete, path = "/v1/artifacts/{artifact_id}", tag = "Artifacts", operation_id = "deleteArtifact",
    params(("artifact_id" = String, Path, format = "uuid")),
    responses(
        (status = 204, description = "It is gone"),
        (status = 404, body = Problem, content_type = "application/problem+json", description = "No such artifact"),
    ),
)]
pub(crate) async fn delete(
    State(shared): State<Arc<Shared>>,
    Cx(cx): Cx,
    Path(id): Path<ArtifactId>,
    _: NoQuery,
) -> Result<StatusCode, Refusal> {
    let run = shared.engine.artifact(id).await?.run_id;
    shared.engine.delete_artifact(&cx, id).await?;
    shared.run_bodies.forget(run);
    Ok(StatusCode::NO_CONTENT)
}
