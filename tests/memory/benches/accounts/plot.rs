//! The plot of `wechat-proto/docs/performance.md`.

use std::fmt::Write as _;

use crate::Memory;

/// The size of the picture, and the area of the plot: left, top, right, bottom.
const SIZE: (f64, f64) = (640.0, 320.0);
const AREA: [f64; 4] = [60.0, 20.0, 620.0, 260.0];
/// Colours that are readable on black and on white.
const GREY: &str = "#7d8590";
const HEAP: &str = "#2f81f7";
const RESIDENT: &str = "#d29922";

/// Draws the memory of an account by the number of accounts, and the heap of a poll of the HTTP
/// library alone, as SVG.
pub(crate) fn draw(samples: &[(usize, Memory)], bare: usize) -> String {
    let [left, top, right, bottom] = AREA;
    let kb = |bytes: usize| bytes as f64 / 1024.0;
    let most = samples.iter().map(|(_, each)| kb(each.heap.max(each.resident)));
    let most = (most.fold(0.0, f64::max).max(kb(bare)) / 10.0).ceil() * 10.0;
    let count = samples.last().map_or(1, |(count, _)| *count) as f64;
    let x = |accounts: f64| left + (right - left) * accounts / count;
    let y = |kb: f64| bottom - (bottom - top) * kb / most;

    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {} {}\" font-family=\"sans-serif\" \
         font-size=\"13\" fill=\"{GREY}\">\n<title>Memory of an idle account by the number of \
         accounts</title>\n",
        SIZE.0, SIZE.1
    );
    let mut text = |x: f64, y: f64, anchor: &str, colour: &str, text: &str| {
        let _ = writeln!(
            svg,
            "<text x=\"{x:.0}\" y=\"{y:.0}\" text-anchor=\"{anchor}\" fill=\"{colour}\">{text}</text>"
        );
    };
    for step in 0..=5 {
        let (part, at) = (f64::from(step) / 5.0, f64::from(step) / 5.0 * most);
        text(left - 8.0, y(at) + 4.0, "end", GREY, &format!("{at:.0} KB"));
        text(x(part * count), bottom + 18.0, "middle", GREY, &format!("{:.0}", part * count));
    }
    text((left + right) / 2.0, bottom + 40.0, "middle", GREY, "accounts in one process");
    for (row, colour, name) in [
        (3.0, HEAP, "heap of an idle account"),
        (2.0, RESIDENT, "resident memory of an idle account"),
        (1.0, GREY, "heap of a poll of the HTTP library alone (dashed)"),
    ] {
        text(right - 8.0, bottom - 18.0 * row, "end", colour, name);
    }
    for step in 0..=5 {
        let at = y(f64::from(step) / 5.0 * most);
        let _ = writeln!(
            svg,
            "<path d=\"M{left} {at:.1}H{right}\" stroke=\"{GREY}\" stroke-opacity=\"0.3\"/>"
        );
    }
    let at = y(kb(bare));
    let _ = writeln!(
        svg,
        "<path d=\"M{left} {at:.1}H{right}\" stroke=\"{GREY}\" stroke-width=\"2\" \
         stroke-dasharray=\"6 4\"/>"
    );
    for (colour, is_heap) in [(HEAP, true), (RESIDENT, false)] {
        let value = |each: &Memory| kb(if is_heap { each.heap } else { each.resident });
        let points = samples
            .iter()
            .map(|(count, each)| format!("{:.1},{:.1}", x(*count as f64), y(value(each))));
        let points: Vec<String> = points.collect();
        let _ = writeln!(
            svg,
            "<polyline points=\"{}\" fill=\"none\" stroke=\"{colour}\" stroke-width=\"2\"/>",
            points.join(" ")
        );
    }
    svg + "</svg>\n"
}
