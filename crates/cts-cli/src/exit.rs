//! What the exit code of `cts` means: the only such table.
//!
//! | code | meaning |
//! | --- | --- |
//! | 0 | completed |
//! | 1 | the command line is wrong, or nobody answers |
//! | 2 | it is not there, or the server has an error |
//! | 3 | the run failed |
//! | 4 | the run was canceled |
//! | 130 | Ctrl-C while following |

use std::process::ExitCode;

use cts_api::RunStatus;
use cts_api::problem::Category;

/// How the program ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exit {
    /// All went well.
    Completed,
    /// What the user gave is wrong, or the connection fails.
    Usage,
    /// What was asked for is not there, or the server has an error.
    Server,
    /// The run failed.
    Failed,
    /// The run was canceled.
    Canceled,
    /// Ctrl-C ended the following, not the run.
    Interrupted,
}

impl Exit {
    /// Returns the number that the shell sees.
    pub(crate) fn code(self) -> u8 {
        match self {
            Self::Completed => 0,
            Self::Usage => 1,
            Self::Server => 2,
            Self::Failed => 3,
            Self::Canceled => 4,
            Self::Interrupted => 130,
        }
    }

    /// Returns what the state of a run means; one that has not ended was at least acknowledged.
    pub(crate) fn of_run(status: RunStatus) -> Self {
        match status {
            RunStatus::Queued | RunStatus::Running | RunStatus::Completed => Self::Completed,
            RunStatus::Failed => Self::Failed,
            RunStatus::Canceled => Self::Canceled,
        }
    }

    /// Returns what an error of the server means.
    pub(crate) fn of_category(category: Category) -> Self {
        match category {
            Category::ValidationError | Category::AuthError => Self::Usage,
            Category::NotFound
            | Category::Conflict
            | Category::RateLimited
            | Category::BudgetExceeded
            | Category::ToolError
            | Category::SystemError => Self::Server,
        }
    }

    /// Returns the exit of several: a run that failed is told before one that was canceled, and both before a request
    /// that was refused.
    pub(crate) fn of_all(exits: impl IntoIterator<Item = Self>) -> Self {
        let rank = |exit: &Self| match exit {
            Self::Completed => 0,
            Self::Usage => 1,
            Self::Server => 2,
            Self::Canceled => 3,
            Self::Failed => 4,
            Self::Interrupted => 5,
        };
        exits.into_iter().max_by_key(rank).unwrap_or(Self::Completed)
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.code())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_codes_are_those_that_scripts_rely_on() {
        let codes = [Exit::Completed, Exit::Usage, Exit::Server, Exit::Failed, Exit::Canceled, Exit::Interrupted];
        assert_eq!(codes.map(Exit::code), [0, 1, 2, 3, 4, 130]);
    }

    #[test]
    fn the_state_of_a_run_decides() {
        let table = [
            (RunStatus::Queued, 0),
            (RunStatus::Running, 0),
            (RunStatus::Completed, 0),
            (RunStatus::Failed, 3),
            (RunStatus::Canceled, 4),
        ];
        for (status, code) in table {
            assert_eq!(Exit::of_run(status).code(), code, "{status:?}");
        }
    }

    #[test]
    fn an_error_of_the_server_is_1_when_the_request_is_wrong_and_2_otherwise() {
        for category in cts_model::Category::ALL {
            let expected =
                if matches!(category, cts_model::Category::Validation | cts_model::Category::Auth) { 1 } else { 2 };
            assert_eq!(Exit::of_category(category.into()).code(), expected, "{category:?}");
        }
    }

    #[test]
    fn of_several_runs_a_failed_one_is_told_first() {
        let all = |exits: &[Exit]| Exit::of_all(exits.iter().copied()).code();
        assert_eq!(all(&[]), 0);
        assert_eq!(all(&[Exit::Completed, Exit::Completed]), 0);
        assert_eq!(all(&[Exit::Usage, Exit::Server]), 2);
        assert_eq!(all(&[Exit::Canceled, Exit::Usage, Exit::Completed]), 4);
        assert_eq!(all(&[Exit::Canceled, Exit::Failed, Exit::Server]), 3);
    }
}
