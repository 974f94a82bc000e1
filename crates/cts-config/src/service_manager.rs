//! What the manager of services (systemd, or what speaks like it) said to this process: where it listens for news, and how
//! often it wants a sign of life.

use std::time::Duration;

use crate::sources::Sources;

/// What the manager of services said.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServiceManager {
    /// The socket on which it listens: a path, or `@` and a name of the abstract kind.
    pub notify_socket: Option<String>,
    /// After how long a silence it takes the service for hung.
    pub watchdog: Option<Duration>,
}

impl ServiceManager {
    /// Returns what the environment says to the process with this id.
    #[must_use]
    pub fn of(sources: &Sources, pid: u32) -> Self {
        let notify_socket = sources.variable("NOTIFY_SOCKET").filter(|name| !name.is_empty()).map(str::to_owned);
        // A watchdog that names another process is not for this one.
        let is_own = sources.variable("WATCHDOG_PID").is_none_or(|text| text.parse() == Ok(pid));
        let microseconds = sources.variable("WATCHDOG_USEC").filter(|_| is_own).and_then(|text| text.parse().ok());
        let watchdog = microseconds.filter(|microseconds| *microseconds > 0).map(Duration::from_micros);
        Self { notify_socket, watchdog }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sources::Kind;

    #[test]
    fn the_watchdog_is_for_the_process_that_it_names() {
        let told = |variables: &[(&str, &str)]| {
            let mut sources = Sources::from_process(Kind::Service, None, Vec::new());
            sources.environment = variables.iter().map(|(a, b)| ((*a).to_owned(), (*b).to_owned())).collect();
            let told = ServiceManager::of(&sources, 7);
            (told.notify_socket, told.watchdog.map(|time| time.as_millis()))
        };
        assert_eq!(told(&[]), (None, None));
        assert_eq!(told(&[("NOTIFY_SOCKET", "@a")]), (Some("@a".to_owned()), None));
        assert_eq!(told(&[("NOTIFY_SOCKET", ""), ("WATCHDOG_USEC", "3000000")]), (None, Some(3000)));
        assert_eq!(told(&[("WATCHDOG_PID", "7"), ("WATCHDOG_USEC", "2000")]), (None, Some(2)));
        for other in [
            &[("WATCHDOG_PID", "8"), ("WATCHDOG_USEC", "2000")][..],
            &[("WATCHDOG_USEC", "0")],
            &[("WATCHDOG_USEC", "-1")],
            &[("WATCHDOG_USEC", "soon")],
        ] {
            assert_eq!(told(other), (None, None), "{other:?}");
        }
    }
}
