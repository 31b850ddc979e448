//! Steps that run in parallel.

use crate::define::erased_step::ErasedStep;
use crate::define::step::TaskStep;
use crate::define::task_info::StepInfo;
use crate::error::InvalidSetting;
use crate::run::value_cell::ValueCell;

/// Several steps with the same input, as the driver sees them.
pub(crate) struct Group {
    pub(crate) members: Box<[Box<dyn ErasedStep>]>,
    /// Gives each member its copy of the input; `false` if there is no input.
    pub(crate) split: Box<dyn Fn() -> bool + Send + Sync>,
    /// Combines the outputs; `false` if one is missing.
    pub(crate) join: Box<dyn Fn() -> bool + Send + Sync>,
}

/// The argument of [`Task::parallel`](crate::Task::parallel): a tuple of two to eight [`TaskStep`]s
/// with the same input, whose outputs become a tuple; or a `Vec` of steps of one type, whose
/// outputs become a `Vec`.
///
/// Only this crate implements it.
#[diagnostic::on_unimplemented(
    message = "these are not steps that can run at the same time on `{I}`",
    note = "give a tuple of 2 to 8 `TaskStep`s, or a `Vec` of them, that all take `{I}`"
)]
pub trait Parallel<I>: sealed::Sealed<I> {
    /// The combined outputs.
    type Output: Send + 'static;

    #[doc(hidden)]
    #[expect(private_interfaces, reason = "only hitl implements and calls it")]
    fn connect(self, input: ValueCell<I>, output: ValueCell<Self::Output>) -> GroupSpec;
}

/// A group, with the descriptions of its steps.
pub(crate) struct GroupSpec {
    pub(crate) group: Group,
    pub(crate) infos: Vec<StepInfo>,
    pub(crate) invalid: Option<InvalidSetting>,
}

mod sealed {
    pub trait Sealed<I> {}
}

/// Adds one member to a group.
fn add_member<I: Send + 'static, O: Send + 'static>(
    step: TaskStep<I, O>,
    builder: &mut GroupBuilder,
) -> (ValueCell<I>, ValueCell<O>) {
    let (input, output) = (ValueCell::empty(), ValueCell::empty());
    if builder.invalid.is_none() {
        builder.invalid = step.check().err();
    }
    let (info, node) = step.connect(input.clone(), output.clone());
    builder.infos.push(info);
    builder.members.push(node);
    (input, output)
}

#[derive(Default)]
struct GroupBuilder {
    members: Vec<Box<dyn ErasedStep>>,
    infos: Vec<StepInfo>,
    invalid: Option<InvalidSetting>,
}

impl GroupBuilder {
    fn build(
        self,
        split: impl Fn() -> bool + Send + Sync + 'static,
        join: impl Fn() -> bool + Send + Sync + 'static,
    ) -> GroupSpec {
        let group = Group {
            members: self.members.into_boxed_slice(),
            split: Box::new(split),
            join: Box::new(join),
        };
        GroupSpec { group, infos: self.infos, invalid: self.invalid }
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
            fn connect(self, input: ValueCell<I>, output: ValueCell<Self::Output>) -> GroupSpec {
                let mut builder = GroupBuilder::default();
                let ($($step,)+) = self;
                $(let ($input, $output) = add_member($step, &mut builder);)+
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
                builder.build(split, join)
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
    fn connect(self, input: ValueCell<I>, output: ValueCell<Vec<O>>) -> GroupSpec {
        let mut builder = GroupBuilder::default();
        let wires: Vec<_> = self.into_iter().map(|step| add_member(step, &mut builder)).collect();
        let (inputs, outputs): (Vec<_>, Vec<_>) = wires.into_iter().unzip();
        let split = move || {
            let Some(value) = input.take() else { return false };
            for input in &inputs {
                input.put(value.clone());
            }
            true
        };
        let join = move || {
            let all: Option<Vec<O>> = outputs.iter().map(ValueCell::take).collect();
            let Some(all) = all else { return false };
            output.put(all);
            true
        };
        builder.build(split, join)
    }
}
