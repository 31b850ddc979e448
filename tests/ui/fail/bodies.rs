//! Every shape of a body, as a fn and as a tool: the compiler says the same of both. The test
//! `bodies_are_linted_as_those_of_plain_fns` compares the two halves of what it says.

#![deny(warnings, unused, nonstandard_style, future_incompatible, let_underscore, keyword_idents)]
#![deny(rust_2018_idioms, unused_qualifications, unused_results, unit_bindings, trivial_casts)]
#![deny(trivial_numeric_casts, single_use_lifetimes, unused_lifetimes, unsafe_op_in_unsafe_fn)]
#![deny(unused_import_braces, unreachable_pub, missing_docs, missing_debug_implementations)]
#![deny(unused_macro_rules, meta_variable_misuse, explicit_outlives_requirements)]
#![allow(dead_code)]

/// As fns.
pub mod plain {
    use std::sync::{Arc, Mutex};

    /// Has a body.
    //
    pub async fn literal() -> u8 { 1 }

    /// Has a body.
    //
    pub async fn returned() -> u8 { return 1; }

    /// Has a body.
    //
    pub async fn branches(a: u8) -> u8 { if a > 1 { 2 } else { 3 } }

    /// Has a body.
    //
    pub async fn arms(a: u8) -> u8 { match a { 1 => 2, _ => 3 } }

    /// Has a body.
    //
    pub async fn endless() { loop { break } }

    /// Has a body.
    //
    pub async fn broken_off() -> u8 { loop { break 3; } }

    /// Has a body.
    //
    pub async fn panics() -> u8 { panic!("x") }

    /// Has a body.
    //
    pub async fn unreachable() -> u8 { unreachable!() }

    /// Has a body.
    //
    pub async fn to_do() -> u8 { todo!() }

    /// Has a body.
    //
    pub async fn async_block() -> u8 { async { 1 }.await }

    /// Has a body.
    //
    pub async fn vector() -> Vec<u8> { vec![1] }

    /// Has a body.
    //
    pub async fn formatted() -> String { format!("x") }

    /// Has a body.
    //
    pub async fn block_in_block(a: u8) -> u8 { { a } }

    /// Has a body.
    //
    pub async fn in_parentheses(a: u8) -> u8 { (a) }

    /// Has a body.
    //
    pub async fn inner_fn(a: u8) -> u8 { fn b(c: u8) -> u8 { c } b(a) }

    /// Has a body.
    //
    pub async fn not_changed(mut a: u8) -> u8 { a }

    /// Has a body.
    //
    pub async fn not_used(a: u8) -> u8 { 1 }

    /// Has a body.
    //
    pub async fn result_not_used(a: u8) { std::fs::remove_file("x"); }

    /// Has a body.
    //
    pub async fn after_return(a: u8) -> u8 { return a; a }

    /// Has a body.
    //
    pub async fn let_and_tail(a: u8) -> u8 { let b = a; b }

    /// Has a body.
    //
    pub async fn question_mark(a: u8) -> Result<u8, String> { Ok(Err("x".to_string())?) }

    /// Has a body.
    //
    pub async fn underscored(_a: u8) -> Option<u8> { Some(1) }

    /// Has a body.
    //
    pub async fn statement_without_effect(a: u8) -> u8 { a; 1 }

    /// Has a body.
    //
    pub async fn conditions_in_parentheses(a: u8) -> u8 { if (a > 1) { return (2) } while (a > 300) { } 1 }

    /// Has a body.
    //
    pub async fn empty() {}

    /// Has a body.
    //
    pub async fn unit() { () }

    /// Has a body.
    //
    pub async fn tuple(a: u8) -> (u8, u8) { (a, a) }

    /// Has a body.
    //
    pub async fn references(text: &str, xs: &[u8]) -> usize { text.len() + xs.len() }

    /// Has a body.
    //
    pub async fn only_read(text: String) -> usize { text.len() }

    /// Has a body.
    //
    pub async fn many(a: bool, b: bool, c: bool, d: bool, e: u8, f: u8, g: u8, h: u8) -> bool { a && b && c && d && e == f && g == h }

    /// Has a body.
    //
    pub async fn unsafe_block(a: u8) -> u8 { unsafe { std::hint::unreachable_unchecked() } }

    /// Has a body.
    //
    pub async fn statements(a: Vec<u8>) -> usize {
        use std::collections::HashMap;
        const X: usize = 1;
        let m: HashMap<u8, u8> = HashMap::new();
        for x in a.iter() { let _ = x; }
        return m.len() + X;
    }

    /// Has a body.
    //
    pub async fn allowed_inside(a: u8) -> u8 { #[allow(unused)] let x = 1; let y = 2; a }

    /// Has a body.
    //
    pub async fn names(fooBar: u8) -> u8 { let BazQux = fooBar; BazQux }

    /// Has a body.
    //
    pub async fn labelled(a: u8) -> u8 { 'a: { if a > 1 { break 'a 1; } 2 } }

    /// Has a body.
    //
    pub async fn cast(a: u8) -> u8 { a as u8 }

    /// Has a body.
    //
    pub async fn awaits(a: u8) -> u8 { std::future::ready(a).await }

    /// Has a body.
    //
    pub async fn closure(a: u8) -> u8 { let f = |x: u8| { x }; f(a) }

    /// Has a body.
    //
    pub async fn if_let(a: Option<u8>) -> u8 { if let Some(x) = a { x } else { return 3; } }

    /// Has a body.
    //
    pub async fn let_else(a: u8) -> u8 { let Some(x) = Some(a) else { return 1 }; x }

    /// Has a body.
    //
    pub async fn temporary_at_the_end(a: u8) -> u8 { std::sync::Mutex::new(a).lock().unwrap().clone() }

    /// Has a body.
    //
    pub async fn macro_statement(a: u8) -> u8 { debug_assert!(a > 1); a.max(1) }

    /// Has a body.
    //
    pub async fn long_path(a: std::vec::Vec<u8>) -> std::vec::Vec<u8> { a }

    /// Has a body.
    //
    pub async fn raw_name(r#type: u8) -> u8 { r#type }

    /// Has a body.
    //
    pub async fn assigned_later(a: u8) -> u8 { let x; x = a; x }

    /// Has a body.
    //
    pub async fn only_fails() -> Result<(), String> { Err("x".into()) }

    /// Has a body.
    //
    pub async fn converted(a: String) -> Arc<str> { a.into() }

    /// Has a body.
    //
    pub async fn lone_semicolon(a: u8) -> u8 { ; a }

    /// Has a body.
    //
    pub async fn macro_inside(a: u8) -> u8 { macro_rules! m { () => { 1 } } a + m!() }

    /// Has a body.
    //
    pub async fn state_behind_a_lock(/*           */ count: Arc<Mutex<u8>>) -> u8 { *count.lock().unwrap() }

    /// Has a body.
    //
    pub async fn shadowed(sum: u8) -> u8 { fn sum() -> u8 { 1 } sum() }

    /// Has a body.
    //
    #[allow(unused_variables, unused_mut)]
    pub async fn allowed(mut a: u8) -> u8 { let b = 1; 2 }

    /// Has a body.
    //
    #[expect(unused_variables)]
    pub async fn expected(a: u8) -> u8 { a }

    /// Has a body.
    //
    #[expect(unused_variables, unused_mut, reason = "the second is not there")]
    pub async fn expected_one_of_two(a: u8) -> u8 { 2 }

    /// Has a body.
    //
    #[expect(non_snake_case, dead_code)]
    async fn expected_name(userId: u8) -> u8 { userId }

    /// Has a body.
    //
    pub async fn parameters(#[allow(unused_variables)] a: u8, #[expect(unused_variables)] b: u8, #[cfg(any())] c: u8, #[cfg_attr(all(), allow(unused_mut))] mut d: u8, #[expect(unused_mut)] mut e: u8) -> u8 { d += 1; e += d; e }
}

/// As tools.
pub mod tool {
    use std::sync::{Arc, Mutex};

    /// Has a body.
    #[hitl::hitl_tool]
    pub async fn literal() -> u8 { 1 }

    /// Has a body.
    #[hitl::hitl_tool]
    pub async fn returned() -> u8 { return 1; }

    /// Has a body.
    #[hitl::hitl_tool]
    pub async fn branches(a: u8) -> u8 { if a > 1 { 2 } else { 3 } }

    /// Has a body.
    #[hitl::hitl_tool]
    pub async fn arms(a: u8) -> u8 { match a { 1 => 2, _ => 3 } }

    /// Has a body.
    #[hitl::hitl_tool]
    pub async fn endless() { loop { break } }

    /// Has a body.
    #[hitl::hitl_tool]
    pub async fn broken_off() -> u8 { loop { break 3; } }

    /// Has a body.
    #[hitl::hitl_tool]
    pub async fn panics() -> u8 { panic!("x") }

    /// Has a body.
    #[hitl::hitl_tool]
    pub async fn unreachable() -> u8 { unreachable!() }

    /// Has a body.
    #[hitl::hitl_tool]
    pub async fn to_do() -> u8 { todo!() }

    /// Has a body.
    #[hitl::hitl_tool]
    pub async fn async_block() -> u8 { async { 1 }.await }

    /// Has a body.
    #[hitl::hitl_tool]
    pub async fn vector() -> Vec<u8> { vec![1] }

    /// Has a body.
    #[hitl::hitl_tool]
    pub async fn formatted() -> String { format!("x") }

    /// Has a body.
    #[hitl::hitl_tool]
    pub async fn block_in_block(a: u8) -> u8 { { a } }

    /// Has a body.
    #[hitl::hitl_tool]
    pub async fn in_parentheses(a: u8) -> u8 { (a) }

    /// Has a body.
    #[hitl::hitl_tool]
    pub async fn inner_fn(a: u8) -> u8 { fn b(c: u8) -> u8 { c } b(a) }

    /// Has a body.
    #[hitl::hitl_tool]
    pub async fn not_changed(mut a: u8) -> u8 { a }

    /// Has a body.
    #[hitl::hitl_tool]
    pub async fn not_used(a: u8) -> u8 { 1 }

    /// Has a body.
    #[hitl::hitl_tool]
    pub async fn result_not_used(a: u8) { std::fs::remove_file("x"); }

    /// Has a body.
    #[hitl::hitl_tool]
    pub async fn after_return(a: u8) -> u8 { return a; a }

    /// Has a body.
    #[hitl::hitl_tool]
    pub async fn let_and_tail(a: u8) -> u8 { let b = a; b }

    /// Has a body.
    #[hitl::hitl_tool]
    pub async fn question_mark(a: u8) -> Result<u8, String> { Ok(Err("x".to_string())?) }

    /// Has a body.
    #[hitl::hitl_tool]
    pub async fn underscored(_a: u8) -> Option<u8> { Some(1) }

    /// Has a body.
    #[hitl::hitl_tool]
    pub async fn statement_without_effect(a: u8) -> u8 { a; 1 }

    /// Has a body.
    #[hitl::hitl_tool]
    pub async fn conditions_in_parentheses(a: u8) -> u8 { if (a > 1) { return (2) } while (a > 300) { } 1 }

    /// Has a body.
    #[hitl::hitl_tool]
    pub async fn empty() {}

    /// Has a body.
    #[hitl::hitl_tool]
    pub async fn unit() { () }

    /// Has a body.
    #[hitl::hitl_tool]
    pub async fn tuple(a: u8) -> (u8, u8) { (a, a) }

    /// Has a body.
    #[hitl::hitl_tool]
    pub async fn references(text: &str, xs: &[u8]) -> usize { text.len() + xs.len() }

    /// Has a body.
    #[hitl::hitl_tool]
    pub async fn only_read(text: String) -> usize { text.len() }

    /// Has a body.
    #[hitl::hitl_tool]
    pub async fn many(a: bool, b: bool, c: bool, d: bool, e: u8, f: u8, g: u8, h: u8) -> bool { a && b && c && d && e == f && g == h }

    /// Has a body.
    #[hitl::hitl_tool]
    pub async fn unsafe_block(a: u8) -> u8 { unsafe { std::hint::unreachable_unchecked() } }

    /// Has a body.
    #[hitl::hitl_tool]
    pub async fn statements(a: Vec<u8>) -> usize {
        use std::collections::HashMap;
        const X: usize = 1;
        let m: HashMap<u8, u8> = HashMap::new();
        for x in a.iter() { let _ = x; }
        return m.len() + X;
    }

    /// Has a body.
    #[hitl::hitl_tool]
    pub async fn allowed_inside(a: u8) -> u8 { #[allow(unused)] let x = 1; let y = 2; a }

    /// Has a body.
    #[hitl::hitl_tool]
    pub async fn names(fooBar: u8) -> u8 { let BazQux = fooBar; BazQux }

    /// Has a body.
    #[hitl::hitl_tool]
    pub async fn labelled(a: u8) -> u8 { 'a: { if a > 1 { break 'a 1; } 2 } }

    /// Has a body.
    #[hitl::hitl_tool]
    pub async fn cast(a: u8) -> u8 { a as u8 }

    /// Has a body.
    #[hitl::hitl_tool]
    pub async fn awaits(a: u8) -> u8 { std::future::ready(a).await }

    /// Has a body.
    #[hitl::hitl_tool]
    pub async fn closure(a: u8) -> u8 { let f = |x: u8| { x }; f(a) }

    /// Has a body.
    #[hitl::hitl_tool]
    pub async fn if_let(a: Option<u8>) -> u8 { if let Some(x) = a { x } else { return 3; } }

    /// Has a body.
    #[hitl::hitl_tool]
    pub async fn let_else(a: u8) -> u8 { let Some(x) = Some(a) else { return 1 }; x }

    /// Has a body.
    #[hitl::hitl_tool]
    pub async fn temporary_at_the_end(a: u8) -> u8 { std::sync::Mutex::new(a).lock().unwrap().clone() }

    /// Has a body.
    #[hitl::hitl_tool]
    pub async fn macro_statement(a: u8) -> u8 { debug_assert!(a > 1); a.max(1) }

    /// Has a body.
    #[hitl::hitl_tool]
    pub async fn long_path(a: std::vec::Vec<u8>) -> std::vec::Vec<u8> { a }

    /// Has a body.
    #[hitl::hitl_tool]
    pub async fn raw_name(r#type: u8) -> u8 { r#type }

    /// Has a body.
    #[hitl::hitl_tool]
    pub async fn assigned_later(a: u8) -> u8 { let x; x = a; x }

    /// Has a body.
    #[hitl::hitl_tool]
    pub async fn only_fails() -> Result<(), String> { Err("x".into()) }

    /// Has a body.
    #[hitl::hitl_tool]
    pub async fn converted(a: String) -> Arc<str> { a.into() }

    /// Has a body.
    #[hitl::hitl_tool]
    pub async fn lone_semicolon(a: u8) -> u8 { ; a }

    /// Has a body.
    #[hitl::hitl_tool]
    pub async fn macro_inside(a: u8) -> u8 { macro_rules! m { () => { 1 } } a + m!() }

    /// Has a body.
    #[hitl::hitl_tool]
    pub async fn state_behind_a_lock(#[hitl(state)] count: Arc<Mutex<u8>>) -> u8 { *count.lock().unwrap() }

    /// Has a body.
    #[hitl::hitl_tool]
    pub async fn shadowed(sum: u8) -> u8 { fn sum() -> u8 { 1 } sum() }

    /// Has a body.
    #[hitl::hitl_tool]
    #[allow(unused_variables, unused_mut)]
    pub async fn allowed(mut a: u8) -> u8 { let b = 1; 2 }

    /// Has a body.
    #[hitl::hitl_tool]
    #[expect(unused_variables)]
    pub async fn expected(a: u8) -> u8 { a }

    /// Has a body.
    #[hitl::hitl_tool]
    #[expect(unused_variables, unused_mut, reason = "the second is not there")]
    pub async fn expected_one_of_two(a: u8) -> u8 { 2 }

    /// Has a body.
    #[hitl::hitl_tool]
    #[expect(non_snake_case, dead_code)]
    async fn expected_name(userId: u8) -> u8 { userId }

    /// Has a body.
    #[hitl::hitl_tool]
    pub async fn parameters(#[allow(unused_variables)] a: u8, #[expect(unused_variables)] b: u8, #[cfg(any())] c: u8, #[cfg_attr(all(), allow(unused_mut))] mut d: u8, #[expect(unused_mut)] mut e: u8) -> u8 { d += 1; e += d; e }
}

fn main() {}
