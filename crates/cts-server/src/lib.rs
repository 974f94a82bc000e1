//! The door for programs: routes, streams, OpenAPI; builds the app.
