//! The plots of the page, as SVG. Colours are written as they are on white; the page's style sheet replaces them, so that
//! the same plot is readable on black.

use std::error::Error;
use std::ops::Range;

use plotters::coord::Shift;
use plotters::prelude::*;

use crate::report::Report;

/// A colour of the plots on white, and what it is on black.
pub(crate) struct Ink {
    pub(crate) light: RGBColor,
    pub(crate) dark: &'static str,
}

pub(crate) const TEXT: Ink = ink(0x33, 0x38, 0x40, "#c9ced6");
pub(crate) const GRID: Ink = ink(0xe3, 0xe6, 0xea, "#2b3038");
pub(crate) const SHADE: Ink = ink(0xf1, 0xf3, 0xf5, "#20242b");
pub(crate) const FIRST: Ink = ink(0x1f, 0x6f, 0xb2, "#6cb6ff");
pub(crate) const SECOND: Ink = ink(0xc2, 0x5b, 0x12, "#f0a05a");
pub(crate) const THIRD: Ink = ink(0x8a, 0x92, 0x9c, "#7d8590");
/// All of them, for the style sheet.
pub(crate) const INKS: [Ink; 6] = [TEXT, GRID, SHADE, FIRST, SECOND, THIRD];

const fn ink(red: u8, green: u8, blue: u8, dark: &'static str) -> Ink {
    Ink {
        light: RGBColor(red, green, blue),
        dark,
    }
}

const SIZE: (u32, u32) = (920, 340);
/// Latencies below this are drawn at it; a logarithm has no zero. Milliseconds.
const SHORTEST_MS: f64 = 0.01;

type Failure = Box<dyn Error>;
type Area<'a> = DrawingArea<SVGBackend<'a>, Shift>;
type Points = Vec<(f64, f64)>;

struct Line {
    name: &'static str,
    ink: Ink,
    points: Points,
}

/// How long how many took, with more room the rarer it is.
pub(crate) fn percentiles(report: &Report) -> Result<String, Failure> {
    let nines = |share: f64| {
        let left = (1.0 - share).max(1e-12);
        -left.log10()
    };
    // The longest has no place on a logarithmic axis; it is put where one more request would be.
    let end = nines(1.0 - 1.0 / report.all_requests.latency.headline().count.max(10) as f64);
    let place = |share: f64| nines(share).min(end);
    let line = |of: fn(&crate::course::PercentilePoint) -> Option<u64>| -> Points {
        let points = report.percentiles.iter();
        points
            .filter_map(|point| Some((place(point.share), millis(of(point)?))))
            .collect()
    };
    let corrected = Line {
        name: "from the planned send time",
        ink: FIRST,
        points: line(|point| point.corrected_us),
    };
    let raw = Line {
        name: "from the actual send",
        ink: SECOND,
        points: line(|point| Some(point.raw_us)),
    };
    draw(|area| {
        let label = |nines: &f64| match nines.round() as i32 {
            // Whole nines only; between them are lines without a label.
            _ if nines.fract().abs() > 0.01 => String::new(),
            0 => "0 %".to_owned(),
            1 => "90 %".to_owned(),
            2 => "99 %".to_owned(),
            more => format!(
                "99.{} %",
                "9".repeat(usize::try_from(more - 2).unwrap_or(0))
            ),
        };
        logarithmic(area, 0.0..end, None, &[corrected, raw], &label)
    })
}

/// What was planned, sent and answered, over time.
pub(crate) fn rates(report: &Report) -> Result<String, Failure> {
    let slots = &report.course.slots;
    let middle = report.course.slot_ms as f64 / 2e3;
    let at = |at_ms: u64| at_ms as f64 / 1e3 + middle;
    let planned = slots
        .iter()
        .filter_map(|slot| Some((at(slot.at_ms), slot.planned_per_second?)));
    let sent = slots
        .iter()
        .map(|slot| (at(slot.at_ms), slot.sent_per_second));
    // What came after the end is in the last slot and would look like a burst.
    let shown = slots.len().saturating_sub(usize::from(slots.len() > 1));
    let answered = slots[..shown]
        .iter()
        .map(|slot| (at(slot.at_ms), slot.answered_per_second));
    let lines = [
        Line {
            name: "planned",
            ink: THIRD,
            points: planned.collect(),
        },
        Line {
            name: "sent",
            ink: SECOND,
            points: sent.collect(),
        },
        Line {
            name: "answered",
            ink: FIRST,
            points: answered.collect(),
        },
    ];
    let top = lines
        .iter()
        .flat_map(|line| &line.points)
        .map(|(_, rate)| *rate)
        .fold(1.0, f64::max);
    draw(|area| {
        let mut chart = ChartBuilder::on(area)
            .margin(12)
            .margin_right(28)
            .x_label_area_size(36)
            .y_label_area_size(84)
            .build_cartesian_2d(0.0..seconds(report), 0.0..top * 1.08)?;
        chart.draw_series([warmup(report, 0.0..top * 1.08)])?;
        chart
            .configure_mesh()
            .light_line_style(TRANSPARENT)
            .bold_line_style(GRID.light)
            .axis_style(GRID.light)
            .label_style(label_style())
            .x_label_formatter(&|at| format!("{at:.0} s"))
            .y_label_formatter(&|rate| format!("{rate:.0}/s"))
            .draw()?;
        for line in lines {
            let color = line.ink.light;
            chart
                .draw_series(LineSeries::new(line.points, color.stroke_width(2)))?
                .label(line.name)
                .legend(move |(x, y)| {
                    PathElement::new([(x, y), (x + 18, y)], color.stroke_width(2))
                });
        }
        legend(&mut chart, SeriesLabelPosition::UpperLeft)
    })
}

/// How long it took, by when it was planned.
pub(crate) fn latencies(report: &Report) -> Result<String, Failure> {
    let middle = report.course.slot_ms as f64 / 2e3;
    let line = |name, ink, of: fn(&crate::course::SlotLatency) -> u64| Line {
        name,
        ink,
        points: report
            .course
            .slots
            .iter()
            .filter_map(|slot| {
                Some((
                    slot.at_ms as f64 / 1e3 + middle,
                    millis(of(slot.latency.as_ref()?)),
                ))
            })
            .collect(),
    };
    let lines = [
        line("max", THIRD, |latency| latency.max_us),
        line("p99", SECOND, |latency| latency.p99_us),
        line("p50", FIRST, |latency| latency.p50_us),
    ];
    draw(|area| {
        let label = |at: &f64| format!("{at:.0} s");
        logarithmic(area, 0.0..seconds(report), Some(report), &lines, &label)
    })
}

/// Lines over a logarithmic axis of milliseconds.
fn logarithmic(
    area: &Area<'_>,
    across: Range<f64>,
    with_warmup_of: Option<&Report>,
    lines: &[Line],
    x_label: &dyn Fn(&f64) -> String,
) -> Result<(), Failure> {
    let values = || {
        lines
            .iter()
            .flat_map(|line| &line.points)
            .map(|(_, millis)| *millis)
    };
    // Whole powers of ten, so that the axis has labels at both ends.
    let low = 10_f64.powf(values().fold(1.0, f64::min).log10().floor());
    let high = 10_f64.powf(values().fold(low * 10.0, f64::max).log10().ceil());
    let mut chart = ChartBuilder::on(area)
        .margin(12)
        .margin_right(28)
        .x_label_area_size(36)
        .y_label_area_size(84)
        .build_cartesian_2d(across, (low..high).log_scale())?;
    if let Some(report) = with_warmup_of {
        chart.draw_series([warmup(report, low..high)])?;
    }
    chart
        .configure_mesh()
        .light_line_style(TRANSPARENT)
        .bold_line_style(GRID.light)
        .axis_style(GRID.light)
        .label_style(label_style())
        .x_label_formatter(x_label)
        .y_label_formatter(&|millis| format!("{millis} ms"))
        .draw()?;
    for line in lines.iter().filter(|line| !line.points.is_empty()) {
        let color = line.ink.light;
        chart
            .draw_series(LineSeries::new(line.points.clone(), color.stroke_width(2)))?
            .label(line.name)
            .legend(move |(x, y)| PathElement::new([(x, y), (x + 18, y)], color.stroke_width(2)));
    }
    // The curve of percentiles goes from the lower left to the upper right.
    let position = match with_warmup_of {
        Some(_) => SeriesLabelPosition::UpperLeft,
        None => SeriesLabelPosition::LowerRight,
    };
    legend(&mut chart, position)
}

fn legend<'a, Coordinates: CoordTranslate>(
    chart: &mut ChartContext<'a, SVGBackend<'a>, Coordinates>,
    position: SeriesLabelPosition,
) -> Result<(), Failure> {
    chart
        .configure_series_labels()
        .position(position)
        .margin(8)
        .label_font(label_style())
        .background_style(SHADE.light)
        .border_style(GRID.light)
        .draw()?;
    Ok(())
}

fn draw(plot: impl FnOnce(&Area<'_>) -> Result<(), Failure>) -> Result<String, Failure> {
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, SIZE).into_drawing_area();
        plot(&area)?;
        area.present()?;
    }
    Ok(svg)
}

fn label_style() -> TextStyle<'static> {
    ("sans-serif", 13).into_font().color(&TEXT.light)
}

fn warmup(report: &Report, height: Range<f64>) -> Rectangle<(f64, f64)> {
    let end = report.settings.warmup_ms as f64 / 1e3;
    Rectangle::new(
        [(0.0, height.start), (end, height.end)],
        SHADE.light.filled(),
    )
}

fn seconds(report: &Report) -> f64 {
    (report.settings.warmup_ms + report.settings.duration_ms) as f64 / 1e3
}

fn millis(micros: u64) -> f64 {
    (micros as f64 / 1e3).max(SHORTEST_MS)
}
