//! How many calls a day may still be made.

use std::sync::{Mutex, PoisonError};

#[derive(Debug)]
pub struct Budget {
    per_day: u32,
    spent: Mutex<Spent>,
}

#[derive(Debug, Default)]
struct Spent {
    /// Days since 1970, UTC.
    day: i64,
    calls: u32,
}

impl Budget {
    pub fn new(per_day: u32) -> Self {
        Budget { per_day, spent: Mutex::default() }
    }

    /// Takes one call of `day`, if one is left.
    pub fn take(&self, day: i64) -> bool {
        let mut spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        if spent.day != day {
            *spent = Spent { day, calls: 0 };
        }
        let left = spent.calls < self.per_day;
        spent.calls += u32::from(left);
        left
    }

    pub fn left(&self, day: i64) -> u32 {
        let spent = self.spent.lock().unwrap_or_else(PoisonError::into_inner);
        if spent.day == day { self.per_day - spent.calls } else { self.per_day }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_day_has_its_calls_and_the_next_day_has_them_again() {
        let budget = Budget::new(2);
        assert_eq!([budget.take(1), budget.take(1), budget.take(1)], [true, true, false]);
        assert_eq!((budget.left(1), budget.left(2)), (0, 2));
        assert!(budget.take(2));
        assert_eq!(budget.left(2), 1);
    }
}
