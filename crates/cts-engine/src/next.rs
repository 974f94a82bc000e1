//! Which queued runs may start now: a pure function over what is queued and what runs.
//!
//! Slots are derived from the runs that live workers hold, never counted up and down. Within a priority it is first
//! in, first out; a run whose tool or key has no slot is passed over and keeps its place.

use std::collections::HashMap;

use cts_model::{RunId, ToolId};

/// A run that waits.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Waiting {
    /// Which run.
    pub(crate) id: RunId,
    /// Its tool.
    pub(crate) tool_id: ToolId,
    /// Its concurrency key.
    pub(crate) key: Option<String>,
}

/// What runs now, over all live workers.
#[derive(Debug, Clone, Default)]
pub(crate) struct Running {
    by_tool: HashMap<ToolId, u32>,
    by_key: HashMap<(ToolId, String), u32>,
}

impl Running {
    /// Counts one more run.
    pub(crate) fn add(&mut self, tool_id: &ToolId, key: Option<&str>) {
        *self.by_tool.entry(tool_id.clone()).or_default() += 1;
        if let Some(key) = key {
            *self.by_key.entry((tool_id.clone(), key.to_owned())).or_default() += 1;
        }
    }
}

/// The limits of one tool; none where there is no limit.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct ToolSlots {
    /// Most runs of the tool at one time.
    pub(crate) tool: Option<u32>,
    /// Most runs of the tool with one key at one time.
    pub(crate) key: Option<u32>,
}

/// Returns which of the waiting runs start now, in their order, at most `free` of them; counts them in `running`.
pub(crate) fn pick(
    waiting: &[Waiting],
    running: &mut Running,
    free: usize,
    slots: impl Fn(&ToolId) -> ToolSlots,
) -> Vec<RunId> {
    let mut picked = Vec::new();
    for run in waiting {
        if picked.len() >= free {
            break;
        }
        let limits = slots(&run.tool_id);
        let of_tool = running.by_tool.get(&run.tool_id).copied().unwrap_or(0);
        if limits.tool.is_some_and(|most| of_tool >= most) {
            continue;
        }
        if let (Some(key), Some(most)) = (&run.key, limits.key) {
            let of_key = running.by_key.get(&(run.tool_id.clone(), key.clone())).copied().unwrap_or(0);
            if of_key >= most {
                continue;
            }
        }
        running.add(&run.tool_id, run.key.as_deref());
        picked.push(run.id);
    }
    picked
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use cts_model::{Ids, SystemClock};
    use proptest::prelude::*;

    use super::*;

    fn waiting(runs: &[(&str, Option<&str>)]) -> Vec<Waiting> {
        let ids = Ids::new(Arc::new(SystemClock));
        let one = |(tool, key): &(&str, Option<&str>)| Waiting {
            id: RunId::new(&ids),
            tool_id: tool.parse().unwrap(),
            key: key.map(str::to_owned),
        };
        runs.iter().map(one).collect()
    }

    fn picked(waiting: &[Waiting], running: &mut Running, free: usize, slots: ToolSlots) -> Vec<usize> {
        let ids = pick(waiting, running, free, |_| slots);
        ids.iter().map(|id| waiting.iter().position(|run| run.id == *id).unwrap()).collect()
    }

    #[test]
    fn the_first_that_fit_start_and_the_others_keep_their_place() {
        let runs = waiting(&[("a", None), ("a", None), ("b", None), ("a", None), ("c", None)]);
        let none = ToolSlots::default();
        assert_eq!(picked(&runs, &mut Running::default(), 3, none), [0, 1, 2]);
        let one = ToolSlots { tool: Some(1), key: None };
        assert_eq!(picked(&runs, &mut Running::default(), 9, one), [0, 2, 4]);
        let mut running = Running::default();
        running.add(&"a".parse().unwrap(), None);
        assert_eq!(picked(&runs, &mut running, 9, one), [2, 4]);
    }

    #[test]
    fn runs_with_one_key_share_its_limit() {
        let runs = waiting(&[("a", Some("x")), ("a", Some("x")), ("a", Some("y")), ("a", None), ("a", None)]);
        let slots = ToolSlots { tool: None, key: Some(1) };
        assert_eq!(picked(&runs, &mut Running::default(), 9, slots), [0, 2, 3, 4]);
    }

    proptest! {
        #[test]
        fn no_limit_is_ever_passed(
            tools in prop::collection::vec((0_u8..3, prop::option::of(0_u8..2)), 0..30),
            free in 0_usize..10, tool in 0_u32..4, key in 0_u32..3
        ) {
            let names: Vec<(String, Option<String>)> =
                tools.iter().map(|(t, k)| (format!("t{t}"), k.map(|k| format!("k{k}")))).collect();
            let runs = waiting(&names.iter().map(|(t, k)| (t.as_str(), k.as_deref())).collect::<Vec<_>>());
            let mut running = Running::default();
            let got = picked(&runs, &mut running, free, ToolSlots { tool: Some(tool), key: Some(key) });
            prop_assert!(got.len() <= free);
            prop_assert!(got.windows(2).all(|pair| pair[0] < pair[1]), "order is kept");
            prop_assert!(running.by_tool.values().all(|count| *count <= tool));
            prop_assert!(running.by_key.values().all(|count| *count <= key));
        }
    }
}
