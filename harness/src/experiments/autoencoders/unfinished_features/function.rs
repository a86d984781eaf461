//! The selectivity of an element: the input or the class on which it fires.

/// The properties of all datapoints: two inputs and a class each.
#[derive(Debug)]
pub struct Properties {
    /// The numbers of the first and the second input of each datapoint; second inputs are counted on from the first
    /// ones.
    pub inputs: Vec<[usize; 2]>,
    /// The class that the model predicts for each datapoint.
    pub classes: Vec<usize>,
    /// The number of different inputs, of either place together.
    pub most_inputs: usize,
    /// The number of classes.
    pub most_classes: usize,
}

/// Returns the largest cosine, over datapoints, between an element's activations and the indicator of an input, and
/// that with the indicator of a class: for activations of one size the geometric mean of precision and recall. Both are
/// 0 for an element that never fires.
pub fn selectivity(activations: impl Iterator<Item = f64> + Clone, of: &Properties) -> [f64; 2] {
    let mut inputs = vec![(0.0, 0.0); of.most_inputs];
    let mut classes = vec![(0.0, 0.0); of.most_classes];
    let data = of.inputs.iter().zip(&of.classes);
    let add = |place: &mut (f64, f64), a: f64| *place = (place.0 + a, place.1 + 1.0);
    for (a, (both, &class)) in activations.clone().zip(data) {
        both.iter().for_each(|&input| add(&mut inputs[input], a));
        add(&mut classes[class], a);
    }
    let size = activations.map(|a| a * a).sum::<f64>().sqrt();
    let cosine = |&(sum, count): &(f64, f64)| sum / (size * count.sqrt());
    let largest = |all: &[(f64, f64)]| {
        all.iter()
            .filter(|p| p.0 > 0.0)
            .map(cosine)
            .fold(0.0, f64::max)
    };
    [largest(&inputs), largest(&classes)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_element_that_fires_on_one_class_is_selective_for_it() {
        let of = Properties {
            inputs: vec![[0, 3], [1, 3], [0, 4], [2, 5]],
            classes: vec![1, 0, 1, 0],
            most_inputs: 6,
            most_classes: 2,
        };
        let read = |a: [f64; 4]| selectivity(a.into_iter(), &of);
        // Input 0 and class 1 are those of datapoints 0 and 2.
        let [input, class] = read([2.0, 0.0, 2.0, 0.0]);
        assert!((input - 1.0).abs() < 1e-12 && (class - 1.0).abs() < 1e-12);
        // One of two datapoints of a class, and the only one with inputs 2 and 5.
        let [input, class] = read([0.0, 0.0, 0.0, 1.0]);
        assert!((input - 1.0).abs() < 1e-12 && (class - 0.5f64.sqrt()).abs() < 1e-12);
        // The element fires on everything alike, and at most half of the datapoints have any one property.
        let [input, class] = read([1.0; 4]);
        assert!((input - 0.5f64.sqrt()).abs() < 1e-12 && (class - 0.5f64.sqrt()).abs() < 1e-12);
        assert_eq!(read([0.0; 4]), [0.0, 0.0]);
    }
}
