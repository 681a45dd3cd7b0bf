//! The metrics: what each counts, and by what it is broken down. CloudWatch takes them from the log, where a wide line
//! ([`crate::telemetry::WideLine`]) carries them.
//!
//! The dashboard and the alarms of `template.yaml` go by these names, and a test holds the two together. A metric is sent when
//! there is something to count and never as a nought, since CloudWatch asks a price for each that is sent in an hour; only the
//! sweep's two say nought, because their absence means that nobody looks; and in total only, not of a source that has nothing due.
//! No dimension is of a kind that a candidate or a vendor could add values to.
//!
//! What a sweep finds is of all sources at once, so that its line cannot say whose it was. Each source that has a part in it gets a
//! line of its own besides ([`Breakdown::PartOfSource`]), which adds nothing to the total: that would count everything twice.

use metrique::emf::EntryDimensions;
use metrique::writer::Unit;
use metrique::writer::unit::{self, UnitTag};
use std::borrow::Cow;

/// A list of metrics, each with its meaning, its unit and its breakdowns.
macro_rules! metrics {
    ($($(#[doc = $meaning:literal])+ $name:ident: $unit:ident by $($breakdown:ident)|+;)+) => {
        /// What is counted or measured.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
        pub enum Metric {
            $($(#[doc = $meaning])+ $name,)+
        }

        impl Metric {
            /// All of them.
            pub const ALL: &[Self] = &[$(Self::$name),+];

            /// Its name, as CloudWatch knows it.
            #[must_use]
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)+
                }
            }

            /// What it is measured in.
            #[must_use]
            pub const fn unit(self) -> Unit {
                match self {
                    $(Self::$name => unit::$unit::UNIT,)+
                }
            }

            /// By what the lines that carry it break it down.
            #[must_use]
            pub const fn breakdowns(self) -> &'static [Breakdown] {
                match self {
                    $(Self::$name => &[$(Breakdown::$breakdown),+],)+
                }
            }
        }
    };
}

metrics! {
    /// Deliveries that were accepted, repeats and test buttons included: as long as it counts, the source calls.
    Received: Count by Source;
    /// Of these: deliveries of an event that came before.
    Repeated: Count by Source;
    /// Of these: bodies that cannot be read.
    Unreadable: Count by Source;
    /// Of these: events of no known kind.
    Unknown: Count by Source;
    /// Of these: test buttons.
    Pinged: Count by Source;
    /// Of these: events that the queue did not take, so that the sweep has to.
    NotEnqueued: Count by Source;
    /// Calls that were answered 4xx, by cause.
    Refused: Count by SourceAndCause;
    /// Calls that were answered 5xx, by cause.
    Failed: Count by SourceAndCause;
    /// How long a call took that was accepted or failed.
    Duration: Millisecond by Source | SourceAndCause;

    /// Messages whose job is done.
    JobsDone: Count by Job | JobAndSource;
    /// Messages that failed and come again.
    JobsFailed: Count by Job | JobAndSource;
    /// How long a job took.
    JobDuration: Millisecond by Job | JobAndSource;

    /// Items that a sweep found due.
    WorkDue: Count by Job | PartOfSource;
    /// For how long the one that waited longest had been to be done, however often it was tried meanwhile.
    OldestWork: Second by Job | PartOfSource;
    /// Items that were tried too often and taken out of the way.
    Parked: Count by Job | PartOfSource;

    /// Callbacks that the vendor was asked for and has sent.
    Answered: Count by JobAndSource;
    /// How long after it was asked that was.
    AnswerLatency: Millisecond by JobAndSource;
    /// Callbacks that the vendor was asked for as often as it is to be, and did not send.
    Unanswered: Count by JobAndSource;
    /// Callbacks that say something else than the result that the vendor's API has.
    Contradicted: Count by JobAndSource;

    /// Reports that were fetched and kept.
    ReportsKept: Count by JobAndSource;
    /// Of these: ones whose bytes were kept of the same attempt before.
    ReportsUnchanged: Count by JobAndSource;
    /// How often a report was looked for and left for later: it is not ready, or who has it could not be reached.
    ReportsPostponed: Count by JobAndSource;
    /// Of these: how often a vendor's API or the host of a link failed, was busy or took too long.
    ReportsUnreachable: Count by JobAndSource;
    /// Reports that were given up at once, by what may not be followed: a host that is not listed,
    /// one inside of our own network, a link that is not https; or that are too large.
    ReportsRefused: Count by JobAndSource;
    /// Reports that were given up because what is there is no report, or nobody can be asked for one.
    ReportsUnavailable: Count by JobAndSource;
    /// Of the refused and the unavailable: those that a vendor offered, so that there was one to be had.
    ReportsLost: Count by JobAndSource;

    /// Calls that a vendor's API answered, whatever it said.
    VendorAnswered: Count by JobAndSource;
    /// Calls that it answered 5xx or not at all.
    VendorFailed: Count by JobAndSource;
    /// Calls that it refused because there were too many.
    VendorTooFast: Count by JobAndSource;
    /// How often it was found that it refuses the key, so that it is called no more for a while.
    VendorKeyRefused: Count by JobAndSource;
    /// Calls that had to wait their turn.
    VendorWaits: Count by JobAndSource;
    /// Calls that were not made because the vendor fails, and is only probed.
    VendorOut: Count by JobAndSource;
    /// Calls that were not made because the vendor refuses the key.
    VendorKeyClosed: Count by JobAndSource;
}

/// By what a line's metrics are broken down, besides their total over everything, which all but one bring.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Breakdown {
    /// By source.
    Source,
    /// By source, and by source and cause.
    SourceAndCause,
    /// By the worker's job.
    Job,
    /// By the worker's job, and by source.
    JobAndSource,
    /// By source alone, without the total: another line has it.
    PartOfSource,
}

type DimensionSet = Cow<'static, [Cow<'static, str>]>;

/// The dimension of a source, by its name.
pub const SOURCE: &str = "Source";
/// The dimension of what a call was refused or failed for.
pub const CAUSE: &str = "Cause";
/// The dimension of a worker's job, by its name.
pub const JOB: &str = "Job";

const TOTAL: DimensionSet = Cow::Borrowed(&[]);
const BY_SOURCE: DimensionSet = Cow::Borrowed(&[Cow::Borrowed(SOURCE)]);
const BY_SOURCE_AND_CAUSE: DimensionSet =
    Cow::Borrowed(&[Cow::Borrowed(SOURCE), Cow::Borrowed(CAUSE)]);
const BY_JOB: DimensionSet = Cow::Borrowed(&[Cow::Borrowed(JOB)]);

static OF_SOURCE: EntryDimensions = EntryDimensions::new_static(&[TOTAL, BY_SOURCE]);
static OF_SOURCE_AND_CAUSE: EntryDimensions =
    EntryDimensions::new_static(&[TOTAL, BY_SOURCE, BY_SOURCE_AND_CAUSE]);
static OF_JOB: EntryDimensions = EntryDimensions::new_static(&[TOTAL, BY_JOB]);
static PART_OF_SOURCE: EntryDimensions = EntryDimensions::new_static(&[BY_SOURCE]);
static OF_JOB_AND_SOURCE: EntryDimensions =
    EntryDimensions::new_static(&[TOTAL, BY_JOB, BY_SOURCE]);

impl Breakdown {
    pub(crate) fn dimensions(self) -> &'static EntryDimensions {
        match self {
            Self::Source => &OF_SOURCE,
            Self::SourceAndCause => &OF_SOURCE_AND_CAUSE,
            Self::Job => &OF_JOB,
            Self::JobAndSource => &OF_JOB_AND_SOURCE,
            Self::PartOfSource => &PART_OF_SOURCE,
        }
    }

    /// The sets of dimensions under which a metric is found.
    pub fn dimension_sets(self) -> impl Iterator<Item = Vec<&'static str>> {
        self.dimensions().dim_sets().map(Iterator::collect)
    }
}

/// One line's breakdown, with the values of its dimensions.
#[derive(Clone, Copy, Debug)]
pub enum By<'a> {
    /// What this source sent.
    Source(&'a str),
    /// What this source sent, and why it was not taken.
    SourceAndCause(&'a str, &'static str),
    /// What this job did.
    Job(&'static str),
    /// What this job did for this source.
    JobAndSource(&'static str, &'a str),
    /// What of another line's total is this source's.
    PartOfSource(&'a str),
}

impl<'a> By<'a> {
    /// Without the values.
    #[must_use]
    pub const fn breakdown(self) -> Breakdown {
        match self {
            Self::Source(_) => Breakdown::Source,
            Self::SourceAndCause(..) => Breakdown::SourceAndCause,
            Self::Job(_) => Breakdown::Job,
            Self::JobAndSource(..) => Breakdown::JobAndSource,
            Self::PartOfSource(_) => Breakdown::PartOfSource,
        }
    }

    /// The dimensions and their values.
    pub(crate) fn values(self) -> impl Iterator<Item = (&'static str, &'a str)> {
        let [one, other] = match self {
            Self::Source(source) | Self::PartOfSource(source) => [Some((SOURCE, source)), None],
            Self::SourceAndCause(source, cause) => [Some((SOURCE, source)), Some((CAUSE, cause))],
            Self::Job(job) => [Some((JOB, job)), None],
            Self::JobAndSource(job, source) => [Some((JOB, job)), Some((SOURCE, source))],
        };
        one.into_iter().chain(other)
    }
}
