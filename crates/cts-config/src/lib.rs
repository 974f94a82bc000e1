//! What CTS was told: the service configuration, each value with its origin.
