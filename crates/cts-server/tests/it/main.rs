//! The service without its socket: real database, real engine, real processes, requests in process.

#[cfg(test)]
mod app;

#[cfg(test)]
mod access;
#[cfg(test)]
mod artifacts;
#[cfg(test)]
mod audit;
#[cfg(test)]
mod bad_input;
#[cfg(test)]
mod contract;
#[cfg(test)]
mod endpoints;
mod health;
#[cfg(test)]
mod log_level;
#[cfg(test)]
mod logs;
#[cfg(test)]
mod older_client;
#[cfg(test)]
mod openapi;
#[cfg(test)]
mod runs;
#[cfg(test)]
mod service;
#[cfg(test)]
mod streams;
#[cfg(test)]
mod uploads;
