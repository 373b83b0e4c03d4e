//! The bytes of one file, mapped or read: the one place with `unsafe`.
