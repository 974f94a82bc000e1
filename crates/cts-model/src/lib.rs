//! The nouns of CTS and their rules, without IO.
