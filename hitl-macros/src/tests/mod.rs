//! The expansion in readable form.

use proc_macro2::TokenStream;
use quote::quote;

use crate::pipeline::{hitl_tool, hitl_tools};

fn expansion(keys: TokenStream, item: TokenStream) -> String {
    prettyplease::unparse(&syn::parse2(hitl_tool(keys, item)).unwrap())
}

#[test]
fn one_whole_expansion() {
    let keys = quote! {
        approval_type = "contract", risk = "high", base_confidence = 50,
        auto_threshold = 95, quick_threshold = 70,
        requires_reason, expires = "10m", timeout = "1500ms", destructive,
        approve_label = "Sign Contract", reject_label = "Cancel",
        describe = "Sign contract {contract_id} for ${amount}",
    };
    let item = quote! {
        /// Sign a contract on behalf of the workspace.
        #[tracing::instrument]
        pub(crate) async fn sign_contract(
            #[hitl(state)] ledger: Arc<Ledger>,
            #[hitl(state)] limits: &Limits,
            #[hitl(context)] cx: &CallContext,
            /// The contract's id, like C-1042.
            contract_id: &str,
            amount: f64,
            #[hitl(sensitive)] mut pin: String,
            #[hitl(default = "EUR")] currency: String,
        ) -> Result<Signature, ContractError> {
            ledger.sign(&cx.principal, contract_id, amount, pin).await
        }
    };
    insta::assert_snapshot!(expansion(keys, item));
}

#[test]
fn parameters_that_nobody_interprets_are_listed_with_their_texts() {
    let item = quote! {
        /// Saves.
        async fn save(#[hitl(inert)] note: String, #[hitl(inert)] tags: Vec<String>, to: String) {}
    };
    let text: String = expansion(quote!(), item).split_whitespace().collect();
    let list = r#".inert(&["note","note[*]","tags","tags[*]"])"#;
    assert!(text.contains(list) || text.contains(&list.replace("])", ",])")), "{text}");
    let item = quote! {
        /// Saves.
        async fn save(#[hitl(state, inert)] a: Arc<Ledger>, #[hitl(context, inert)] b: &CallContext) {}
    };
    let text = expansion(quote!(), item);
    assert!(text.contains("host state comes from the gate: it takes no other key"), "{text}");
    assert!(text.contains("the context comes from the gate: it takes no other key"), "{text}");
}

#[test]
fn a_limit_needs_an_amount_and_both_an_argument() {
    let item = quote! {
        /// Pays.
        async fn pay(
            #[hitl(limit = 5)] a: u32,
            #[hitl(amount, limit = 0)] b: u32,
            #[hitl(amount, limit = 1.5)] c: f64,
            #[hitl(context, amount)] d: &CallContext,
            #[hitl(amount = 5)] e: u32,
        ) {}
    };
    let text = expansion(quote!(), item);
    assert!(text.contains("`limit` is the limit of an amount"), "{text}");
    assert_eq!(text.matches("`limit` takes a whole number of at least 1").count(), 2, "{text}");
    assert!(text.contains("the context comes from the gate: it takes no other key"), "{text}");
    assert!(text.contains("`amount`"), "{text}");
}

#[test]
fn a_plain_return_is_proven_to_be_one() {
    let item = quote! {
        /// Counts.
        async fn count() -> u8 {
            1
        }
    };
    insta::assert_snapshot!(expansion(quote!(crate = my::hitl), item));
}

#[test]
fn a_fn_that_cannot_be_expanded_leaves_its_names() {
    let item = quote! {
        /// Counts.
        async fn count<T>(#[hitl(context)] cx: &CallContext, (a, b): (u8, u8), c: u8) -> u8 {
            1
        }
    };
    insta::assert_snapshot!(expansion(quote!(), item));
}

#[test]
fn a_method_is_left_as_it_was() {
    let item = quote! {
        /// Counts.
        async fn count(&self, #[hitl(sensitive)] pin: String) {}
    };
    insta::assert_snapshot!(expansion(quote!(), item));
}

#[test]
fn who_decides_is_checked_where_it_is_written() {
    for (keys, why) in [
        (quote!(decisions = ["approve", "edit"]), "needs a way to say no"),
        (quote!(decisions = ["approve", "perhaps"]), "`decisions` takes a list of"),
        (quote!(decisions = ["reject", "reject"]), "each once"),
        (quote!(decisions = "approve"), "`decisions` takes a list of"),
        (quote!(stages = ["0 of finance"]), "`stages` takes a list of stages"),
        (quote!(stages = []), "`stages` takes a list of stages"),
        (quote!(idempotent, attempts = 0), "`attempts` takes a whole number of at least 1"),
        (quote!(attempts = 2), "no other is tried twice"),
        (quote!(escalate_to = "board"), "`escalate_to` needs `escalate_within`"),
        (quote!(requires_reason, decisions = ["abort"]), "does not allow"),
    ] {
        let item = quote! {
            /// Pays.
            async fn pay() {}
        };
        let expansion = hitl_tool(keys.clone(), item).to_string();
        assert!(expansion.contains("compile_error"), "{keys}");
        assert!(expansion.contains(why), "{keys}: {expansion}");
    }
}

#[test]
fn what_may_not_be_there_is_not_shown() {
    let item = quote! {
        /// Pays.
        async fn pay(#[cfg(unix)] amount: u64) {}
    };
    let expansion = hitl_tool(quote!(describe = "Pay {amount}"), item).to_string();
    assert!(expansion.contains("does not hold"), "{expansion}");
}

#[test]
fn methods_become_tools_of_their_service() {
    let block = quote! {
        impl crate::Office {
            const MOST: u8 = 3;

            /// Opens the office.
            #[hitl_tool(risk = "low", read_only)]
            #[tracing::instrument(skip(self))]
            pub(crate) async fn open(
                &self,
                #[hitl(context)] cx: &CallContext,
                #[hitl(default = Self::MOST)] doors: u8,
                keys: &[Self],
            ) -> Result<Option<Self>, OfficeError> {
                self.doors.open(cx, doors, keys).await
            }

            fn closed(&self) -> bool {
                false
            }

            /// Burns it down.
            #[hitl_tool(destructive)]
            async fn burn(&self) {}
        }
    };
    let expanded = hitl_tools(quote!(crate = my::hitl), block);
    insta::assert_snapshot!(prettyplease::unparse(&syn::parse2(expanded).unwrap()));
}

#[test]
fn a_block_that_is_no_service_is_left_as_it_was() {
    let block = quote! {
        impl Serve for Office {
            /// Serves.
            #[hitl_tool]
            async fn serve(&self, #[hitl(sensitive)] pin: String) {}
        }
    };
    insta::assert_snapshot!(prettyplease::unparse(
        &syn::parse2(hitl_tools(quote!(), block)).unwrap()
    ));
}

#[test]
fn an_effect_names_arguments_that_are_no_secrets() {
    let item = quote! {
        /// Pays.
        async fn pay(to: String, #[hitl(sensitive)] pin: String, #[hitl(context)] cx: &CallContext) {}
    };
    let text = |keys| expansion(keys, item.clone());
    assert!(text(quote!(effect = "pay:{to}")).contains(".effect(\"pay:{to}\")"));
    let refused = text(quote!(effect = "pay:{to}", effect_repeat = "refuse"));
    assert!(refused.contains(".refuse_repeated_effect()"), "{refused}");
    for (keys, error) in [
        (quote!(effect = "pay:{pin}"), "`effect` names `{pin}`, which is sensitive"),
        (quote!(effect = "pay:{cx}"), "`effect` names `{cx}`, which is no argument"),
        (quote!(effect = "pay:{too}"), "`effect` has no argument for `{too}`: did you mean `to`?"),
        (quote!(effect = "pay:{to"), "in `effect`, this `{` is not closed"),
        (quote!(effect = "pay", read_only), "a tool that is `read_only` has no effect"),
        (quote!(effect_repeat = "ask"), "`effect_repeat` needs `effect`"),
        (quote!(effect = "pay", effect_repeat = "never"), "`effect_repeat` takes"),
    ] {
        let text = text(keys);
        assert!(text.contains(error), "{error}\n{text}");
    }
}

#[test]
fn a_preview_takes_the_parameters_of_the_tool_in_their_order() {
    let item = quote! {
        /// Pays.
        async fn pay(to: &str, #[hitl(state)] bank: Arc<Bank>, #[hitl(sensitive)] pin: String) {}
    };
    let text = |keys| expansion(keys, item.clone()).split_whitespace().collect::<String>();
    let with = text(quote!(preview = previews::pay));
    assert!(with.contains(".previews()"), "{with}");
    assert!(with.contains("previews::pay(&call.to,::core::clone::Clone::clone("), "{with}");
    assert!(with.contains("call.pin)") || with.contains("call.pin,)"), "{with}");
    let without = text(quote!());
    assert!(!without.contains("preview"), "{without}");
}
