//! Figures: the overlay.
