//! The formats of figures.

use crate::common::{SMALL, Sandbox, files, results, same};

#[test]
fn svg_alone_is_what_is_written_unless_told_otherwise() {
    let sandbox = Sandbox::new();
    sandbox.small_run("a");
    let run = format!("run {SMALL} --figures svg --out b");
    sandbox.harness(&run).assert().success();
    same(&results(&sandbox.join("a")), &results(&sandbox.join("b")));
    let other = |name: &str| name.ends_with(".png") || name.ends_with(".pdf");
    assert!(!files(&sandbox.join("a")).keys().any(|name| other(name)));
}

#[test]
fn an_image_of_an_earlier_drawing_goes_when_the_figure_changes() {
    let sandbox = Sandbox::new();
    sandbox.small_run("a");
    let file = |kind: &str| sandbox.join(&format!("a/response/response-gelu.{kind}"));
    let images = ["png", "pdf"].map(file);
    let svg = std::fs::read(file("svg")).unwrap();
    let redraw = |before: &[u8]| {
        std::fs::write(file("svg"), before).unwrap();
        for image in &images {
            std::fs::write(image, "of an earlier drawing").unwrap();
        }
        sandbox.harness("report a").assert().success();
        assert!(std::fs::read(file("svg")).unwrap() == svg);
        images.each_ref().map(|image| image.exists())
    };
    assert_eq!(redraw(&svg), [true, true]);
    assert_eq!(redraw(b"another drawing"), [false, false]);
}

#[test]
fn a_format_that_there_is_not_is_refused_before_anything_is_run() {
    let sandbox = Sandbox::new();
    for command in [
        "run response",
        "report a",
        "profile",
        "sae train x.npy",
        "sae layers x.npy",
    ] {
        let parts = ["'gif'", "--figures", "svg, png, pdf"];
        sandbox.refuses(&format!("{command} --figures svg,gif"), &parts);
    }
    assert!(files(sandbox.path()).is_empty());
}

#[cfg(not(feature = "figures"))]
#[test]
fn a_program_without_the_converters_says_how_to_build_one_with_them() {
    let sandbox = Sandbox::new();
    sandbox.small_run("a");
    let before = files(sandbox.path());
    for command in [
        &format!("run {SMALL} --out b"),
        "report a",
        "sae features m --data x.npy",
    ] {
        let parts = [
            "without PNG and PDF",
            "cargo build --release --features figures",
        ];
        for format in ["png", "pdf"] {
            sandbox.refuses(&format!("{command} --figures {format}"), &parts);
        }
    }
    same(&before, &files(sandbox.path()));
}

#[cfg(feature = "figures")]
#[test]
fn png_and_pdf_stand_beside_each_svg_and_change_nothing_else() {
    let sandbox = Sandbox::new();
    sandbox.small_run("a");
    let before = files(&sandbox.join("a"));
    let report = "report a --figures png,pdf";
    sandbox.harness(report).assert().success();
    let after = files(&sandbox.join("a"));
    for (name, bytes) in &before {
        assert!(bytes == &after[name], "{name} differs");
    }
    let mut expected: Vec<String> = before.keys().cloned().collect();
    let svgs = before.keys().filter_map(|name| name.strip_suffix(".svg"));
    let svgs: Vec<&str> = svgs.collect();
    assert!(svgs.contains(&"response/response-gelu"));
    for kind in ["png", "pdf"] {
        expected.extend(svgs.iter().map(|name| format!("{name}.{kind}")));
    }
    expected.sort_unstable();
    assert_eq!(
        after.keys().collect::<Vec<_>>(),
        expected.iter().collect::<Vec<_>>()
    );
    assert!(after["response/response-gelu.png"].starts_with(b"\x89PNG"));
    assert!(after["response/response-gelu.pdf"].starts_with(b"%PDF"));

    // Figures are the same by a run on any number of threads and in another folder.
    for threads in [1, 2] {
        let run = format!("run {SMALL} --figures png,pdf --threads {threads} --out of-{threads}");
        sandbox.harness(&run).assert().success();
        same(
            &results(&sandbox.join("a")),
            &results(&sandbox.join(&format!("of-{threads}"))),
        );
    }
    sandbox
        .harness("report of-1 --figures pdf,png --out elsewhere")
        .assert()
        .success();
    let elsewhere = files(&sandbox.join("elsewhere"));
    for image in ["response/response-gelu.png", "response/response-gelu.pdf"] {
        assert!(elsewhere[image] == after[image], "{image} differs");
    }
}
