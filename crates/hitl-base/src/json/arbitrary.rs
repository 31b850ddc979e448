//! Documents for property tests.

use proptest::prelude::*;

use super::Json;

/// Returns a strategy for documents whose keys and strings are drawn from `texts`. A key may occur
/// twice.
pub(crate) fn trees(texts: impl Strategy<Value = String> + Clone + 'static) -> BoxedStrategy<Json> {
    let leaf = prop_oneof![
        4 => texts.clone().prop_map(Json::String),
        1 => "-?[1-9][0-9]{0,18}(\\.[0-9]{1,3})?".prop_map(|lexeme| Json::Number(lexeme.into())),
        1 => any::<bool>().prop_map(Json::Bool),
        1 => Just(Json::Null),
    ];
    leaf.prop_recursive(3, 16, 4, move |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Json::Array),
            proptest::collection::vec((texts.clone(), inner), 0..4).prop_map(Json::Object),
        ]
    })
    .boxed()
}
