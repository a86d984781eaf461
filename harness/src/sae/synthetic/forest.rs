//! Features in trees: a child fires only where its parent does.

use std::ops::Range;

/// A forest of trees of one depth, their nodes numbered level by level: first the roots, then their children, and so
/// on. The children of one node follow each other. Features beyond the trees stand alone.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Forest {
    roots: usize,
    children: usize,
    /// The number of nodes that have children.
    inner: usize,
}

impl Forest {
    /// Returns a forest of `roots` trees, with `children` children of each node and `depth` levels below the roots.
    pub fn new(roots: usize, children: usize, depth: usize) -> Forest {
        let levels = (0..depth as u32).map(|level| {
            let nodes = children.saturating_pow(level);
            nodes.saturating_mul(roots)
        });
        Forest {
            roots,
            children,
            inner: levels.fold(0, usize::saturating_add),
        }
    }

    /// Returns the number of nodes.
    pub fn len(&self) -> usize {
        self.inner
            .saturating_mul(self.children)
            .saturating_add(self.roots)
    }

    /// Returns whether no node has children.
    pub fn is_flat(&self) -> bool {
        self.inner == 0
    }

    /// Returns the children of a feature, if it has any.
    pub fn children(&self, feature: usize) -> Option<Range<usize>> {
        let first = self.roots + self.children * feature;
        (feature < self.inner).then(|| first..first + self.children)
    }

    /// Returns the parent of a feature, if it has one.
    pub fn parent(&self, feature: usize) -> Option<usize> {
        (self.roots..self.len())
            .contains(&feature)
            .then(|| (feature - self.roots) / self.children)
    }

    /// Returns the probabilities with which features must fire before their parents are looked at, so that in the end
    /// they fire about as often as `base` says. This is p/p_P for a child of P. Where children exclude each other, it
    /// is more by the factor `1 + Σ_s p_s/p_P` over the siblings s, to make up for what they take away. Probabilities
    /// above 1 are cut to 1, and the rest is lost.
    pub fn corrected(&self, base: &[f64], exclusive: bool) -> Vec<f64> {
        let corrected = |(feature, &p): (usize, &f64)| {
            let Some(parent) = self.parent(feature) else {
                return p;
            };
            if base[parent] == 0.0 {
                return 0.0;
            }
            let siblings = self.children(parent).expect("a parent has children");
            let others: f64 = siblings
                .filter(|&sibling| sibling != feature)
                .map(|sibling| base[sibling] / base[parent])
                .sum();
            let taken = if exclusive { others } else { 0.0 };
            (p / base[parent] * (1.0 + taken)).min(1.0)
        };
        base.iter().enumerate().map(corrected).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_are_numbered_by_breadth() {
        // The roots are 0..128; depth 1 is 128..640, depth 2 640..2688, depth 3 2688..10880.
        let forest = Forest::new(128, 4, 3);
        assert_eq!(forest.len(), 10_880);
        for (parent, children) in [
            (0, 128..132),
            (127, 636..640),
            (128, 640..644),
            (641, 2692..2696),
            (2687, 10_876..10_880),
        ] {
            assert_eq!(forest.children(parent), Some(children.clone()));
            assert!(
                children
                    .into_iter()
                    .all(|child| forest.parent(child) == Some(parent))
            );
        }
        assert_eq!(
            (
                forest.children(2688),
                forest.parent(127),
                forest.parent(10_880)
            ),
            (None, None, None)
        );
        assert!(Forest::default().is_flat() && Forest::default().parent(0).is_none());
    }

    #[test]
    fn probabilities_are_corrected_for_parents_and_siblings() {
        let forest = Forest::new(1, 2, 1);
        let base = [0.5, 0.1, 0.2, 0.3];
        let near = |a: Vec<f64>, b: [f64; 4]| a.iter().zip(b).all(|(a, b)| (a - b).abs() < 1e-15);
        assert!(near(
            forest.corrected(&base, true),
            [0.5, 0.2 * 1.4, 0.4 * 1.2, 0.3]
        ));
        assert!(near(forest.corrected(&base, false), [0.5, 0.2, 0.4, 0.3]));
        assert_eq!(forest.corrected(&[0.1, 0.2, 0.0, 0.0], true)[1], 1.0);
    }
}
