//! Command line of gemmule; everything is in the library.

fn main() {}
