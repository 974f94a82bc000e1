//! Counts requests and their time by route template, method and class of status. The series of a route are looked up
//! once; after that a request costs two atomics.

use std::collections::HashMap;
use std::sync::OnceLock;
use std::task::{Context, Poll};
use std::time::Duration;

use axum::body::Body;
use axum::extract::MatchedPath;
use axum::response::Response;
use cts_model::Category;
use cts_observe::metrics::{Counter, Family, Gauge, Histogram, REQUEST_SECONDS, Registry};
use futures_util::FutureExt;
use futures_util::future::BoxFuture;
use http::{Method, Request};
use tower::{Layer, Service};

use crate::problem::Refusal;

/// What a request without a route is counted as.
const NO_ROUTE: &str = "unmatched";

/// Methods that have series of their own; all others are one.
const METHODS: [(&Method, &str); 8] = [
    (&Method::GET, "GET"),
    (&Method::POST, "POST"),
    (&Method::PUT, "PUT"),
    (&Method::DELETE, "DELETE"),
    (&Method::HEAD, "HEAD"),
    (&Method::OPTIONS, "OPTIONS"),
    (&Method::PATCH, "PATCH"),
    (&Method::TRACE, "other"),
];

/// Classes of statuses, by their first digit.
const CLASSES: [&str; 5] = ["1xx", "2xx", "3xx", "4xx", "5xx"];

#[derive(Debug)]
struct Series {
    requests: Counter,
    seconds: Histogram,
}

type RouteSeries = [[OnceLock<Series>; CLASSES.len()]; METHODS.len()];

/// The metrics of the door for programs.
#[derive(Debug)]
pub(crate) struct HttpMetrics {
    requests: Family<Counter>,
    seconds: Family<Histogram>,
    errors: Family<Counter>,
    /// Requests that are being answered, up to the head of the answer.
    pub(crate) active: Gauge,
    /// Event streams that are open.
    pub(crate) streams: Gauge,
    routes: HashMap<String, Box<RouteSeries>>,
}

impl HttpMetrics {
    /// Adds them to a registry, for these route templates.
    pub(crate) fn new(registry: &Registry, routes: impl IntoIterator<Item = String>) -> Self {
        let routes = routes.into_iter().chain([NO_ROUTE.to_owned()]);
        Self {
            requests: registry.counters(
                "cts_http_requests_total",
                "Requests that were answered, by route template and class of status",
                &["method", "route", "status"],
            ),
            seconds: registry.histograms(
                "cts_http_request_duration_seconds",
                "Time from a request to the head of its answer, in seconds",
                &["method", "route", "status"],
                REQUEST_SECONDS,
            ),
            errors: registry.counters(
                "cts_http_errors_total",
                "Requests that were refused or went wrong, by the category of the error",
                &["category"],
            ),
            active: registry.gauge("cts_http_requests_active", "Requests that are being answered"),
            streams: registry.gauge("cts_http_streams_active", "Event streams that are open"),
            routes: routes.map(|route| (route, Box::default())).collect(),
        }
    }

    /// Counts an answer.
    pub(crate) fn answered(&self, method: &Method, response: &Response, took: Duration) {
        let matched = response.extensions().get::<MatchedPath>().map_or(NO_ROUTE, MatchedPath::as_str);
        let (route, series) = self
            .routes
            .get_key_value(matched)
            .or_else(|| self.routes.get_key_value(NO_ROUTE))
            .expect("there is one for requests without a route");
        let method = METHODS.iter().position(|(known, _)| *known == method).unwrap_or(METHODS.len() - 1);
        let class = usize::from(response.status().as_u16() / 100).clamp(1, CLASSES.len()) - 1;
        let series = series[method][class].get_or_init(|| {
            let labels = [METHODS[method].1, route.as_str(), CLASSES[class]];
            Series { requests: self.requests.with(&labels), seconds: self.seconds.with(&labels) }
        });
        series.requests.inc();
        series.seconds.observe(took.as_secs_f64());
    }

    /// Counts a refusal, before it is written as a body.
    pub(crate) fn refused(&self, response: &Response) {
        if let Some(refusal) = response.extensions().get::<Refusal>() {
            self.errors.with(&[Category::as_str(refusal.fault().code.category())]).inc();
        }
    }
}

/// A request that is being answered, counted until it goes out of scope, also where its client went away.
#[derive(Debug)]
pub(crate) struct Active(Gauge);

impl Active {
    /// Counts one more.
    pub(crate) fn begin(gauge: &Gauge) -> Self {
        gauge.inc();
        Self(gauge.clone())
    }
}

impl Drop for Active {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// Keeps the route template of a request beside its answer, for whoever counts outside of the router.
#[derive(Debug, Clone, Copy)]
pub(crate) struct KeepRoute;

impl<S> Layer<S> for KeepRoute {
    type Service = KeepingRoute<S>;

    fn layer(&self, inner: S) -> KeepingRoute<S> {
        KeepingRoute { inner }
    }
}

/// The service of [`KeepRoute`].
#[derive(Debug, Clone)]
pub(crate) struct KeepingRoute<S> {
    inner: S,
}

impl<S> Service<Request<Body>> for KeepingRoute<S>
where
    S: Service<Request<Body>, Response = Response>,
    S::Future: Send + 'static,
    S::Error: 'static,
{
    type Response = Response;
    type Error = S::Error;
    type Future = BoxFuture<'static, Result<Response, S::Error>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), S::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let route = request.extensions().get::<MatchedPath>().cloned();
        let answer = self.inner.call(request);
        answer
            .map(|answer| {
                answer.map(|mut response| {
                    route.into_iter().for_each(|route| {
                        response.extensions_mut().insert(route);
                    });
                    response
                })
            })
            .boxed()
    }
}

#[cfg(test)]
mod tests {
    use axum::Router;
    use axum::routing::get;
    use tower::ServiceExt;

    use super::*;

    #[tokio::test]
    async fn requests_are_counted_by_the_template_of_their_route() {
        let registry = Registry::new();
        let metrics = HttpMetrics::new(&registry, ["/v1/runs/{run_id}".to_owned()]);
        let router = Router::new()
            .route("/v1/runs/{run_id}", get(|| async { "run" }))
            .route("/unlisted", get(|| async { "not in the document" }))
            .route_layer(KeepRoute);
        let requests =
            [("GET", "/v1/runs/1"), ("GET", "/v1/runs/2"), ("BREW", "/v1/runs/2"), ("GET", "/x"), ("GET", "/unlisted")];
        for (method, uri) in requests {
            let request = Request::builder().method(method).uri(uri).body(Body::empty()).unwrap();
            let method = request.method().clone();
            let response = router.clone().oneshot(request).await.unwrap();
            metrics.answered(&method, &response, Duration::from_millis(3));
        }
        let snapshot = registry.snapshot();
        let mut seen: Vec<String> = snapshot
            .samples("cts_http_requests_total")
            .iter()
            .map(|sample| {
                let labels = ["method", "route", "status"].map(|name| sample.label(name).unwrap_or_default());
                format!("{} {}", labels.join(" "), sample.value)
            })
            .collect();
        seen.sort();
        assert_eq!(
            seen,
            [
                "GET /v1/runs/{run_id} 2xx 2",
                "GET unmatched 2xx 1",
                "GET unmatched 4xx 1",
                "other /v1/runs/{run_id} 4xx 1"
            ]
        );
        assert_eq!(snapshot.total("cts_http_request_duration_seconds"), 5.0);
    }
}
