//! What `GET /metrics` tells, read as Prometheus would, with every rule of its text checked.

use std::collections::{BTreeMap, BTreeSet};

use jifen_tests::server::KEY;

/// A scrape.
pub(crate) struct Scrape {
    /// The kind of every family.
    pub(crate) kinds: BTreeMap<String, String>,
    samples: BTreeMap<String, f64>,
}

/// Asks a server.
pub(crate) fn scrape(url: &str) -> Scrape {
    let mut answer = ureq::get(format!("{url}/metrics"))
        .header("Authorization", format!("Bearer {KEY}"))
        .call()
        .unwrap();
    let kind = answer.headers()["content-type"].to_str().unwrap();
    assert!(kind.starts_with("application/openmetrics-text"), "{kind}");
    Scrape::read(&answer.body_mut().read_to_string().unwrap())
}

impl Scrape {
    /// Reads the text, and checks it: HELP and TYPE once and in front of their samples, names that end rightly, no
    /// sample twice, and an end.
    fn read(text: &str) -> Self {
        let (mut kinds, mut helped) = (BTreeMap::new(), BTreeSet::new());
        let mut samples = BTreeMap::new();
        let mut family = String::new();
        let body = text.strip_suffix("# EOF\n").expect("it has an end");
        for line in body.lines() {
            if let Some(rest) = line.strip_prefix("# HELP ") {
                let (name, help) = rest.split_once(' ').unwrap();
                assert!(helped.insert(name.to_owned()), "{line}");
                assert!(!help.is_empty(), "{line}");
                family = name.to_owned();
            } else if let Some(rest) = line.strip_prefix("# TYPE ") {
                let (name, kind) = rest.split_once(' ').unwrap();
                assert_eq!(name, family, "{line}");
                let before = kinds.insert(name.to_owned(), kind.to_owned());
                assert_eq!(before, None, "{line}");
            } else if let Some(rest) = line.strip_prefix("# UNIT ") {
                let (name, unit) = rest.split_once(' ').unwrap();
                assert!(
                    name == family && name.ends_with(&format!("_{unit}")),
                    "{line}"
                );
            } else {
                let (series, value) = line.rsplit_once(' ').unwrap();
                let name = series.split('{').next().unwrap();
                let ends: &[&str] = match kinds[&family].as_str() {
                    "counter" => &["_total"],
                    "gauge" => &[""],
                    "histogram" => &["_bucket", "_sum", "_count"],
                    other => panic!("{other}: {line}"),
                };
                let end = name.strip_prefix(family.as_str());
                assert!(
                    end.is_some_and(|end| ends.contains(&end)),
                    "{family}: {line}"
                );
                let value: f64 = value.parse().unwrap();
                let before = samples.insert(series.to_owned(), value);
                assert_eq!(before, None, "{line}");
            }
        }
        assert_eq!(helped.len(), kinds.len());
        let scrape = Self { kinds, samples };
        scrape.histograms_add_up();
        scrape
    }

    /// A value; 0 where there is none.
    pub(crate) fn get(&self, series: &str) -> f64 {
        self.samples.get(series).copied().unwrap_or_default()
    }

    /// The sum of all values of a name.
    pub(crate) fn sum(&self, name: &str) -> f64 {
        let of_name = |series: &str| series.split('{').next() == Some(name);
        let samples = self.samples.iter();
        samples
            .filter(|(series, _)| of_name(series))
            .map(|(_, value)| value)
            .sum()
    }

    /// Every series of a name, with its value.
    pub(crate) fn all(&self, name: &str) -> BTreeMap<&str, f64> {
        let of_name = self.samples.iter().filter_map(|(series, value)| {
            let labels = series.strip_prefix(name)?;
            (labels.is_empty() || labels.starts_with('{')).then_some((labels, *value))
        });
        of_name.collect()
    }

    /// Names as they are queried, histograms by their family.
    pub(crate) fn names(&self) -> BTreeSet<String> {
        let names = self.kinds.iter().map(|(name, kind)| match kind.as_str() {
            "counter" => format!("{name}_total"),
            _ => name.clone(),
        });
        names.collect()
    }

    fn histograms_add_up(&self) {
        for name in self
            .kinds
            .keys()
            .filter(|name| self.kinds[*name] == "histogram")
        {
            // Buckets come in the order of their bounds only in the text, so they are compared by bound.
            let mut by_labels: BTreeMap<String, Vec<(f64, f64)>> = BTreeMap::new();
            for (labels, value) in self.all(&format!("{name}_bucket")) {
                let (others, bound) = without_bound(labels);
                by_labels.entry(others).or_default().push((bound, value));
            }
            assert!(!by_labels.is_empty(), "{name}");
            for (labels, mut buckets) in by_labels {
                buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
                let rising = buckets.windows(2).all(|pair| pair[0].1 <= pair[1].1);
                assert!(rising, "{name}{labels}: {buckets:?}");
                let count = self.get(&format!("{name}_count{labels}"));
                assert_eq!(
                    buckets.last(),
                    Some(&(f64::INFINITY, count)),
                    "{name}{labels}"
                );
            }
        }
    }
}

/// Labels without `le`, and what that says.
fn without_bound(labels: &str) -> (String, f64) {
    let inside = labels.trim_start_matches('{').trim_end_matches('}');
    let (bounds, others): (Vec<&str>, Vec<&str>) = inside
        .split(',')
        .partition(|label| label.starts_with("le="));
    let bound = bounds[0].trim_start_matches("le=").trim_matches('"');
    let bound = if bound == "+Inf" {
        f64::INFINITY
    } else {
        bound.parse().unwrap()
    };
    let others = if others.is_empty() {
        String::new()
    } else {
        format!("{{{}}}", others.join(","))
    };
    (others, bound)
}
