//! `overlay.png`: one picture that lets a person check a stack in a minute.

use image::RgbImage;

use crate::error::Result;
use crate::model::{Dendrite, Spine};
use crate::report::canvas::{Canvas, Font, Pen};
use crate::report::crops::Sheet;
use crate::report::grey::maximum_projection;
use crate::report::projection::{self, View};
use crate::report::style;
use crate::volume::{Grid, Source};

/// What [`overlay`] can be asked to do differently. See the example of [`overlay`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OverlayOptions {
    /// First words of the header; the name of the stack.
    pub title: String,
    /// Most crops shown, from the first spine on; the header says if some are left out.
    pub max_crops: usize,
}

impl Default for OverlayOptions {
    fn default() -> Self {
        Self { title: String::new(), max_crops: 400 }
    }
}

/// Height of the header: title, figures, two lines of legend.
const HEADER: u32 = 104;

/// Draws what was found over the stack it was found in.
///
/// Above, the maximum projection along z, enlarged to at least 16 pixels per µm where the field is not larger than 375 µm:
/// centrelines with the dendrites' numbers, stretches that cannot be judged, axons apart, each spine's head, its line to the base
/// and its number in the colour of its class (Okabe-Ito), and a scale bar. Below, one crop of 6 µm x 6 µm per spine from
/// the plane its head is in, with the ring around the head, a dot on the base, class, SNR and length; `!` after a class
/// says that the spine carries flags. Contrast is by quantiles, so the picture is for looking, not for measuring.
///
/// ```
/// use gemmule::report::{OverlayOptions, overlay};
/// use gemmule::units::VoxelSize;
/// use gemmule::volume::{Shape, Stack, Volume, Voxels};
/// let voxels = Voxels::U16(Volume::filled(Shape::new(3, 40, 50)?, 100));
/// let stack = Stack { voxels, voxel_size: VoxelSize::new(1.0, 0.1, 0.1)? };
/// let options = OverlayOptions { title: "empty.tif".into(), ..OverlayOptions::default() };
/// let picture = overlay(&stack, &[], &[], &options)?;
/// assert_eq!(picture.width(), 1000);
/// # Ok::<(), gemmule::error::Error>(())
/// ```
///
/// # Errors
/// What reading the planes of a stack that is not in memory says.
pub fn overlay<'a>(
    stack: impl Into<Source<'a>>,
    dendrites: &[Dendrite],
    spines: &[Spine],
    options: &OverlayOptions,
) -> Result<RgbImage> {
    let stack = stack.into();
    let view = View::new(stack.grid(), HEADER);
    let shown = &spines[..spines.len().min(options.max_crops)];
    let sheet = Sheet::new(shown.len(), view.width);
    let top = HEADER + view.height;
    let mut canvas = Canvas::new(view.width.max(sheet.width), top + sheet.height);
    projection::draw(&mut canvas, &view, &maximum_projection(stack)?, dendrites, spines);
    header(&mut canvas, stack.grid(), dendrites, spines, options);
    sheet.draw(&mut canvas, top, stack, shown)?;
    Ok(canvas.into_rgb())
}

fn header(canvas: &mut Canvas, grid: Grid, dendrites: &[Dendrite], spines: &[Spine], options: &OverlayOptions) {
    let (shape, size) = (grid.shape, grid.voxel_size);
    let um = |n: usize, voxel_um: f64| n as f64 * voxel_um;
    canvas.text((10, 6), &options.title, Font::LARGE, style::INK);

    let length_um: f64 = dendrites.iter().map(Dendrite::length_um).sum();
    let mut figures = format!(
        "maximum of {} planes, {:.0} x {:.0} x {:.0} µm (z, y, x)   {} dendrites, {length_um:.0} µm   {} spines",
        shape.z,
        um(shape.z, size.z_um),
        um(shape.y, size.y_um),
        um(shape.x, size.x_um),
        dendrites.len(),
        spines.len()
    );
    if spines.len() > options.max_crops {
        figures += &format!(" (crops of the first {})", options.max_crops);
    }
    canvas.text((10, 34), &figures, Font::SMALL, style::INK);
    classes(canvas, spines);
    lines(canvas);
}

/// Each class met, with its colour and how many there are.
fn classes(canvas: &mut Canvas, spines: &[Spine]) {
    let mut left = 10;
    for class in style::CLASSES {
        let n = spines.iter().filter(|s| s.class == class).count();
        if n == 0 {
            continue;
        }
        let colour = style::class_colour(class);
        canvas.ring((left as f32 + 6.0, 66.0), 5.0, Pen { colour, alpha: 255, width: 1.6 });
        let text = format!("{} {n}", style::class_name(class));
        canvas.text((left + 18, 58), &text, Font::BOLD, colour);
        left += 18 + Font::BOLD.width(&text) as i32 + 24;
    }
}

/// What the other marks mean.
fn lines(canvas: &mut Canvas) {
    let mut left = 10;
    for (colour, width, text) in [
        (style::CENTRELINE, 1.2, "centreline"),
        (style::UNSCORABLE, 2.4, "not scorable"),
        (style::AXON, 2.4, "axon, not scorable"),
        (style::FAINT, 0.0, "ring: head   ! flagged, see spines.csv"),
    ] {
        if width > 0.0 {
            canvas.polyline(&[(left as f32, 88.0), (left as f32 + 24.0, 88.0)], Pen { colour, alpha: 255, width });
            left += 30;
        }
        canvas.text((left, 80), text, Font::SMALL, style::FAINT);
        left += Font::SMALL.width(text) as i32 + 24;
    }
}

#[cfg(test)]
mod tests {
    use crate::model::{Dendrite, Side, Spine, SpineClass, Unscorable, UnscorableReason};
    use crate::report::{OverlayOptions, overlay, style};
    use crate::units::{PointUm, VoxelSize};
    use crate::volume::{Shape, Stack, Volume, Voxels};

    fn field() -> (Stack, Vec<Dendrite>, Vec<Spine>) {
        let shape = Shape::new(3, 100, 200).unwrap();
        let voxel_size = VoxelSize::new(1.0, 0.1, 0.1).unwrap();
        let stack = Stack { voxels: Voxels::U8(Volume::filled(shape, 0)), voxel_size };
        let points: Vec<PointUm> = (0..100).map(|i| PointUm::new(1.0, 5.0, 5.0 + 0.1 * f64::from(i))).collect();
        let s_um = (0..100).map(|i| 0.1 * f64::from(i)).collect();
        let dendrite =
            Dendrite { dendrite_id: 1, points, s_um, radius_um: vec![0.4; 100], parent: None, unscorable: vec![] };
        let spine = Spine {
            spine_id: 1,
            dendrite_id: 1,
            head: PointUm::new(1.0, 3.5, 10.0),
            tip: PointUm::new(1.0, 3.2, 10.0),
            base: PointUm::new(1.0, 5.0, 10.0),
            s_um: 5.0,
            side: Side::Left,
            length_um: 1.4,
            head_width_um: None,
            head_width_fit: None,
            brightness: 0.5,
            volume_um3: 0.05,
            snr: 12.0,
            score: 12.0,
            class: SpineClass::Mushroom,
            flags: vec![],
        };
        (stack, vec![dendrite], vec![spine])
    }

    #[test]
    fn centreline_and_head_are_drawn_where_they_are() {
        let (stack, mut dendrites, spines) = field();
        // The last 2 µm are an axon: its edge is drawn .4 µm to the left.
        let axon = Unscorable { from_um: 8.0, to_um: 10.0, side: Side::Left, reason: UnscorableReason::Axon };
        dendrites[0].unscorable.push(axon);
        let picture = overlay(&stack, &dendrites, &spines, &OverlayOptions::default()).unwrap();
        // 20 µm wide on 1000 pixels: 50 pixels per µm; voxel centres lie half a voxel (.05 µm) inside the picture.
        let near = |y_um: f64, x_um: f64, colour: [u8; 3]| {
            let (cx, cy) = (((x_um + 0.05) * 50.0) as u32, ((y_um + 0.05) * 50.0) as u32 + super::HEADER);
            (cy - 3..=cy + 3).any(|y| {
                (cx - 3..=cx + 3).any(|x| {
                    let pixel = picture.get_pixel(x, y).0;
                    // Lines are anti-aliased: the hue stays, its strength may be half.
                    let scale = f64::from(pixel[1]) / f64::from(colour[1]);
                    scale > 0.4 && (0..3).all(|c| (f64::from(pixel[c]) - scale * f64::from(colour[c])).abs() < 40.0)
                })
            })
        };
        assert!(near(5.0, 7.0, style::CENTRELINE));
        assert!(!near(7.5, 7.0, style::CENTRELINE));
        assert!(near(4.6, 14.0, style::AXON) && !near(4.6, 12.0, style::AXON));
        assert!(!near(4.6, 14.0, style::UNSCORABLE));
        let mushroom = style::class_colour(SpineClass::Mushroom);
        assert!(near(3.5, 10.0 + 0.3, mushroom), "ring at the head");
        assert!(near(4.4, 10.0, mushroom), "line to the base");
        assert!(!near(3.5, 14.0, mushroom));
    }

    #[test]
    fn hostile_numbers_do_not_break_it() {
        let (stack, mut dendrites, mut spines) = field();
        dendrites[0].points[3].x = f64::NAN;
        spines[0].head = PointUm::new(f64::NAN, f64::INFINITY, -1e300);
        let picture =
            overlay(&stack, &dendrites, &spines, &OverlayOptions { title: "樹.tif".into(), max_crops: 0 }).unwrap();
        assert!(picture.width() > 0);
    }
}
