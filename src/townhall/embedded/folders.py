"""Folders that another account may own, and in which root follows no link.

The owner of a folder can put a link in the place of any name in it, at any moment. So a folder is
opened once, what is in it is named below its descriptor, and what was opened is what is looked at,
read and given away. Links on the way to the folder are followed where root made them.
"""

from __future__ import annotations

import os
import secrets
import stat
import subprocess
from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import dataclass, replace
from pathlib import Path

from townhall.embedded.accounts import Account, name_of, run_as
from townhall.embedded.errors import UnusableDataError

_DESCRIPTORS = Path("/proc/self/fd")


@dataclass(frozen=True)
class Folder:
    """An open folder.

    Attributes:
        path: Its path, for messages.
        descriptor: Its descriptor.
        account: The owner of what is made in it, which also runs the programs; None for the account
            of this process.
    """

    path: Path
    descriptor: int
    account: Account | None = None

    @property
    def owner(self) -> Account:
        """The account that owns it."""
        status = os.fstat(self.descriptor)
        return Account(status.st_uid, status.st_gid)

    @property
    def names(self) -> list[str]:
        """The names in it, sorted."""
        return sorted(os.listdir(self.descriptor))  # noqa: PTH208 - of a descriptor

    def owner_of(self, name: str) -> Account | None:
        """Return the account that owns what has a name in it; None where nothing has."""
        try:
            status = os.stat(name, dir_fd=self.descriptor, follow_symlinks=False)
        except FileNotFoundError:
            return None
        return Account(status.st_uid, status.st_gid)

    @contextmanager
    def subfolder(self, name: str) -> Iterator[Folder]:
        """Open a folder in it.

        Raises:
            OSError: There is none, or a link.
        """
        flags = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW
        descriptor = os.open(name, flags, dir_fd=self.descriptor)
        try:
            yield replace(self, path=self.path / name, descriptor=descriptor)
        finally:
            os.close(descriptor)

    @contextmanager
    def own_subfolder(self, name: str) -> Iterator[Folder]:
        """Open a folder in it that belongs to the account.

        Raises:
            UnusableDataError: It belongs to another one.
            OSError: There is none, or a link.
        """
        # Before it is opened, for which that account may be needed, and again what was opened.
        self._refuse_other(self.owner_of(name))
        with self.subfolder(name) as folder:
            self._refuse_other(folder.owner)
            yield folder

    def _refuse_other(self, owner: Account | None) -> None:
        if owner is None or owner.uid == self._uid:
            return
        runner = name_of(self._uid) or self._uid
        raise UnusableDataError(
            f"it belongs to the account {name_of(owner.uid) or owner.uid};"
            f" run as that account, or give it to {runner} with chown -R"
        )

    @property
    def _uid(self) -> int:
        return os.geteuid() if self.account is None else self.account.uid

    def make_subfolder(self, name: str, mode: int, files: Mapping[str, str]) -> None:
        """Make a folder in it, which appears with its files and its owner.

        It is made in a further folder that only this account can write, so that what is given away
        is what was made.

        Args:
            name: Its name.
            mode: Its permissions, less those of the umask.
            files: The text of each file in it.

        Raises:
            UnusableDataError: Another account replaced what was made.
            OSError: It can't be made, or is there with content.
        """
        stage = f"{name}-{secrets.token_hex(8)}"
        os.mkdir(stage, 0o700, dir_fd=self.descriptor)
        try:
            with self.subfolder(stage) as private:
                private._refuse_unless_private()  # noqa: SLF001 - of the same class
                os.mkdir(name, mode, dir_fd=private.descriptor)
                try:
                    with private.subfolder(name) as made:
                        made._fill(files)  # noqa: SLF001 - of the same class
                    os.rename(name, name, src_dir_fd=private.descriptor, dst_dir_fd=self.descriptor)
                except BaseException:
                    private.remove(name)
                    raise
        finally:
            with suppress(OSError):
                os.rmdir(stage, dir_fd=self.descriptor)

    def _refuse_unless_private(self) -> None:
        status = os.fstat(self.descriptor)
        if status.st_uid != os.geteuid() or status.st_mode & 0o077:
            raise UnusableDataError("another account replaced a folder that was made there")

    def _fill(self, files: Mapping[str, str]) -> None:
        """Write new files, and give them and the folder to the account."""
        for name, text in files.items():
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL
            descriptor = os.open(name, flags, 0o666, dir_fd=self.descriptor)
            with open(descriptor, "w", encoding="utf-8") as file:  # noqa: PTH123 - a descriptor
                file.write(text)
                self._give(descriptor)
        self._give(self.descriptor)

    def _give(self, descriptor: int) -> None:
        if self.account is not None:
            os.fchown(descriptor, *self.account)

    def rename(self, name: str, other: str) -> None:
        """Rename what is in it."""
        os.rename(name, other, src_dir_fd=self.descriptor, dst_dir_fd=self.descriptor)

    def unlink(self, name: str) -> None:
        """Remove the name of a file in it, if there is one."""
        with suppress(FileNotFoundError):
            os.unlink(name, dir_fd=self.descriptor)

    def remove(self, name: str) -> None:
        """Remove a folder in it, as far as its account may remove what is in there."""
        with suppress(OSError):
            with self.subfolder(name) as folder:
                folder.run("rm", "-rf", "--", *folder.names)
            os.rmdir(name, dir_fd=self.descriptor)

    def open_file(self, name: str) -> int:
        """Open a file in it to read and write, which is made where it is missing.

        Returns:
            Its descriptor.

        Raises:
            UnusableDataError: It is not a file of the account alone.
            OSError: It can't be opened, or is a link.
        """
        while True:
            with suppress(FileExistsError):
                flags = os.O_RDWR | os.O_CREAT | os.O_EXCL
                descriptor = os.open(name, flags, 0o600, dir_fd=self.descriptor)
                self._give(descriptor)
                return descriptor
            with suppress(FileNotFoundError):
                # A file that another process of this account is about to give away is not read.
                return self._open_existing(name, os.O_RDWR, {self._uid, os.geteuid()})

    def read(self, name: str) -> str:
        """Return the text of a file in it, which is empty where there is none.

        Raises:
            UnusableDataError: It is not a file of the account alone.
            OSError: It can't be opened, or is a link.
        """
        try:
            descriptor = self._open_existing(name, os.O_RDONLY, {self._uid})
        except FileNotFoundError:
            return ""
        with open(descriptor, encoding="utf-8", errors="replace") as file:  # noqa: PTH123 - a descriptor
            return file.read()

    def _open_existing(self, name: str, flags: int, owners: Collection[int]) -> int:
        # To open a FIFO would else be to wait for its other end.
        flags |= os.O_NOFOLLOW | os.O_NONBLOCK
        descriptor = os.open(name, flags, dir_fd=self.descriptor)
        status = os.fstat(descriptor)
        # A file with a second name may be one that its owner can't read, or uses elsewhere.
        if stat.S_ISREG(status.st_mode) and status.st_nlink == 1 and status.st_uid in owners:
            return descriptor
        os.close(descriptor)
        raise UnusableDataError(f"{name} is not a file of its account alone")

    def run(self, *command: str) -> subprocess.CompletedProcess[str]:
        """Run a program as the account, with the folder as the working directory."""
        has_descriptors = _DESCRIPTORS.is_dir()
        place = _DESCRIPTORS / str(self.descriptor) if has_descriptors else self.path
        return run_as(self.account, command, place)
