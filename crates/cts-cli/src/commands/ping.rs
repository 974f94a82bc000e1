//! Asks whether a service is there and how it is.

use std::time::Instant;

use super::{Done, Ping, Report, no_service};
use crate::error::CliError;
use crate::session::{Place, Session};

pub(crate) async fn ping(session: &Session) -> Result<Done, CliError> {
    if let Some(error) = no_service(session) {
        return Err(error);
    }
    let Place::Service { url } = &session.place else { unreachable!("the other place was refused above") };
    let begin = Instant::now();
    let version = session.client.version().await?;
    let milliseconds = begin.elapsed().as_secs_f64() * 1000.0;
    let health = session.client.health().await?;
    Ok(Done::well(Report::Ping(Box::new(Ping { url: url.clone(), version, health, milliseconds }))))
}
