//! Tokens, sessions and the audit log, as clients see them.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Duration;

use cts_model as model;
use cts_model::{Secret, Timestamp};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use utoipa::ToSchema;

use crate::fields::{Fields, FromBody};
use crate::time::Time;

/// Longest time for which a token can be asked, in seconds: a hundred years.
pub const EXPIRES_IN_SECONDS_MAX: f64 = 3_155_760_000.0;
/// Longest text that is read as a token, in characters.
const TEXT_LENGTH_MAX: usize = 4096;

/// What somebody may do; each role may do what the ones before it may.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum Role {
    /// Looks at everything and changes nothing.
    Viewer,
    /// Runs tools.
    Operator,
    /// Administers the service.
    Admin,
}

impl From<model::Role> for Role {
    fn from(role: model::Role) -> Self {
        match role {
            model::Role::Viewer => Self::Viewer,
            model::Role::Operator => Self::Operator,
            model::Role::Admin => Self::Admin,
        }
    }
}

impl From<Role> for model::Role {
    fn from(role: Role) -> Self {
        match role {
            Role::Viewer => Self::Viewer,
            Role::Operator => Self::Operator,
            Role::Admin => Self::Admin,
        }
    }
}

/// Whether a token is good for anything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "snake_case")]
pub enum TokenStatus {
    /// It is.
    Active,
    /// Its time is over.
    Expired,
    /// Somebody took it back.
    Revoked,
}

impl From<model::Standing> for TokenStatus {
    fn from(standing: model::Standing) -> Self {
        match standing {
            model::Standing::Active => Self::Active,
            model::Standing::Expired => Self::Expired,
            model::Standing::Revoked => Self::Revoked,
        }
    }
}

/// The text of a token on its way to the one who asked for it: JSON holds it, nothing else prints it.
#[derive(Clone, PartialEq, Eq)]
pub struct TokenText(pub Secret);

impl fmt::Debug for TokenText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl Serialize for TokenText {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.0.reveal())
    }
}

impl<'de> Deserialize<'de> for TokenText {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        String::deserialize(deserializer).map(|text| Self(Secret::new(text)))
    }
}

/// A token.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = crate::samples::token_json)]
pub struct Token {
    /// Its id.
    #[schema(format = "uuid")]
    pub id: String,
    /// Its name; several may have the same.
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// Whether it is good for anything.
    pub status: TokenStatus,
    /// When it was made.
    pub created_at: Time,
    /// Who made it.
    pub created_by: String,
    /// From this moment on it is good for nothing; null for a token without an end.
    #[schema(required)]
    pub expires_at: Option<Time>,
    /// When it was used last.
    #[schema(required)]
    pub last_used_at: Option<Time>,
    /// When somebody took it back.
    #[schema(required)]
    pub revoked_at: Option<Time>,
    /// Its text: told once, in the answer to the request that made it, and null ever after.
    #[schema(required, value_type = Option<String>)]
    pub token: Option<TokenText>,
}

impl Token {
    /// Returns the wire form at `now`.
    #[must_use]
    pub fn of(token: &model::Token, text: Option<Secret>, now: Timestamp) -> Self {
        Self {
            id: token.id.to_string(),
            name: token.name.to_string(),
            role: token.role.into(),
            status: token.standing(now).into(),
            created_at: Time(token.created_at),
            created_by: token.created_by.clone(),
            expires_at: token.expires_at.map(Time),
            last_used_at: token.last_used_at.map(Time),
            revoked_at: token.revoked_at.map(Time),
            token: text.map(TokenText),
        }
    }
}

/// A request for a token.
#[derive(Debug, Clone, PartialEq, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = crate::samples::create_token_json)]
pub struct CreateToken {
    /// Its name: what stands in runs and in the audit log.
    #[schema(min_length = 1, max_length = 64, pattern = "^[A-Za-z0-9][A-Za-z0-9._@-]*$")]
    pub name: String,
    /// What it may do.
    pub role: Role,
    /// How long it is good; without it, it is good until it is taken back.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(exclusive_minimum = 0, maximum = 3_155_760_000_u64)]
    pub expires_in_seconds: Option<f64>,
}

impl CreateToken {
    /// Returns how long it shall be good.
    #[must_use]
    pub fn lasts(&self) -> Option<Duration> {
        self.expires_in_seconds.and_then(|seconds| Duration::try_from_secs_f64(seconds).ok())
    }
}

impl FromBody for CreateToken {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let name = fields.text("name", model::TokenName::LENGTH_MAX);
        let name = fields.required("name", name).filter(|name| match name.parse::<model::TokenName>() {
            Ok(_) => true,
            Err(error) => {
                fields.fault("name", "pattern", error.to_string());
                false
            }
        });
        let role = fields.text("role", 32);
        let role = fields.required("role", role).and_then(|word| {
            let role = model::Role::from_word(&word);
            if role.is_none() {
                let known = model::Role::ALL.map(model::Role::as_str);
                let near = model::nearest::did_you_mean(&word, known);
                fields.fault("role", "choice", format!("role is {word:?}, not one of {}{near}", known.join(", ")));
            }
            role
        });
        let expires_in_seconds = fields.positive("expires_in_seconds");
        if expires_in_seconds.is_some_and(|seconds| seconds > EXPIRES_IN_SECONDS_MAX) {
            let message = format!("expires_in_seconds is at most {EXPIRES_IN_SECONDS_MAX}");
            fields.fault("expires_in_seconds", "range", message);
        }
        Some(Self { name: name?, role: role?.into(), expires_in_seconds })
    }
}

/// A request for the session of a browser. The token stands here or in the header `Authorization`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(example = crate::samples::create_session_json)]
pub struct CreateSession {
    /// The token.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<String>, write_only, min_length = 1, max_length = 4096)]
    pub token: Option<TokenText>,
}

impl FromBody for CreateSession {
    fn read(fields: &mut Fields<'_>) -> Option<Self> {
        let text = fields.text("token", TEXT_LENGTH_MAX);
        Some(Self { token: text.map(|text| TokenText(Secret::new(text))) })
    }
}

/// Who asks, and what they may do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = crate::samples::session_json)]
pub struct Session {
    /// Whether the service requires authentication; where it does not, everybody may do everything.
    pub authentication_required: bool,
    /// Who asks: the name of a token, `anonymous` or `local`.
    pub actor: String,
    /// What they may do.
    pub role: Role,
    /// Which token they hold.
    #[schema(required, format = "uuid")]
    pub token_id: Option<String>,
    /// When that ends: the session, or else the token.
    #[schema(required)]
    pub expires_at: Option<Time>,
    /// What a page sends in the header `X-CSRF-Token` with every change; null where there is no session.
    #[schema(required)]
    pub csrf_token: Option<String>,
}

/// One change that somebody asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[schema(example = crate::samples::audit_entry_json)]
pub struct AuditEntry {
    /// Its place in the order; numbers may have gaps.
    pub seq: i64,
    /// When.
    pub timestamp: Time,
    /// Who: the name of a token, `local`, `anonymous` or `system`.
    pub actor: String,
    /// Which token.
    #[schema(required, format = "uuid")]
    pub token_id: Option<String>,
    /// What: the method and the template of the path, or the words of a command.
    pub action: String,
    /// Of which things: names of ids and the ids.
    pub target: BTreeMap<String, String>,
    /// How it was answered: an HTTP status.
    pub status: u16,
    /// The request.
    pub request_id: String,
    /// The client's address; null for what was done on the service's machine.
    #[schema(required)]
    pub address: Option<String>,
}

impl AuditEntry {
    /// Returns the wire form.
    #[must_use]
    pub fn of(seq: i64, entry: &model::AuditEntry) -> Self {
        Self {
            seq,
            timestamp: Time(entry.at),
            actor: entry.actor.clone(),
            token_id: entry.token_id.map(|id| id.to_string()),
            action: entry.action.clone(),
            target: entry.target.clone(),
            status: entry.status,
            request_id: entry.request_id.clone(),
            address: entry.address.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn faults(body: &serde_json::Value) -> Vec<String> {
        let faults = CreateToken::from_body(body).unwrap_err();
        faults.into_iter().map(|fault| format!("{} {}", fault.pointer, fault.code)).collect()
    }

    #[test]
    fn every_fault_of_a_request_for_a_token_is_told_at_once() {
        assert_eq!(faults(&json!({})), ["/name missing", "/role missing"]);
        let body = json!({"name": "local", "role": "root", "expires_in_seconds": 0, "scope": 1});
        assert_eq!(faults(&body), ["/name pattern", "/role choice", "/expires_in_seconds range", "/scope unknown"]);
        let long = json!({"name": "a", "role": "admin", "expires_in_seconds": 1e12});
        assert_eq!(faults(&long), ["/expires_in_seconds range"]);
        let good = CreateToken::from_body(&json!({"name": "ci", "role": "viewer", "expires_in_seconds": 1.5})).unwrap();
        assert_eq!(good.lasts(), Some(Duration::from_millis(1500)));
    }

    #[test]
    fn the_text_of_a_token_is_written_in_json_and_nowhere_else() {
        let mut token: Token = serde_json::from_value(crate::samples::token_json()).unwrap();
        token.token = Some(TokenText(Secret::new("hunter2".to_owned())));
        assert!(!format!("{token:?}").contains("hunter2"));
        assert_eq!(serde_json::to_value(&token).unwrap()["token"], "hunter2");
        let session = CreateSession::from_body(&json!({"token": "hunter2"})).unwrap();
        assert!(!format!("{session:?}").contains("hunter2"));
    }

    #[test]
    fn words_are_the_same_here_and_in_the_model() {
        for role in model::Role::ALL {
            assert_eq!(serde_json::to_value(Role::from(role)).unwrap(), role.as_str());
            assert_eq!(model::Role::from(Role::from(role)), role);
        }
    }
}
