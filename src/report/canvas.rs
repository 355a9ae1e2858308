//! A picture to draw lines, rings and text on; coordinates are pixels from the upper left corner.

use image::{GrayImage, RgbImage};
use noto_sans_mono_bitmap::{FontWeight, RasterHeight, get_raster, get_raster_width};
use tiny_skia::{FillRule, LineCap, LineJoin, Paint, Path, PathBuilder, Pixmap, Stroke, Transform};

use crate::report::style;

/// Colour, opacity and width of a line.
#[derive(Clone, Copy)]
pub(crate) struct Pen {
    pub(crate) colour: [u8; 3],
    pub(crate) alpha: u8,
    pub(crate) width: f32,
}

impl Pen {
    fn rim(self) -> Self {
        Self { colour: style::BACKGROUND, alpha: 170, width: self.width + 2.0 }
    }
}

/// Weight and height of text.
#[derive(Clone, Copy)]
pub(crate) struct Font {
    weight: FontWeight,
    height: RasterHeight,
}

impl Font {
    pub(crate) const SMALL: Self = Self { weight: FontWeight::Regular, height: RasterHeight::Size16 };
    pub(crate) const BOLD: Self = Self { weight: FontWeight::Bold, height: RasterHeight::Size16 };
    pub(crate) const LARGE: Self = Self { weight: FontWeight::Bold, height: RasterHeight::Size24 };

    pub(crate) fn height(self) -> u32 {
        self.height.val() as u32
    }

    pub(crate) fn width(self, text: &str) -> u32 {
        (text.chars().count() * get_raster_width(self.weight, self.height)) as u32
    }
}

pub(crate) struct Canvas {
    pixmap: Pixmap,
}

impl Canvas {
    /// Longest side of a picture, pixels: what image viewers open without trouble, and far inside the painter's limits.
    pub(crate) const MAX_SIDE: u32 = 32_768;

    pub(crate) fn new(width: u32, height: u32) -> Self {
        let side = |n: u32| n.clamp(1, Self::MAX_SIDE);
        let mut pixmap =
            Pixmap::new(side(width), side(height)).expect("both sides are 1 to 32768, the painter allows 536870911");
        pixmap.fill(style::paint(style::BACKGROUND, 255));
        Self { pixmap }
    }

    /// Copies a grey picture to where its upper left corner is `(x, y)`; what falls outside is left out.
    pub(crate) fn grey(&mut self, x: u32, y: u32, picture: &GrayImage) {
        let (width, height) = (self.pixmap.width(), self.pixmap.height());
        let data = self.pixmap.data_mut();
        for (px, py, value) in picture.enumerate_pixels() {
            let (cx, cy) = (x + px, y + py);
            if cx < width && cy < height {
                let at = 4 * (cy as usize * width as usize + cx as usize);
                data[at..at + 3].fill(value.0[0]);
            }
        }
    }

    pub(crate) fn polyline(&mut self, points: &[(f32, f32)], pen: Pen) {
        let mut path = PathBuilder::new();
        for (i, &(x, y)) in points.iter().enumerate() {
            if i == 0 { path.move_to(x, y) } else { path.line_to(x, y) }
        }
        self.stroke(path.finish(), pen);
    }

    /// A line with a dark rim, for marks that also lie on white shafts.
    pub(crate) fn rimmed_polyline(&mut self, points: &[(f32, f32)], pen: Pen) {
        self.polyline(points, pen.rim());
        self.polyline(points, pen);
    }

    /// A ring with a dark rim.
    pub(crate) fn rimmed_ring(&mut self, centre: (f32, f32), radius: f32, pen: Pen) {
        self.ring(centre, radius, pen.rim());
        self.ring(centre, radius, pen);
    }

    pub(crate) fn ring(&mut self, (x, y): (f32, f32), radius: f32, pen: Pen) {
        self.stroke(PathBuilder::from_circle(x, y, radius), pen);
    }

    pub(crate) fn disc(&mut self, (x, y): (f32, f32), radius: f32, colour: [u8; 3]) {
        if let Some(path) = PathBuilder::from_circle(x, y, radius) {
            let paint = solid(colour, 255);
            self.pixmap.fill_path(&path, &paint, FillRule::Winding, Transform::identity(), None);
        }
    }

    /// A line of text with a dark rim, so that it reads on any grey; `(x, y)` is its upper left corner.
    pub(crate) fn text(&mut self, (x, y): (i32, i32), text: &str, font: Font, colour: [u8; 3]) {
        for (dx, dy) in [(-1, -1), (0, -1), (1, -1), (-1, 0), (1, 0), (-1, 1), (0, 1), (1, 1)] {
            self.glyphs((x + dx, y + dy), text, font, style::BACKGROUND);
        }
        self.glyphs((x, y), text, font, colour);
    }

    pub(crate) fn into_rgb(self) -> RgbImage {
        let (width, height) = (self.pixmap.width(), self.pixmap.height());
        let pixels = self.pixmap.data().as_chunks::<4>().0;
        RgbImage::from_fn(width, height, |x, y| {
            let [r, g, b, _] = pixels[y as usize * width as usize + x as usize];
            image::Rgb([r, g, b])
        })
    }

    // A path without extent (a single point, a number that is not finite) has nothing to draw and comes as `None`.
    fn stroke(&mut self, path: Option<Path>, pen: Pen) {
        let Some(path) = path else { return };
        let stroke =
            Stroke { width: pen.width, line_cap: LineCap::Round, line_join: LineJoin::Round, ..Stroke::default() };
        self.pixmap.stroke_path(&path, &solid(pen.colour, pen.alpha), &stroke, Transform::identity(), None);
    }

    fn glyphs(&mut self, (x, y): (i32, i32), text: &str, font: Font, colour: [u8; 3]) {
        let mut left = x;
        for character in text.chars() {
            // The font holds Latin; a file name may not.
            let glyph =
                get_raster(character, font.weight, font.height).or_else(|| get_raster('?', font.weight, font.height));
            if let Some(glyph) = glyph {
                for (dy, row) in glyph.rows().enumerate() {
                    for (dx, &cover) in row.iter().enumerate() {
                        self.blend(left + dx as i32, y + dy as i32, colour, cover);
                    }
                }
            }
            left += get_raster_width(font.weight, font.height) as i32;
        }
    }

    fn blend(&mut self, x: i32, y: i32, colour: [u8; 3], cover: u8) {
        let (width, height) = (self.pixmap.width() as i32, self.pixmap.height() as i32);
        if cover == 0 || !(0..width).contains(&x) || !(0..height).contains(&y) {
            return;
        }
        let at = 4 * (y as usize * width as usize + x as usize);
        for (old, new) in self.pixmap.data_mut()[at..at + 3].iter_mut().zip(colour) {
            let (a, b, c) = (u32::from(*old), u32::from(new), u32::from(cover));
            *old = ((a * (255 - c) + b * c + 127) / 255) as u8;
        }
    }
}

fn solid(colour: [u8; 3], alpha: u8) -> Paint<'static> {
    let mut paint = Paint::default();
    paint.set_color(style::paint(colour, alpha));
    paint.anti_alias = true;
    paint
}
