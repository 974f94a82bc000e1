//! What runs inside a child: native analyzers.
