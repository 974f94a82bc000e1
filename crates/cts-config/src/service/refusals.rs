//! Rules between settings: what must not be together, what production refuses, what has no effect in this version.
//!
//! A rule whose settings have a fault of their own is left out, so that one mistake is one fault.

use std::net::IpAddr;

use super::profile::Profile;
use crate::layers::{Findings, Resolved};
use crate::sources::Kind;
use crate::value::Value;

/// Checks every rule.
pub(super) fn check(resolved: &Resolved, kind: Kind, profile: Profile, findings: &mut Findings) {
    if kind == Kind::Service {
        authentication(resolved, profile, findings);
        listener(resolved, profile, findings);
    }
    time_limits(resolved, findings);
    if profile == Profile::Production {
        production(resolved, kind, findings);
    }
    if kind == Kind::Service {
        without_effect(resolved, findings);
    }
}

fn is_on(resolved: &Resolved, name: &str) -> bool {
    resolved.value(name) == Some(&Value::Bool(true))
}

/// Production is closed, unless somebody says in so many words that it shall be open.
fn authentication(resolved: &Resolved, profile: Profile, findings: &mut Findings) {
    if !resolved.sound(&["environment", "require_authentication", "allow_unauthenticated"]) {
        return;
    }
    match (is_on(resolved, "require_authentication"), is_on(resolved, "allow_unauthenticated")) {
        (true, true) => {
            let message = "has no effect while require_authentication is on: every request needs a token";
            findings.warn(resolved.origin("allow_unauthenticated"), message.to_owned());
        }
        (false, false) if profile == Profile::Production => {
            let message = "require_authentication is off in production".to_owned();
            let remedy = "set allow_unauthenticated = true if that is meant".to_owned();
            findings.fault(resolved.origin("require_authentication"), Some("require_authentication"), message, remedy);
        }
        (false, true) if profile == Profile::Production => unprotected(resolved, findings),
        _ => {}
    }
}

fn unprotected(resolved: &Resolved, findings: &mut Findings) {
    let message = "everybody who reaches the port may use everything: require_authentication is off".to_owned();
    findings.warn(resolved.origin("allow_unauthenticated"), message);
}

fn listener(resolved: &Resolved, profile: Profile, findings: &mut Findings) {
    let names = ["host", "require_authentication", "allow_unauthenticated"];
    let Some(Value::Text(host)) = resolved.value("host").filter(|_| resolved.sound(&names)) else { return };
    let loopback = host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback());
    let (required, allowed) = (is_on(resolved, "require_authentication"), is_on(resolved, "allow_unauthenticated"));
    // In production the same is already said about authentication itself.
    if !loopback && !required && profile != Profile::Production {
        if allowed {
            unprotected(resolved, findings);
        } else {
            let message =
                format!("{host} can be reached from other machines, and everybody there could use everything");
            let remedy = "set require_authentication = true, or listen on 127.0.0.1, or set allow_unauthenticated = true if that is meant".to_owned();
            findings.fault(resolved.origin("host"), Some("host"), message, remedy);
        }
    }
    let is_same = resolved.value("port") == resolved.value("metrics_port");
    let any_free = resolved.value("port") == Some(&Value::Int(0));
    if resolved.sound(&["port", "metrics_port"]) && is_same && !any_free {
        let message = "metrics_port is the same as port".to_owned();
        let remedy = "choose another one, or none to serve metrics on port itself".to_owned();
        findings.fault(resolved.origin("metrics_port"), Some("metrics_port"), message, remedy);
    }
    let has_port = !matches!(resolved.value("metrics_port"), None | Some(Value::Nothing));
    if resolved.sound(&["metrics_port", "enable_metrics"]) && has_port && !is_on(resolved, "enable_metrics") {
        let message = "serves the probes alone: enable_metrics is off".to_owned();
        findings.warn(resolved.origin("metrics_port"), message);
    }
}

fn time_limits(resolved: &Resolved, findings: &mut Findings) {
    let names = ["tool_timeout_seconds", "max_tool_timeout_seconds"];
    if !resolved.sound(&names) {
        return;
    }
    let (Some(Value::Duration(usual)), Some(Value::Duration(max))) =
        (resolved.value(names[0]), resolved.value(names[1]))
    else {
        return;
    };
    if usual > max {
        let at_fault = if resolved.origin(names[0]).is_given() { names[0] } else { names[1] };
        let message = format!("tool_timeout_seconds ({usual:?}) is more than max_tool_timeout_seconds ({max:?})");
        let remedy = "lower the first or raise the second".to_owned();
        findings.fault(resolved.origin(at_fault), Some(at_fault), message, remedy);
    }
}

fn production(resolved: &Resolved, kind: Kind, findings: &mut Findings) {
    let star = |value: &Value| matches!(value, Value::List(origins) if origins.iter().any(|origin| origin == "*"));
    let cors = resolved.value("cors_allowed_origins").filter(|_| resolved.sound(&["cors_allowed_origins"]));
    if kind == Kind::Service && cors.is_some_and(star) {
        let message = "cors_allowed_origins has \"*\", which lets every web page use the service".to_owned();
        let remedy = "list the origins, or none with []".to_owned();
        let origin = resolved.origin("cors_allowed_origins");
        findings.fault(origin, Some("cors_allowed_origins"), message, remedy);
    }
    if kind == Kind::Service && resolved.sound(&["enable_metrics"]) && !is_on(resolved, "enable_metrics") {
        let message = "enable_metrics is off in production".to_owned();
        let remedy = "take it out, or set it to true".to_owned();
        findings.fault(resolved.origin("enable_metrics"), Some("enable_metrics"), message, remedy);
    }
    for (name, on, message) in [
        ("debug", true, "debug is on in production: the log tells more than it should"),
        (
            "run_sandbox",
            false,
            "run_sandbox is off in production: tools may read and write what the service's user may",
        ),
    ] {
        if resolved.sound(&[name]) && is_on(resolved, name) == on {
            findings.warn(resolved.origin(name), message.to_owned());
        }
    }
}

/// Says what was asked for in vain.
fn without_effect(resolved: &Resolved, findings: &mut Findings) {
    for entry in resolved.entries.iter().filter(|entry| !entry.declaration.works) {
        let name = entry.declaration.name;
        let off = entry.value == Value::Bool(false) || entry.value == Value::Nothing;
        if entry.origin.is_given() && !off {
            let message = format!("{name} = {} has no effect in this version", entry.written(&entry.value));
            findings.warn(entry.origin.clone(), message);
        }
    }
}
