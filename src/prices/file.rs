//! The user's own prices (`--prices FILE`): a CSV file.
//!
//! Owns its format and what is wrong with a file. Leaves to the scenario which prices win.
//!
//! ```csv
//! # what we pay under our agreement
//! machine_type,region,purchase,price,as_of
//! g2-standard-12,us-central1,standard,0.91 USD/h,2026-11-01
//! g2-standard-12,us-central1,spot,0.35 USD/h,2026-11-01
//! our-own-type,us-central1,standard,120 USD/month,2026-11-01
//! ```
//!
//! One row per machine, region and purchase. The price is Compute Engine's for the whole VM and hour
//! (or month of 730 h), GPUs and local SSD included, before Vertex AI's fee. Columns come in any
//! order; fields with commas stand in double quotes; blank lines and lines that begin with `#` are
//! skipped.

pub(crate) mod reader;

use std::collections::BTreeMap;
use std::ops::Range;

use super::machine::MachineId;
use super::table;
use crate::model::billing::Figure;
use crate::model::tariff::Purchase;
use crate::units::Currency;

/// One thing that is wrong with a price file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileProblem {
    /// Its line, from 1.
    pub line: usize,
    /// Its bytes in the whole text.
    pub span: Range<usize>,
    /// What was found.
    pub message: String,
    /// What is allowed, or what to write.
    pub help: String,
}

/// Machine type, region, and the accelerator with its count.
type Machine = (String, String, Option<(String, u32)>);

/// The user's own prices.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PriceFile {
    rows: BTreeMap<(Machine, Purchase), Row>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Row {
    figure: Figure,
    currency: Currency,
    line: usize,
}

impl PriceFile {
    /// Reads a file.
    ///
    /// # Errors
    /// Everything that is wrong with it, in the order of the lines; never empty.
    pub fn parse(text: &str) -> Result<Self, Vec<FileProblem>> {
        reader::read(text)
    }

    /// The price of a machine under a purchase, with its currency.
    #[must_use]
    pub fn figure(&self, id: &MachineId<'_>, purchase: Purchase) -> Option<(Figure, Currency)> {
        let machine = machine(id.machine_type, id.region, id.accelerator);
        self.rows.get(&(machine, purchase)).map(|row| (row.figure.clone(), row.currency))
    }

    /// Every machine with a price, once each, in alphabetical order.
    pub fn machines(&self) -> impl Iterator<Item = MachineId<'_>> {
        let mut last = None;
        self.rows.keys().filter_map(move |(machine, _)| {
            if last.replace(machine) == Some(machine) {
                return None;
            }
            let (machine_type, region, accelerator) = machine;
            let accelerator = accelerator.as_ref().map(|(model, count)| (model.as_str(), *count));
            Some(MachineId { machine_type, region, accelerator })
        })
    }
}

/// The key of a machine. A GPU that belongs to the type may be named or not.
fn machine(machine_type: &str, region: &str, accelerator: Option<(&str, u32)>) -> Machine {
    let own = table::machine_type(machine_type).and_then(|machine| machine.gpu);
    let attached = accelerator.filter(|&named| own != Some(named));
    let attached = attached.map(|(model, count)| (model.to_owned(), count));
    (machine_type.to_owned(), region.to_owned(), attached)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::units::Rate;
    use proptest::prelude::*;

    const FILE: &str = "\u{feff}# our prices
region, purchase ,machine_type,price,source,accelerator,accelerator_count,as_of

us-central1,spot,g2-standard-12,0.35 USD/h,\"offer 7, \"\"final\"\"\",,,2026-11-01\r
us-central1,standard,our-type,730 EUR/month,,,,
us-central1,standard,n1-standard-4,0.5 USD/h,,NVIDIA_TESLA_T4,1,
us-central1,standard,g2-standard-24,1.9 USD/h,,NVIDIA_L4,2,
";

    fn id<'a>(machine_type: &'a str, accelerator: Option<(&'a str, u32)>) -> MachineId<'a> {
        MachineId { machine_type, region: "us-central1", accelerator }
    }

    #[test]
    fn a_file_is_read_in_any_order_of_columns() {
        let file = PriceFile::parse(FILE).unwrap();
        let (figure, currency) = file.figure(&id("g2-standard-12", None), Purchase::Spot).unwrap();
        assert_eq!((figure.rate, currency), Rate::parse("0.35 USD/h").unwrap());
        assert_eq!(figure.source, "offer 7, \"final\"");
        assert_eq!(figure.as_of, "2026-11-01");
        let (figure, currency) = file.figure(&id("our-type", None), Purchase::Standard).unwrap();
        assert_eq!((figure.rate, currency), Rate::parse("1 EUR/h").unwrap());
        assert_eq!(figure.source, "price file, line 5");
        assert_eq!(file.figure(&id("our-type", None), Purchase::Spot), None);
        assert_eq!(file.machines().count(), 4);
    }

    #[test]
    fn an_attached_gpu_is_part_of_the_machine_and_a_built_in_one_need_not_be_named() {
        let file = PriceFile::parse(FILE).unwrap();
        let standard = |id| file.figure(&id, Purchase::Standard).is_some();
        assert!(standard(id("n1-standard-4", Some(("NVIDIA_TESLA_T4", 1)))));
        assert!(!standard(id("n1-standard-4", Some(("NVIDIA_TESLA_T4", 2)))));
        assert!(!standard(id("n1-standard-4", None)));
        assert!(standard(id("g2-standard-24", None)));
        assert!(standard(id("g2-standard-24", Some(("NVIDIA_L4", 2)))));
    }

    #[test]
    fn all_problems_are_told_with_their_places() {
        let text = "machine_type,region,purchase,price,as_of,accelerator\n\
                    # a comment\n\
                    a,r,spot,0.35,2026-13-01,\n\
                    ,r,preemptible,1 USD/h,,T4\n\
                    a,r,spot,1 USD/h\n\
                    b,r,spot,1 USD/h,,\n\
                    b, r ,spot,2 EUR/h,,\n\
                    c,r,spot,0 USD/h,,\n\
                    d,r,spot,,,\n";
        let problems = PriceFile::parse(text).unwrap_err();
        let told: Vec<(usize, &str, &str)> = problems
            .iter()
            .map(|problem| (problem.line, &text[problem.span.clone()], problem.message.as_str()))
            .collect();
        assert_eq!(
            told,
            [
                (3, "0.35", "`0.35` has no currency and time"),
                (3, "2026-13-01", "`2026-13-01` is not a day"),
                (4, "", "machine_type is blank"),
                (4, "preemptible", "unknown purchase `preemptible`"),
                (4, "T4", "an accelerator without count"),
                (5, "a,r,spot,1 USD/h", "4 fields in this row, 6 columns in the first line"),
                (7, "b, r ,spot,2 EUR/h,,", "this machine has a spot price in line 6"),
                (8, "0 USD/h", "a price of 0"),
                (9, "", "price is blank"),
            ]
        );
        assert!(problems.iter().all(|problem| !problem.help.is_empty()));
    }

    #[test]
    fn a_bad_first_line_is_told() {
        for (text, messages) in [
            ("", vec!["the price file is empty"]),
            ("# only a comment\n\n", vec!["the price file is empty"]),
            ("machine_type,region,purchase,price\n", vec!["the price file has no prices"]),
            (
                "machine,region,purchase,price,price\n",
                vec![
                    "unknown column `machine`",
                    "the first line names no column machine_type",
                    "column `price` comes twice",
                ],
            ),
            (
                "machine_type,region,purchase,price\na,\"r,spot,1 USD/h\nb,r,spot,1 USD/h\n",
                vec!["2 fields in this row, 4 columns in the first line"],
            ),
        ] {
            let problems = PriceFile::parse(text).unwrap_err();
            let mut told: Vec<&str> = problems.iter().map(|p| p.message.as_str()).collect();
            told.sort_unstable();
            let mut messages = messages;
            messages.sort_unstable();
            assert_eq!(told, messages);
        }
    }

    #[test]
    fn many_problems_are_not_told_one_by_one() {
        let text = format!("machine_type,region,purchase,price\n{}", "a,b,c,d\n".repeat(10_000));
        let problems = PriceFile::parse(&text).unwrap_err();
        assert_eq!(problems.len(), 101);
        assert!(problems[100].message.starts_with("more than 100 problems"));
    }

    fn harmless(text: &str) {
        for problem in PriceFile::parse(text).err().into_iter().flatten() {
            assert!(text.get(problem.span.clone()).is_some(), "{problem:?}");
            assert!(problem.line >= 1 && problem.line <= text.matches('\n').count() + 1);
        }
    }

    proptest! {
        #[test]
        fn no_text_makes_it_panic(text in any::<String>()) {
            harmless(&text);
        }

        #[test]
        fn no_table_makes_it_panic(
            rows in "(([a-z0-9é\"#\u{feff} \r\n-]{0,9}|1 USD/h|spot|standard),){0,9}",
        ) {
            harmless(&format!("machine_type,region,purchase,price\n{rows}"));
            harmless(&rows);
        }

        #[test]
        fn a_price_is_found_again(
            cents in 1_u32..1_000_000,
            name in "[a-z0-9-]{1,20}",
            purchase in prop::sample::select(Purchase::ALL.to_vec()),
        ) {
            let purchase_name = purchase.name();
            let text = format!(
                "price,machine_type,purchase,region\n0.{cents:06} USD/h,{name},{purchase_name},r\n"
            );
            let file = PriceFile::parse(&text).unwrap();
            let id = MachineId { machine_type: &name, region: "r", accelerator: None };
            let (figure, _) = file.figure(&id, purchase).unwrap();
            prop_assert_eq!(figure.rate.picos(), i64::from(cents) * 1_000_000);
        }
    }
}
