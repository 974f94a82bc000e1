//! What access control costs a request: the same app in process, open and closed (token, role, rate), asked in turns.
//! Prints medians in microseconds. Run it in release.

use std::io::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use cts_api::{CreateToken, Role};
use cts_model::SystemClock;
use cts_observe::Tracer;
use cts_server::embedded::Body;
use cts_server::token_command::TokenAdmin;
use cts_server::{App, HttpOptions};
use http::Request;

#[path = "measured/app.rs"]
mod measured;

use measured::{Fault, app, median};

/// Requests of each kind.
const REQUESTS: usize = 20_000;
/// Requests before anything is measured.
const WARM_UP: usize = 2_000;

#[tokio::main]
async fn main() -> Result<(), Fault> {
    let folder = tempfile::tempdir()?;
    let open = app(folder.path(), "open", HttpOptions::default(), Tracer::off()).await?;
    let closed =
        HttpOptions { require_authentication: true, requests_per_minute: Some(1_000_000), ..HttpOptions::default() };
    let closed = app(folder.path(), "closed", closed, Tracer::off()).await?;
    let admin = TokenAdmin::on(closed.engine().db().clone(), Arc::new(SystemClock), "example");
    let request = CreateToken { name: "bench".to_owned(), role: Role::Viewer, expires_in_seconds: None };
    let made = admin.create(&request).await.map_err(|fault| fault.to_string())?;
    let token = made.token.ok_or("a new token has a text")?.0.reveal().to_owned();
    let authorization = format!("Bearer {token}");

    let (mut without, mut with) = (Vec::new(), Vec::new());
    for round in 0..WARM_UP + REQUESTS {
        let (one, other) = (asked(&open, None).await?, asked(&closed, Some(&authorization)).await?);
        if round >= WARM_UP {
            without.push(one);
            with.push(other);
        }
    }
    let (without, with) = (median(&mut without), median(&mut with));
    let mut out = std::io::stdout();
    writeln!(out, "GET /v1/session open    {without:7.2} us")?;
    writeln!(out, "GET /v1/session closed  {with:7.2} us")?;
    writeln!(out, "access control          {:7.2} us", with - without)?;
    Ok(())
}

async fn asked(app: &App, authorization: Option<&str>) -> Result<Duration, Fault> {
    let mut request = Request::builder().uri("/v1/session").header("host", "localhost:8080");
    if let Some(authorization) = authorization {
        request = request.header("authorization", authorization);
    }
    let request = request.body(Body::empty())?;
    let begun = Instant::now();
    let answer = app.handle(request).await;
    let took = begun.elapsed();
    if answer.status() == 200 { Ok(took) } else { Err(format!("answered {}", answer.status()).into()) }
}
