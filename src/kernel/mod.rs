//! One file per shader: parameters, CPU twin, tolerance.
