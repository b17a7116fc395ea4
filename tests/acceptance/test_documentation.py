from __future__ import annotations

import re
from pathlib import Path

import click
import pytest
from pydantic import BaseModel

from batch import progress
from batch.cli import COMMANDS, cli
from batch.settings import Settings

README = (Path(__file__).resolve().parents[2] / "README.md").read_text(encoding="utf-8")


def every_command() -> list[tuple[str, click.Command]]:
    context = click.Context(cli)
    found: list[tuple[str, click.Command]] = []
    for name in COMMANDS:
        command = cli.get_command(context, name)
        assert command is not None
        found.append((name, command))
        if isinstance(command, click.Group):
            found += [(f"{name} {inner}", command.commands[inner]) for inner in command.commands]
    return found


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_is_in_the_readme(name: str) -> None:
    assert f"`shipbatch {name}" in README


@pytest.mark.parametrize(("name", "command"), every_command())
def test_every_command_says_what_it_does(name: str, command: click.Command) -> None:
    assert command.help, name


def test_every_filter_of_the_history_is_in_the_readme() -> None:
    history = cli.get_command(click.Context(cli), "history")
    assert history is not None
    for parameter in history.params:
        assert f"`{parameter.opts[0]}" in README, parameter.opts


def test_every_count_of_a_log_line_is_in_the_readme() -> None:
    for said, _ in progress.WORDS.values():
        assert f"`{said.replace(' ', '_')}`" in README


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_shows_examples(name: str) -> None:
    command = cli.get_command(click.Context(cli), name)
    assert command is not None
    assert command.epilog is not None
    assert f"shipbatch {name}" in command.epilog


@pytest.mark.parametrize(("name", "command"), every_command())
def test_every_option_says_what_it_means(name: str, command: click.Command) -> None:
    for parameter in command.params:
        if isinstance(parameter, click.Option):
            assert parameter.help, f"{name} {parameter.opts}"


def every_setting(model: type[BaseModel], prefix: str = "") -> list[str]:
    keys: list[str] = []
    for name, field in model.model_fields.items():
        inner = field.annotation
        if isinstance(inner, type) and issubclass(inner, BaseModel):
            keys += [f"{prefix}{name}", *every_setting(inner, f"{prefix}{name}.")]
        else:
            keys.append(f"{prefix}{name}")
    return keys


@pytest.mark.parametrize("key", every_setting(Settings))
def test_every_setting_is_in_the_readme(key: str) -> None:
    name = key.rpartition(".")[2]
    assert re.search(rf"(^|[\[.\s]){name}(\s*=|\]|\.)", README, re.MULTILINE), key


def test_every_setting_of_an_account_is_in_the_readme() -> None:
    from batch.settings import Account, Rate  # noqa: PLC0415 - beside its use

    for name in [*Account.model_fields, *Rate.model_fields]:
        assert re.search(rf"(^|\b){name}\b", README, re.MULTILINE), name
