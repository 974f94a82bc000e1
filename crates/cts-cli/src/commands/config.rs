//! Explains the configuration of the service as it would be read here, whether it has faults or not.

use cts_config::{Kind, Sources};
use cts_model::nearest::nearest;
use cts_server::configuration::examine;

use super::{Done, Explained, Report};
use crate::args::{ConfigCommand, Global, SettingFlags};
use crate::error::{CliError, Complaint};
use crate::exit::Exit;

/// Does what a command says.
pub(crate) fn config(global: &Global, command: ConfigCommand) -> Result<Done, CliError> {
    let ConfigCommand::Explain { setting, settings: SettingFlags(settings) } = command;
    let examined = examine(&Sources::from_process(Kind::Service, global.config.clone(), settings));
    let setting = setting.map(|name| known(&name)).transpose()?;
    let page = match setting {
        Some(name) => examined.explanation.setting(name).map_or_else(String::new, cts_config::ExplainedSetting::page),
        None => examined.page(),
    };
    let report = examined.report(setting);
    // Of one setting only its own faults matter.
    let about = |fault: &&cts_config::ConfigFault| setting.is_none() || fault.setting.as_deref() == setting;
    let faults: Vec<_> = examined.explanation.faults.iter().filter(about).collect();
    let exit = if faults.is_empty() { Exit::Completed } else { Exit::Usage };
    let page = match setting {
        Some(_) => page + &faults.iter().map(|fault| format!("\nfault: {fault}\n")).collect::<String>(),
        None => page,
    };
    Ok(Done { report: Report::Config(Box::new(Explained { page, report })), exit })
}

/// Returns the setting that has this name, or this variable or flag.
fn known(text: &str) -> Result<&'static str, CliError> {
    let bare = text.trim_start_matches("--").replace('-', "_").to_ascii_lowercase();
    let bare = bare.strip_prefix("cts_").unwrap_or(&bare);
    let all = cts_config::declarations();
    if let Some(declaration) = all.iter().find(|known| known.name == bare || known.old_names.contains(&bare)) {
        return Ok(declaration.name);
    }
    let near = nearest(bare, all.iter().map(|known| known.name), 3);
    let complaint = Complaint::new(format!("there is no setting {text:?}"));
    let complaint = match near.as_slice() {
        [] => complaint.action("`cts config explain` lists all of them."),
        near => complaint.action(format!("Did you mean {}?", near.join(", "))),
    };
    Err(CliError::NotFound(complaint.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_setting_is_known_by_name_variable_and_flag() {
        for text in ["max_concurrent_runs", "CTS_MAX_CONCURRENT_RUNS", "--max-concurrent-runs", "max-concurrent-runs"] {
            assert_eq!(known(text).unwrap(), "max_concurrent_runs", "{text}");
        }
        let error = known("max_concurent_runs").unwrap_err();
        assert_eq!(error.exit(), Exit::Server, "it is not there");
        assert!(error.complaint().actions[0].contains("max_concurrent_runs"), "{:?}", error.complaint());
    }
}
