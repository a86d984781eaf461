//! Views of matrices, each of which is borrowed data, a shape, and strides.

mod read;
mod shape;
mod write;

pub use read::MatRef;
pub use shape::ShapeError;
pub use write::MatMut;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shapes_that_do_not_fit_are_errors() {
        let mut data = [0.0; 6];
        assert!(MatRef::new(&data, 2, 3).is_ok());
        assert!(MatRef::new(&data, 2, 2).is_err());
        assert!(MatRef::new(&data, usize::MAX, 2).is_err());
        assert!(MatRef::with_strides(&data, 2, 3, 3, 1).is_ok());
        assert!(MatRef::with_strides(&data, 2, 3, 4, 1).is_err());
        assert!(MatRef::with_strides(&data, 3, usize::MAX, 1, 2).is_err());
        assert!(MatRef::with_strides(&data, 0, 9, 99, 99).is_ok());
        assert!(MatMut::with_stride(&mut data, 2, 3, 2).is_err());
        assert!(MatMut::with_stride(&mut data, 2, 2, 4).is_ok());
    }

    #[test]
    fn a_matrix_lies_at_the_beginning_of_its_values_or_takes_them_all() {
        let mut data: Vec<f32> = (0..7).map(|v| v as f32).collect();
        let m = MatRef::first(&data, 2, 3);
        assert_eq!((m.row(1), m.data().len()), (&data[3..6], 6));
        assert_eq!(MatRef::first(&data, 0, 9).rows(), 0);
        let m = MatRef::from_rows(&data[..6], 2);
        assert_eq!((m.rows(), m.row(2)), (3, &data[4..6]));
        assert_eq!(MatRef::from_rows(&[], 5).rows(), 0);
        assert_eq!(MatRef::from_rows(&[], 0).rows(), 0);
        MatMut::first(&mut data, 2, 3).row_mut(1)[2] = -1.0;
        let m = MatMut::from_rows(&mut data[1..], 3);
        assert_eq!((m.rows(), m.row(1)), (2, [4.0, -1.0, 6.0].as_slice()));
    }

    #[test]
    #[should_panic(expected = "a 2×4 matrix takes more than the 7 values at hand")]
    fn a_matrix_that_takes_more_values_than_there_are_is_a_panic() {
        MatRef::first(&[0.0; 7], 2, 4);
    }

    #[test]
    #[should_panic(expected = "takes more than the 7 values at hand")]
    fn a_matrix_of_more_values_than_can_be_counted_is_a_panic() {
        MatMut::first(&mut [0.0; 7], usize::MAX, 2);
    }

    #[test]
    #[should_panic(expected = "7 values are no whole rows of 3")]
    fn a_last_row_that_is_not_whole_is_a_panic() {
        MatMut::from_rows(&mut [0.0; 7], 3);
    }

    #[test]
    #[should_panic(expected = "7 values are no whole rows of 0")]
    fn rows_of_no_values_take_no_values() {
        MatRef::from_rows(&[0.0; 7], 0);
    }

    #[test]
    fn strides_that_are_never_used_may_be_any_number() {
        for stride in [0, 1, usize::MAX] {
            let mut data = [1.0, 2.0, 3.0];
            let row = MatRef::with_strides(&data, 1, 3, stride, 1).unwrap();
            assert_eq!((row.at(0, 2), row.t().row_range(1..3).at(1, 0)), (3.0, 3.0));
            assert_eq!(row.row_range(1..1).rows(), 0);
            let column = MatRef::with_strides(&data, 3, 1, 1, stride).unwrap();
            assert_eq!((column.row(2)[0], column.t().row(0)[2]), (3.0, 3.0));
            for (rows, cols) in [(5, 0), (0, 5), (usize::MAX, 0)] {
                let nothing = MatRef::with_strides(&data, rows, cols, stride, stride).unwrap();
                for m in [nothing, nothing.t()] {
                    assert_eq!(m.row_range(m.rows() / 2..m.rows()).cols(), m.cols());
                }
                let nothing = MatMut::with_stride(&mut data, rows, cols, stride).unwrap();
                assert_eq!(nothing.split_rows(rows / 2).0.rows(), rows / 2);
            }
            let row = MatMut::with_stride(&mut data, 1, 3, stride).unwrap();
            let (upper, lower) = row.split_rows(1);
            assert_eq!((upper.row(0)[2], lower.rows()), (3.0, 0));
        }
    }

    #[test]
    fn transpose_and_ranges() {
        let data: Vec<f32> = (0..12).map(|v| v as f32).collect();
        let m = MatRef::with_strides(&data, 3, 2, 4, 2).unwrap();
        assert_eq!((m.at(2, 1), m.t().at(1, 2)), (10.0, 10.0));
        assert_eq!(m.row_range(1..3).at(1, 0), 8.0);
        assert_eq!(m.row_range(3..3).rows(), 0);
    }

    #[test]
    fn columns_of_a_matrix_are_a_matrix() {
        let mut data: Vec<f32> = (0..12).map(|v| v as f32).collect();
        let m = MatRef::from_rows(&data, 4);
        let middle = m.col_range(1..3);
        assert_eq!((middle.rows(), middle.row(2)), (3, &data[9..11]));
        assert_eq!(m.t().col_range(1..3).at(3, 1), 11.0);
        for empty in [m.col_range(4..4), m.t().col_range(3..3)] {
            assert_eq!(empty.cols(), 0);
            assert!(empty.rows() >= 3);
        }
        let mut last = MatMut::from_rows(&mut data, 4).col_range(3..4);
        for i in 0..3 {
            last.row_mut(i)[0] = -1.0;
        }
        assert_eq!(MatMut::from_rows(&mut data, 4).col_range(4..4).row(2), []);
        assert_eq!(data, [0., 1., 2., -1., 4., 5., 6., -1., 8., 9., 10., -1.]);
    }

    #[test]
    #[should_panic(expected = "columns 1..5 of a matrix of 4")]
    fn columns_that_are_not_there_are_a_panic() {
        MatRef::from_rows(&[0.0; 8], 4).col_range(1..5);
    }

    #[test]
    fn split_rows_covers_all_rows_once() {
        let mut data: Vec<f32> = (0..11).map(|v| v as f32).collect();
        for at in 0..=3 {
            let m = MatMut::with_stride(&mut data, 3, 3, 4).unwrap();
            let (upper, lower) = m.split_rows(at);
            assert_eq!((upper.rows(), lower.rows()), (at, 3 - at));
            for i in 0..3 {
                let row = if i < at {
                    upper.row(i)
                } else {
                    lower.row(i - at)
                };
                assert_eq!(row[0], (4 * i) as f32);
            }
        }
    }
}
