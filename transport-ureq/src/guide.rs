//! Recipes, and tables for users of other clients.

pub mod cookbook {
    #![doc = include_str!("../docs/cookbook.md")]

    #[cfg(doc)]
    use crate::*;
}

pub mod coming_from {
    #![doc = include_str!("../docs/coming-from.md")]

    #[cfg(doc)]
    use wechat_proto::{
        contact::*, login::*, media::*, message::*, room::*, router::*, store::*, sync::*, *,
    };

    #[cfg(doc)]
    use crate::*;
}
