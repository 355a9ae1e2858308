//! Places for labels: greedy, over a map of the pixels already taken.

/// A rectangle of pixels: left, top, width, height.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Rect {
    pub(crate) left: i32,
    pub(crate) top: i32,
    pub(crate) width: i32,
    pub(crate) height: i32,
}

/// Which pixels are taken, in cells of `CELL` pixels.
pub(crate) struct Occupancy {
    width: i32,
    height: i32,
    taken: Vec<bool>,
}

const CELL: i32 = 3;

/// Distances of a label from what it names, pixels, tried in this order.
const DISTANCES: [f32; 6] = [12.0, 18.0, 26.0, 36.0, 48.0, 64.0];
/// Angles away from the direction wished for, degrees, tried in this order.
const ANGLES: [f32; 11] = [0.0, 25.0, -25.0, 50.0, -50.0, 75.0, -75.0, 110.0, -110.0, 145.0, -145.0];

impl Occupancy {
    pub(crate) fn new(width: u32, height: u32) -> Self {
        let (width, height) = (width as i32 / CELL + 1, height as i32 / CELL + 1);
        Self { width, height, taken: vec![false; (width * height) as usize] }
    }

    pub(crate) fn take(&mut self, rect: Rect) {
        for at in self.cells(rect) {
            self.taken[at] = true;
        }
    }

    /// Takes the pixels under a line.
    pub(crate) fn take_line(&mut self, from: (f32, f32), to: (f32, f32)) {
        let steps = ((to.0 - from.0).hypot(to.1 - from.1) / CELL as f32).ceil().clamp(1.0, 1e5) as i32;
        for i in 0..=steps {
            let share = i as f32 / steps as f32;
            let (x, y) = (from.0 + (to.0 - from.0) * share, from.1 + (to.1 - from.1) * share);
            self.take(Rect { left: x as i32, top: y as i32, width: 1, height: 1 });
        }
    }

    /// Takes and returns a place for a label of `width` x `height` about `anchor`, best along `direction` (x, y): the
    /// nearest free one, or if none is free the one that covers least.
    pub(crate) fn place(&mut self, anchor: (f32, f32), direction: (f32, f32), width: u32, height: u32) -> Rect {
        let (width, height) = (width as i32, height as i32);
        let wish = direction.1.atan2(direction.0);
        let candidates = DISTANCES.iter().flat_map(|&distance| ANGLES.iter().map(move |&angle| (distance, angle)));
        let mut best: Option<(usize, Rect)> = None;
        for (distance, angle) in candidates {
            let (sin, cos) = (wish + angle.to_radians()).sin_cos();
            // The label's edge, not its centre, lies at the distance.
            let reach_x = distance + width as f32 / 2.0 * cos.abs();
            let reach_y = distance + height as f32 / 2.0 * sin.abs();
            let centre = (anchor.0 + cos * reach_x, anchor.1 + sin * reach_y);
            let rect = self.clamp(Rect {
                left: (centre.0 - width as f32 / 2.0).round() as i32,
                top: (centre.1 - height as f32 / 2.0).round() as i32,
                width,
                height,
            });
            let covered = self.cells(rect).filter(|&at| self.taken[at]).count();
            if best.is_none_or(|(least, _)| covered < least) {
                best = Some((covered, rect));
            }
            if covered == 0 {
                break;
            }
        }
        let rect = best.map_or(Rect { left: anchor.0 as i32, top: anchor.1 as i32, width, height }, |(_, rect)| rect);
        self.take(rect);
        rect
    }

    /// The rectangle moved into the picture, as far as it fits.
    fn clamp(&self, rect: Rect) -> Rect {
        let inside = |at: i32, length: i32, cells: i32| at.min(cells * CELL - length - CELL).max(1);
        Rect {
            left: inside(rect.left, rect.width, self.width),
            top: inside(rect.top, rect.height, self.height),
            ..rect
        }
    }

    fn cells(&self, rect: Rect) -> impl Iterator<Item = usize> + use<> {
        let (width, height) = (self.width, self.height);
        let range = |from: i32, length: i32, n: i32| {
            from.div_euclid(CELL).clamp(0, n)..((from + length - 1).div_euclid(CELL) + 1).clamp(0, n)
        };
        let columns = range(rect.left, rect.width, width);
        range(rect.top, rect.height, height)
            .flat_map(move |row| columns.clone().map(move |c| (row * width + c) as usize))
    }
}

#[cfg(test)]
mod tests {
    use crate::report::labels::{Occupancy, Rect};

    fn overlap(a: Rect, b: Rect) -> bool {
        a.left < b.left + b.width && b.left < a.left + a.width && a.top < b.top + b.height && b.top < a.top + a.height
    }

    #[test]
    fn crowded_labels_do_not_overlap_and_stay_inside() {
        let mut map = Occupancy::new(400, 300);
        let rects: Vec<Rect> =
            (0..30).map(|i| map.place((40.0 + 11.0 * i as f32, 150.0), (0.0, -1.0), 27, 16)).collect();
        for (i, &a) in rects.iter().enumerate() {
            assert!(a.left >= 0 && a.top >= 0 && a.left + a.width <= 400 && a.top + a.height <= 300, "{a:?}");
            assert!(rects[..i].iter().all(|&b| !overlap(a, b)), "label {i} covers another");
        }
    }

    #[test]
    fn wished_direction_comes_first() {
        let mut map = Occupancy::new(400, 300);
        let above = map.place((200.0, 150.0), (0.0, -1.0), 20, 16);
        assert!(above.top + above.height < 150);
        let corner = map.place((2.0, 2.0), (-1.0, -1.0), 20, 16);
        assert!(corner.left >= 0 && corner.top >= 0);
    }
}
