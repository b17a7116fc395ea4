"""What the night needs, for this installation: systemd units, or lines for cron. Pure: it prints, others install.

Both run `run --move` on the drop folder and then `resume`. Which exit codes count as failures is decided here:

    0  all is well
    1  3     people's work: they are told by the report, `to_fix/` and the notifications; the machine did its own
    4        a limit, an outage or a due time: the next start goes on
    143      told to stop, and stopped in good order
    2  5  6  7  130  failures: somebody has to look at the settings, the orders or the machine
"""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

SUCCESS = (1, 3, 4, 143)  # beside 0
_TEMPORARY = ("/tmp", "/var/tmp")  # noqa: S108 - nothing is written there: a private one would hide what lies there
UNITS = "/etc/systemd/system"  # where systemd looks for them


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """What is installed here, and when it is to run. All paths are absolute."""

    command: tuple[str, ...]  # that starts shipbatch
    settings: Path
    folder: Path  # where files are dropped
    accounts: tuple[str, ...]  # who may have a folder of their own in there
    written: tuple[Path, ...]  # every folder that a run writes to
    user: str
    at: tuple[int, int]  # hour and minute
    timezone: str
    quiet: float  # s without change before a file is taken
    grace: float  # s for calls in flight when a run is told to stop
    environment: Mapping[str, str]  # what the service must know besides
    missing: tuple[Path, ...] = ()  # folders that are still to be made

    @property
    def run(self) -> tuple[str, ...]:
        """Run what lies in the drop folder."""
        return (*self.command, "run", "--move", "--wait", "--config", str(self.settings), str(self.folder))

    @property
    def resume(self) -> tuple[str, ...]:
        """Go on with what is left over."""
        return (*self.command, "resume", "--wait", "--config", str(self.settings))


def systemd_units(here: Installation) -> dict[str, str]:
    """Return the text of each unit by its file's name."""
    return {
        "shipbatch.service": _service(here),
        "shipbatch.timer": _timer(here),
        "shipbatch.path": _path(here),
    }


def as_one_text(here: Installation, units: Mapping[str, str]) -> str:
    """Return all units as one text, with what to do with them."""
    head = [f"Three units for {UNITS}; `shipbatch schedule --systemd --into {UNITS} ...` puts them there."]
    comments = "".join(f"# {line}\n" for line in (*head, *how_to_start(here)))
    return "\n".join([comments, *(f"# --- {name}\n{text}" for name, text in units.items())])


def how_to_start(here: Installation) -> list[str]:
    """Return what is to be done once the units lie where systemd looks for them, a line each."""
    folders = shlex.join(map(str, here.missing))
    made = [f"  install -d -m 700 -o {here.user} {folders}"] if here.missing else []
    return [
        f"{'Make the folders that are written to, then start' if made else 'Start'}:",
        *made,
        "  systemctl daemon-reload && systemctl enable --now shipbatch.timer shipbatch.path",
        "What it did: journalctl -u shipbatch. Whether all is well for the next night: shipbatch doctor.",
    ]


def _service(here: Installation) -> str:
    lines = [f"Environment={_word(f'{name}={value}')}" for name, value in here.environment.items()]
    environment = "".join(f"{line}\n" for line in lines)
    return _SERVICE.format(
        folder=_value(here.folder),
        user=here.user,
        home=_value(here.settings.parent),
        environment=environment,
        wait=_wait_until_quiet(here),
        run=_command_line(here.run),
        resume=_command_line(here.resume),
        success=" ".join(map(str, SUCCESS)),
        seconds=int(here.grace) + 60,
        written=" ".join(_word(str(folder)) for folder in (here.folder, *here.written)),
        private_tmp=_private_tmp(here),
    )


def _wait_until_quiet(here: Installation) -> str:
    """Return a command that ends when no file in the drop folder has changed for the quiet period."""
    changed = f"-newerct '{here.quiet:g} seconds ago'"
    script = f'while [ -n "$(find "$1" -maxdepth 2 -type f {changed} -print -quit)" ]; do sleep 1; done'
    return _command_line(("/bin/sh", "-c", script, "sh", str(here.folder)))


def _private_tmp(here: Installation) -> str:
    paths = (here.folder, here.settings, *here.written)
    hidden = any(path.is_relative_to(temporary) for path in paths for temporary in _TEMPORARY)
    return "no" if hidden else "yes"


def _timer(here: Installation) -> str:
    hour, minute = here.at
    return _TIMER.format(time=f"{hour:02}:{minute:02}:00", timezone=here.timezone)


def _path(here: Installation) -> str:
    folders = (here.folder, *(here.folder / name for name in here.accounts))
    return _PATH.format(
        folder=_value(here.folder), changed="\n".join(f"PathChanged={_value(folder)}" for folder in folders)
    )


def _value(path: Path) -> str:
    """Return a path as the whole value of a setting, where only % means anything."""
    return str(path).replace("%", "%%")


def _word(text: str) -> str:
    """Return one word of a list of words, quoted where that is needed."""
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{escaped}"' if set(text) & set(" \t'\"\\;") or not text else escaped


def _command_line(words: tuple[str, ...]) -> str:
    """Return a command for ExecStart, where $ means something, too."""
    return " ".join(_word(word).replace("$", "$$") for word in words)


def cron_lines(here: Installation) -> str:
    """Return the lines for a crontab. Only what is not well is printed, which cron then sends by mail."""
    hour, minute = here.at
    settings = " ".join(f"{name}={shlex.quote(value)}" for name, value in here.environment.items())
    prefix = f"{settings} " if settings else ""
    job = "; ".join(f'out=$({prefix}{shlex.join(words)} 2>&1) || echo "$out"' for words in (here.run, here.resume))
    escaped = job.replace("%", "\\%")  # cron takes a bare one for the end of the line
    return _CRON.format(user=here.user, timezone=here.timezone, job=escaped, minute=minute, hour=hour)


_SERVICE = """\
[Unit]
Description=shipbatch: ship what lies in {folder}, then what is left over
Wants=network-online.target
After=network-online.target
# A person's STOP in the folder pauses the night, too.
ConditionPathExists=!{folder}/STOP
# However many files are dropped one after the other, each is seen.
StartLimitIntervalSec=0

[Service]
Type=oneshot
User={user}
WorkingDirectory={home}
{environment}# A file that is still being copied is not taken: first, no file may have changed for a while.
ExecStartPre={wait}
ExecStart={run}
ExecStart={resume}
# No failures are people's work (1: rows to mend, 3: a file that cannot be read), what the next start goes on with
# (4: a limit, an outage, due later) and a stop in good order (143). Failures are settings (2), unknown outcomes (5),
# what is fatal (6) and a lock that cannot be had (7): then `resume` waits until somebody has looked.
SuccessExitStatus={success}
# Told to stop, it takes no further order, ends the calls in flight, and writes its report.
TimeoutStartSec=infinity
TimeoutStopSec={seconds}
UMask=0077
NoNewPrivileges=yes
ProtectSystem=strict
ProtectHome=read-only
ReadWritePaths={written}
PrivateTmp={private_tmp}
PrivateDevices=yes
ProtectClock=yes
ProtectControlGroups=yes
ProtectHostname=yes
ProtectKernelLogs=yes
ProtectKernelModules=yes
ProtectKernelTunables=yes
RestrictAddressFamilies=AF_INET AF_INET6 AF_UNIX
RestrictNamespaces=yes
RestrictRealtime=yes
RestrictSUIDSGID=yes
LockPersonality=yes
CapabilityBoundingSet=
SystemCallArchitectures=native
SystemCallFilter=@system-service
SystemCallErrorNumber=EPERM
"""

_TIMER = """\
[Unit]
Description=shipbatch: every night

[Timer]
OnCalendar=*-*-* {time} {timezone}
# A night that was missed, because the machine was off, is caught up with when it is on again.
Persistent=true

[Install]
WantedBy=timers.target
"""

_PATH = """\
[Unit]
Description=shipbatch: as soon as a file is dropped into {folder}

# A file that is dropped while a run is under way waits for the next drop or the night; with `shipbatch watch` it would
# not.
[Path]
{changed}

[Install]
WantedBy=multi-user.target
"""

_CRON = """\
# Two lines for the crontab of {user} (crontab -e -u {user}): every night, and after a start of the machine, which may
# have been off at night. The hour is by this machine's clock; ship times without a zone are read as {timezone}.
# Mail comes only where something is not well.
{minute} {hour} * * * {job}
@reboot {job}
"""
