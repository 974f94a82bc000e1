//! How a run happens: queue, lease, attempt, logs, artifacts.
