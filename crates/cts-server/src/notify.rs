//! News for the manager of services: that the service is ready, that it stops, and that it lives.
//!
//! The protocol is datagrams of `NAME=value` lines to a socket of the machine (`NOTIFY_SOCKET`), as systemd and others that
//! speak like it read them. Nobody answers, and news that cannot be sent in time are lost: nothing waits for them.

use std::io;
use std::os::linux::net::SocketAddrExt as _;
use std::os::unix::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use cts_config::ServiceManager;
use tokio::net::UnixDatagram;
use tokio::task::JoinHandle;
use tokio::time::MissedTickBehavior;

/// How long the manager may take to make room for one piece of news.
const SEND_TIMEOUT: Duration = Duration::from_secs(1);
/// The pause between two signs of life is at least this.
const SIGN_INTERVAL_MIN: Duration = Duration::from_millis(10);

/// Where news go. Without a manager they go nowhere.
#[derive(Debug, Clone, Default)]
pub(crate) struct Notifier {
    socket: Option<Arc<UnixDatagram>>,
}

/// The signs of life; dropping it ends them.
#[derive(Debug)]
pub(crate) struct SignsOfLife(JoinHandle<()>);

impl Drop for SignsOfLife {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl Notifier {
    /// Connects to the manager, where there is one. It must be called on the runtime.
    pub(crate) fn connect(manager: &ServiceManager) -> io::Result<Self> {
        let Some(name) = &manager.notify_socket else { return Ok(Self::default()) };
        let address = match name.strip_prefix('@') {
            Some(name) => SocketAddr::from_abstract_name(name)?,
            None if name.starts_with('/') => SocketAddr::from_pathname(name)?,
            None => return Err(io::Error::new(io::ErrorKind::Unsupported, "neither a path nor an abstract name")),
        };
        let socket = std::os::unix::net::UnixDatagram::unbound()?;
        socket.connect_addr(&address)?;
        socket.set_nonblocking(true)?;
        Ok(Self { socket: Some(Arc::new(UnixDatagram::from_std(socket)?)) })
    }

    /// Tells that the service takes work, and where.
    pub(crate) async fn ready(&self, status: &str) {
        self.send(&format!("READY=1\nSTATUS={}", one_line(status))).await;
    }

    /// Tells that the service stops, and that it may take this long.
    pub(crate) async fn stopping(&self, status: &str, at_most: Duration) {
        let microseconds = at_most.as_micros();
        self.send(&format!("STOPPING=1\nSTATUS={}\nEXTEND_TIMEOUT_USEC={microseconds}", one_line(status))).await;
    }

    /// Gives signs of life twice as often as the manager wants them.
    ///
    /// Each is given by a task that another one had to be run for first: when the threads of the runtime hang, none comes.
    pub(crate) fn give_signs_of_life(&self, manager: &ServiceManager) -> Option<SignsOfLife> {
        let (notifier, interval) = (self.clone(), (manager.watchdog? / 2).max(SIGN_INTERVAL_MIN));
        self.socket.as_ref()?;
        Some(SignsOfLife(tokio::spawn(async move {
            let mut ticks = tokio::time::interval(interval);
            ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                ticks.tick().await;
                if tokio::spawn(async {}).await.is_ok() {
                    notifier.send("WATCHDOG=1").await;
                }
            }
        })))
    }

    async fn send(&self, news: &str) {
        let Some(socket) = &self.socket else { return };
        match tokio::time::timeout(SEND_TIMEOUT, socket.send(news.as_bytes())).await {
            Ok(Ok(_)) => {}
            Ok(Err(error)) => tracing::warn!("the manager of services cannot be told {news:?}: {error}"),
            Err(_) => tracing::warn!("the manager of services takes no news: {news:?} is lost"),
        }
    }
}

/// A line break would begin another piece of news.
fn one_line(text: &str) -> String {
    text.replace(['\n', '\r'], " ")
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixDatagram as Std;
    use std::sync::mpsc;

    use super::*;

    const WATCHDOG: Duration = Duration::from_millis(40);

    fn manager(name: String) -> ServiceManager {
        ServiceManager { notify_socket: Some(name), watchdog: Some(WATCHDOG) }
    }

    fn next(socket: &Std) -> io::Result<String> {
        let mut bytes = [0; 512];
        let length = socket.recv(&mut bytes)?;
        Ok(String::from_utf8_lossy(&bytes[..length]).into_owned())
    }

    #[tokio::test]
    async fn news_arrive_at_a_path_and_at_an_abstract_name() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let name = format!("cts-test-{}", path.display());
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        let by_path = (path.display().to_string(), Std::bind(&path).unwrap());
        for (name, socket) in [by_path, (format!("@{name}"), Std::bind_addr(&address).unwrap())] {
            let notifier = Notifier::connect(&manager(name)).unwrap();
            notifier.ready("listens\non 1").await;
            notifier.stopping("drains", Duration::from_secs(2)).await;
            assert_eq!(next(&socket).unwrap(), "READY=1\nSTATUS=listens on 1");
            assert_eq!(next(&socket).unwrap(), "STOPPING=1\nSTATUS=drains\nEXTEND_TIMEOUT_USEC=2000000");
        }
    }

    #[tokio::test]
    async fn without_a_manager_news_go_nowhere_and_a_wrong_one_is_told() {
        let notifier = Notifier::connect(&ServiceManager::default()).unwrap();
        notifier.ready("x").await;
        assert!(
            notifier.give_signs_of_life(&ServiceManager { watchdog: Some(WATCHDOG), ..Default::default() }).is_none()
        );
        for wrong in ["vsock:1:2", "relative", "/nowhere/at/all"] {
            assert!(Notifier::connect(&manager(wrong.to_owned())).is_err(), "{wrong}");
        }
    }

    #[test]
    fn a_hung_runtime_gives_no_sign_of_life() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("notify");
        let socket = Std::bind(&path).unwrap();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let told = manager(path.display().to_string());
        let _signs = runtime.block_on(async { Notifier::connect(&told).unwrap().give_signs_of_life(&told) });
        assert_eq!(next(&socket).unwrap(), "WATCHDOG=1");
        // Each of its threads waits for a word that does not come.
        let (say, hear) = mpsc::channel::<()>();
        let (hangs, hung) = mpsc::channel();
        let hear = Arc::new(std::sync::Mutex::new(hear));
        for _ in 0..2 {
            let (hear, hangs) = (Arc::clone(&hear), hangs.clone());
            runtime.spawn(async move {
                hangs.send(()).unwrap();
                let _ = hear.lock().unwrap().recv();
            });
        }
        hung.recv().unwrap();
        hung.recv().unwrap();
        // What was sent before they hung is taken away; then nothing comes for as long as the manager would wait.
        socket.set_read_timeout(Some(WATCHDOG * 3)).unwrap();
        let late = (0..3).filter(|_| next(&socket).is_ok()).count();
        assert!(late < 3, "signs of life of a runtime that hangs");
        assert!(next(&socket).is_err());
        drop(say);
        socket.set_read_timeout(None).unwrap();
        assert_eq!(next(&socket).unwrap(), "WATCHDOG=1");
    }
}
