from __future__ import annotations

import os
import pty
import select
import stat
import subprocess
import sys
from contextlib import suppress
from typing import TYPE_CHECKING

import pytest

from batch.settings import load
from tests.trial import APIS, ROOT, begun_trial

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from tests.trial import Trial

MODERN = ("--client-id", "sandbox-client-0")
HIDDEN = "Client secret (is not shown): "


@pytest.fixture
def fresh(trial: Trial) -> Trial:
    """Give a folder in which nobody has settings yet."""
    (trial.folder / "secret.txt").write_text("sandbox-secret-0\n")
    (trial.folder / "secret.txt").chmod(0o600)
    trial.settings.unlink()
    return trial


def at_terminal(trial: Trial, arguments: Sequence[str], dialogue: Sequence[tuple[str, str]]) -> tuple[int, str]:
    """Run the command at a terminal, answer each question when it is asked; return its exit code and the screen."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "batch", *arguments],
        cwd=trial.folder,
        env=trial.environment(PYTHONPATH=str(ROOT)),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
    )
    os.close(theirs)
    screen, seen = "", 0
    for question, answer in dialogue:
        while question not in screen[seen:]:
            screen += heard(ours)
        seen = len(screen)
        os.write(ours, f"{answer}\n".encode())
    with suppress(OSError):  # so a terminal ends whose other side is closed
        while piece := heard(ours):
            screen += piece
    os.close(ours)
    return process.wait(), screen.replace("\r\n", "\n")


def heard(terminal: int) -> str:
    """Return what is written to the terminal next; fail where nothing is for too long."""
    assert select.select([terminal], [], [], 60)[0], "the command waits for an answer that is not in the dialogue"
    return os.read(terminal, 4096).decode()


def test_options_alone_make_settings_that_work(fresh: Trial) -> None:
    ran = fresh.shipbatch("init", *MODERN, "--secret-file", "secret.txt", "--base-url", fresh.url)
    assert ran.code == 0, ran.out + ran.err
    assert f"Written, for your eyes only: {fresh.settings}" in ran.out
    assert "accepts this account" in ran.out
    assert "All is well." in ran.out
    assert "shipbatch check FILE" in ran.out.splitlines()[-1]
    assert stat.S_IMODE(fresh.settings.stat().st_mode) == 0o600
    assert 'client_secret_file = "secret.txt"' in fresh.settings.read_text()
    assert fresh.shipbatch("doctor").code == 0


def test_a_secret_from_standard_input_is_stored_for_the_owner_alone(fresh: Trial) -> None:
    (fresh.folder / "secret.txt").unlink()
    process = subprocess.run(
        [sys.executable, "-m", "batch", "init", *MODERN, "--secret-stdin", "--base-url", fresh.url],
        cwd=fresh.folder,
        env=fresh.environment(PYTHONPATH=str(ROOT)),
        input="sandbox-secret-0\n",
        capture_output=True,
        text=True,
        check=False,
    )
    assert process.returncode == 0, process.stdout + process.stderr
    file = fresh.folder / "secret.txt"
    assert file.read_text() == "sandbox-secret-0\n"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert "sandbox-secret-0" not in process.stdout + process.stderr + fresh.settings.read_text()


def test_at_a_terminal_the_few_questions_are_asked_and_the_secret_is_not_shown(fresh: Trial) -> None:
    (fresh.folder / "secret.txt").unlink()
    code, screen = at_terminal(
        fresh,
        ["init", "--base-url", fresh.url],
        [
            ("Which API", ""),
            ("Client id: ", "sandbox-client-0"),
            (HIDDEN, "sandbox-secret-0"),
            ("Time zone", "Toronto"),
            ("Time zone", "America/Halifax"),
            ("Country", ""),
        ],
    )
    assert code == 0, screen
    assert "timezone: 'Toronto' is no time zone; write it like America/Toronto." in screen
    assert "sandbox-secret-0" not in screen
    assert (fresh.folder / "secret.txt").read_text() == "sandbox-secret-0\n"
    assert load(fresh.settings).timezone == "America/Halifax"
    assert "All is well." in screen


def test_at_a_terminal_a_key_that_is_none_is_asked_for_again(tmp_path: Path) -> None:
    with begun_trial(tmp_path, APIS[1]) as trial:
        account = load(trial.settings).accounts["default"]
        trial.settings.rename(tmp_path / "no.pem")
        code, screen = at_terminal(
            trial,
            ["init", "--base-url", trial.url],
            [
                ("Which API", "walmart"),
                ("Which API", APIS[1]),
                ("Consumer id", account.consumer_id),
                ("Channel type", account.channel_type),
                ("File of the private key", "no.pem"),
                ("File of the private key", "sandbox-key.pem"),
                ("Time zone", ""),
                ("Country", ""),
            ],
        )
    assert code == 0, screen
    assert "this cannot be read as a key" in screen


def test_who_gives_up_at_a_question_has_written_nothing(fresh: Trial) -> None:
    before = sorted(fresh.folder.iterdir())
    code, _ = at_terminal(fresh, ["init"], [("Which API", "\x04")])
    assert code == 130
    assert sorted(fresh.folder.iterdir()) == before
