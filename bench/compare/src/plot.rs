//! The main figures as bars, in SVG.

use plotters::{
    prelude::{IntoDrawingArea, PathElement, Rectangle, SVGBackend, Text},
    style::{
        Color, IntoFont, RGBColor,
        text_anchor::{HPos, Pos, VPos},
    },
};

use crate::{
    results::{Results, Spread},
    servers::System,
    table::thousands,
    trouble::Trouble,
    work::Task,
};

const WIDTH: u32 = 960;
const HEIGHT: u32 = 420;
/// Where the bars are, from the top.
const TOP: i32 = 70;
const BOTTOM: i32 = 370;
const LEFT: i32 = 30;
const BAR: i32 = 62;
const GROUP: i32 = 310;
const INK: RGBColor = RGBColor(40, 40, 40);

const fn colour(system: System) -> RGBColor {
    match system {
        System::Jifen => RGBColor(190, 60, 40),
        System::Postgres => RGBColor(60, 100, 150),
        System::RedisAlways => RGBColor(110, 110, 110),
        System::RedisEverysec => RGBColor(185, 185, 185),
    }
}

/// Bars for the main tasks, with the medians above and the range as a line. Every task has a scale of its own.
///
/// # Errors
///
/// It cannot be drawn.
pub fn draw(results: &Results) -> Result<String, Trouble> {
    let mut svg = String::new();
    {
        let area = SVGBackend::with_string(&mut svg, (WIDTH, HEIGHT)).into_drawing_area();
        let failed = |error: &dyn std::fmt::Display| Trouble::Plot(error.to_string());
        area.fill(&plotters::style::WHITE)
            .map_err(|error| failed(&error))?;
        let write = |text: &str, at: (i32, i32), size: i32| {
            let style = ("sans-serif", size)
                .into_font()
                .color(&INK)
                .pos(Pos::new(HPos::Center, VPos::Bottom));
            area.draw(&Text::new(text.to_owned(), at, style))
                .map_err(|error| failed(&error))
        };
        let title = format!(
            "Operations per second, {} connections, one request each; medians of {}",
            results.plan.connections, results.plan.rounds
        );
        write(&title, (WIDTH as i32 / 2, 30), 17)?;
        for (group, task) in Task::MAIN.into_iter().enumerate() {
            let left = LEFT + GROUP * group as i32;
            write(
                task.title(),
                (left + 2 * BAR + BAR / 2, HEIGHT as i32 - 5),
                16,
            )?;
            for bar in bars(results, task) {
                let x = left + BAR * bar.place;
                let body = Rectangle::new(
                    [(x + 4, bar.top), (x + BAR - 4, BOTTOM)],
                    colour(bar.system).filled(),
                );
                area.draw(&body).map_err(|error| failed(&error))?;
                let middle = x + BAR / 2;
                let range = PathElement::new(
                    vec![(middle, bar.least), (middle, bar.most)],
                    INK.stroke_width(1),
                );
                area.draw(&range).map_err(|error| failed(&error))?;
                write(
                    &thousands(bar.median),
                    (middle, bar.most.min(bar.top) - 3),
                    13,
                )?;
                let title = bar.system.title();
                let (name, more) = title.split_once(' ').unwrap_or((title, ""));
                write(name, (middle, BOTTOM + 16), 12)?;
                write(more, (middle, BOTTOM + 29), 11)?;
            }
        }
        area.present().map_err(|error| failed(&error))?;
    }
    Ok(svg)
}

struct Bar {
    system: System,
    /// From the left.
    place: i32,
    median: f64,
    top: i32,
    least: i32,
    most: i32,
}

fn bars(results: &Results, task: Task) -> Vec<Bar> {
    let spreads: Vec<(System, Spread)> = System::ALL
        .into_iter()
        .filter_map(|system| {
            Some((
                system,
                results.spread(system, task, |cell| cell.per_second)?,
            ))
        })
        .collect();
    let highest = spreads
        .iter()
        .map(|(_, spread)| spread.most)
        .fold(1.0, f64::max);
    let y = |figure: f64| BOTTOM - (f64::from(BOTTOM - TOP) * figure / highest) as i32;
    let bars = spreads
        .into_iter()
        .zip(0..)
        .map(|((system, spread), place)| Bar {
            system,
            place,
            median: spread.median,
            top: y(spread.median),
            least: y(spread.least),
            most: y(spread.most),
        });
    bars.collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::made_up::results;

    #[test]
    fn every_figure_is_in_the_picture() {
        let svg = draw(&results(3)).expect("drawn");
        assert!(
            svg.starts_with("<svg") && svg.trim_end().ends_with("</svg>"),
            "{svg}"
        );
        for text in [
            "60,000",
            "10,000",
            "40,000",
            "75,000",
            "Jifen",
            "everysec",
            "flash sale, one hot SKU",
        ] {
            assert!(svg.contains(text), "{text}");
        }
    }

    #[test]
    fn bars_are_as_high_as_their_figures() {
        let bars = bars(&results(1), Task::Earn);
        let height = |place: usize| f64::from(BOTTOM - bars[place].top);
        assert!((height(0) / height(1) - 6.0).abs() < 0.2);
        assert!((height(3) - f64::from(BOTTOM - TOP)).abs() < 1.0);
    }
}
