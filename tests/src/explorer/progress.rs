//! That nothing goes round in a circle: whatever happens, there is less left to happen.

/// All ways from one state to another, by the states' numbers in the order in which they are looked at.
#[derive(Default)]
pub(super) struct Edges {
    to: Vec<u32>,
    /// Where each state's ways begin.
    first: Vec<usize>,
}

impl Edges {
    /// What is added from now on leads away from this state, which must be the next one.
    pub(super) fn begin(&mut self, from: u32) {
        assert_eq!(
            self.first.len(),
            from as usize,
            "states are looked at in order"
        );
        self.first.push(self.to.len());
    }

    pub(super) fn add(&mut self, to: u32) {
        self.to.push(to);
    }

    pub(super) const fn len(&self) -> usize {
        self.to.len()
    }

    /// A state that can be come back to, if there is one: takes away states that nothing leads to, until none is left.
    pub(super) fn circle(&self) -> Option<u32> {
        let mut leading: Vec<u32> = vec![0; self.first.len()];
        for &to in &self.to {
            leading[to as usize] += 1;
        }
        let numbers = 0_u32..;
        let unreached = numbers.zip(&leading).filter(|(_, count)| **count == 0);
        let mut free: Vec<u32> = unreached.map(|(number, _)| number).collect();
        let mut left = self.first.len();
        while let Some(from) = free.pop() {
            left -= 1;
            for &to in self.of(from) {
                leading[to as usize] -= 1;
                if leading[to as usize] == 0 {
                    free.push(to);
                }
            }
        }
        if left == 0 {
            return None;
        }
        (0_u32..)
            .zip(&leading)
            .find_map(|(number, count)| (*count > 0).then_some(number))
    }

    fn of(&self, from: u32) -> &[u32] {
        let at = from as usize;
        let end = self.first.get(at + 1).copied().unwrap_or(self.to.len());
        &self.to[self.first[at]..end]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn edges(all: &[&[u32]]) -> Edges {
        let mut edges = Edges::default();
        for (from, to) in (0..).zip(all) {
            edges.begin(from);
            to.iter().for_each(|to| edges.add(*to));
        }
        edges
    }

    #[test]
    fn circles_are_found() {
        assert_eq!(edges(&[&[1, 2], &[2], &[]]).circle(), None);
        assert_eq!(edges(&[&[1], &[2], &[1]]).circle(), Some(1));
        assert_eq!(edges(&[&[1], &[1]]).circle(), Some(1));
    }
}
