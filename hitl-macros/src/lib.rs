//! `#[hitl_tool]` and `#[hitl_tools]`, the macros of hitl, which puts a human in the loop of AI
//! agents. Applications use them through the facade [`hitl`](https://docs.rs/hitl).
//!
//! The modules form a pipeline: `parse` reads the input, `validate` checks that its parts fit
//! together, `expand` writes the items, `fallback` replaces them when that fails, and `errors`
//! collects all errors, so that one build shows them all.

mod errors;
mod expand;
mod fallback;
mod parse;
mod pipeline;
mod template;
#[cfg(test)]
mod tests;
mod validate;

/// Turns an async fn into a tool that runs only through a gate.
///
/// ```text
/// use hitl::prelude::*;
///
/// /// Sign a contract on behalf of the workspace.
/// #[hitl_tool(
///     approval_type = "contract", risk = "high", auto_threshold = 95,
///     requires_reason, expires = "10m", timeout = "30s",
///     describe = "Sign contract {contract_id} for ${amount}",
/// )]
/// async fn sign_contract(
///     #[hitl(state)] ledger: Arc<Ledger>,
///     #[hitl(context)] cx: &CallContext,
///     /// The contract's id, like C-1042.
///     contract_id: String,
///     amount: f64,
///     #[hitl(sensitive)] pin: String,
/// ) -> Result<Signature, ContractError> {
///     ledger.sign(&cx.principal, &contract_id, amount, &pin).await
/// }
/// ```
///
/// # What it generates
/// * `sign_contract(contract_id, amount, pin)`: a plain fn with the same name, visibility and
///   documentation. It runs nothing: it returns the call as a value.
/// * `SignContract`: that value. It implements `Tool`, `Deserialize` (unknown fields are refused),
///   `JsonSchema` and a `Debug` that shows no secrets; it has private fields and no `Serialize`.
///
/// The body can only be entered through a gate: a call of `sign_contract` in a body, its own or
/// another, returns a value too.
///
/// # Keys
/// A flag is written alone. Strings and numbers are literals: they are checked at compile time.
///
/// | key | value | says |
/// |---|---|---|
/// | `approval_type` | string; `"general"` | what kind of approval it is; front ends choose a card by it |
/// | `risk` | `"low"`, `"medium"`, `"high"`, `"critical"`; `"medium"` | how bad a wrong call is |
/// | `base_confidence` | 0 to 100; by risk and annotations | the confidence before any signal (docs/guide/levels.md) |
/// | `auto_threshold` | 0 to 100; 85 | from here on it runs without a human |
/// | `quick_threshold` | 0 to 100, not above `auto_threshold`; 60 | from here on a quick look is enough |
/// | `requires_reason` | flag | a rejection must say why |
/// | `decisions` | list; `["approve", "edit", "reject", "respond", "abort"]` | what a human may answer |
/// | `stages` | list, like `["2 of finance", "director"]`; one person | who must approve, stage after stage |
/// | `four_eyes` | flag | who asks for a call or edits it may not approve it, at any level |
/// | `requester_may_decide` | flag | who asks may approve it, at every level, and give a grant on it |
/// | `agents_may_decide` | flag | agents may answer too, not only humans |
/// | `services_may_decide` | flag | services may answer too, not only humans |
/// | `escalate_within` | duration; none | when nobody decides in time, somebody else has this long |
/// | `escalate_to` | string; anybody | the role that must approve then |
/// | `expires` | duration; by risk | how long an approval may take |
/// | `grace` | duration; none | after a person's approval it does not start for so long, and they may take the approval back (docs/reviewing.md) |
/// | `timeout` | duration; none | the body's own budget |
/// | `read_only` | flag | it changes nothing |
/// | `destructive` | flag | it may destroy something |
/// | `idempotent` | flag | doing it twice with the same key does it once |
/// | `attempts` | at least 1; 3 | how often a tool is tried in all without a human: an idempotent one whose outcome is unknown, or one whose `reconcile` found no effect |
/// | `open_world` | flag | it reaches systems that the host does not know |
/// | `effect` | template, like `"refund:{payment_id}"` | the consequence that must not happen twice: of the calls of a tenant with the same effect only the first starts, and a human is asked about a further one (docs/effects.md) |
/// | `effect_repeat` | `"ask"`, `"refuse"`; `"ask"` | what happens to a further one |
/// | `preview` | name of an `async fn` | it takes the tool's own parameters, changes nothing, and says what the call would do: a `CallPreview`, or a `Result` of one. Reviewers see it, and it is compared before the call runs (docs/macro.md) |
/// | `reconcile` | name of an `async fn` | it takes the tool's own parameters, asks the provider how a call of unknown outcome ended, and returns a `Reconciliation` of the tool's output, or a `Result` of one (docs/effects.md) |
/// | `approve_label`, `reject_label` | string; `"Approve"`, `"Reject"` | what the two buttons say |
/// | `describe` | template | what would happen, in one line, with `{parameter}` where an argument belongs and `{{`, `}}` for braces |
/// | `name` | 1 to 64 of `A-Z a-z 0-9 _ -`; the fn's name | what the model calls the tool |
/// | `description` | string; the fn's doc comment | what the tool does, for the model and for the reviewer; one of the two is needed |
/// | `version` | string, or `"any"`; the crate's version | the version of its code; `"any"` if it has none to compare |
/// | `fallible`, `infallible` | flag | the fn returns a `Result`, or not, although its name tells otherwise |
/// | `crate` | path; `::hitl` | where hitl is, when it was renamed |
///
/// A duration is a whole number and its unit: `"250ms"`, `"30s"`, `"10m"`, `"4h"`, `"2d"`.
///
/// # Parameters
/// Each is an argument of the call and a property of the schema, described by its doc comment,
/// unless it is marked:
///
/// | attribute | the parameter is |
/// |---|---|
/// | `#[hitl(state)]` | the gate's state of exactly this type, cloned; of type `T` and borrowed for a `&T` |
/// | `#[hitl(context)]` | who asks and where: `CallContext`, or `RunContext` with the call's key and attempt; borrowed with `&` or cloned |
/// | `#[hitl(sensitive)]` | a secret: it runs, and it is never shown |
/// | `#[hitl(inert)]` | text, or a list of texts, that nobody interprets, ever: no shell, file system, browser, database or template. Rules and grants that relax take any text there |
/// | `#[hitl(amount)]`, `#[hitl(amount, limit = 1000)]` | an amount: confidence falls as it approaches and exceeds the limit, 1000 unless given (docs/guide/levels.md) |
/// | `#[hitl(content_of)]`, `#[hitl(content_of = async_fn)]` | the path of a file, or what this fn reads by it: the content is shown to reviewers, and compared before the call runs (docs/macro.md) |
/// | `#[hitl(default)]`, `#[hitl(default = expression)]` | optional, with the default of its type or this one |
///
/// An `Option<T>` is optional. A `&str` is held as a `String` and a `&[T]` as a `Vec<T>`; the body
/// gets the reference. Where the call holds a `String`, the constructor takes `impl Into<String>`.
/// Types of your own need `Deserialize`, `Serialize` and `JsonSchema`: derive the last one after
/// `use hitl::schemars::{self, JsonSchema};`. What can change after an approval (`Cell`, `Mutex`,
/// atomics), points elsewhere (`Weak`, `*const T`) or has no schema (`dyn`, `fn`) is refused.
///
/// `#[cfg(..)]` and lint levels work on a parameter.
///
/// # Return types
/// Anything that can be stored, or a `Result` of it. A type is taken for a `Result` when its name
/// ends so, which the compiler then checks: `fallible` and `infallible` correct the guess.
///
/// # Other attributes
/// `#[cfg]` and lint levels apply to all that the macro makes, `#[deprecated]` and `#[doc(..)]` on
/// the constructor, and all others, like `#[tracing::instrument]`, on the body.
///
/// They must come **below** `#[hitl_tool]`. An attribute that rewrites the body sees there only the
/// arguments that it names, and none that is sensitive, so that one which logs parameters logs no
/// secrets: `#[tracing::instrument(skip(pin), fields(amount = %amount))]`. One above has run before
/// the macro: a fn that it has rewritten is refused.
#[proc_macro_attribute]
pub fn hitl_tool(
    keys: proc_macro::TokenStream,
    item: proc_macro::TokenStream,
) -> proc_macro::TokenStream {
    pipeline::hitl_tool(keys.into(), item.into()).into()
}

/// Turns methods of a service into tools that run only through a gate.
///
/// ```text
/// use hitl::prelude::*;
///
/// struct Bookings { flights: Pool }
///
/// #[hitl_tools]
/// impl Bookings {
///     /// Books seats on a flight.
///     #[hitl_tool(risk = "high", describe = "Book {seats} seats on {flight}")]
///     async fn book(&self, flight: String, seats: u8) -> Result<Ticket, BookingError> {
///         self.flights.book(&flight, seats).await
///     }
///
///     // Not a tool: as in any `impl`.
///     fn left(&self, flight: &str) -> u8 { .. }
/// }
///
/// let gate = Gate::builder().tools::<Bookings>(Bookings { flights }).build().await?;
/// let ticket = gate.call(Bookings::book("LH 1", 2)).by("ann").await?;
/// ```
///
/// # What it generates
/// Each method marked `#[hitl_tool(..)]`, with the keys, parameters and return types of
/// [`macro@hitl_tool`], becomes
/// * `Bookings::book(flight, seats)`: a plain associated fn. It takes no `self`, because it runs
///   nothing and needs no service: it returns the call as a value, and the gate that the value is
///   given to has the service.
/// * `BookingsBook`: that value.
///
/// The tool's name for the model is that of the method; `name = ".."` sets another. The type also
/// implements `ToolSet`, so that `GateBuilder::tools` registers all its tools and gives them the
/// service. To offer only some, register them one by one and give the service as state:
/// `.tool::<BookingsBook>().state(Arc::new(bookings))`.
///
/// The gate cannot be bypassed inside either: in a body, `Self::book(..)` returns a value, and
/// `self.book(..)` does not compile.
///
/// # Accepted input
/// An `impl` block of a type with a plain name, one for each type: no trait, no generics. Tools
/// take `&self`; the gate shares the service with all calls that run. `crate = path` says where
/// hitl is, for all tools of the block. `#[hitl_tool]` inside of it needs no import, and makes a
/// tool where the condition holds in `#[cfg_attr(condition, hitl_tool)]`. Tools that a macro in the
/// block makes are not seen.
#[proc_macro_attribute]
pub fn hitl_tools(
    keys: proc_macro::TokenStream,
    item: proc_macro::TokenStream,
) -> proc_macro::TokenStream {
    pipeline::hitl_tools(keys.into(), item.into()).into()
}
