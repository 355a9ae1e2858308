//! Shape classes.

use crate::measure::MeasureParams;
use crate::model::{Spine, SpineClass, SpineFlag};
use crate::volume::Grid;

/// Sets the class from length, head and neck width, where the planes allow one.
pub(crate) fn classify(spine: &mut Spine, neck_um: Option<f64>, grid: Grid, params: &MeasureParams) {
    spine.class = SpineClass::Unclassified;
    if grid.voxel_size.z_um > params.class_max_z_um {
        spine.flags.push(SpineFlag::ClassNotResolvable);
        return;
    }
    let Some(head_um) = spine.head_width_um else { return };
    let has_head = neck_um.is_none_or(|neck| head_um > params.head_over_neck * neck);
    spine.class = if has_head && head_um >= params.mushroom_head_um {
        SpineClass::Mushroom
    } else if has_head {
        SpineClass::Thin
    } else if spine.length_um >= params.filopodium_um {
        SpineClass::Filopodium
    } else if spine.length_um > params.length_over_head * head_um {
        SpineClass::Thin
    } else {
        SpineClass::Stubby
    };
}
