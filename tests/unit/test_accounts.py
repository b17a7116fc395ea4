from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from batch.accounts import PASSED_OVER, files_by_account, is_passed_over
from batch.errors import UsageError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Lay = Callable[..., Path]

ACCOUNTS = ("default", "outlet")


@pytest.fixture
def lay(tmp_path: Path) -> Lay:
    """Lay empty files into a folder, and return it."""

    def laid(*names: str) -> Path:
        for name in names:
            file = tmp_path / name
            file.parent.mkdir(parents=True, exist_ok=True)
            file.touch()
        return tmp_path

    return laid


def names(found: dict[str, list[Path]], folder: Path) -> dict[str, list[str]]:
    return {account: [str(file.relative_to(folder)) for file in files] for account, files in found.items()}


def test_a_file_belongs_to_the_default_account_or_the_chosen_one(lay: Lay) -> None:
    folder = lay("a.csv")
    file = str(folder / "a.csv")
    assert names(files_by_account([file], ACCOUNTS), folder) == {"default": ["a.csv"]}
    assert names(files_by_account([file], ACCOUNTS, "outlet"), folder) == {"outlet": ["a.csv"]}


def test_a_folder_with_an_accounts_name_within_a_folder_belongs_to_that_account(lay: Lay) -> None:
    folder = lay("b.csv", "a.csv", "outlet/d.csv", "outlet/c.xlsx")
    assert names(files_by_account([str(folder)], ACCOUNTS), folder) == {
        "default": ["a.csv", "b.csv"],
        "outlet": ["outlet/c.xlsx", "outlet/d.csv"],
    }
    assert names(files_by_account([str(folder)], ACCOUNTS, "outlet"), folder) == {
        "outlet": ["a.csv", "b.csv", "outlet/c.xlsx", "outlet/d.csv"]
    }


def test_a_folder_named_itself_belongs_to_the_account_of_its_name_unless_another_is_chosen(lay: Lay) -> None:
    folder = lay("outlet/a.csv") / "outlet"
    assert files_by_account([str(folder)], ["default", "outlet"]) == {"outlet": [folder / "a.csv"]}
    assert files_by_account([str(folder)], ["default", "outlet"], "default") == {"default": [folder / "a.csv"]}


def test_files_come_in_the_order_in_which_they_are_named_and_once(lay: Lay) -> None:
    folder = lay("a.csv", "b.csv")
    paths = [str(folder / "b.csv"), str(folder / "a.csv"), str(folder), f"{folder}/./b.csv"]
    assert names(files_by_account(paths, ACCOUNTS), folder) == {"default": ["b.csv", "a.csv"]}


def test_a_pattern_stands_for_what_fits_it_but_not_for_temporary_files(lay: Lay) -> None:
    folder = lay("b.csv", "a.csv", "c.xlsx", "~$a.csv", "deep/er/d.csv")
    assert names(files_by_account([f"{folder}/*.csv"], ACCOUNTS), folder) == {"default": ["a.csv", "b.csv"]}
    deep = files_by_account([f"{folder}/**/d.csv"], ACCOUNTS)
    assert names(deep, folder) == {"default": ["deep/er/d.csv"]}


def test_a_file_whose_name_looks_like_a_pattern_is_taken_as_it_is(lay: Lay) -> None:
    folder = lay("[a].csv", "a.csv")
    assert names(files_by_account([f"{folder}/[a].csv"], ACCOUNTS), folder) == {"default": ["[a].csv"]}


@pytest.mark.parametrize("path", ["missing.csv", "*.txt", ""])
def test_a_path_that_is_not_there_is_said(lay: Lay, path: str) -> None:
    with pytest.raises(UsageError, match="there is no such file or folder"):
        files_by_account([f"{lay('a.csv')}/nowhere/{path}"], ACCOUNTS)


def test_an_empty_folder_holds_nothing(tmp_path: Path) -> None:
    assert files_by_account([str(tmp_path)], ACCOUNTS) == {}


@pytest.mark.parametrize("name", ["outlett/a.csv", "Outlet/a.csv", "outlet/old/a.csv", "outlet/default/a.csv"])
def test_a_sub_folder_that_is_no_accounts_is_never_passed_over_in_silence(lay: Lay, name: str) -> None:
    with pytest.raises(UsageError, match="is no account's; accounts are default, outlet"):
        files_by_account([str(lay("a.csv", name))], ACCOUNTS)


def test_where_there_are_no_accounts_yet_that_is_said(lay: Lay) -> None:
    with pytest.raises(UsageError, match="accounts are none yet"):
        files_by_account([str(lay("outlet/a.csv"))], ())


@pytest.mark.parametrize(
    "name", ["STOP", "~$a.xlsx", ".a.csv", "a.csv.tmp", "a.csv.PART", "done/a.csv", "outlet/done/a.csv"]
)
def test_temporary_files_and_our_own_folders_are_passed_over(lay: Lay, name: str) -> None:
    folder = lay("a.csv", name)
    assert names(files_by_account([str(folder)], ACCOUNTS), folder) == {"default": ["a.csv"]}


@pytest.mark.parametrize("name", sorted(PASSED_OVER))
def test_a_file_may_have_the_name_of_one_of_our_folders(lay: Lay, name: str) -> None:
    folder = lay(name)
    assert not is_passed_over(folder / name)


def test_a_link_to_nowhere_is_not_lost(lay: Lay) -> None:
    folder = lay("outlet/a.csv")
    (folder / "outlet" / "b.csv").symlink_to("nowhere")
    assert names(files_by_account([str(folder)], ACCOUNTS), folder) == {"outlet": ["outlet/a.csv", "outlet/b.csv"]}


def test_a_folder_that_cannot_be_read_is_said(lay: Lay, monkeypatch: pytest.MonkeyPatch) -> None:
    def denied(_: object) -> None:
        raise PermissionError(13, "Permission denied")

    folder = lay("a.csv")
    monkeypatch.setattr("pathlib.Path.iterdir", denied)
    with pytest.raises(UsageError, match="the folder cannot be read: Permission denied"):
        files_by_account([str(folder)], ACCOUNTS)


def test_a_persons_stop_is_no_input_file(lay: Lay) -> None:
    assert names(files_by_account([str(lay("STOP", "a.csv", "outlet/STOP"))], ACCOUNTS), lay()) == {
        "default": ["a.csv"]
    }
