//! Lines and transforms that registration and tracking share, as plain data.
//!
//! A session's centrelines are [`Line`]s; [`Rigid`] takes a session's µm into another's; [`Elastic`] holds what is left
//! of the displacement along each line. A place is mapped by [`SessionMap`]. Only coordinates move, never pixels.

mod elastic;
mod line;
mod map;
mod rigid;

pub use crate::geometry::elastic::{Elastic, ElasticLine, Local};
pub use crate::geometry::line::{Foot, Line, nearest_line};
pub use crate::geometry::map::SessionMap;
pub use crate::geometry::rigid::Rigid;
