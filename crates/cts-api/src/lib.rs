//! What was promised to clients: the wire types.
