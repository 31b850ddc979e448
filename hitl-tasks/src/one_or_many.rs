//! A list that usually has one element, which it stores inline.
//!
//! It pays 14 % of the bytes of "pending task, memory", beside a `Vec` (cargo xtask bench submit).
//! `SmallVec<[T; 1]>` would be 8 bytes larger, and a task is moved with every builder call.

use std::fmt;
use std::ops::{Deref, DerefMut};

/// None, one, or many.
#[derive(Default)]
pub(crate) enum OneOrMany<T> {
    #[default]
    None,
    One(T),
    Many(Vec<T>),
}

impl<T> OneOrMany<T> {
    pub(crate) fn push(&mut self, value: T) {
        *self = match std::mem::take(self) {
            Self::None => Self::One(value),
            Self::One(first) => Self::Many(vec![first, value]),
            Self::Many(mut many) => {
                many.push(value);
                Self::Many(many)
            }
        };
    }
}

impl<T: fmt::Debug> fmt::Debug for OneOrMany<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self).finish()
    }
}

impl<T> Deref for OneOrMany<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        match self {
            Self::None => &[],
            Self::One(one) => std::slice::from_ref(one),
            Self::Many(many) => many,
        }
    }
}

impl<T> DerefMut for OneOrMany<T> {
    fn deref_mut(&mut self) -> &mut [T] {
        match self {
            Self::None => &mut [],
            Self::One(one) => std::slice::from_mut(one),
            Self::Many(many) => many,
        }
    }
}

impl<'a, T> IntoIterator for &'a OneOrMany<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

impl<T> Extend<T> for OneOrMany<T> {
    fn extend<I: IntoIterator<Item = T>>(&mut self, values: I) {
        for value in values {
            self.push(value);
        }
    }
}

impl<T> FromIterator<T> for OneOrMany<T> {
    fn from_iter<I: IntoIterator<Item = T>>(values: I) -> Self {
        let mut list = Self::None;
        list.extend(values);
        list
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_list_of_what_was_pushed() {
        for count in 0..5_usize {
            let mut list: OneOrMany<usize> = (0..count).collect();
            assert_eq!(*list, *(0..count).collect::<Vec<_>>());
            for value in list.iter_mut() {
                *value += 1;
            }
            assert!(list.into_iter().copied().eq(1..=count));
        }
    }

    #[test]
    fn one_needs_no_memory_of_its_own() {
        assert!(matches!(std::iter::once(7).collect(), OneOrMany::One(7)));
    }
}
