"""The command line as a whole: help, unknown verbs, exit statuses."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from vosbench import __version__
from vosbench.cli import VERBS

IMPORTED = """\
import sys
from vosbench.cli import main
try:
    main({arguments!r})
except SystemExit:
    pass
sys.stderr.write(",".join(sorted({{name.partition(".")[0] for name in sys.modules}})))
"""


@pytest.mark.parametrize("verb", sorted(VERBS))
def test_every_verb_has_help(vosbench, verb):
    said = vosbench(verb, "--help")
    assert (0, "") == (said.status, said.err)
    assert f"Usage: vosbench {verb}" in said.out
    assert "Options:" in said.out


def test_help_names_every_verb(vosbench):
    for arguments in (["--help"], ["-h"]):
        said = vosbench(*arguments)
        assert 0 == said.status
        assert all(verb in said.out for verb in VERBS)


def test_the_example_of_the_help_is_the_first_command_of_the_readme(vosbench):
    readme = Path(__file__).resolve().parents[2] / "README.md"
    commands = re.findall(r"^vosbench run [^#\n]*", readme.read_text(), re.MULTILINE)
    assert re.findall(r"^ +(vosbench run .*)$", vosbench("--help").out, re.MULTILINE) == [commands[0].strip()]


def test_the_help_says_what_stands_in_for_data_and_checkpoints(vosbench):
    """A run draws synthetic videos and takes the small models; to score and to train asks for data."""
    said = {verb: " ".join(vosbench(verb, "--help").out.split()) for verb in ("run", "score", "train")}
    assert "without a checkpoint methods run with the small models that come with them" in said["run"]
    for words in said.values():
        assert "Where none is named, 'vosbench run' draws synthetic videos." in words


@pytest.mark.parametrize(
    ("arguments", "absent"),
    [
        (["--help"], {"torch", "numpy", "cv2", "rich", "pyarrow", "numba"}),
        (["--version"], {"torch", "numpy", "cv2"}),
        (["methods"], {"torch"}),
        (["suites"], {"torch"}),
        (["run", "--help"], {"torch"}),
        (["score", "--help"], {"torch"}),
        (["table", "--help"], {"torch"}),
    ],
)
def test_a_verb_imports_what_it_needs(clean_environment, arguments, absent):
    done = subprocess.run(
        [sys.executable, "-c", IMPORTED.format(arguments=arguments)], capture_output=True, text=True, check=True
    )
    assert set() == absent & set(done.stderr.split(","))


def test_the_version_is_told(vosbench):
    assert f"vosbench, version {__version__}\n" == vosbench("--version").out


def test_an_unknown_verb_offers_the_nearest(vosbench):
    said = vosbench("runn")
    assert (2, "") == (said.status, said.out)
    assert "there is no verb 'runn'" in said.err
    assert "did you mean 'run'?" in said.err


@pytest.mark.parametrize(
    "arguments",
    [
        ["run"],
        ["run", "--suite", "davis2016", "--methods", "echo", "--no-such-option"],
        ["run", "--suite", "davis2016", "--methods", "echo", "--repeats", "0"],
        ["run", "--suite", "davis2016", "--methods", "echo", "--precision", "fp8"],
        ["run", "--suite", ",", "--methods", "echo"],
        ["run", "--suite", "davis2016", "--methods", ","],
        ["run", "--suite", "davis2061", "--methods", "echo"],
        ["run", "--suite", "davis2016", "--methods", "ecco"],
        ["run", "--suite", "davis2016", "--methods", "echo", "--device", "tpu"],
        ["run", "--suite", "davis2016", "--methods", "echo", "--device", "cuda:x"],
        ["run", "--suite", "davis2016", "--methods", "echo", "--device", "cuda:99"],
        ["run", "--suite", "davis2016", "--methods", "echo", "--data", "/no/such/folder"],
        ["run", "--suite", "davis2016", "--methods", "echo", "--adapter", "absent.py"],
        ["score", "absent", "--suite", "davis2016"],
        ["suites", "davis2061"],
        ["methods", "ecco"],
        ["table"],
        ["table", "run", "--format", "html"],
        ["--no-such-option"],
    ],
)
def test_a_wrong_command_ends_with_status_2_and_advice_without_a_traceback(vosbench, arguments):
    said = vosbench(*arguments)
    assert 2 == said.status
    assert "rror: " in said.err
    assert "" == said.out


def test_what_is_not_there_ends_with_status_1(vosbench):
    said = vosbench("table", "no-such-run")
    assert 1 == said.status
    assert "error: there is no run 'no-such-run'" in said.err


def test_the_entry_point_is_the_same_command(clean_environment):
    done = subprocess.run(
        [sys.executable, "-c", "import sys; from vosbench.cli import main; sys.exit(main(['--version']))"],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (0, f"vosbench, version {__version__}\n") == (done.returncode, done.stdout)


def test_windows_is_refused_in_words(vosbench, monkeypatch):
    monkeypatch.setattr(sys, "platform", "win32")
    said = vosbench("methods")
    assert 2 == said.status
    assert "vosbench does not run on Windows" in said.err
    assert "WSL" in said.err
