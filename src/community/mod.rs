//! Who belongs together.
