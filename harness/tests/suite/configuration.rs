//! Configuration files: wrong ones are refused with the place of the mistake, the value and a way to mend it.

use crate::common::{Sandbox, refused, results, same};

#[test]
fn errors_of_a_configuration_name_file_line_and_column() {
    let sandbox = Sandbox::new();
    for (text, parts) in [
        ("seed = 1\nseeds = = 2\n", ["c.toml:2:9: ", ""]),
        (
            "seed = 1\nsede = 2\n",
            ["c.toml:2:1: there is no key `sede`", "did you mean `seed`"],
        ),
        (
            "[respones]\nn = 1\n",
            [
                "c.toml:1:2: there is no experiment `respones`",
                "`response`",
            ],
        ),
        (
            "[response]\n  m = 1\n",
            ["c.toml:2:3: `response` has no setting `m`", "list response"],
        ),
        (
            "[response]\nn = 'x'\n",
            ["c.toml:2:1: response.n is \"x\"", "a whole number from 0"],
        ),
        (
            "\n[response]\nn = 0\n",
            ["c.toml:3:1: response.n is 0", "it must be 1 to"],
        ),
        (
            "preset = 'fulll'\n",
            ["c.toml:1:1: preset", "did you mean `full`"],
        ),
        (
            "experiments = ['response', 'tradeof']\n",
            [
                "c.toml:1:28: there is no experiment `tradeof`",
                "`tradeoff`",
            ],
        ),
        (
            "[response]\nn = 99999999999999999999\n",
            ["c.toml:2:5: ", "99999999999999999999"],
        ),
        ("[response]\nreach = 1e999\n", ["c.toml:2:9: ", "1e999"]),
        (
            "[response]\nn.x = 3\n",
            ["c.toml:2:1: response.n is { x = 3 }", "a whole number"],
        ),
        (
            "[response.n]\nx = 3\n",
            ["c.toml:1:11: response.n is { x = 3 }", "a whole number"],
        ),
        (
            "response.n = 'x'\n",
            ["c.toml:1:10: response.n is \"x\"", "a whole number"],
        ),
        (
            "[recovery]\ntraining.steps = 0\n",
            [
                "c.toml:2:10: recovery.training.steps is 0",
                "it must be 1 to",
            ],
        ),
        (
            "[recovery.training]\nbatch = 1\nsteps = 'x'\n",
            [
                "c.toml:3:1: recovery.training.steps is \"x\"",
                "a whole number",
            ],
        ),
        (
            "[recovery.training]\nstep = 1\n",
            [
                "c.toml:2:1: `recovery` has no setting `training.step`",
                "`training.steps`",
            ],
        ),
        (
            "[recovery]\ntraining = 3\n",
            [
                "c.toml:2:1: recovery.training is a group",
                "such as training.steps = ",
            ],
        ),
        (
            "tradeoff = 3\n",
            [
                "c.toml:1:1: tradeoff is 3",
                "it must be a table of settings",
            ],
        ),
        (
            "seeds = 5\n[response]\nseeds = 4\n",
            ["c.toml:3:1: ", "move the line above the first [table]"],
        ),
        (
            "[response]\nn = 3\n[response]\n",
            ["c.toml:3:2: ", "duplicate"],
        ),
        ("# ünï\nseed = 1\nseed = 2\n", ["c.toml:3:1: ", "duplicate"]),
    ] {
        sandbox.write("c.toml", text);
        sandbox.refuses("run --config c.toml --out a", &parts);
    }
    sandbox.refuses(
        "run --config missing.toml --out a",
        &["cannot read missing.toml"],
    );
    std::fs::write(sandbox.join("c.toml"), b"seed = \xff\n").unwrap();
    sandbox.refuses(
        "run --config c.toml --out a",
        &["cannot read c.toml: line 1 is not in UTF-8"],
    );
    assert!(!sandbox.join("a").exists());
}

#[test]
fn a_value_where_a_table_of_settings_should_be_is_answered_with_how_to_write_one() {
    let sandbox = Sandbox::new();
    let way_out = [
        "it must be a table of settings: a line [response], and below it a line for each setting, such as n = ",
        "`harness list response`",
    ];
    for (text, what) in [
        ("response = 3", "c.toml:1:1: response is 3;"),
        ("response = []", "c.toml:1:1: response is [];"),
        ("response = 'x'", "c.toml:1:1: response is \"x\";"),
        (
            "\nresponse = 2020-01-01",
            "c.toml:2:1: response is 2020-01-01;",
        ),
        (
            "[[response]]\nn = 3",
            "c.toml:1:3: response is a list of tables",
        ),
    ] {
        sandbox.write("c.toml", text);
        sandbox.refuses(
            "run --config c.toml --out a",
            &[what, way_out[0], way_out[1]],
        );
    }
    // A table's name that is not an experiment's is not known.
    sandbox.write("c.toml", "[[respones]]\nn = 3");
    sandbox.refuses(
        "run --config c.toml --out a",
        &["there is no key `respones`", "did you mean `response`?"],
    );
    assert!(!sandbox.join("a").exists());
}

#[test]
fn a_key_with_a_value_of_another_kind_is_answered_with_an_example() {
    let sandbox = Sandbox::new();
    for (text, wrong, way_out) in [
        (
            "preset = ['quick']",
            "preset is [\"quick\"]",
            "one of \"quick\", \"default\", \"full\", such as preset = \"quick\"",
        ),
        ("preset = 1", "preset is 1", "one of \"quick\""),
        ("[preset]", "preset is {}", "one of \"quick\""),
        (
            "seeds = '5'",
            "seeds is \"5\"",
            "a whole number from 1 to 1000, such as seeds = 5",
        ),
        ("seeds = 0", "seeds is 0", "a whole number from 1 to 1000"),
        ("seeds = -1", "seeds is -1", "a whole number from 1 to 1000"),
        (
            "seeds = 1001",
            "seeds is 1001",
            "a whole number from 1 to 1000",
        ),
        (
            "seeds = 2.0",
            "seeds is 2.0",
            "a whole number from 1 to 1000",
        ),
        (
            "seeds = inf",
            "seeds is inf",
            "a whole number from 1 to 1000",
        ),
        ("seed = nan", "seed is nan", "a whole number from 0 to"),
        ("seed = -1", "seed is -1", "a whole number from 0 to"),
        (
            "seed = 9223372036854775807",
            "seed is 9223372036854775807",
            "at most",
        ),
        (
            "seed = 2020-01-01",
            "seed is 2020-01-01",
            "a whole number from 0 to",
        ),
        (
            "seed.x = 1",
            "seed is { x = 1 }",
            "a whole number from 0 to",
        ),
        (
            "isa = true",
            "isa is true",
            "one of \"avx512\", \"avx2\", \"portable\"",
        ),
        (
            "isa = 'portabel'",
            "isa is \"portabel\"",
            "did you mean `portable`?",
        ),
        (
            "experiments = 'response'",
            "experiments is \"response\"",
            "a list of names of experiments in quotes, such as experiments = [\"response\"",
        ),
        (
            "experiments = []",
            "experiments is [], which runs nothing",
            "remove the line to run all",
        ),
    ] {
        sandbox.write("c.toml", format!("# ü\n{text}\n"));
        let column = if text.starts_with('[') { 2 } else { 1 };
        let wrong = format!("c.toml:2:{column}: {wrong}");
        sandbox.refuses("run --config c.toml --out a", &[&wrong, way_out]);
    }
    sandbox.write("c.toml", "experiments = ['response', 3]");
    sandbox.refuses(
        "run --config c.toml --out a",
        &["c.toml:1:28: experiments is", "in quotes, without 3"],
    );
    assert!(!sandbox.join("a").exists());
}

#[test]
fn a_column_counts_characters_as_editors_do() {
    let sandbox = Sandbox::new();
    for (text, place) in [
        ("preset = x\n", "c.toml:1:10: "),
        ("\u{feff}preset = x\n", "c.toml:1:10: "),
        ("\u{feff}sede = 1\n", "c.toml:1:1: "),
        ("\u{feff}seed = 1\nsede = 1\n", "c.toml:2:1: "),
        ("\u{feff}\r\n\tsede = 1\r\n", "c.toml:2:2: "),
        ("seed = 1\r\n\r\n  sede = 1\r\n", "c.toml:3:3: "),
        ("experiments = ['ünï', '√']\n", "c.toml:1:16: "),
        ("response = { 'ünï√' = 1, n = 0 }\n", "c.toml:1:14: "),
        ("response.n = 'ünï√' x\n", "c.toml:1:21: "),
        ("# ünï\nresponse = { n = 5, 'µ' = 0 }\n", "c.toml:2:21: "),
    ] {
        sandbox.write("c.toml", text);
        sandbox.refuses("run --config c.toml --out a", &[place]);
    }
    // With a byte order mark, a configuration is the same as without.
    sandbox.write(
        "c.toml",
        "\u{feff}preset = 'quick'\n[response]\npoints = 50\n",
    );
    let run = "run response --config c.toml --quiet --out a";
    sandbox.harness(run).assert().success();
    sandbox.small_run("b");
    same(&results(&sandbox.join("a")), &results(&sandbox.join("b")));
}

#[test]
fn a_configuration_is_a_file_or_a_pipe_that_ends() {
    let sandbox = Sandbox::new();
    for device in ["/dev/zero", "/dev/full", "/dev/null"] {
        let what = format!("cannot read {device}: it is a device, not a file");
        sandbox.refuses(&format!("run --config {device} --out a"), &[&what]);
    }
    std::fs::create_dir(sandbox.join("folder")).unwrap();
    sandbox.refuses(
        "run --config folder --out a",
        &["cannot read folder: it is a folder, not a file"],
    );
    std::fs::write(sandbox.join("c.toml"), "#".repeat((1 << 20) + 1)).unwrap();
    let too_large = ["c.toml: it is larger than 1 MiB"];
    sandbox.refuses("run --config c.toml --out a", &too_large);
    let bash = |script: &str| {
        let mut command = assert_cmd::Command::new("bash");
        command.current_dir(sandbox.path()).args(["-c", script]);
        command.arg(assert_cmd::cargo::cargo_bin!("harness"));
        command
    };
    let without_end = "exec \"$0\" run --config <(yes '#') --out a";
    refused(
        bash(without_end),
        &["cannot read /dev/fd/", "it is larger than 1 MiB"],
    );
    assert!(!sandbox.join("a").exists());
    let settings = "preset = \"quick\"\n[response]\npoints = 50";
    let piped = format!("exec \"$0\" run response --config <(echo '{settings}') --quiet --out a");
    bash(&piped).assert().success();
    sandbox.small_run("b");
    same(&results(&sandbox.join("a")), &results(&sandbox.join("b")));
}
