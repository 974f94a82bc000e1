//! How a run happens: queue, lease, attempt, logs, artifacts.

pub mod attempt;
pub mod supervisor;
