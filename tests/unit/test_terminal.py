from __future__ import annotations

import io
import threading

from rich.text import Text

from batch.terminal import Terminal, moving_lines


def test_nobody_speaks_while_lines_that_move_go() -> None:
    terminal = Terminal(file=io.StringIO(), force_terminal=True)
    free: list[bool] = []

    def look() -> None:
        if terminal.turn.acquire(blocking=False):
            terminal.turn.release()
            free.append(True)
        else:
            free.append(False)

    def draw() -> Text:
        thread = threading.Thread(target=look)
        thread.start()
        thread.join()
        return Text("moving")

    with moving_lines(terminal, draw):
        free.clear()
    assert free  # they are drawn for the last time
    assert not any(free)


def test_what_is_said_above_them_stands_when_they_are_gone() -> None:
    written = io.StringIO()
    terminal = Terminal(file=written, force_terminal=True, width=40)
    with moving_lines(terminal, lambda: Text("moving")):
        terminal.print("said")
    shown = written.getvalue()
    assert shown.index("said") < shown.index("moving")
    assert shown.endswith("\x1b[2K")  # the line is erased
