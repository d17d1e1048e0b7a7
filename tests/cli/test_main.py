"""The command line: quick help, one clear message and exit code 2 for what a user can mend."""

import os
import subprocess
import sys

import pytest

from grasping_student.cli.commands import COMMANDS
from grasping_student.cli.main import main

HEAVY = ("torch", "mujoco", "pybullet", "numba", "nicegui", "pytorch_lightning", "matplotlib", "cv2")


def test_help_lists_every_command_and_exits_0(capsys):
    assert main(["--help"]) == 0
    printed = capsys.readouterr().out
    assert all(words in printed for words in COMMANDS)


@pytest.mark.parametrize("arguments", [["dmeo"], ["train", "pupil"], ["evaluate", "nothing"]])
def test_an_unknown_command_exits_2_and_lists_the_valid_ones(arguments, capsys):
    assert main(arguments) == 2
    message = capsys.readouterr().err
    assert "unknown command" in message
    assert "valid are" in message
    assert "Traceback" not in message


@pytest.mark.parametrize(
    ("words", "resumes"), [("train teacher", True), ("demo", True), ("predict", False), ("export", False)]
)
def test_ctrl_c_names_resume_only_where_it_exists(words, resumes, capsys, monkeypatch):
    from grasping_student.cli import options

    def stopped(*arguments):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(options, "parse", stopped)
        patch.setattr("signal.signal", lambda *arguments: None)
        assert main(words.split()) == 130
    assert ("--resume" in capsys.readouterr().err) == resumes
    with pytest.raises(SystemExit):
        main([*words.split(), "--help"])
    assert ("--resume" in capsys.readouterr().out) == resumes


ENDINGS = [
    (BrokenPipeError(32, "Broken pipe"), 1, "who read the output is gone"),
    (OSError(28, "No space left on device", "runs/a"), 2, "no space left on the disk for runs/a; free some"),
    (RuntimeError("I/O error: No space left on device (os error 28)"), 2, "no space left on the disk; free some"),
    (PermissionError(13, "Permission denied", "/root/x"), 2, "/root/x: Permission denied; check"),
    (MemoryError("Unable to allocate 9 TiB"), 2, "not enough memory for the sizes asked (Unable to allocate 9 TiB)"),
    (RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried"), 2, "a smaller --loop.batch"),
    (UnicodeEncodeError("utf-8", "runs/\udcff", 5, 6, "surrogates not allowed"), 2, r"'runs/\udcff' cannot be written"),
]


@pytest.mark.parametrize(("error", "code", "said"), ENDINGS)
def test_what_the_machine_refuses_is_one_line(error, code, said, capsys, monkeypatch):
    from grasping_student.cli import options

    def fail(*arguments):
        raise error

    monkeypatch.setattr(options, "parse", fail)
    monkeypatch.setattr("os.dup2", lambda *arguments: None)
    assert main(["train", "teacher"]) == code
    message = capsys.readouterr().err
    assert said in message and message.count("\n") == 1
    assert message.endswith("; what was acknowledged is kept, --resume goes on\n")


@pytest.mark.parametrize("error", [RuntimeError("a bug"), ValueError("a bug"), OSError("a bug without a file")])
def test_a_bug_of_ours_is_no_message(error, monkeypatch):
    from grasping_student.cli import options

    def fail(*arguments):
        raise error

    monkeypatch.setattr(options, "parse", fail)
    with pytest.raises(type(error), match="a bug"):
        main(["train", "teacher"])


WORK = """
import sys
from grasping_student.cli import main, options
def work(*arguments):
    for line in range({lines}):
        print("line", line)
    print("finished", file=sys.stderr)
options.parse = work
sys.argv[1:] = {words!r}
sys.exit(main.main())
"""


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize(
    ("words", "lines", "code"),
    [(["train", "teacher"], 100_000, 1), (["train", "teacher"], 3, 0), (["--help"], 0, 0), (["train", "--help"], 0, 0)],
)
def test_a_closed_output_ends_with_0_only_what_is_finished(words, lines, code, unbuffered):
    code = 1 if lines and unbuffered else code  # then the first line ends it
    with subprocess.Popen(
        [sys.executable, "-c", WORK.format(words=words, lines=lines)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONUNBUFFERED": unbuffered},
    ) as program:
        program.stdout.close()
        said = program.stderr.read()
        assert program.wait(60) == code
    assert "Traceback" not in said and "Exception ignored" not in said
    assert ("who read the output is gone" in said) == (code == 1)
    assert ("finished" in said) == (code == 0 and lines > 0)


def test_to_be_ended_is_to_be_stopped():
    program = """
import sys, time
from grasping_student.cli import main, options
def work(*arguments):
    print("working", flush=True)
    time.sleep(60)
options.parse = work
sys.argv[1:] = ["train", "teacher"]
sys.exit(main.main())
"""
    with subprocess.Popen(
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as running:
        assert running.stdout.readline() == "working\n"
        running.terminate()
        _, said = running.communicate(timeout=30)
    assert running.returncode == 130
    assert said == "\ngrasping-student: stopped; what was acknowledged is kept, --resume goes on\n"


@pytest.mark.parametrize("words", sorted(COMMANDS))
def test_help_of_every_command_imports_nothing_heavy(words):
    program = f"""
import sys
from grasping_student.cli.main import main
try:
    main({[*words.split(), "--help"]!r})
except SystemExit as stop:
    assert stop.code in (0, None), stop.code
heavy = [name for name in {HEAVY!r} if name in sys.modules]
assert not heavy, heavy
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("dataset filter", "dataset filter: PATH, --out must be given"),
        ("cell recover", "cell recover: --cell must be given"),
        ("evaluate table", "evaluate table: name at least one evaluation"),
        ("dataset info here --overwrite", "dataset info: unknown option --overwrite"),
    ],
)
def test_a_mistake_is_one_line_whatever_the_command(words, message, capsys):
    assert main(words.split()) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"grasping-student: {message}") and said.count("\n") == 1


@pytest.mark.parametrize("words", ["", *sorted(COMMANDS)])
def test_help_takes_less_than_half_a_second(words):
    program = "import sys; from grasping_student.cli.main import main; sys.exit(main())"
    taken = []
    for _ in range(10):  # processor time, which a busy machine lengthens too; the first may write byte code
        before = os.times()
        subprocess.run([sys.executable, "-c", program, *words.split(), "--help"], capture_output=True, check=True)
        after = os.times()
        taken.append(after.children_user + after.children_system - before.children_user - before.children_system)
        if taken[-1] < 0.5:
            break
    assert min(taken) < 0.5


@pytest.mark.parametrize(
    "words",
    [
        "train teacher --dataset run/labels --out run",
        "train student --dataset a --pseudo-labels run --out run",
        "train affordance --datasets a run/labels --out run",
        "pseudo-label --teacher run --dataset a --out run",
        "evaluate one-shot --models t=run/model --out run",
        "evaluate picking --models g=antipodal:run/model --out run",
        "evaluate proxy --models t=a --affordance run --out run",
        "export --model run --out run",
    ],
)
def test_nothing_overwrites_what_it_reads(words, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    kept = tmp_path / "run" / "labels" / "kept"
    kept.parent.mkdir(parents=True)
    kept.touch()
    assert main([*words.split(), "--overwrite"]) == 2
    assert "which is read and must not be replaced" in capsys.readouterr().err
    assert kept.exists()
