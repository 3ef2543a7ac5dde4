//! Any text as a price file.
#![no_main]

use libfuzzer_sys::fuzz_target;
use stockout::prices::file::PriceFile;

fuzz_target!(|text: &str| {
    if let Err(problems) = PriceFile::parse(text) {
        assert!(!problems.is_empty());
    }
});
