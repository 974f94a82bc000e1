//! The body of every error: RFC 9457 `application/problem+json` with members of our own.

use cts_model as model;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::time::Time;

/// Media type of a problem.
pub const MEDIA_TYPE: &str = "application/problem+json";

/// What went wrong with a request.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(example = crate::samples::problem_json)]
pub struct Problem {
    /// A URI that names the kind of problem: `urn:cts:problem:` and the code in lower case with hyphens.
    #[serde(rename = "type")]
    pub kind: String,
    /// The kind of problem in words.
    pub title: String,
    /// The HTTP status.
    #[schema(minimum = 400, maximum = 599)]
    pub status: u16,
    /// One sentence for people about this case.
    pub detail: String,
    /// The path of the request.
    pub instance: String,
    /// What kind of thing went wrong.
    pub error_category: Category,
    /// The stable code, in upper snake case.
    #[schema(pattern = "^[A-Z][A-Z0-9_]*$")]
    pub error_code: String,
    /// What to do next.
    pub suggested_actions: Vec<String>,
    /// Whether the service tried to mend it by itself.
    pub recovery_attempted: bool,
    /// The id of the request; every log line that it caused has it.
    pub request_id: String,
    /// The run that it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub run_id: Option<String>,
    /// When the queue is full: the place that the run would have had.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue_position: Option<u64>,
    /// When.
    pub timestamp: Time,
    /// For validation errors: every fault that was found.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub errors: Option<Vec<FieldError>>,
    /// In development: the system's own words. Never a secret.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub technical_details: Option<String>,
}

/// What kind of thing went wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Category {
    /// The request is wrong.
    ValidationError,
    /// The tool failed.
    ToolError,
    /// The system failed below the tool.
    SystemError,
    /// It is not allowed.
    AuthError,
    /// It is not there.
    NotFound,
    /// It does not fit the present state.
    Conflict,
    /// Too much at once.
    RateLimited,
    /// It would cost more than was allowed.
    BudgetExceeded,
}

impl From<model::Category> for Category {
    fn from(category: model::Category) -> Self {
        match category {
            model::Category::Validation => Self::ValidationError,
            model::Category::Tool => Self::ToolError,
            model::Category::System => Self::SystemError,
            model::Category::Auth => Self::AuthError,
            model::Category::NotFound => Self::NotFound,
            model::Category::Conflict => Self::Conflict,
            model::Category::RateLimited => Self::RateLimited,
            model::Category::BudgetExceeded => Self::BudgetExceeded,
        }
    }
}

/// One fault of one field.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldError {
    /// JSON pointer into the body, or `?name` for a query parameter.
    pub pointer: String,
    /// Stable code in lower snake case.
    pub code: String,
    /// For people.
    pub message: String,
}

impl From<&model::FieldFault> for FieldError {
    fn from(fault: &model::FieldFault) -> Self {
        Self { pointer: fault.pointer.clone(), code: fault.code.clone(), message: fault.message.clone() }
    }
}

/// Returns the URI that names a kind of problem.
#[must_use]
pub fn type_uri(code: model::Code) -> String {
    format!("urn:cts:problem:{}", code.as_str().to_ascii_lowercase().replace('_', "-"))
}

/// Returns a code in words: `TOOL_NOT_FOUND` is `Tool not found`.
#[must_use]
pub fn title(code: model::Code) -> String {
    let mut words = code.as_str().to_ascii_lowercase().replace('_', " ");
    if let Some(first) = words.get_mut(0..1) {
        first.make_ascii_uppercase();
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_told_in_words_and_as_a_uri() {
        assert_eq!(title(model::Code::ToolNotFound), "Tool not found");
        assert_eq!(type_uri(model::Code::ToolNotFound), "urn:cts:problem:tool-not-found");
    }

    #[test]
    fn every_category_has_the_same_word_here_and_in_the_model() {
        for category in model::Category::ALL {
            let wire = serde_json::to_value(Category::from(category)).unwrap();
            assert_eq!(wire, category.as_str());
        }
    }
}
