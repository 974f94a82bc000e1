//! Processes below a supervisor: how they end, what they may use and reach, and that nothing is ever left of them.

#[cfg(test)]
mod bench;
#[cfg(test)]
mod ending;
#[cfg(test)]
mod limits;
#[cfg(test)]
mod sandbox;
#[cfg(test)]
mod starting;
