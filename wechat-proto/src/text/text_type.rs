//! The traits of types that wrap a text.

/// Implements traits of types whose first field is a text. `FromStr` and `Into` use
/// `TryFrom<Box<str>>` and the field; `Display` and `Debug` format the text alone.
macro_rules! text_type {
    ($($name:ident: $($what:ident)+;)+) => {
        $($( $crate::text::text_type::text_type!(@$what $name); )+)+
    };
    (@FromStr $name:ident) => {
        impl core::str::FromStr for $name {
            type Err = $crate::error::Invalid;

            fn from_str(text: &str) -> Result<Self, Self::Err> {
                alloc::boxed::Box::<str>::from(text).try_into()
            }
        }
    };
    (@Into $name:ident) => {
        impl From<$name> for alloc::boxed::Box<str> {
            fn from(value: $name) -> Self {
                value.0.into()
            }
        }
    };
    (@Display $name:ident) => {
        impl core::fmt::Display for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.pad(&self.0)
            }
        }
    };
    (@Debug $name:ident) => {
        impl core::fmt::Debug for $name {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                core::fmt::Debug::fmt(&*self.0, f)
            }
        }
    };
}
pub(crate) use text_type;
