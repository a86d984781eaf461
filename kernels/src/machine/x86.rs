//! What the x86-64 backends share: one macro that makes a backend from one list of its features.

/// Makes an x86-64 backend from one list of features: the token, its check, its `target_feature` functions, the methods
/// of the product's tile and the element-wise ones.
macro_rules! x86_backend {
    (
        $(#[$doc:meta])*
        $name:ident, lanes $lanes:literal, tile $mr:literal x $nv:literal, features [$($feature:tt)+],
        f32 $f32:ty, i32 $i32:ty, mask $mask:ty,
        tile { $(fn $tile:ident ($($tile_arg:ident: $tile_ty:ty),*) -> $tile_ret:ty $tile_body:block)+ }
        simd {
            $(fn $method:ident $(<const $param:ident: u32>)? ($($arg:ident: $arg_ty:ty),*) -> $ret:ty $body:block)+
        }
    ) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub struct $name(());

        impl $name {
            /// Returns the token if this CPU has all of the features; the check is made once, then remembered.
            pub fn new() -> Option<Self> {
                ($(std::arch::is_x86_feature_detected!($feature))&&+).then_some(Self(()))
            }
        }

        impl crate::machine::simd::Tile<$f32> for $name {
            fn with_tile<O: crate::machine::simd::TileOp>(self, op: O) {
                op.run::<$name, $mr, $nv>(self)
            }

            #[inline(always)]
            unsafe fn load_ptr(self, from: *const f32) -> $f32 {
                // SAFETY: the caller vouches for the pointer; the load is an unaligned one.
                unsafe { from.cast::<$f32>().read_unaligned() }
            }

            #[inline(always)]
            unsafe fn store_ptr(self, v: $f32, to: *mut f32) {
                // SAFETY: the caller vouches for the pointer; the store is an unaligned one.
                unsafe { to.cast::<$f32>().write_unaligned(v) }
            }

            $(
                #[inline(always)]
                fn $tile(self, $($tile_arg: $tile_ty),*) -> $tile_ret {
                    // SAFETY: the token proves that the CPU has the instructions; loads are of whole arrays.
                    #[allow(unused_unsafe)]
                    unsafe { $tile_body }
                }
            )+
        }

        impl crate::machine::simd::Simd for $name {
            const LANES: usize = $lanes;
            type F32 = $f32;
            type I32 = $i32;
            type Mask = $mask;

            #[inline]
            fn run<O: crate::machine::simd::Op>(self, op: O) -> O::Output {
                $(#[target_feature(enable = $feature)])+
                fn enter<O: crate::machine::simd::Op>(op: O, s: $name) -> O::Output {
                    op.run(s)
                }
                // SAFETY: the token proves that the CPU has these features.
                unsafe { enter(op, self) }
            }

            #[inline(always)]
            fn load(self, from: &[f32]) -> $f32 {
                assert!(from.len() >= $lanes, "load: {} values, {} wanted", from.len(), $lanes);
                // SAFETY: the length was checked.
                unsafe { crate::machine::simd::Tile::load_ptr(self, from.as_ptr()) }
            }

            #[inline(always)]
            fn store(self, v: $f32, to: &mut [f32]) {
                assert!(to.len() >= $lanes, "store: {} places, {} wanted", to.len(), $lanes);
                // SAFETY: the length was checked.
                unsafe { crate::machine::simd::Tile::store_ptr(self, v, to.as_mut_ptr()) }
            }

            #[inline(always)]
            fn prefetch(self, values: &[f32]) {
                for line in values.chunks(16) {
                    // SAFETY: a prefetch reads nothing that the program could see.
                    #[allow(unused_unsafe)]
                    unsafe { _mm_prefetch::<_MM_HINT_T0>(line.as_ptr().cast()) }
                }
            }

            #[inline(always)]
            fn prefetch_ahead(self, values: &[f32], by: usize) {
                // SAFETY: a prefetch reads nothing that the program could see, from whatever address.
                #[allow(unused_unsafe)]
                unsafe { _mm_prefetch::<_MM_HINT_T0>(values.as_ptr().wrapping_add(by).cast()) }
            }

            $(
                #[inline(always)]
                fn $method $(<const $param: u32>)? (self, $($arg: $arg_ty),*) -> $ret {
                    // SAFETY: the token proves that the CPU has the instructions; where the body reads or writes
                    // memory, it is a whole array, or what a mask of the slice's length covers.
                    #[allow(unused_unsafe)]
                    unsafe { $body }
                }
            )+
        }
    };
}
pub(super) use x86_backend;
