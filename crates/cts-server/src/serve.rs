//! The app on a socket: a bounded number of connections, none of which may take its time over its headers.

use std::convert::Infallible;
use std::net::SocketAddr;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Body;
use hyper::body::Incoming;
use hyper::service::service_fn;
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use tokio::net::TcpListener;
use tokio::sync::watch;

use crate::access::address::Peer;
use crate::app::App;
use crate::connections::Connections;
use crate::error::ServerError;

/// How long a client may take to send the head of a request, also between two requests of one connection.
const HEADER_READ_TIMEOUT: Duration = Duration::from_secs(60);
/// How long open connections may take to finish when the service stops.
const CLOSE_TIMEOUT: Duration = Duration::from_secs(5);
/// How long to wait after the system refused to accept a connection, mostly because too many files are open.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);
/// Most requests of one HTTP/2 connection at one time.
const HTTP2_STREAMS_MAX: u32 = 200;

/// A socket that the app will be served on.
#[derive(Debug)]
pub struct Listening {
    listener: TcpListener,
    address: SocketAddr,
    connections_max: Option<usize>,
}

impl Listening {
    /// Binds the socket; `setting` is the one that names the port.
    ///
    /// # Errors
    /// [`ServerError::Listen`].
    pub async fn bind(setting: &'static str, host: &str, port: u16) -> Result<Self, ServerError> {
        let shown = if host.contains(':') { format!("[{host}]:{port}") } else { format!("{host}:{port}") };
        let failed = |source| ServerError::Listen { setting, address: shown.clone(), source };
        let listener = TcpListener::bind((host, port)).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        Ok(Self { listener, address, connections_max: None })
    }

    /// The same with another number of connections at one time than the app is told.
    #[must_use]
    pub fn with_connections_max(self, connections_max: usize) -> Self {
        Self { connections_max: Some(connections_max), ..self }
    }

    /// Returns the address.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns an address that a client on this machine can use.
    #[must_use]
    pub fn url(&self) -> String {
        let ip = self.address.ip();
        let reachable = match ip {
            std::net::IpAddr::V4(ip) if ip.is_unspecified() => std::net::Ipv4Addr::LOCALHOST.into(),
            std::net::IpAddr::V6(ip) if ip.is_unspecified() => std::net::Ipv6Addr::LOCALHOST.into(),
            ip => ip,
        };
        format!("http://{}", SocketAddr::new(reachable, self.address.port()))
    }
}

impl App {
    /// Serves the app until `stop` says true, then lets open requests finish for a short while.
    pub async fn serve(&self, listening: Listening, mut stop: watch::Receiver<bool>) {
        let mut builder = auto::Builder::new(TokioExecutor::new());
        builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADER_READ_TIMEOUT);
        builder.http2().timer(TokioTimer::new()).max_concurrent_streams(HTTP2_STREAMS_MAX);
        let builder = Arc::new(builder);
        let connections_max = listening.connections_max.unwrap_or(self.shared().http.connections_max);
        let connections = Connections::new(connections_max);
        loop {
            let accepted = tokio::select! {
                accepted = listening.listener.accept() => accepted,
                _ = stop.wait_for(|stop| *stop) => break,
            };
            let (stream, peer) = match accepted {
                Ok((stream, peer)) => (stream, Peer(peer)),
                Err(error) => {
                    tracing::warn!("cannot accept a connection: {error}");
                    tokio::time::sleep(ACCEPT_PAUSE).await;
                    continue;
                }
            };
            // Who comes after this one waits in the kernel's own bounded queue.
            let place = tokio::select! {
                place = connections.place() => place,
                _ = stop.wait_for(|stop| *stop) => break,
            };
            // Lines of a log are small and must not wait for each other.
            let _ = stream.set_nodelay(true);
            let app = self.clone();
            let seat = Arc::clone(place.seat());
            let service = service_fn(move |mut request: http::Request<Incoming>| {
                let (app, seat) = (app.clone(), Arc::clone(&seat));
                request.extensions_mut().insert(peer);
                async move { Ok::<_, Infallible>(seat.answer(app.handle(request.map(Body::new))).await) }
            });
            let (builder, mut stop) = (Arc::clone(&builder), stop.clone());
            tokio::spawn(async move {
                let mut connection = pin!(builder.serve_connection(TokioIo::new(stream), service));
                let mut is_stopping = false;
                let ended = loop {
                    tokio::select! {
                        ended = connection.as_mut() => break ended,
                        () = place.must_leave() => break Ok(()),
                        _ = stop.wait_for(|stop| *stop), if !is_stopping => {
                            is_stopping = true;
                            connection.as_mut().graceful_shutdown();
                        }
                    }
                };
                if let Err(error) = ended {
                    tracing::debug!("a connection broke off: {error}");
                }
            });
        }
        // Who comes now is refused at once and can go elsewhere, instead of waiting for nobody.
        drop(listening);
        if tokio::time::timeout(CLOSE_TIMEOUT, connections.all_ended()).await.is_err() {
            tracing::warn!("some connections did not finish within {} s", CLOSE_TIMEOUT.as_secs());
        }
    }
}
