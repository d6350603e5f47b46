"""What may come to lie in a directory of ours and does not belong there: of desktops, NAS, editors, people, systems."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from collections.abc import Callable

DATA = "measurements-0000.parquet"
RECORD = "session.json"
MANY = 50_000
DEEP = 200
HUGE_BYTES = 1 << 40
NOBODY = 65534
_FORMAT = 2


class Near(NamedTuple):
    """What strangers are made of.

    Attributes:
        session: the directory of a sound session.
        file: a file of ours, that lies in the place of the stranger where one does.
        elsewhere: a directory of somebody else.
    """

    session: Path
    file: Path
    elsewhere: Path


def _file(name: str, text: str = "mine") -> Callable[[Path, Near], None]:
    def make(at: Path, _: Near) -> None:
        (at / name).write_text(text, encoding="utf-8")

    return make


def _bytes_name(name: bytes) -> Callable[[Path, Near], None]:
    return _file(os.fsdecode(name))


def _directory(name: str, *inside: str) -> Callable[[Path, Near], None]:
    def make(at: Path, _: Near) -> None:
        (at / name).mkdir()
        for one in inside:
            (at / name / one).write_text("mine", encoding="utf-8")

    return make


def _beside_ours(name: str) -> Callable[[Path, Near], None]:
    """Copy one of our files, under a name that is made of its own."""

    def make(at: Path, near: Near) -> None:
        file = near.file
        shutil.copyfile(file, at / name.format(name=file.name, stem=file.stem, suffix=file.suffix))

    return make


def _lost_and_found(at: Path, _: Near) -> None:
    (at / "lost+found").mkdir()
    (at / "lost+found").chmod(0)
    os.chown(at / "lost+found", NOBODY, NOBODY)


def _of_another_user(at: Path, _: Near) -> None:
    (at / "theirs").write_text("theirs", encoding="utf-8")
    (at / "theirs").chmod(0o600)
    os.chown(at / "theirs", NOBODY, NOBODY)


def _second_data(at: Path, near: Near) -> None:
    shutil.copyfile(near.session / DATA, at / "measurements-0001.parquet")


def _copy_of_session(at: Path, near: Near) -> None:
    shutil.copytree(near.session, at / "copy")


def _without_record(at: Path, near: Near) -> None:
    (at / "half").mkdir()
    shutil.copyfile(near.session / DATA, at / "half" / DATA)


def _without_data(at: Path, near: Near) -> None:
    (at / "half").mkdir()
    shutil.copyfile(near.session / RECORD, at / "half" / RECORD)


def _later_session(at: Path, near: Near) -> None:
    shutil.copytree(near.session, at / "later")
    record = json.loads((near.session / RECORD).read_bytes()) | {"format_version": _FORMAT, "session_id": "later"}
    (at / "later" / RECORD).write_text(json.dumps(record), encoding="utf-8")


def _link_to_session(at: Path, near: Near) -> None:
    (at / "link").symlink_to(near.session)


def _link(target: str) -> Callable[[Path, Near], None]:
    def make(at: Path, _: Near) -> None:
        (at / "link").symlink_to(target)

    return make


def _directory_called_as_data(at: Path, _: Near) -> None:
    name = "measurements-0007.parquet" if (at / DATA).exists() else DATA
    (at / name).mkdir()
    (at / name / "inside").write_text("mine", encoding="utf-8")


def _fifo(at: Path, _: Near) -> None:
    os.mkfifo(at / "pipe")


def _socket(at: Path, _: Near) -> None:
    here = Path.cwd()
    os.chdir(at)  # its name may have 107 characters
    try:
        with socket.socket(socket.AF_UNIX) as bound:
            bound.bind("socket")
    finally:
        os.chdir(here)


def _device(at: Path, _: Near) -> None:
    os.mknod(at / "device", 0o600 | 0o020000, os.makedev(1, 5))  # /dev/zero, which has no end


def _hard_link(at: Path, near: Near) -> None:
    os.link(near.elsewhere / "file", at / "hard")


def _another_store_file(at: Path, _: Near) -> None:
    (at / "store.json").write_text(json.dumps({"format_version": _FORMAT, "timestamp_unit": "us"}), encoding="utf-8")


def _another_descriptor(at: Path, _: Near) -> None:
    text = json.dumps({"pipeline:formatVersion": _FORMAT, "resources": []})
    (at / "datapackage.json").write_text(text, encoding="utf-8")


def _huge(at: Path, _: Near) -> None:
    with (at / "huge.parquet").open("wb") as file:
        file.truncate(HUGE_BYTES)


def _deep(at: Path, _: Near) -> None:
    (at / "/".join(["d"] * DEEP)).mkdir(parents=True)


def _many(at: Path, _: Near) -> None:
    for number in range(MANY):
        os.close(os.open(at / f"many{number}", os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644))


def _mount(at: Path, near: Near) -> None:
    (at / "mount").mkdir()
    subprocess.run(["mount", "--bind", near.elsewhere, at / "mount"], check=True, capture_output=True)


STRANGERS: dict[str, Callable[[Path, Near], None]] = {
    "an empty file": _file("notes", ""),
    "of macOS": _file(".DS_Store"),
    "of Windows, pictures": _file("Thumbs.db"),
    "of Windows, a folder": _file("desktop.ini"),
    "of KDE": _file(".directory"),
    "of a Synology": _directory("@eaDir", "a@SynoEAStream"),
    "of a bin": _directory("#recycle", "thesis.txt"),
    "of Syncthing, a folder": _directory(".stfolder"),
    "of Syncthing, a file": _file(".syncthing.session.json.tmp"),
    "of a sync in conflict": _beside_ours("{stem} (conflicted copy 2026-11-28){suffix}"),
    "of an editor": _beside_ours("{name}~"),
    "of an editor, hidden": _beside_ours(".{name}.swp"),
    "of a file system": _lost_and_found,
    "a second file of data": _second_data,
    "a copy of a session": _copy_of_session,
    "an empty session": _directory("empty"),
    "a session without a record": _without_record,
    "a session without data": _without_data,
    "a session of a later version": _later_session,
    "a link to a session": _link_to_session,
    "a link to nowhere": _link("nowhere"),
    "a link to itself": _link("link"),
    "a link to the root": _link("/"),
    "a directory called as data": _directory_called_as_data,
    "a FIFO": _fifo,
    "a socket": _socket,
    "a device": _device,
    "a hard link": _hard_link,
    "a name that is no UTF-8": _bytes_name(b"caf\xe9"),
    "a name of two lines": _file("two\nlines"),
    "a long name": _file("x" * 255),
    "a directory of notes": _directory("thesis", "chapter"),
    "a directory called by a number": _directory("0001", "chapter"),
    "a store.json of a later version": _another_store_file,
    "a package of a later version": _another_descriptor,
    "a huge file": _huge,
    "a deep tree": _deep,
    "many files": _many,
    "a mount point": _mount,
    "of another user": _of_another_user,
}
"""By what they are: makes it in a directory, of what is near."""

NEED_ROOT = {"of a file system", "a device", "a mount point", "of another user"}
SLOW = {"many files", "a deep tree"}
