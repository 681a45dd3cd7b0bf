//! What came of the follow-ups, held against what the seed says.

use super::follow_ups::{self, Confirmed, ForeignIds, InVain, Reconciled, Registered};
use super::plan::Plan;
use crate::output;
use crate::view::AttemptView;
use serde::Serialize;

/// What came of them.
#[derive(Serialize)]
pub struct Held {
    pub reconciled: Reconciled,
    pub foreign: ForeignIds,
    pub unanswered: InVain,
    pub confirmed: Confirmed,
    pub registered: Registered,
    /// How often iMocha is asked for the same.
    #[serde(skip)]
    pub ask_times: usize,
    /// What all of it is held against.
    #[serde(skip)]
    pub plan: Plan,
}

impl Held {
    /// Prints it, a line each.
    pub fn print(&self) -> anyhow::Result<()> {
        let Reconciled {
            listed,
            known,
            missing,
            asked,
            answered,
            cancelled,
            expired,
        } = self.reconciled;
        output::line(&format!(
            "reconciled  {listed} attempts that iMocha lists: {known} known, {missing} missing, {asked} asked for, {answered} answered; {cancelled} cancelled and {expired} expired ones stored"
        ))?;
        let ForeignIds {
            ids_asked,
            calls,
            answered,
            foreign,
        } = self.foreign;
        output::line(&format!(
            "foreign     {foreign} of {ids_asked} ids that iMocha was asked for, named in its 401; the rest in another of {calls} calls: {answered} answered"
        ))?;
        let InVain {
            unanswered,
            calls,
            results_read,
        } = self.unanswered;
        output::line(&format!(
            "unanswered  {unanswered} given up after {} calls for each, {calls} in all; {results_read} known from the API instead",
            self.ask_times
        ))?;
        let Confirmed {
            confirmed,
            contradicted,
        } = self.confirmed;
        output::line(&format!(
            "confirmed   {confirmed} results by iMocha's API; {contradicted} contradicted, and put right"
        ))?;
        let Registered {
            webhooks,
            differences,
            calls,
            accepted,
        } = self.registered;
        output::line(&format!(
            "registered  {webhooks} webhooks at Xobin, {differences} other than deployed; {accepted} of its {calls} calls there accepted"
        ))
    }

    /// Where the follow-ups came to something else than the seed says.
    pub fn otherwise(&self, attempts: &[AttemptView]) -> Vec<String> {
        let finished = follow_ups::finished(attempts).count();
        let plan = &self.plan;
        let all = [
            otherwise("reconciliation", &self.reconciled, &plan.reconciled()),
            otherwise("asking for foreign ids", &self.foreign, &plan.foreign()),
            otherwise(
                "asking in vain",
                &self.unanswered,
                &plan.unanswered(self.ask_times),
            ),
            otherwise("confirmation", &self.confirmed, &plan.confirmed(finished)),
            otherwise("registration", &self.registered, &Plan::registered()),
        ];
        all.into_iter().flatten().collect()
    }
}

/// `None` if what came is what is to come.
fn otherwise<T: std::fmt::Debug + PartialEq>(what: &str, came: &T, expected: &T) -> Option<String> {
    (came != expected).then(|| format!("the {what} came to {came:?}, and not to {expected:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_comes_to_something_else_is_told() {
        let plan = Plan::of(7);
        assert_eq!(otherwise("x", &plan.foreign(), &plan.foreign()), None);
        let came = ForeignIds {
            calls: 3,
            ..plan.foreign()
        };
        let told = otherwise("asking", &came, &plan.foreign()).unwrap();
        assert!(
            told.contains("calls: 3") && told.contains("calls: 2"),
            "{told}"
        );
    }
}
