//! Processes below a supervisor: how they end, what they may use and reach, and that nothing is ever left of them.

#[cfg(test)]
mod bench;
mod ending;
mod limits;
mod sandbox;
mod starting;
