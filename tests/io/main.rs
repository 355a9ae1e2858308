//! Files in and out: every layout read, every lie refused, everything written read back.

mod hostile;
mod metadata;
mod read;
mod support;
mod write;
