//! Debian packages: `read` reads anybody's, for `omnipack inspect` and `omnipack diff`.

pub mod read;
