//! Figures as descriptions: panels, axes and marks. `render` turns one into SVG.
//!
//! An experiment says *what* is drawn; how it looks is decided once, here and in `style`, so that
//! one thing has one colour in all figures and every figure can be read in grey.

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
    /// File name without `.svg`.
    pub name: String,
    /// One to three sentences: what is drawn, and over what it is averaged.
    pub caption: String,
    /// Panels in a row.
    pub columns: usize,
    /// Row by row.
    pub panels: Vec<Panel>,
    /// The tables that it is drawn from, if it says so.
    pub tables: Vec<&'static str>,
}

impl Figure {
    /// A figure without panels yet, two of them to a row.
    pub fn new(name: impl Into<String>, caption: impl Into<String>) -> Self {
        Figure {
            name: name.into(),
            caption: caption.into(),
            columns: 2,
            panels: Vec::new(),
            tables: Vec::new(),
        }
    }

    /// Says that it is drawn from the table of these rows.
    pub fn of<R: Record>(mut self) -> Self {
        self.tables.push(R::SPEC.name);
        self
    }

    /// Sets how many panels stand in a row.
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

/// One pair of axes and what is drawn on it.
#[derive(Debug, Clone)]
pub struct Panel {
    /// Above the panel; may be empty.
    pub title: String,
    /// Horizontal axis.
    pub x: Axis,
    /// Left axis.
    pub y: Axis,
    /// Right axis, for marks drawn [`on_right`](Panel::on_right).
    pub right: Option<Axis>,
    /// Whether a unit has the same length on both axes, which are linear: a plane with vectors.
    pub to_scale: bool,
    marks: Vec<Placed>,
}

/// A mark and the axis it is read on.
#[derive(Debug, Clone)]
struct Placed {
    mark: Mark,
    right: bool,
}

/// Something drawn in a panel. Points with a coordinate that is not finite are left out and
/// interrupt a line. Marks with the same role and label share a line of the legend; a mark without
/// a label has none.
#[derive(Debug, Clone)]
pub enum Mark {
    /// A line through points in order.
    Line(Series),
    /// A line with its points marked, for few points.
    Dotted(Series),
    /// Points alone.
    Scatter(Series),
    /// The range between two curves: (x, low, high).
    Band {
        /// What it shows.
        role: Role,
        /// (x, low, high)
        points: Vec<(f64, f64, f64)>,
    },
    /// Vertical bars from low to high: (x, low, high).
    Intervals {
        /// What they show.
        role: Role,
        /// (x, low, high)
        points: Vec<(f64, f64, f64)>,
    },
    /// Intervals of both coordinates around points. The axes hold them as far beyond the points as these are apart; there
    /// they are cut off at the frame.
    Crosses {
        /// What they show.
        role: Role,
        /// Around which points, and how far.
        crosses: Vec<Cross>,
    },
    /// A histogram: bins as (from, to, height).
    Bars {
        /// What it shows.
        role: Role,
        /// The name in the legend.
        label: String,
        /// (from, to, height)
        bins: Vec<(f64, f64, f64)>,
    },
    /// A horizontal line across the panel, its label written on it.
    Level {
        /// On the y axis.
        at: f64,
        /// On the line.
        label: String,
    },
    /// A vector in the plane, its label at the tip.
    Arrow {
        /// What it shows.
        role: Role,
        /// The name at the tip.
        label: String,
        /// Tail.
        from: (f64, f64),
        /// Tip.
        to: (f64, f64),
    },
    /// Points, each with its name beside it, where it covers no other name or point.
    Named {
        /// What they show.
        role: Role,
        /// Place and name.
        points: Vec<((f64, f64), String)>,
    },
    /// A heat map, with its scale beside the panel.
    Heat(Heat),
}

/// A point with an interval of each coordinate; one that is not finite is left out.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Cross {
    /// The point.
    pub at: (f64, f64),
    /// Lowest and highest x.
    pub x: (f64, f64),
    /// Lowest and highest y.
    pub y: (f64, f64),
}

/// Points that belong together.
#[derive(Debug, Clone)]
pub struct Series {
    /// What it shows.
    pub role: Role,
    /// The name in the legend.
    pub label: String,
    /// The points, in the order in which the line goes through them.
    pub points: Vec<(f64, f64)>,
}

/// Values on a grid.
#[derive(Debug, Clone)]
pub struct Heat {
    /// What the colours mean.
    pub label: String,
    /// Coordinates of the columns, increasing.
    pub x: Vec<f64>,
    /// Coordinates of the rows, increasing.
    pub y: Vec<f64>,
    /// `values[row][column]`; what is missing or not a number is left white.
    pub values: Vec<Vec<f64>>,
    /// The ends of the colour scale; those of the values if not set. Panels that are to be compared
    /// need the same.
    pub range: Option<(f64, f64)>,
    /// Colours that meet in white at 0, for values of both signs.
    pub diverging: bool,
    /// A contour line at this value, drawn and marked on the scale.
    pub contour: Option<f64>,
}

impl Panel {
    /// A panel without marks yet.
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

    /// Changes what stands above the panel.
    pub fn title(mut self, title: impl Into<String>) -> Self {
        self.title = title.into();
        self
    }

    /// Gives the panel a second vertical axis.
    pub fn with_right(mut self, axis: Axis) -> Self {
        self.right = Some(axis);
        self
    }

    /// A unit has the same length on both axes.
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

    /// Adds bars (from, to, height).
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

    /// Adds a horizontal line, a threshold for instance.
    pub fn level(self, at: f64, label: impl Into<String>) -> Self {
        self.mark(Mark::Level {
            at,
            label: label.into(),
        })
    }
}

impl Series {
    /// Points under a role and a label.
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
