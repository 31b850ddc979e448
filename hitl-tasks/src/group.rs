//! Steps that run at the same time.

use crate::StepInfo;
use crate::TaskStep;
use crate::error::BadSetting;
use crate::step::Node;
use crate::wire::Wire;

/// Several steps with a common input, as the driver sees them.
pub(crate) struct Group {
    pub(crate) members: Box<[Box<dyn Node>]>,
    /// Gives each member its copy of the input. `false`: there is no input.
    pub(crate) split: Box<dyn Fn() -> bool + Send + Sync>,
    /// Puts the outputs together. `false`: one is missing.
    pub(crate) join: Box<dyn Fn() -> bool + Send + Sync>,
}

/// What [`Task::parallel`](crate::Task::parallel) takes: a tuple of two to eight [`TaskStep`]s with
/// the same input, whose outputs become a tuple; or a `Vec` of steps of one type, whose outputs
/// become a `Vec`.
///
/// You never implement this.
#[diagnostic::on_unimplemented(
    message = "these are not steps that can run at the same time on `{I}`",
    note = "give a tuple of 2 to 8 `TaskStep`s, or a `Vec` of them, that all take `{I}`"
)]
pub trait Parallel<I>: sealed::Sealed<I> {
    /// All the outputs.
    type Output: Send + 'static;

    #[doc(hidden)]
    #[expect(private_interfaces, reason = "only hitl implements and calls it")]
    fn wired(self, input: Wire<I>, output: Wire<Self::Output>) -> Members;
}

/// A group, and what is known of its steps.
pub(crate) struct Members {
    pub(crate) group: Group,
    pub(crate) infos: Vec<StepInfo>,
    pub(crate) bad: Option<BadSetting>,
}

mod sealed {
    pub trait Sealed<I> {}
}

/// One member while the group is put together.
fn member<I: Send + 'static, O: Send + 'static>(
    step: TaskStep<I, O>,
    into: &mut Parts,
) -> (Wire<I>, Wire<O>) {
    let (input, output) = (Wire::empty(), Wire::empty());
    if into.bad.is_none() {
        into.bad = step.check().err();
    }
    let (known, node) = step.wired(input.clone(), output.clone());
    into.infos.push(known);
    into.members.push(node);
    (input, output)
}

#[derive(Default)]
struct Parts {
    members: Vec<Box<dyn Node>>,
    infos: Vec<StepInfo>,
    bad: Option<BadSetting>,
}

impl Parts {
    fn grouped(
        self,
        split: impl Fn() -> bool + Send + Sync + 'static,
        join: impl Fn() -> bool + Send + Sync + 'static,
    ) -> Members {
        let group = Group {
            members: self.members.into_boxed_slice(),
            split: Box::new(split),
            join: Box::new(join),
        };
        Members { group, infos: self.infos, bad: self.bad }
    }
}

macro_rules! tuples {
    ($(($($step:ident $output:ident $input:ident),+))+) => {$(
        impl<I, $($output),+> sealed::Sealed<I> for ($(TaskStep<I, $output>,)+) {}

        #[expect(non_snake_case, reason = "one name is both a type and its value")]
        impl<I, $($output),+> Parallel<I> for ($(TaskStep<I, $output>,)+)
        where
            I: Clone + Send + 'static,
            $($output: Send + 'static,)+
        {
            type Output = ($($output,)+);

            #[expect(private_interfaces, reason = "only hitl implements and calls it")]
            fn wired(self, input: Wire<I>, output: Wire<Self::Output>) -> Members {
                let mut parts = Parts::default();
                let ($($step,)+) = self;
                $(let ($input, $output) = member($step, &mut parts);)+
                let split = move || {
                    let Some(value) = input.take() else { return false };
                    $($input.put(value.clone());)+
                    true
                };
                let join = move || {
                    $(let Some($step) = $output.take() else { return false };)+
                    output.put(($($step,)+));
                    true
                };
                parts.grouped(split, join)
            }
        }
    )+};
}

tuples! {
    (s1 O1 i1, s2 O2 i2)
    (s1 O1 i1, s2 O2 i2, s3 O3 i3)
    (s1 O1 i1, s2 O2 i2, s3 O3 i3, s4 O4 i4)
    (s1 O1 i1, s2 O2 i2, s3 O3 i3, s4 O4 i4, s5 O5 i5)
    (s1 O1 i1, s2 O2 i2, s3 O3 i3, s4 O4 i4, s5 O5 i5, s6 O6 i6)
    (s1 O1 i1, s2 O2 i2, s3 O3 i3, s4 O4 i4, s5 O5 i5, s6 O6 i6, s7 O7 i7)
    (s1 O1 i1, s2 O2 i2, s3 O3 i3, s4 O4 i4, s5 O5 i5, s6 O6 i6, s7 O7 i7, s8 O8 i8)
}

impl<I, O> sealed::Sealed<I> for Vec<TaskStep<I, O>> {}

impl<I, O> Parallel<I> for Vec<TaskStep<I, O>>
where
    I: Clone + Send + 'static,
    O: Send + 'static,
{
    type Output = Vec<O>;

    #[expect(private_interfaces, reason = "only hitl implements and calls it")]
    fn wired(self, input: Wire<I>, output: Wire<Vec<O>>) -> Members {
        let mut parts = Parts::default();
        let wires: Vec<_> = self.into_iter().map(|step| member(step, &mut parts)).collect();
        let (inputs, outputs): (Vec<_>, Vec<_>) = wires.into_iter().unzip();
        let split = move || {
            let Some(value) = input.take() else { return false };
            for input in &inputs {
                input.put(value.clone());
            }
            true
        };
        let join = move || {
            let all: Option<Vec<O>> = outputs.iter().map(Wire::take).collect();
            let Some(all) = all else { return false };
            output.put(all);
            true
        };
        parts.grouped(split, join)
    }
}
