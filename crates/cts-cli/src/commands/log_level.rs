//! Shows and changes which lines the service's own log holds.

use cts_api::SetLogLevels;

use super::{Done, Report, no_service};
use crate::args::LogLevelArgs;
use crate::error::CliError;
use crate::session::Session;

pub(crate) async fn log_level(session: &Session, args: LogLevelArgs) -> Result<Done, CliError> {
    if let Some(error) = no_service(session) {
        return Err(error);
    }
    let held = if args.changes() {
        let request = SetLogLevels {
            level: args.level.map(Into::into),
            modules: args.modules.into_iter().map(|(module, level)| (module, level.into())).collect(),
            expires_in_seconds: args.lasts.map(|lasts| lasts.as_secs_f64()),
        };
        session.client.set_log_levels(&request).await?
    } else {
        session.client.log_levels().await?
    };
    Ok(Done::well(Report::LogLevels(Box::new(held))))
}
