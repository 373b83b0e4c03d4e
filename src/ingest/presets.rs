//! Mappings for formats that many people have.
