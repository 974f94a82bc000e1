//! What the bytes of a driving log mean, without IO.
