//! Checking a statement alone, without the operator: does it foot, and is it one of those whose hash was published?

use super::{
    document::{StatementDocument, StatementFile},
    inclusion::Digest,
};

/// Something about a statement that does not fit.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Misfit {
    /// A line is not what its figures come to.
    #[error("line {line} says {said} fen, and its figures come to {computed}")]
    Line {
        /// Which one, from 1.
        line: usize,
        /// What it says.
        said: i128,
        /// What it should say, if that can be told.
        computed: Computed,
    },
    /// A sum is not what it is made of.
    #[error("{sum} is {said} fen, and should be {computed}")]
    Sum {
        /// Which one: the name of the field.
        sum: &'static str,
        /// What it says.
        said: i128,
        /// What it should say.
        computed: i128,
    },
    /// The period ends before it begins.
    #[error("the period ends before it begins")]
    Period,
    /// The proof is of another settlement.
    #[error("the statement is of settlement {statement}, and the proof of {proof}")]
    Settlement {
        /// What the statement says.
        statement: String,
        /// What the proof says.
        proof: String,
    },
    /// The proof's root is not the one that was published.
    #[error("the proof leads to {proof}, and {published} was published")]
    Root {
        /// What the proof says.
        proof: Digest,
        /// What the checker knows.
        published: Digest,
    },
    /// The proof does not lead from the statement to its root.
    #[error(
        "the proof does not lead from this statement to {0}: one of them was changed, or was never published"
    )]
    Inclusion(Digest),
}

/// An amount that may not be computable.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Computed(pub Option<i128>);

impl std::fmt::Display for Computed {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.0 {
            Some(fen) => write!(f, "{fen} fen"),
            None => f.write_str("no amount"),
        }
    }
}

impl StatementFile<'_> {
    /// Computes everything again, and follows the proof; with a `published` root, to that one. An empty list is a statement that
    /// fits.
    #[must_use]
    pub fn check(&self, published: Option<Digest>) -> Vec<Misfit> {
        let mut misfits = self.statement.check();
        let proof = &self.proof;
        if proof.settlement != self.statement.settlement {
            misfits.push(Misfit::Settlement {
                statement: self.statement.settlement.clone().into_owned(),
                proof: proof.settlement.clone().into_owned(),
            });
        }
        if let Some(published) = published
            && published != proof.root
        {
            misfits.push(Misfit::Root {
                proof: proof.root,
                published,
            });
        }
        let document = Digest::of(&self.statement.bytes());
        if !proof.inclusion().fits(document, proof.root) {
            misfits.push(Misfit::Inclusion(proof.root));
        }
        misfits
    }
}

impl StatementDocument<'_> {
    /// Computes lines and sums again.
    #[must_use]
    pub fn check(&self) -> Vec<Misfit> {
        let mut misfits = Vec::new();
        if self.period_end.0 < self.period_start.0 {
            misfits.push(Misfit::Period);
        }
        for (number, line) in (1..).zip(&self.lines) {
            let computed = line.kind.amount(&line.figures());
            if computed != Some(line.fen) {
                misfits.push(Misfit::Line {
                    line: number,
                    said: line.fen,
                    computed: Computed(computed),
                });
            }
        }
        let total = self.lines.iter().map(|line| line.fen);
        let total = total.fold(0_i128, i128::saturating_add);
        let closing = self.opening_fen.saturating_add(self.total_fen);
        let parts = self.due_fen.saturating_add(self.carried_fen);
        for (sum, said, computed) in [
            ("total_fen", self.total_fen, total),
            ("closing_fen", self.closing_fen, closing),
            ("due_fen and carried_fen together", parts, self.closing_fen),
        ] {
            if said != computed {
                misfits.push(Misfit::Sum {
                    sum,
                    said,
                    computed,
                });
            }
        }
        misfits
    }
}
