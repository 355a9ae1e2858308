//! Sizes of the spines found: head width, length, brightness, class.
