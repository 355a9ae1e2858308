//! Precision and recall against truth.
