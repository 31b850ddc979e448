use super::*;

const ARGUMENTS: &str = r#"{"to": "ann", "n": 9007199254740993.0}"#;

fn state() -> AskedState {
    let binding = "ab".repeat(32).parse().unwrap();
    let about = About::Approval { request: RequestId::new(), revision: 2, binding };
    AskedState { version: VERSION, about }
}

struct Request {
    context: CallContext,
    run: RunId,
    tool: &'static str,
    arguments: &'static str,
}

impl Request {
    fn new() -> Self {
        let context = CallContext::new("ann").submitted_by("mcp");
        Self { context, run: RunId::new("run"), tool: "pay", arguments: ARGUMENTS }
    }

    fn asking(&self) -> Asking<'_> {
        let Self { context, run, tool, arguments } = self;
        Asking { context, run, tool, arguments }
    }
}

#[test]
fn a_state_opens_for_its_own_request() {
    let (codec, request) = (StateCodec::of_process().unwrap(), Request::new());
    for state in [state(), AskedState::body(7, None), AskedState::body(1, Some(RequestId::new()))] {
        let sealed = codec.seal(&state, request.asking());
        assert_eq!(codec.open(&sealed, request.asking()), OpenedState::Valid(state));
    }
    // The client may write the same request in another way.
    let sealed = codec.seal(&state(), request.asking());
    let respelled =
        Request { arguments: r#"{"n":9007199254740993.0,"to":"\u0061nn"}"#, ..Request::new() };
    assert!(matches!(codec.open(&sealed, respelled.asking()), OpenedState::Valid(_)));
}

#[test]
fn invariant_2_a_state_of_another_request_does_not_open() {
    let codec = StateCodec::of_process().unwrap();
    let sealed = codec.seal(&state(), Request::new().asking());
    let by = |context: CallContext| Request { context, ..Request::new() };
    let others = [
        by(CallContext::new("bob").submitted_by("mcp")),
        by(CallContext::new("ann").submitted_by("other")),
        by(CallContext::new("ann").submitted_by("mcp").tenant("acme")),
        Request { run: RunId::new("other"), ..Request::new() },
        Request { tool: "refund", ..Request::new() },
        Request { arguments: r#"{"to": "ann", "n": 9007199254740992.0}"#, ..Request::new() },
        Request { arguments: "{}", ..Request::new() },
        // Parts that run together are still two.
        Request { tool: "pa", arguments: "y{}", ..Request::new() },
    ];
    for other in others {
        assert_eq!(codec.open(&sealed, other.asking()), OpenedState::Invalid, "{}", other.tool);
    }
}

#[test]
fn invariant_2_a_changed_state_does_not_open() {
    let (codec, request) = (StateCodec::of_process().unwrap(), Request::new());
    let sealed = codec.seal(&state(), request.asking());
    for at in 0..sealed.len() {
        let mut changed = sealed.clone().into_bytes();
        changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
        let changed = String::from_utf8(changed).unwrap();
        assert_eq!(codec.open(&changed, request.asking()), OpenedState::Invalid, "byte {at}");
    }
    for end in 0..sealed.len() {
        assert_eq!(codec.open(&sealed[..end], request.asking()), OpenedState::Invalid);
    }
    let long = "A".repeat(MAX_STATE + 1);
    for other in ["", "rs1", "rs1..", "rs1.AAAA.AAAA", "nothing", &long] {
        assert_eq!(codec.open(other, request.asking()), OpenedState::Invalid);
    }
    let other = StateCodec::of_process().unwrap();
    assert_eq!(other.open(&sealed, request.asking()), OpenedState::Invalid);
}

#[test]
fn a_state_whose_time_is_over_is_asked_about_again() {
    let (codec, request) = (StateCodec::of_process().unwrap(), Request::new());
    let digest = request.asking().digest();
    let options = SealOptions::new().associated_data(&digest).ttl(Duration::from_millis(1));
    let sealed = codec.0.seal_with(&serde_json::to_vec(&state()).unwrap(), &options);
    // Until the millisecond is over.
    while matches!(codec.open(&sealed, request.asking()), OpenedState::Valid(_)) {
        std::hint::spin_loop();
    }
    assert_eq!(codec.open(&sealed, request.asking()), OpenedState::Expired);
    // It is not the client that says whose state it was.
    let other = Request { tool: "refund", ..Request::new() };
    assert_eq!(codec.open(&sealed, other.asking()), OpenedState::Invalid);
}

#[test]
fn states_of_the_hosts_keys_outlive_the_process_and_the_key() {
    let (old, new) = (HostKey::generate().unwrap(), HostKey::generate().unwrap());
    let request = Request::new();
    let state = state();
    let sealed = StateCodec::of_host(&old.clone().into()).unwrap().seal(&state, request.asking());
    let restarted = StateCodec::of_host(&old.clone().into()).unwrap();
    assert_eq!(restarted.open(&sealed, request.asking()), OpenedState::Valid(state.clone()));
    let rotated = StateCodec::of_host(&HostKeys::new(new.clone()).with_previous(old)).unwrap();
    assert_eq!(rotated.open(&sealed, request.asking()), OpenedState::Valid(state));
    assert_eq!(
        StateCodec::of_host(&new.into()).unwrap().open(&sealed, request.asking()),
        OpenedState::Invalid
    );
    assert_eq!(StateCodec::of_key(vec![7; 31]).unwrap_err(), WeakStateKey(()));
}
