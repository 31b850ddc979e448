//! `#[hitl_tool]`.

/// Turns an async fn into a tool.
#[proc_macro_attribute]
pub fn hitl_tool(
    _: proc_macro::TokenStream,
    item: proc_macro::TokenStream,
) -> proc_macro::TokenStream {
    item
}
