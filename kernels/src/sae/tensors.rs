//! Named tensors, one after the other in one slice of memory.
//!
//! A list of [`Tensor`]s says which tensors there are. A [`Matrix`] or a [`Vector`] is the name of one of them: by the
//! name of a matrix one gets a matrix, and by the name of a vector a slice.

use std::ops::Range;

use crate::matrix::view::{MatMut, MatRef};

/// The shape of a sparse autoencoder: its width and the number of its elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Shape {
    /// The width d of the activations that are reconstructed.
    pub width: usize,
    /// The number n of elements of the dictionary.
    pub dictionary: usize,
}

/// The weights of the encoder's last layer, one row for each element.
pub(super) const W_ENC: Matrix = Matrix("w_enc");
/// The bias of the encoder's last layer, one value for each element.
pub(super) const B_ENC: Vector = Vector("b_enc");
/// The dictionary, n×d. Every variant has one.
pub(super) const W_DEC: Matrix = Matrix("w_dec");
/// The bias of the decoder, d values.
pub(super) const B_DEC: Vector = Vector("b_dec");
/// The skip connection of a transcoder, one row for each value of what is reconstructed.
pub(super) const W_SKIP: Matrix = Matrix("w_skip");

/// The description of a tensor of a model: its name, its size, whether its rows belong to elements, and its start
/// value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Tensor {
    pub(super) name: &'static str,
    /// The number of rows of a matrix; 1 for a vector.
    pub(super) rows: usize,
    pub(super) cols: usize,
    /// Whether each element has a row of this matrix, or a value of this vector.
    pub(super) by_element: bool,
    /// Whether each element also has a column of this matrix.
    pub(super) between_elements: bool,
    /// The value at all places of the tensor in a new model, unless the model sets others.
    pub(super) start: f32,
}

impl Tensor {
    /// Returns the same tensor as one of which each element of the dictionary has a row, or a value if it is a vector.
    pub(super) fn by_element(self) -> Tensor {
        Tensor {
            by_element: true,
            ..self
        }
    }

    /// Returns the same tensor as one of which each element of the dictionary has a row and a column.
    pub(super) fn between_elements(self) -> Tensor {
        Tensor {
            between_elements: true,
            ..self.by_element()
        }
    }

    /// Returns the same tensor with another start value than 0.
    pub(super) fn starting_at(self, start: f32) -> Tensor {
        Tensor { start, ..self }
    }

    /// Returns the number of values.
    pub(super) fn len(&self) -> usize {
        self.rows * self.cols
    }

    /// Returns whether this is the tensor of a name.
    pub(super) fn is(&self, name: impl Name) -> bool {
        self.name == name.name()
    }

    fn is_like(&self, other: &Tensor) -> bool {
        (self.name, self.rows, self.cols) == (other.name, other.rows, other.cols)
    }
}

/// The name of a matrix.
#[derive(Clone, Copy)]
pub(super) struct Matrix(pub(super) &'static str);

impl Matrix {
    /// Returns the tensor of this name and size, with the start value 0.
    pub(super) fn of(self, rows: usize, cols: usize) -> Tensor {
        Tensor {
            name: self.0,
            rows,
            cols,
            by_element: false,
            between_elements: false,
            start: 0.0,
        }
    }
}

/// The name of a vector.
#[derive(Clone, Copy)]
pub(super) struct Vector(pub(super) &'static str);

impl Vector {
    /// Returns the tensor of this name and length, with the start value 0.
    pub(super) fn of(self, len: usize) -> Tensor {
        Matrix(self.0).of(1, len)
    }
}

/// The name of a tensor, whose type says as what the tensor is read and written.
pub(super) trait Name: Copy {
    /// The type of a view of the tensor for reading.
    type View<'a>;
    /// The type of a view of the tensor for writing.
    type ViewMut<'a>;

    fn name(self) -> &'static str;
    fn view(tensor: Tensor, values: &[f32]) -> Self::View<'_>;
    fn view_mut(tensor: Tensor, values: &mut [f32]) -> Self::ViewMut<'_>;
}

impl Name for Matrix {
    type View<'a> = MatRef<'a>;
    type ViewMut<'a> = MatMut<'a>;

    fn name(self) -> &'static str {
        self.0
    }
    fn view(tensor: Tensor, values: &[f32]) -> MatRef<'_> {
        MatRef::first(values, tensor.rows, tensor.cols)
    }
    fn view_mut(tensor: Tensor, values: &mut [f32]) -> MatMut<'_> {
        MatMut::first(values, tensor.rows, tensor.cols)
    }
}

impl Name for Vector {
    type View<'a> = &'a [f32];
    type ViewMut<'a> = &'a mut [f32];

    fn name(self) -> &'static str {
        self.0
    }
    fn view(_: Tensor, values: &[f32]) -> &[f32] {
        values
    }
    fn view_mut(_: Tensor, values: &mut [f32]) -> &mut [f32] {
        values
    }
}

/// The names of tensors that are written at the same time: one name, or a tuple of different names.
pub(super) trait Names {
    /// The views for writing, in the order of the names.
    type ViewsMut<'a>;

    #[track_caller]
    fn views_mut(self, tensors: &mut Tensors) -> Self::ViewsMut<'_>;
}

/// A single name stands for the tensor of that name alone.
impl<N: Name> Names for N {
    type ViewsMut<'a> = N::ViewMut<'a>;

    #[track_caller]
    fn views_mut(self, tensors: &mut Tensors) -> Self::ViewsMut<'_> {
        let [(tensor, values)] = tensors.cut_mut([self.name()]);
        N::view_mut(tensor, values)
    }
}

macro_rules! names_of_tuples {
    ($($name:ident)+) => {
        #[allow(non_snake_case)]
        impl<$($name: Name),+> Names for ($($name,)+) {
            type ViewsMut<'a> = ($($name::ViewMut<'a>,)+);

            #[track_caller]
            fn views_mut(self, tensors: &mut Tensors) -> Self::ViewsMut<'_> {
                let ($($name,)+) = self;
                let [$($name),+] = tensors.cut_mut([$($name.name()),+]);
                ($($name::view_mut($name.0, $name.1),)+)
            }
        }
    };
}
names_of_tuples!(A B);
names_of_tuples!(A B C);
names_of_tuples!(A B C D);

/// The values of named tensors.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tensors {
    shape: Shape,
    list: Vec<Tensor>,
    values: Vec<f32>,
    /// A decoder's bias of d zeros, for models that have no such tensor.
    zeros: Vec<f32>,
}

impl Tensors {
    /// Returns tensors that are all zero. The dictionary, [`W_DEC`], has to be among them.
    pub(super) fn zeros(shape: Shape, list: Vec<Tensor>) -> Tensors {
        let len = list.iter().map(Tensor::len).sum();
        Tensors {
            shape,
            list,
            values: vec![0.0; len],
            zeros: vec![0.0; shape.width],
        }
    }

    pub(super) fn shape(&self) -> Shape {
        self.shape
    }

    /// Returns all values, tensor after tensor, matrices row after row.
    pub(super) fn values(&self) -> &[f32] {
        &self.values
    }

    pub(super) fn values_mut(&mut self) -> &mut [f32] {
        &mut self.values
    }

    /// Sets all values of every tensor to its start value.
    pub(super) fn fill_with_starts(&mut self) {
        let mut values = self.values.as_mut_slice();
        for tensor in &self.list {
            let (tensor_values, rest) = values.split_at_mut(tensor.len());
            tensor_values.fill(tensor.start);
            values = rest;
        }
    }

    /// Replaces the list by another list of tensors with the same names and sizes. Returns whether it was one; if not,
    /// nothing changes.
    pub(super) fn set_list(&mut self, list: Vec<Tensor>) -> bool {
        let same =
            self.list.len() == list.len() && self.list.iter().zip(&list).all(|(a, b)| a.is_like(b));
        if same {
            self.list = list;
        }
        same
    }

    /// Returns each tensor and its range among all values.
    pub(super) fn places(&self) -> impl Iterator<Item = (Tensor, Range<usize>)> {
        let mut start = 0;
        self.list.iter().map(move |&tensor| {
            let place = start..start + tensor.len();
            start = place.end;
            (tensor, place)
        })
    }

    /// Returns each tensor by name, a vector as a matrix of one row.
    pub(super) fn iter(&self) -> impl Iterator<Item = (&'static str, MatRef<'_>)> {
        self.places()
            .map(|(tensor, place)| (tensor.name, Matrix::view(tensor, &self.values[place])))
    }

    /// Returns whether there is a tensor of this name.
    pub(super) fn has(&self, name: impl Name) -> bool {
        self.list.iter().any(|tensor| tensor.is(name))
    }

    /// Returns the tensor of this name.
    ///
    /// # Panics
    /// If there is no such tensor.
    #[track_caller]
    pub(super) fn get<N: Name>(&self, name: N) -> N::View<'_> {
        let (tensor, place) = self.place(name.name());
        N::view(tensor, &self.values[place])
    }

    /// Returns the tensors of these names, for writing all at once.
    ///
    /// # Panics
    /// If there is no such tensor, or a name occurs twice.
    #[track_caller]
    pub(super) fn get_mut<N: Names>(&mut self, names: N) -> N::ViewsMut<'_> {
        names.views_mut(self)
    }

    /// Returns the tensor of this name, a vector as a matrix of one row.
    ///
    /// # Panics
    /// If there is no such tensor.
    #[track_caller]
    pub(super) fn by_name(&self, name: &str) -> MatRef<'_> {
        let (tensor, place) = self.place(name);
        Matrix::view(tensor, &self.values[place])
    }

    /// Returns the tensors of these names, for writing all at once, vectors as matrices of one row.
    ///
    /// # Panics
    /// If there is no such tensor, or a name occurs twice.
    #[track_caller]
    pub(super) fn by_name_mut<const N: usize>(&mut self, names: [&str; N]) -> [MatMut<'_>; N] {
        self.cut_mut(names)
            .map(|(tensor, values)| Matrix::view_mut(tensor, values))
    }

    /// Returns the dictionary, n×d, whose rows are the elements.
    pub(super) fn dictionary(&self) -> MatRef<'_> {
        self.get(W_DEC)
    }

    /// Returns the bias of the decoder; d zeros where it is not among the tensors.
    pub(super) fn b_dec(&self) -> &[f32] {
        if self.has(B_DEC) {
            self.get(B_DEC)
        } else {
            &self.zeros
        }
    }

    /// Returns a decoder's bias of d zeros.
    pub(super) fn no_bias(&self) -> &[f32] {
        &self.zeros
    }

    #[track_caller]
    fn place(&self, name: &str) -> (Tensor, Range<usize>) {
        let found = self.places().find(|(tensor, _)| tensor.name == name);
        found.unwrap_or_else(|| {
            let names: Vec<&str> = self.list.iter().map(|tensor| tensor.name).collect();
            panic!("no tensor {name:?}, but {}", names.join(", "))
        })
    }

    #[track_caller]
    fn cut_mut<const N: usize>(&mut self, names: [&str; N]) -> [(Tensor, &mut [f32]); N] {
        for (i, name) in names.iter().enumerate() {
            assert!(!names[..i].contains(name), "the tensor {name:?} twice");
        }
        let places = names.map(|name| self.place(name));
        let ranges = places.clone().map(|(_, place)| place);
        let values = self.values.get_disjoint_mut(ranges);
        let mut values = values.expect("each in a place of its own").into_iter();
        places.map(|(tensor, _)| (tensor, values.next().expect("as many")))
    }
}
