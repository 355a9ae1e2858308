//! Files <-> types: TIFF family, SWC, tables, label images.
