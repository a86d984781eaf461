//! Descriptions of figures: panels, axes and marks. The module `render` turns a description into SVG.
//!
//! An experiment says *what* is drawn. How it looks is decided once, here and in the module `style`, so that one thing
//! has one colour in all figures and every figure can be read in grey.

mod axis;
mod colours;
mod coord;
mod draw;
pub mod export;
mod heat;
mod ink;
mod legend;
mod mark;
mod names;
mod panel;
mod plane;
mod render;
mod seen;
mod style;

use crate::table::Record;

pub use axis::Axis;
pub use style::Role;

/// A figure: panels in a grid, a legend above them, a caption below.
#[derive(Debug, Clone)]
pub struct Figure {
    /// The name of the file without `.svg`.
    pub name: String,
    /// The caption, in one to three sentences: what is drawn, and over what it is averaged.
    pub caption: String,
    /// The number of panels in a row.
    pub columns: usize,
    /// The panels, row by row.
    pub panels: Vec<Panel>,
    /// The names of the tables that the figure is drawn from, as far as they were named with [`of`](Figure::of).
    pub tables: Vec<&'static str>,
}

impl Figure {
    /// Returns a figure without panels, with two panels in a row.
    pub fn new(name: impl Into<String>, caption: impl Into<String>) -> Self {
        Figure {
            name: name.into(),
            caption: caption.into(),
            columns: 2,
            panels: Vec::new(),
            tables: Vec::new(),
        }
    }

    /// Names the table of the rows `R` as one that the figure is drawn from.
    pub fn of<R: Record>(mut self) -> Self {
        self.tables.push(R::SPEC.name);
        self
    }

    /// Sets the number of panels in a row.
    pub fn columns(mut self, columns: usize) -> Self {
        self.columns = columns;
        self
    }

    /// Adds a panel.
    pub fn panel(mut self, panel: Panel) -> Self {
        self.panels.push(panel);
        self
    }
}

/// A panel: a pair of axes and the marks that are drawn on it.
#[derive(Debug, Clone)]
pub struct Panel {
    /// The title above the panel, which may be empty.
    pub title: String,
    /// The horizontal axis.
    pub x: Axis,
    /// The left axis.
    pub y: Axis,
    /// The right axis, for marks drawn [`on_right`](Panel::on_right).
    pub right: Option<Axis>,
    /// Whether a unit has the same length on both axes, which must be linear, as for vectors in a plane.
    pub to_scale: bool,
    marks: Vec<Placed>,
}

/// A mark, and whether it is read on the right axis.
#[derive(Debug, Clone)]
struct Placed {
    mark: Mark,
    right: bool,
}

/// A mark: something that is drawn in a panel. Points with a coordinate that is not finite are left out and interrupt a
/// line. Marks with the same role and label share an entry of the legend; a mark without a label has none.
#[derive(Debug, Clone)]
pub enum Mark {
    /// A line through points in order.
    Line(Series),
    /// A line with its points marked, for few points.
    Dotted(Series),
    /// Points without a line.
    Scatter(Series),
    /// The range between two curves, as a band.
    Band {
        /// The role of the band.
        role: Role,
        /// The points of the band as (x, low, high).
        points: Vec<(f64, f64, f64)>,
    },
    /// Vertical bars from low to high.
    Intervals {
        /// The role of the bars.
        role: Role,
        /// The bars as (x, low, high).
        points: Vec<(f64, f64, f64)>,
    },
    /// Intervals of both coordinates around points. The axes reach beyond the points by at most the distance between
    /// the outermost points; intervals that reach farther are cut off at the frame.
    Crosses {
        /// The role of the intervals.
        role: Role,
        /// The points with their intervals.
        crosses: Vec<Cross>,
    },
    /// The bars of a histogram.
    Bars {
        /// The role of the bars.
        role: Role,
        /// The name in the legend.
        label: String,
        /// The bins as (from, to, height).
        bins: Vec<(f64, f64, f64)>,
    },
    /// A horizontal line across the panel, with its label written beside it.
    Level {
        /// The place of the line on the y axis.
        at: f64,
        /// The label of the line.
        label: String,
    },
    /// A vector in the plane, with its label at the tip.
    Arrow {
        /// The role of the vector.
        role: Role,
        /// The label at the tip.
        label: String,
        /// The tail of the vector.
        from: (f64, f64),
        /// The tip of the vector.
        to: (f64, f64),
    },
    /// Points, each with its name beside it, placed where the name covers no other name or point.
    Named {
        /// The role of the points.
        role: Role,
        /// The points with their names.
        points: Vec<((f64, f64), String)>,
    },
    /// A heat map, with its scale beside the panel.
    Heat(Heat),
}

/// A point with an interval of each coordinate. An interval with an end that is not finite is left out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cross {
    /// The point.
    pub at: (f64, f64),
    /// The lowest and the highest x of the interval.
    pub x: (f64, f64),
    /// The lowest and the highest y of the interval.
    pub y: (f64, f64),
}

/// Points that belong together.
#[derive(Debug, Clone)]
pub struct Series {
    /// The role of the points.
    pub role: Role,
    /// The name in the legend.
    pub label: String,
    /// The points, in the order in which the line goes through them.
    pub points: Vec<(f64, f64)>,
}

/// Values on a grid.
#[derive(Debug, Clone)]
pub struct Heat {
    /// The quantity that the colours show, which is written beside the scale.
    pub label: String,
    /// The coordinates of the columns, increasing.
    pub x: Vec<f64>,
    /// The coordinates of the rows, increasing.
    pub y: Vec<f64>,
    /// The values, as `values[row][column]`. A cell whose value is missing or not finite is left white.
    pub values: Vec<Vec<f64>>,
    /// The ends of the colour scale; the smallest and the largest value if not set. Panels that are to be compared need
    /// the same ends.
    pub range: Option<(f64, f64)>,
    /// Whether the colours meet in white at 0, for values of both signs.
    pub diverging: bool,
    /// The value at which a contour line is drawn and marked on the scale, if any.
    pub contour: Option<f64>,
}

impl Panel {
    /// Returns a panel without marks.
    pub fn new(title: impl Into<String>, x: Axis, y: Axis) -> Self {
        Panel {
            title: title.into(),
            x,
            y,
            right: None,
            to_scale: false,
            marks: Vec::new(),
        }
    }

    /// Sets the title above the panel.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = title.into();
        self
    }

    /// Gives the panel a second vertical axis.
    pub fn with_right(mut self, axis: Axis) -> Self {
        self.right = Some(axis);
        self
    }

    /// Gives a unit the same length on both axes.
    pub fn to_scale(mut self) -> Self {
        self.to_scale = true;
        self
    }

    /// Adds a vector with its label at the tip.
    pub fn arrow(
        self,
        role: Role,
        label: impl Into<String>,
        from: (f64, f64),
        to: (f64, f64),
    ) -> Self {
        self.mark(Mark::Arrow {
            role,
            label: label.into(),
            from,
            to,
        })
    }

    /// Adds the bars of a histogram with bins (from, to, height).
    pub fn bars(
        self,
        role: Role,
        label: impl Into<String>,
        bins: impl IntoIterator<Item = (f64, f64, f64)>,
    ) -> Self {
        self.mark(Mark::Bars {
            role,
            label: label.into(),
            bins: bins.into_iter().collect(),
        })
    }

    /// Adds a mark.
    pub fn mark(mut self, mark: Mark) -> Self {
        self.marks.push(Placed { mark, right: false });
        self
    }

    /// Adds a mark that is read on the right axis.
    pub fn on_right(mut self, mark: Mark) -> Self {
        self.marks.push(Placed { mark, right: true });
        self
    }

    /// Adds a line.
    pub fn line(
        self,
        role: Role,
        label: impl Into<String>,
        points: impl IntoIterator<Item = (f64, f64)>,
    ) -> Self {
        self.mark(Mark::Line(Series::new(role, label, points)))
    }

    /// Adds a line with its points marked.
    pub fn dotted(
        self,
        role: Role,
        label: impl Into<String>,
        points: impl IntoIterator<Item = (f64, f64)>,
    ) -> Self {
        self.mark(Mark::Dotted(Series::new(role, label, points)))
    }

    /// Adds points.
    pub fn scatter(
        self,
        role: Role,
        label: impl Into<String>,
        points: impl IntoIterator<Item = (f64, f64)>,
    ) -> Self {
        self.mark(Mark::Scatter(Series::new(role, label, points)))
    }

    /// Adds vertical bars (x, low, high), such as intervals.
    pub fn intervals(self, role: Role, points: impl IntoIterator<Item = (f64, f64, f64)>) -> Self {
        self.mark(Mark::Intervals {
            role,
            points: points.into_iter().collect(),
        })
    }

    /// Adds intervals of both coordinates around points.
    pub fn crosses(self, role: Role, crosses: impl IntoIterator<Item = Cross>) -> Self {
        self.mark(Mark::Crosses {
            role,
            crosses: crosses.into_iter().collect(),
        })
    }

    /// Adds points with their names beside them.
    pub fn named(self, role: Role, points: impl IntoIterator<Item = ((f64, f64), String)>) -> Self {
        self.mark(Mark::Named {
            role,
            points: points.into_iter().collect(),
        })
    }

    /// Adds a horizontal line, such as a threshold.
    pub fn level(self, at: f64, label: impl Into<String>) -> Self {
        self.mark(Mark::Level {
            at,
            label: label.into(),
        })
    }
}

impl Series {
    /// Returns points with a role and a label.
    pub fn new(
        role: Role,
        label: impl Into<String>,
        points: impl IntoIterator<Item = (f64, f64)>,
    ) -> Self {
        Series {
            role,
            label: label.into(),
            points: points.into_iter().collect(),
        }
    }
}
