//! Units of length as the programs write them.

/// A length in µm; none if the unit is unknown.
///
/// One multiplication or division by a power of ten, so that decimal lengths stay the nearest double.
pub(crate) fn to_um(value: f64, unit: &str) -> Option<f64> {
    match unit.trim() {
        // U+00B5 micro sign, U+03BC Greek mu; ImageJ writes the former as an escape.
        "um" | "\u{b5}m" | "\u{3bc}m" | "\\u00B5m" | "\\u00b5m" | "micron" | "microns" | "micrometer"
        | "micrometers" | "micrometre" | "micrometres" => Some(value),
        "pm" => Some(value / 1e6),
        "\u{c5}" | "\u{212b}" | "angstrom" => Some(value / 1e4),
        "nm" | "nanometer" | "nanometers" | "nanometre" | "nanometres" => Some(value / 1e3),
        "mm" | "millimeter" | "millimeters" | "millimetre" | "millimetres" => Some(value * 1e3),
        "cm" | "centimeter" | "centimeters" | "centimetre" | "centimetres" => Some(value * 1e4),
        "m" | "meter" | "metre" => Some(value * 1e6),
        "in" | "inch" | "inches" => Some(value * 25_400.0),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::to_um;

    #[test]
    fn the_same_length_in_every_unit() {
        for (value, unit) in [(120.0, "nm"), (0.12, "micron"), (0.00012, "mm"), (0.000012, "cm"), (0.12, "\\u00B5m")] {
            let um = to_um(value, unit).unwrap();
            assert!((um - 0.12).abs() < 1e-15, "{value} {unit} = {um}");
        }
        assert_eq!(to_um(120.0, "nm"), Some(0.12));
        assert_eq!(to_um(1.0, "inch"), Some(25_400.0));
        assert_eq!(to_um(1.0, "pixel"), None);
        assert_eq!(to_um(1.0, ""), None);
    }
}
