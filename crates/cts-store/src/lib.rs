//! Where facts rest: rows in a database, bytes in an object store.
