//! How CTS is seen: logs, request ids, health.
